"""What a model is worth, in figures that compare with published ones."""

from vae.evaluate.figures import Figures, evaluate

__all__ = ["Figures", "evaluate"]
