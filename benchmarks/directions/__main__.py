"""`python -m benchmarks.directions PART ...`: measure a part; each writes its section of `directions.md`.

The parts are the modules beside this file that have a `main`:
    planted        intervals, cones and verdicts against codes whose direction is known
    lasso          a direction from 20 pictures beside the one from all labels
    entangled      what a direction does to other attributes, and what the lock leaves of it: drawn faces
    photographs    the same for photographs
    analogies      A - B + C with known answers
    paths          ends, steps and distance from the data of paths
    samples        samples of several priors against the aggregate posterior
    copies         copies of training images, planted and found
    augmentation   a small classifier with and without samples
"""

import sys

from benchmarks.parts import run

if __name__ == "__main__":
    sys.exit(run("benchmarks.directions"))
