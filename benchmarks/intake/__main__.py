"""`python -m benchmarks.intake PART ...`: measure a part; each writes its section of `intake.md`.

The parts are the modules beside this file that have a `main`:
    images         20,000 mutated images
    bombs          archives, images and tables that unpack to far more than they are
    members        5,000 hostile names of files
    sets           sets that people bring, from file to a trained model, beside PCA
    uploads        100 uploads of 20 MB at once
    checkpoints    10,000 mutated checkpoint folders
    pickles        pickles and polyglots under every name
    payloads       500 programs in labels, names and cards, in Chromium
"""

import sys

from benchmarks.parts import run

if __name__ == "__main__":
    sys.exit(run("benchmarks.intake"))
