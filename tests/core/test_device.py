"""CUDA, else Apple's MPS, else the CPU."""

from typing import Any

import pytest
import torch

from vae.device import pick_device


def machine(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted"), [(2, True, "cuda"), (1, False, "cuda"), (0, True, "mps"), (0, False, "cpu")]
)
def test_auto_takes_the_fastest(cuda: int, mps: bool, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda, mps)
    assert pick_device("auto") == pick_device() == torch.device(wanted)


def test_a_device_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, 2, True)
    for name in ("cpu", "cuda", "cuda:1", "mps"):
        assert pick_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["cuda:2", "meta", "xpu"])
def test_a_device_that_is_not_there_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    machine(monkeypatch, 2, False)
    with refused(f"The device {name!r} is not on this machine"):
        pick_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x"], ids=repr)
def test_an_unknown_device_is_refused(name: str, refused: Any) -> None:
    with refused(f"There is no device called {name!r}"):
        pick_device(name)
