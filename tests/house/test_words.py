"""Words: what people read never names our own parts, and what is written here tells nothing of the machine it was
written on.

The parts of a page have names of ours (design: stage, instrument, evidence...). They are for builders; a person sees a
picture, knobs and reasons.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py") if path.name not in {"router.py", "__init__.py"})

OURS = re.compile(r"\b(stage|instrument|evidence|console|board|shower)s?\b", re.IGNORECASE)

# Fields of an element that nobody reads: its identity, its address, its picture, its styling.
UNREAD = re.compile(
    r"(^|_)(id|ids|hash|key|url|icon|icons|src|type|width|height|spec|figure|config|css|js|file|name)(_content)?$"
)


def read_by_people(message: Any) -> Iterator[str]:
    """Every text in a rendered element that ends up before a person's eyes or ears."""
    for field, value in message.ListFields():
        if UNREAD.search(field.name):
            continue
        many = getattr(field, "is_repeated", False)
        for each in value if many and not hasattr(value, "items") else [value]:
            if isinstance(each, str):
                yield from visible(each)
            elif hasattr(each, "ListFields"):
                yield from read_by_people(each)


def visible(text: str) -> Iterator[str]:
    """HTML without its tags, but with what a screen reader says of them."""
    text = re.sub(r"<style.*?</style>", " ", text, flags=re.DOTALL)
    yield from re.findall(r'(?:alt|title|aria-label)="([^"]*)"', text)
    yield re.sub(r"<[^>]*>", " ", text)


def elements(node: Any) -> Iterator[Any]:
    """The protobuf message of every element and every container of a page."""
    if (proto := getattr(node, "proto", None)) is not None:
        yield proto
    for child in getattr(node, "children", {}).values():
        yield from elements(child)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_a_builders_word(page: str) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=60).run()
    app = app.switch_page(page).run()
    assert not app.exception, [str(each.message) for each in app.exception]
    texts = [text for proto in elements(app._tree) for text in read_by_people(proto)]
    assert len(" ".join(texts).split()) > 5, "the page says nothing: this test would see nothing"
    assert [text for text in texts if OURS.search(text)] == []


def test_the_words_are_seen_where_they_are_read_and_only_there() -> None:
    def page() -> None:
        import streamlit as st

        st.slider("The instrument", 0, 1, key="a", help="Evidence")
        st.selectbox("x", ["the board", "the keyboard"], key="stage.console")
        st.html('<img alt="the stage" data-muscope="stage" class="console">')

    app = AppTest.from_function(page).run()
    texts = [text for proto in elements(app._tree) for text in read_by_people(proto)]
    found = sorted({match.group().lower() for text in texts for match in OURS.finditer(text)})
    assert found == ["board", "evidence", "instrument", "stage"]
    assert [text for text in texts if "the keyboard" in text and OURS.search(text)] == []


def written() -> list[Path]:
    """The text files that git knows or would know; every text file where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    names = listed.stdout.split("\0")
    if listed.returncode != 0:
        everything = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        kept = {".ci", ".github", ".streamlit"}  # every other hidden folder is a tool's own
        names = [str(path) for path in everything if not path.parts[0].startswith(".") or path.parts[0] in kept]
    kinds = {".py", ".md", ".toml", ".txt", ".yml", ".js", ".css", ".json", ""}
    return [path for name in names if name and (path := ROOT / name).is_file() and path.suffix in kinds]


def test_nothing_tells_of_the_machine_it_was_written_on() -> None:
    # Put together here so that this file does not find itself.
    places = "|".join(["/" + "work/", "/" + "root/"])
    told = re.compile(rf"(?<![\w.])({places})")
    found = []
    for path in written():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if told.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert found == []
