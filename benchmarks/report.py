"""`live.md` and `training.md` have a section for each part; measuring one part leaves the others as they stand."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = """# {title}, measured

Each section is written by its own command and says when and on what it was measured.
"""


def section(page: str, name: str, markdown: str) -> None:
    """Put a section into `PAGE.md` in place of its older self, or at the end; print it, too."""
    result = HERE / f"{page}.md"
    text = result.read_text(encoding="utf-8") if result.exists() else HEAD.format(title=result.stem.capitalize())
    block = f"<!-- {name} -->\n{markdown.strip()}\n<!-- /{name} -->"
    old = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
    text = old.sub(lambda _: block, text) if old.search(text) else f"{text.rstrip()}\n\n{block}\n"
    result.write_text(text, encoding="utf-8")
    print(markdown.strip())


def measured_on(command: str) -> str:
    """One line on when, on what, and by which command."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {version('torch')}"
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {machine}, Streamlit {version('streamlit')}."
