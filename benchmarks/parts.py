"""Benchmarks that come in parts: each part is a module with a `main`, and writes a section of its own."""

import sys
from importlib import import_module
from pathlib import Path


def run(package: str) -> int:
    """Run the parts of a package, such as "benchmarks.live", that the command line names; what follows `--` is theirs.

    Returns:
        The exit status: the worst of theirs; 2 where nothing that is a part was named.
    """
    folder = Path(str(import_module(package).__file__)).parent
    known = sorted(
        path.stem for path in folder.glob("[!_]*.py") if "\ndef main(arguments" in path.read_text(encoding="utf-8")
    )
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    asked, rest = words[:at], words[at + 1 :]
    if not asked or set(asked) - set(known):
        print(f"usage: python -m {package} PART ... [-- OPTIONS]\nparts: {' '.join(known)}", file=sys.stderr)
        return 2
    return max(import_module(f"{package}.{part}").main(rest) for part in asked)
