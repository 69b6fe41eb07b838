"""The wire between a browser and a model: everything that must follow a hand."""

from live.socket import routes

__all__ = ["routes"]
