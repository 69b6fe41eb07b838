"""Make requirements.txt and requirements-dev.txt from pyproject.toml: `python -m tools.compile_requirements`.

The files must install with plain `pip install -r` on Linux, macOS and WSL, whichever build of torch that machine gets.
So they carry exact versions with markers for every platform, and nothing that ties them to one machine: no hash, no
index, no path, no local version tag such as +cpu. torch's own CUDA packages are left out: torch on Linux asks for the
ones its build needs, and a CPU build asks for none.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "2.13.0"  # the version the shipped models were trained and measured with

# What only torch's CUDA build asks for.
CUDA_ONLY = re.compile(r"^(nvidia-|cuda-|triton\b)")

COMMAND = "python -m tools.compile_requirements"
FILES = {"requirements.txt": (), "requirements-dev.txt": ("--extra", "dev")}


def compile_one(name: str, extra: tuple[str, ...]) -> str:
    """The text of one requirements file.

    Args:
        name: the file beside pyproject.toml whose present pins are kept where they still fit.
        extra: more arguments for uv, such as the optional group to include.

    Raises:
        subprocess.CalledProcessError: uv found no set of versions that fits; its own words are on standard error.
    """
    command = ["uv", "pip", "compile", "pyproject.toml", *extra, "--universal", "--python-version", "3.11"]
    command += ["--constraint", "-", "--no-annotate", "--no-header", "--quiet", "--output-file", name]
    subprocess.run(command, cwd=ROOT, check=True, input=f"torch=={TORCH}\n", text=True, stdout=subprocess.DEVNULL)
    return clean((ROOT / name).read_text())


def clean(compiled: str) -> str:
    """Take from uv's output what belongs to one machine or to torch's CUDA build, and say where the rest came from."""
    lines = [line for line in compiled.splitlines() if re.match(r"[A-Za-z0-9]", line) and not CUDA_ONLY.match(line)]
    return "\n".join([f"# Made from pyproject.toml by: {COMMAND}", *lines, ""])


def main() -> int:
    for name, extra in FILES.items():
        text = compile_one(name, extra)
        (ROOT / name).write_text(text)
        print(f"{name}: {len(text.splitlines()) - 1} packages", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
