"""What went wrong is shown as it was said: a name in it, whoever gave it, makes no picture and no link.

Streamlit reads Markdown wherever it shows words, so a line of an error goes through `plain` or `literal` first. The
rule is read off the source of the pages.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOWN = {"error", "warning", "info", "success", "caption", "write", "markdown", "toast", "table", "progress"}
SAFE = {"plain", "literal"}
WHY = "why"  # what a refusal is called, here and in `live`


def shows(call: ast.Call) -> bool:
    """Whether a call puts words on the page: `st.error(...)`, `(st.error if ... else st.warning)(...)`."""
    return any(isinstance(part, ast.Attribute) and part.attr in SHOWN for part in ast.walk(call.func))


def raw(node: ast.AST, errors: set[str]) -> Iterator[ast.AST]:
    """The parts of an argument that are words of an error and go through nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAFE:
        return
    named = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in errors
    if named or (isinstance(node, ast.Attribute) and node.attr == WHY):
        yield node
        return
    if isinstance(node, ast.IfExp):  # what is asked is not shown
        children: list[ast.AST] = [node.body, node.orelse]
    else:
        children = list(ast.iter_child_nodes(node))
    for child in children:
        yield from raw(child, errors)


def unsafe(text: str) -> list[int]:
    """The lines on which words of an error are shown as Markdown."""
    tree = ast.parse(text)
    errors = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name} | {WHY}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and shows(node)]
    return sorted(
        part.lineno  # type: ignore[attr-defined]  # names and attributes have one
        for call in calls
        for given in (*call.args, *(each.value for each in call.keywords))
        for part in raw(given, errors)
    )


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.name)
def test_an_error_is_shown_as_it_was_said(path: Path) -> None:
    assert unsafe(path.read_text(encoding="utf-8")) == []


RAW = (
    "st.error(str(error))",
    "st.caption(now.why)",
    "(st.error if bad else st.warning)(why)",
    "st.info(f'It failed: {error}')",
    "place.progress(0.0, now.why)",
    "st.table([{'Why': why} for name, why in left])",
)
MENDED = (
    "st.error(plain(error))",
    "st.caption(literal(now.why))",
    "(st.error if why else st.warning)(plain(why))",
    "st.info(f'It failed: {plain(error)}')",
    "st.caption('It failed' if now.why else '')",
    "st.table([{'Why': literal(why)} for name, why in left])",
)


@pytest.mark.parametrize(("line", "wrong"), [(line, True) for line in RAW] + [(line, False) for line in MENDED])
def test_the_rule_sees_what_it_is_about(line: str, wrong: bool) -> None:
    assert bool(unsafe(f"try:\n    pass\nexcept ValueError as error:\n    {line}\n")) is wrong
