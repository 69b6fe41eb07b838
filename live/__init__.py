"""The wire between a browser and a model: everything that must follow a hand."""
