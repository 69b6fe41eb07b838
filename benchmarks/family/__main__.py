"""`python -m benchmarks.family PART ...`: measure one part, or several; each keeps JSON rows in `rows/`."""

import sys

from benchmarks.parts import run

if __name__ == "__main__":
    sys.exit(run("benchmarks.family"))
