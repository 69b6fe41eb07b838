"""`python -m benchmarks.training PART ...`: measure one part, or several; each writes its section of `training.md`."""

import sys

from benchmarks.parts import run

if __name__ == "__main__":
    sys.exit(run("benchmarks.training"))
