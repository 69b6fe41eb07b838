"""The list of bugs can be planted as the tree stands, and the command tells a killed bug from one that lives."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutants import LIST, ROOT, Mutant, main, read

MUTANTS = read(LIST)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_bug_of_the_list_can_be_planted_and_its_test_exists(mutant: Mutant) -> None:
    assert mutant.fault(ROOT) is None
    path, _, name = mutant.killed_by.partition("::")
    assert re.search(rf"def {name.split('::')[-1].split('[')[0]}\(", (ROOT / path).read_text()), mutant.killed_by


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of one function and two tests: one that looks, and one that only pretends to."""
    (tmp_path / "half.py").write_text("def half(x):\n    return x / 2\n")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (tmp_path / "test_half.py").write_text(
        "from half import half\n\n"
        "def test_looks():\n    assert half(4) == 2\n\n"
        "def test_pretends():\n    assert half(4) == 2 or True\n\n"
        "def test_waits():\n    while half(4) != 2: pass\n\n"
        "def test_is_red():\n    assert False\n"
    )
    return tmp_path


def plant(tree: Path, capfd: pytest.CaptureFixture[str], new: str, test: str, old: str = "x / 2") -> tuple[int, str]:
    entry = (
        f'[[mutant]]\nname = "it"\nfile = "half.py"\nold = "{old}"\nnew = "{new}"\nkilled_by = "test_half.py::{test}"\n'
    )
    (tree / "bugs.toml").write_text(entry)
    patience = "10" if test == "test_waits" else "60"  # seconds; the one that hangs must be waited for
    status = main(["--root", str(tree), "--list", str(tree / "bugs.toml"), "--patience", patience])
    printed = capfd.readouterr()
    return status, printed.out + printed.err


@pytest.mark.parametrize(
    ("new", "test", "status", "says"),
    [
        ("x / 3", "test_looks", 0, "1 of 1 killed"),
        ("x / 3", "test_pretends", 1, "survived"),
        ("x / 3", "test_waits", 1, "hung"),
        ("x /", "test_looks", 1, "broken"),  # a bug that cannot be imported proves nothing about the test
        ("x / 3", "test_is_red", 1, "must pass before"),
        ("x / 3", "test_is_not_there", 1, "must pass before"),
        ("x / 2", "test_looks", 1, "are the same"),
    ],
)
def test_only_a_failing_test_kills(
    tree: Path, capfd: pytest.CaptureFixture[str], new: str, test: str, status: int, says: str
) -> None:
    before = (tree / "half.py").read_text()
    code, printed = plant(tree, capfd, new, test)
    assert says in printed
    assert code == status
    assert (tree / "half.py").read_text() == before


def test_a_text_that_is_not_there_once_is_refused(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert plant(tree, capfd, "y", "test_looks", old="x")[0] == 1
    assert plant(tree, capfd, "y", "test_looks", old="z")[0] == 1


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    entry = '[[mutant]]\nname = "it"\nfile = "a"\nold = "b"\nnew = "c"\nkilled_by = "d"\n'
    (tmp_path / "bugs.toml").write_text(entry * 2)
    with pytest.raises(ValueError, match="used twice: it"):
        read(tmp_path / "bugs.toml")


def test_it_is_a_command() -> None:
    command = [sys.executable, "-m", "benchmarks.mutants", "--only", "no bug has this in its name"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "No bug on the list matches" in done.stderr
