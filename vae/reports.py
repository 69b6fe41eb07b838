"""What was measured of a model beyond its card: a part for each suite of evaluation, in two places.

A model's own folder has `report.json`: what goes where the model goes, as it ships. What is measured on this machine
is kept in `MUSCOPE_HOME/reports`, a file for each model, so that a folder which cannot be written, or is under version
control, stays as it is. Of a suite that both have, the newer measurement is shown.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vae.checkpoint import REPORT
from vae.errors import VAEError
from vae.files import finite, write_aside
from vae.home import reports_folder

MAX_BYTES = 4_000_000

Suites = dict[str, dict[str, Any]]


def places(folder: Path, model_id: str) -> tuple[Path, Path]:
    """The files that may tell of a model: in its own folder, and on this machine."""
    return _place(folder, model_id), _place(None, model_id)


def read_report(folder: Path, model_id: str) -> Suites:
    """Each suite that was measured of this very model, by name; {} where none was, or all are of another.

    A suite's values are JSON; "measured" says when (a date, or a time in UTC), "seconds" how long it took, "command"
    how to have it again.

    Raises:
        VAEError: a file is no report, or cannot be read.
    """
    here, home = places(folder, model_id)
    found = _read(here, model_id)
    for suite, part in _read(home, model_id).items():
        # A day alone sorts before each of its hours: what ships is dated by days, and this machine came later.
        if suite not in found or str(part.get("measured", "")) >= str(found[suite].get("measured", "")):
            found[suite] = part
    return found


def keep_suite(folder: Path | None, model_id: str, suite: str, values: dict[str, Any]) -> None:
    """Put one suite's values into a report, in the place of what stood there; suites of another model go.

    Args:
        folder: the model's own, for what shall go where the model goes; None: this machine's.

    Raises:
        VAEError: a disk that cannot be written, or a file in its place that is no report.
    """
    path = _place(folder, model_id)
    kept = _read(path, model_id)
    kept[suite] = finite(values) | {"model_id": model_id, "measured": datetime.now(UTC).isoformat(timespec="seconds")}
    text = json.dumps(kept, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_aside(path, text.encode(errors="backslashreplace"))


def check_keeping(folder: Path | None, model_id: str) -> None:
    """Refuse what `keep_suite` would refuse, before minutes are spent on measuring.

    Raises:
        VAEError: as `keep_suite`.
    """
    path = _place(folder, model_id)
    _read(path, model_id)
    standing = next(each for each in path.parents if each.exists())
    if not os.access(standing, os.W_OK | os.X_OK):
        raise VAEError(
            f"Nothing can be written into {standing.name or standing}, where the report is to be kept: change its "
            "permissions, or " + ("set MUSCOPE_HOME to another folder." if folder is None else "use --keep.")
        )


def _place(folder: Path | None, model_id: str) -> Path:
    return reports_folder() / f"{model_id}.json" if folder is None else Path(folder) / REPORT


def _read(path: Path, model_id: str) -> Suites:
    name = f"{REPORT} of the model {path.parent.name}" if path.name == REPORT else f"reports/{path.name}"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise VAEError(f"{name} is too large to be a report: delete it.")
        kept = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise VAEError(f"{name} could not be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise VAEError(f"{name} is not JSON: delete it and measure again.") from error
    if not isinstance(kept, dict) or not all(isinstance(part, dict) for part in kept.values()):
        raise VAEError(f"{name} is no report: delete it and measure again.")
    return {suite: part for suite, part in kept.items() if part.get("model_id") == model_id}
