"""The requirements files say what pyproject.toml says, exactly, and install anywhere."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-dev.txt")
EXTRAS = ("film", "onnx", "hub", "diffusers", "datasets")


def declared(group: str | None = None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(text) for text in (project["optional-dependencies"][group] if group else project["dependencies"])
    ]


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(name: str) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in lines(name):
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_one_exact_version_for_any_machine(name: str) -> None:
    for line in lines(name):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*( ; [^/@+]+)?", line), line
    text = (ROOT / name).read_text()
    for forbidden in ("+", "--hash", "--index", "--find-links", "://", "/", "@"):
        assert forbidden not in text, forbidden


@pytest.mark.parametrize(
    ("name", "group"), [("requirements.txt", None), ("requirements-dev.txt", None), ("requirements-dev.txt", "dev")]
)
def test_what_is_declared_is_pinned_at_or_above_its_floor(name: str, group: str | None) -> None:
    pinned = pins(name)
    for wanted in declared(group):
        assert wanted.specifier, f"{wanted} has no floor"
        found = pinned.get(canonicalize_name(wanted.name))
        assert found, f"{wanted.name} is declared and not pinned in {name}"
        for pin in found:
            (version,) = (specifier.version for specifier in pin.specifier)
            assert version in wanted.specifier, f"{pin} is below {wanted}"


@pytest.mark.parametrize("name", FILES)
def test_torch_is_pinned_and_its_cuda_packages_are_not(name: str) -> None:
    pinned = pins(name)
    assert [str(pin) for pin in pinned["torch"]] == ["torch==2.13.0"]
    assert [package for package in pinned if package.startswith(("nvidia-", "cuda-")) or package == "triton"] == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_each_machine_gets_one_version_of_a_package(name: str, python: str, system: str) -> None:
    machine = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": system}
    for package, found in pins(name).items():
        chosen = [pin for pin in found if pin.marker is None or pin.marker.evaluate(machine)]
        assert len(chosen) <= 1, f"{package}: {chosen}"
        if not any(pin.marker and "sys_platform" in str(pin.marker) for pin in found):
            assert len(chosen) == 1, f"{package} is missing on {system} with Python {python}"


def test_the_two_files_agree() -> None:
    people, developers = set(lines(FILES[0])), set(lines(FILES[1]))
    assert people <= developers


def test_this_python_is_one_we_promise() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert Version("3.11") in Requirement(f"x{project['requires-python']}").specifier


@pytest.mark.parametrize(
    ("compiled", "kept"),
    [
        ("nvidia-cublas==13.0 ; sys_platform == 'linux'\ntorch==2.13.0\ntriton==3.5\n", ["torch==2.13.0"]),
        ("--extra-index-url x\n# a remark\nnumpy==2.4.6\n", ["numpy==2.4.6"]),
    ],
)
def test_the_command_that_makes_them_leaves_out_what_belongs_to_one_machine(compiled: str, kept: list[str]) -> None:
    from tools.compile_requirements import clean

    assert clean(compiled).splitlines()[1:] == kept


def test_every_library_that_is_imported_is_declared() -> None:
    """An import that works only because another package brings the library along breaks when that one drops it."""
    packages = {"PIL": "pillow", "sklearn": "scikit-learn", "umap": "umap-learn"}
    ours = {"app", "benchmarks", "live", "pages", "tests", "tools", "vae"}
    people = {canonicalize_name(each.name) for group in (None, *EXTRAS) for each in declared(group)}
    developers = people | {canonicalize_name(each.name) for each in declared("dev")}
    missing = []
    for folder in ("app.py", "live", "pages", "vae", "benchmarks", "tools"):
        place = ROOT / folder
        for path in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules = [node.module]
                for library in {module.split(".")[0] for module in modules} - ours - sys.stdlib_module_names:
                    known = developers if folder in ("benchmarks", "tools") else people
                    if canonicalize_name(packages.get(library, library)) not in known:
                        missing.append(f"{path.relative_to(ROOT)} imports {library}")
    assert missing == []
