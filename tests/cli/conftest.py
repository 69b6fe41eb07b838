"""Running a command as a person does, without paying for a process each time."""

import contextlib
import io
import json
from dataclasses import dataclass

import pytest

from vae.cli import main
from vae.home import runs_folder
from vae.train.run import Run
from vae.train.runs import find

TINY = ("--data", "digits", "--model", "mlp", "--latent-dim", "3", "--encoder-sizes", "16", "--device", "cpu")


@dataclass(frozen=True)
class Said:
    """What came of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        """The one object on standard output, and nothing else there."""
        assert self.status == 0, self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out, parse_constant=pytest.fail)


def _run(*argv):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(word) for word in argv])
    return Said(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def vae():
    """`python -m vae`, in this process."""
    return _run


@pytest.fixture
def last_run():
    """The newest run of this test session."""
    return lambda: find(runs_folder(), "last")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A small model on digits, the run it came of, and what the command said."""
    folder = tmp_path_factory.mktemp("trained") / "small"
    said = _run("train", *TINY, "--epochs", 2, "--seed", 5, "--out", folder, "--json")
    return folder, Run.open(runs_folder() / said.json["run"]), said
