"""`streamlit run app.py` as it is, which at its end also leaves behind what its queue did: for the measurements.

python -m benchmarks.live.served PORT STATISTICS.json
"""

import atexit
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def leave(path: Path) -> None:
    """Write down the batches."""
    from live.desk import shared_desk

    found = shared_desk().queue.statistics()
    said = {"batches": sorted(found.batches.items()), "seconds": found.seconds, "replaced": found.replaced}
    path.write_text(json.dumps(said))


def main() -> None:
    """Hand over to Streamlit's own command; it comes back when the server is told to end."""
    port, path = sys.argv[1:]
    os.chdir(ROOT)
    atexit.register(leave, Path(path).absolute())
    sys.argv = ["streamlit", "run", "app.py", "--server.port", port, "--server.headless", "true"]
    from streamlit.web.cli import main as streamlit

    streamlit()


if __name__ == "__main__":
    main()
