"""`python -m benchmarks.representations PART ...`: measure a part; each writes its section of `representations.md`.

Every training is a row, kept as JSON once it is done: what is broken off goes on where it was.
"""

import sys

from benchmarks.parts import run

if __name__ == "__main__":
    sys.exit(run("benchmarks.representations"))
