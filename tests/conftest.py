"""What every test stands on: nothing of the person's own is read or written, and chance is repeatable."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# As in app.py, and before anything imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

# The same examples every time, and no deadline: a busy machine is not a bug.
settings.register_profile(
    "muscope",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("muscope")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def muscope_home() -> Iterator[Path]:
    """A folder of this run's own for trained models, in place of the person's."""
    before = os.environ.get("MUSCOPE_HOME")
    with tempfile.TemporaryDirectory(prefix="muscope-tests-", ignore_cleanup_errors=True) as folder:
        os.environ["MUSCOPE_HOME"] = folder
        yield Path(folder)
    if before is None:
        del os.environ["MUSCOPE_HOME"]
    else:
        os.environ["MUSCOPE_HOME"] = before


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With `-n 2`: the browser's tests on one process, all others beside them on the other.

    The browser's mostly wait, so the two run in little more than the time of the longer; two browsers at once would
    measure each other.
    """
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class BrowserApart(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith("tests/browser/") else "all others"

    return BrowserApart(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot do."""
    network = pytest.mark.skip(reason="leaves this machine; set MUSCOPE_NETWORK=1 to run it")
    for item in items:
        if item.get_closest_marker("network") and os.environ.get("MUSCOPE_NETWORK") != "1":
            item.add_marker(network)
        if item.get_closest_marker("gpu") and not _cuda():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


def _cuda() -> bool:
    import torch  # only when a test asks for it: most runs of one test need no torch

    return torch.cuda.is_available()
