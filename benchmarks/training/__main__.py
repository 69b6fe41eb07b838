"""`python -m benchmarks.training PART ...`: measure one part, or several; each writes its section of `training.md`."""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
NOT_PARTS = ("__init__", "__main__")


def main() -> int:
    """Run the parts that are named; what follows `--` goes to them."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    asked, rest = words[:at], words[at + 1 :]
    known = sorted(path.stem for path in HERE.glob("*.py") if "\ndef main(" in path.read_text(encoding="utf-8"))
    known = [part for part in known if part not in NOT_PARTS]
    if not asked or set(asked) - set(known):
        print(f"usage: python -m benchmarks.training PART ... [-- OPTIONS]\nparts: {' '.join(known)}", file=sys.stderr)
        return 2
    return max(import_module(f"benchmarks.training.{part}").main(rest) for part in asked)


if __name__ == "__main__":
    sys.exit(main())
