"""Plant the bugs of mutants.toml, one at a time, and see each one caught: `python -m benchmarks.mutants`.

A test that was never seen failing is a rumour. Each entry of the list is a small believable bug and the name of the
test that must notice it:

    [[mutant]]
    name = "the KL loses its half"
    file = "vae/posterior.py"
    old = "0.5 * (mu"                # stands exactly once in the file
    new = "(mu"
    killed_by = "tests/core/test_posterior.py::test_kl_agrees_with_torch"

In a temporary copy of the tree the named tests must first all pass; then each bug is planted, only its test is run
there, and it must fail. A bug that survives, hangs, or stops the test from being collected (that proves nothing about
the test) is shown with what its test printed, and the command ends with status 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("mutants.toml")
PATIENCE = 300  # seconds for one test

PASSED, FAILED = 0, 1  # pytest's exit statuses; every other one means that it could not judge


@dataclass(frozen=True)
class Mutant:
    """One bug: the text `old`, which stands exactly once in `file`, becomes `new`, and `killed_by` must fail."""

    name: str
    file: str
    old: str
    new: str
    killed_by: str

    def fault(self, tree: Path) -> str | None:
        """Why this bug cannot be planted in the tree, in a few words; None when it can."""
        path = tree / self.file
        if not path.is_file():
            return f"{self.file} is not there"
        count = path.read_text(encoding="utf-8").count(self.old)
        if count != 1:
            return f"its old text stands {count} times in {self.file}, not once"
        if self.old == self.new:
            return "its old and new texts are the same"
        if not (tree / self.killed_by.split("::")[0]).is_file():
            return f"{self.killed_by} is not there"
        return None

    @contextmanager
    def planted(self, tree: Path) -> Iterator[None]:
        path = tree / self.file
        whole = path.read_text(encoding="utf-8")
        path.write_text(whole.replace(self.old, self.new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(whole, encoding="utf-8")


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    outcome: str  # killed | survived | broken | hung
    seconds: float
    output: str


def read(path: Path) -> list[Mutant]:
    """The list, checked for names used twice.

    Raises:
        ValueError: two bugs have one name.
    """
    mutants = [Mutant(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]
    names = [mutant.name for mutant in mutants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names used twice: {', '.join(twice)}")
    return mutants


def copy_tree(tree: Path, to: Path) -> None:
    """Copy what git knows or would know of the tree, or all of it where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=tree,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        shutil.copytree(tree, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__"))
        return
    for name in filter(None, listed.stdout.split("\0")):
        if (tree / name).is_file():  # a file deleted and not yet committed is still listed
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / name, to / name)


def run_tests(tree: Path, tests: Sequence[str], patience: float) -> tuple[int | None, str]:
    """Run these tests only, in the tree. Returns pytest's exit status (None when time ran out) and what it printed."""
    environment = os.environ | {
        # A bug of the same length planted within the same second would not be told from the compiled file.
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    # Under pytest-cov or a caller's own options the named test would not run alone.
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=patience,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


def judge(mutant: Mutant, tree: Path, patience: float) -> Verdict:
    started = time.monotonic()
    with mutant.planted(tree):
        status, output = run_tests(tree, [mutant.killed_by], patience)
    outcome = {PASSED: "survived", FAILED: "killed", None: "hung"}.get(status, "broken")
    return Verdict(mutant, outcome, time.monotonic() - started, output)


def judge_all(mutants: Sequence[Mutant], trees: Sequence[Path], patience: float) -> Iterator[Verdict]:
    """Judge the bugs in the order of the list, as many at a time as there are trees."""
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def one(mutant: Mutant) -> Verdict:
        tree = free.get()
        try:
            return judge(mutant, tree, patience)
        finally:
            free.put(tree)

    with ThreadPoolExecutor(len(trees)) as pool:
        yield from pool.map(one, mutants)


def check(mutants: Sequence[Mutant], tree: Path, trees: Sequence[Path], patience: float) -> int:
    """Copy the tree, see the named tests pass there, then judge every bug; print a table. Returns the exit status."""
    if faults := [f"{mutant.name}: {fault}" for mutant in mutants if (fault := mutant.fault(tree))]:
        print("\n".join(faults), file=sys.stderr)
        return 1
    for copy in trees:
        copy_tree(tree, copy)
    named = sorted({mutant.killed_by for mutant in mutants})
    status, output = run_tests(trees[0], named, patience * 2)
    if status != PASSED:
        print(f"{output}\nThe named tests must pass before a bug is planted.", file=sys.stderr)
        return 1
    print(f"{len(mutants)} bugs, {len(named)} tests, which pass without them\n")
    print(f"{'':9}{'s':>5}  {'bug':44}killed by")
    killed = 0
    for verdict in judge_all(mutants, trees, patience):
        mutant = verdict.mutant
        print(f"{verdict.outcome:9}{verdict.seconds:5.1f}  {mutant.name:44}{mutant.killed_by}", flush=True)
        killed += verdict.outcome == "killed"
        if verdict.outcome != "killed":
            print(verdict.output, file=sys.stderr)
    print(f"\n{killed} of {len(mutants)} killed")
    return 0 if killed == len(mutants) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description="Plant bugs and see tests fail.")
    parser.add_argument("--list", type=Path, default=LIST, help="the bugs (benchmarks/mutants.toml)")
    parser.add_argument("--only", default="", metavar="TEXT", help="those with this text in their name or file")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to plant them in a copy of (this one)")
    parser.add_argument("--patience", type=float, default=PATIENCE, help=f"seconds for one test ({PATIENCE})")
    asked = parser.parse_args(arguments)
    mutants = [mutant for mutant in read(asked.list) if asked.only in mutant.name or asked.only in mutant.file]
    if not mutants:
        print("No bug on the list matches; leave --only out to plant them all.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="muscope-mutants-") as folder:
        trees = [Path(folder) / str(number) for number in range(max(1, min(asked.jobs, len(mutants))))]
        for tree in trees:
            tree.mkdir()
        return check(mutants, asked.root, trees, asked.patience)


if __name__ == "__main__":
    sys.exit(main())
