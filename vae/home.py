"""Where this machine keeps what people make: their models and their trainings; and what was measured here."""

import os
from pathlib import Path

from platformdirs import user_data_dir


def home() -> Path:
    """MUSCOPE_HOME, or the usual place for such things."""
    return Path(os.environ.get("MUSCOPE_HOME") or user_data_dir("muscope", appauthor=False))


def runs_folder() -> Path:
    """Where trainings are kept, a folder each."""
    return home() / "runs"


def reports_folder() -> Path:
    """Where measurements of models are kept, a file each (`vae.reports`)."""
    return home() / "reports"


def priors_folder(model_id: str) -> Path:
    """Where the prior models that were fitted here to a model's codes are kept (`vae.priors`)."""
    return home() / "priors" / model_id


def brought_folder() -> Path:
    """Where data sets are kept that people brought, a folder each (`vae.data.brought`)."""
    return home() / "brought"


def uploads_folder() -> Path:
    """Where what people upload lies until something was made of it."""
    return home() / "uploads"
