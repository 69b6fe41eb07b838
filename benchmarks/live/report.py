"""`live.md` is one file with a section for each part; measuring one part leaves the others as they stand."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULT = Path(__file__).resolve().parent.parent / "live.md"
HEAD = """# Live, measured

Each section is written by its own command and says when and on what it was measured.
"""


def section(name: str, markdown: str, result: Path = RESULT) -> None:
    """Put a section into `live.md` in place of its older self, or at the end; print it, too."""
    text = result.read_text(encoding="utf-8") if result.exists() else HEAD
    block = f"<!-- {name} -->\n{markdown.strip()}\n<!-- /{name} -->"
    old = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
    text = old.sub(lambda _: block, text) if old.search(text) else f"{text.rstrip()}\n\n{block}\n"
    result.write_text(text, encoding="utf-8")
    print(markdown.strip())


def measured_on(command: str) -> str:
    """One line on when, on what, and by which command."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}"
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {machine}, Streamlit {version('streamlit')}."
