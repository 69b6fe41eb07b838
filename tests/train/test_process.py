"""How a process that trains is told to wait, and that it can be told before torch is there."""

import os
import subprocess
import sys

import pytest

from vae.train.process import SPIN, WAITING, how_to_wait


@pytest.mark.parametrize(("load", "spins"), [(0.0, True), (0.9, True), (1.1, False), (30.0, False)])
def test_threads_spin_on_an_idle_machine_only(load, spins, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 9.0, 9.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert how_to_wait() == {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": str(SPIN) if spins else "0"}


def test_a_system_that_does_not_say_how_busy_it_is_counts_as_busy(monkeypatch):
    def unknown():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", unknown)
    assert how_to_wait()["GOMP_SPINCOUNT"] == "0"


@pytest.mark.parametrize("said", [None, "ACTIVE"])
def test_the_command_line_says_it_before_torch_is_there_unless_it_was_said(said):
    program = (
        "import os, sys, vae.cli\n"
        "assert 'torch' not in sys.modules\n"
        "vae.cli.main(['data', '--help'])\n"
        "print(os.environ['OMP_WAIT_POLICY'], 'GOMP_SPINCOUNT' in os.environ)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in WAITING}
    environment |= {"OMP_WAIT_POLICY": said} if said else {}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == (f"{said} False" if said else "PASSIVE True")
