"""`python -m vae data | train | runs | encode | project | evaluate`: everything Muscope does, without a browser."""

import sys

from vae.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
