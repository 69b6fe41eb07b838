"""`python -m benchmarks.live PART ...`: measure one part, or several, and write its section of `benchmarks/live.md`."""

import sys
from importlib import import_module
from pathlib import Path

PARTS = ("hand", "map", "class_room", "anywhere", "unusual", "pen", "pen_up", "decoder", "hostile", "soak", "phone")


def main() -> int:
    """Run the parts that are named; what follows `--` goes to them."""
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    asked, rest = words[:at], words[at + 1 :]
    known = [part for part in PARTS if Path(__file__).with_name(f"{part}.py").exists()]
    if not asked or set(asked) - set(known):
        print(f"usage: python -m benchmarks.live PART ... [-- OPTIONS]\nparts: {' '.join(known)}", file=sys.stderr)
        return 2
    return max(import_module(f"benchmarks.live.{part}").main(rest) for part in asked)


if __name__ == "__main__":
    sys.exit(main())
