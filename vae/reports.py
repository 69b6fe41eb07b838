"""What was measured of a model beyond its card, kept beside it: `report.json`, a part for each suite of evaluation."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vae.checkpoint import REPORT
from vae.errors import VAEError
from vae.files import finite, write_aside

MAX_BYTES = 4_000_000


def read_report(folder: Path, model_id: str) -> dict[str, dict[str, Any]]:
    """Each suite that was measured of this very model, by name; {} where none was, or all are of another.

    A suite's values are JSON; "measured" says when, "seconds" how long it took, "command" how to have it again.

    Raises:
        VAEError: the file is no report, or cannot be read.
    """
    path = Path(folder) / REPORT
    try:
        if path.stat().st_size > MAX_BYTES:
            raise VAEError(f"{REPORT} of the model {path.parent.name} is too large to be one: delete it.")
        kept = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise VAEError(f"{REPORT} of the model {path.parent.name} could not be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise VAEError(f"{REPORT} of the model {path.parent.name} is not JSON: delete it and measure again.") from error
    if not isinstance(kept, dict) or not all(isinstance(part, dict) for part in kept.values()):
        raise VAEError(f"{REPORT} of the model {path.parent.name} is no report: delete it and measure again.")
    return {name: part for name, part in kept.items() if part.get("model_id") == model_id}


def keep_suite(folder: Path, model_id: str, suite: str, values: dict[str, Any]) -> None:
    """Put one suite's values into the report, in the place of what stood there; suites of another model go.

    Raises:
        VAEError: a disk that cannot be written.
    """
    kept = read_report(folder, model_id)
    kept[suite] = finite(values) | {"model_id": model_id, "measured": datetime.now(UTC).date().isoformat()}
    text = json.dumps(kept, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_aside(Path(folder) / REPORT, text.encode(errors="backslashreplace"))
