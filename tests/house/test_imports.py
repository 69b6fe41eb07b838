"""Imports point one way. The rule is read off the source, so a file that no test imports is held to it too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Who may import whom, among our own; from the door down to the core. `vae` is the core: the files right in vae/.
ALLOWED = {
    "app": {"pages", "live", "vae", "vae.train"},
    "pages": {"pages", "live", "vae", "vae.data", "vae.train", "vae.explore", "vae.evaluate"},
    "live": {"live", "vae", "vae.data", "vae.train", "vae.explore", "vae.evaluate"},
    "vae.notebook": {"vae.notebook", "vae", "vae.data", "vae.train", "vae.explore", "vae.evaluate"},
    "vae.cli": {"vae.cli", "vae", "vae.data", "vae.train", "vae.explore", "vae.evaluate"},
    "vae.train": {"vae.train", "vae", "vae.data"},
    "vae.explore": {"vae.explore", "vae", "vae.data"},
    "vae.evaluate": {"vae.evaluate", "vae", "vae.data"},
    "vae.data": {"vae.data", "vae.errors", "vae.home", "vae.files"},
    "vae": {"vae", "vae.data"},
}

# Too heavy for the start of the app: imported inside the function that needs them.
LAZY = {"sklearn", "umap", "scipy", "pooch", "matplotlib", "pynndescent", "numba"}

FOLDERS = ("pages", "live", "vae", "benchmarks", "tools")


def sources() -> list[Path]:
    found = [ROOT / "app.py"]
    for folder in FOLDERS:
        found += sorted((ROOT / folder).rglob("*.py"))
    return found


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str | None:
    """Which part of the house a module of ours belongs to; None for another's module."""
    names = module.split(".")
    if names[0] not in {"app", "pages", "live", "vae"}:
        return None
    if names[0] == "vae":
        if module in ("vae.__main__", "vae.cli") or module.startswith("vae.cli."):
            return "vae.cli"
        if names[1:2] == ["notebook"]:  # all of it for whoever writes Python: nothing of ours stands on it
            return "vae.notebook"
        if len(names) > 1 and names[1] in {"data", "train", "explore", "evaluate"}:
            return f"vae.{names[1]}"
    return names[0]


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """(line, module) of each import; `from vae import data` counts as vae.data when that is a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = dotted(path).split(".") if path.name == "__init__.py" else dotted(path).split(".")[:-1]
    for node in top_level(tree) if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(name for name in (base, node.module) if name)
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield node.lineno, inner if is_module(inner) else module


def top_level(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs when the module is imported: not what waits inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from top_level(child)


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place.is_dir() and any(place.glob("*.py")))


def faults(rule: str) -> list[str]:
    return [fault for path in sources() for fault in FAULTS[rule](path)]


def one_way(path: Path) -> Iterator[str]:
    part = part_of(dotted(path))
    for line, module in imports(path):
        other = part_of(module)
        if part is None or other is None:
            continue
        if other not in ALLOWED[part] and module not in ALLOWED[part]:
            yield f"{path.relative_to(ROOT)}:{line} ({part}) imports {module}"


def right_libraries(path: Path) -> Iterator[str]:
    part = part_of(dotted(path))
    where = path.relative_to(ROOT)
    for line, module in imports(path):
        library = module.split(".")[0]
        if part == "pages" and library in {"torch", "umap", "sklearn", "scipy"}:
            yield f"{where}:{line} a page imports {library}"
        if part is not None and part.startswith("vae") and library == "streamlit":
            yield f"{where}:{line} vae imports streamlit"
        if part == "live" and library == "streamlit" and path.name != "components.py":
            yield f"{where}:{line} only live/components.py may import streamlit"
        if part in {"pages", "live"} and library in {"umap", "numba", "pynndescent"}:
            yield f"{where}:{line} {library} would run in the server"


def heavy_is_lazy(path: Path) -> Iterator[str]:
    if part_of(dotted(path)) is None:
        return
    for line, module in imports(path, top_level_only=True):
        if module.split(".")[0] in LAZY:
            yield f"{path.relative_to(ROOT)}:{line} imports {module} when the module is imported"


OPENERS = {"torch.load", "torch.jit.load", "torch.hub.load", "pickle.load", "pickle.loads", "pickle.Unpickler"}
# They make the pickles that must never be opened; they may not open one either.
PLANTED = {"benchmarks/intake/pickles.py", "benchmarks/intake/checkpoints.py"}


def no_pickle(path: Path) -> Iterator[str]:
    """A pickle runs code; a model folder from a stranger must not."""
    where = path.relative_to(ROOT)
    for line, module in imports(path):
        if module == "pickle" and where.as_posix() in PLANTED:
            continue
        if module.split(".")[0] in {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}:
            yield f"{where}:{line} imports {module}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in OPENERS:
            yield f"{where}:{node.lineno} uses {ast.unparse(node)}"
        if isinstance(node, ast.ImportFrom) and node.module == "torch" and any(a.name == "load" for a in node.names):
            yield f"{where}:{node.lineno} imports load from torch"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield f"{where}:{node.value.lineno} allows numpy to unpickle"


def file_has_a_name(path: Path) -> Iterator[str]:
    if path.stem.strip("_") in {"util", "utils", "helper", "helpers", "common", "misc"}:
        yield f"{path.relative_to(ROOT)} is named after nothing"


FAULTS = {
    "one_way": one_way,
    "right_libraries": right_libraries,
    "heavy_is_lazy": heavy_is_lazy,
    "no_pickle": no_pickle,
    "file_has_a_name": file_has_a_name,
}


@pytest.mark.parametrize("rule", FAULTS)
def test_no_file_breaks_the_rule(rule: str) -> None:
    assert faults(rule) == []


@pytest.mark.parametrize(
    ("rule", "place", "source"),
    [
        ("one_way", "vae/model.py", "from live.engine import Engine"),
        ("one_way", "vae/model.py", "from vae.train import loop"),
        ("one_way", "vae/train/loop.py", "from vae.explore import latents"),
        ("one_way", "vae/explore/latents.py", "import vae.evaluate.figures"),
        ("one_way", "vae/evaluate/figures.py", "def f():\n    from ..train.loop import fit"),
        ("one_way", "vae/data/faces.py", "from vae.model import VAE"),
        ("one_way", "live/engine.py", "import pages.router"),
        ("right_libraries", "pages/start.py", "import torch.nn as nn"),
        ("right_libraries", "vae/config.py", "def f():\n    import streamlit"),
        ("right_libraries", "live/engine.py", "import streamlit as st"),
        ("heavy_is_lazy", "vae/data/digits.py", "try:\n    import sklearn.datasets\nexcept ImportError:\n    pass"),
        ("no_pickle", "vae/checkpoint.py", "import pickle"),
        ("no_pickle", "benchmarks/intake/pickles.py", "import pickle\npickle.loads(b'')"),
        ("no_pickle", "vae/checkpoint.py", "import torch\ntorch.load('x', weights_only=True)"),
        ("no_pickle", "vae/checkpoint.py", "import numpy as np\nnp.load('x', allow_pickle=True)"),
        ("file_has_a_name", "vae/utils.py", ""),
    ],
)
def test_each_rule_sees_its_fault(
    rule: str, place: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for folder in ("vae/data", "vae/train", "vae/explore", "vae/evaluate", "live", "pages", "benchmarks/intake"):
        (tmp_path / folder).mkdir(parents=True)
    for module in ("vae/model.py", "vae/train/loop.py", "vae/explore/latents.py", "vae/evaluate/figures.py"):
        (tmp_path / module).write_text("")
    path = tmp_path / place
    path.write_text(source)
    assert len(list(FAULTS[rule](path))) == 1


def test_what_is_allowed_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "vae" / "explore").mkdir(parents=True)
    path = tmp_path / "vae" / "explore" / "projection.py"
    path.write_text("import numpy\nfrom vae.errors import VAEError\n\ndef umap(mu):\n    import umap\n")
    assert [fault for rule in FAULTS.values() for fault in rule(path)] == []
