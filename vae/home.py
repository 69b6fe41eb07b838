"""Where this machine keeps what people make: their models and their trainings."""

import os
from pathlib import Path

from platformdirs import user_data_dir


def home() -> Path:
    """MUSCOPE_HOME, or the usual place for such things."""
    return Path(os.environ.get("MUSCOPE_HOME") or user_data_dir("muscope", appauthor=False))


def runs_folder() -> Path:
    """Where trainings are kept, a folder each."""
    return home() / "runs"
