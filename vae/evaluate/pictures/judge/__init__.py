"""Judges: small classifiers that ship, one for a data set. Samples are compared in what they see."""

from vae.evaluate.pictures.judge.classifier import JUDGED, Judge, Looks, has_judge, load_judge

__all__ = ["JUDGED", "Judge", "Looks", "has_judge", "load_judge"]
