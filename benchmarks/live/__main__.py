"""`python -m benchmarks.live PART ...`: measure one part, or several; each writes its section of `live.md`."""

import sys

from benchmarks.parts import run

if __name__ == "__main__":
    sys.exit(run("benchmarks.live"))
