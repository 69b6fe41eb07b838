"""A save comes back to the bit or not at all, and the ones that matter are kept."""

import errno
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from vae.errors import VAEError
from vae.train import saves

GOOD = {"size": 12}


def tensors(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    odd = torch.tensor([math.nan, -0.0, math.inf, 1e-45, -1.5])
    return {
        "model.weight": torch.randn(3, 4, generator=generator),
        "model.conv": torch.randn(2, 3, 4, 4, generator=generator).to(memory_format=torch.channels_last),
        "adam.step": torch.tensor(17.0),
        "odd": odd,
        "generator": generator.get_state(),
        "order": torch.randperm(50, generator=generator),
        "none": torch.zeros(0, 3),
    }


def facts(step: int) -> dict[str, Any]:
    return {
        "step": step,
        "sum": 0.1 + 0.2,
        "tiny": 5e-324,
        "never": math.inf,
        "big": 2**63,
        "words": "é\u2028\udce9",
        "x": None,
    }


def same(save: saves.Save | None, step: int, seed: int = 0) -> bool:
    """Whether a save is exactly that of this step and seed."""
    if save is None or save.step != step or save.facts != facts(step):
        return False
    given = tensors(seed)
    return save.tensors.keys() == given.keys() and all(
        value.dtype == save.tensors[name].dtype
        and value.shape == save.tensors[name].shape
        and value.contiguous().numpy().tobytes() == save.tensors[name].numpy().tobytes()
        for name, value in given.items()
    )


def put(folder: Path, step: int, seed: int = 0, loss: float | None = None) -> Path:
    return saves.write(folder, step, tensors(seed), facts(step), loss=loss)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_save_comes_back_to_the_bit(tmp_path: Path) -> None:
    folder = put(tmp_path / "run" / "saves", 7, loss=101.5)
    save, lines = saves.newest(tmp_path / "run" / "saves")
    assert same(save, 7) and lines == [] and save is not None and save.folder == folder
    assert folder.name == "000000007" and names(folder.parent) == ["000000007"]


def test_a_save_can_be_read_by_eye(tmp_path: Path) -> None:
    folder = put(tmp_path, 7, loss=101.5)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["step"] == 7 and manifest["loss"] == 101.5
    assert names(folder) == sorted([*manifest["files"], "manifest.json"])
    assert json.loads((folder / "facts.json").read_text())["sum"] == 0.1 + 0.2
    assert torch.equal(load_file(folder / "state.safetensors")["order"], tensors()["order"])


def test_parts_of_one_buffer_may_be_saved(tmp_path: Path) -> None:
    whole = torch.randn(30)
    parts = {"a": whole[:10].view(2, 5), "b": whole[10:]}
    saves.write(tmp_path, 1, parts, {}, loss=None)
    save, _ = saves.newest(tmp_path)
    assert save is not None and all(torch.equal(save.tensors[name], part) for name, part in parts.items())


def test_the_newest_is_the_last_step_not_the_last_written(tmp_path: Path) -> None:
    assert saves.newest(tmp_path / "none") == (None, [])
    for step in (5, 1_000_000_000, 999_999_999):  # as text the last of these is the greatest
        put(tmp_path, step)
    assert same(saves.newest(tmp_path)[0], 1_000_000_000)


def test_a_step_that_is_taken_again_is_the_newer_of_the_two(tmp_path: Path) -> None:
    first = put(tmp_path, 7)
    assert put(tmp_path, 7) == first and names(tmp_path) == ["000000007"]  # it says the same
    second = put(tmp_path, 7, seed=1)
    assert second.name == "000000007-2"
    assert same(saves.newest(tmp_path)[0], 7, seed=1)
    third = [put(tmp_path, 7, seed=seed) for seed in range(2, 12)][-1]
    assert third.name == "000000007-12" and same(saves.newest(tmp_path)[0], 7, seed=11)  # 12 after 9
    shutil.copyfile(second / "facts.json", third / "state.safetensors")
    assert put(tmp_path, 7, seed=11).name == "000000007-13"  # the same by name, but damaged
    assert same(saves.newest(tmp_path)[0], 7, seed=11)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [cut, flip, zeros, Path.unlink, a_folder, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", ["state.safetensors", "facts.json", "manifest.json"])
def test_a_damaged_save_is_set_aside_and_named(name: str, harm: Callable[[Path], object], tmp_path: Path) -> None:
    put(tmp_path, 1)
    harm(put(tmp_path, 1407) / name)
    save, lines = saves.newest(tmp_path)
    assert same(save, 1)
    assert names(tmp_path) == ["000000001", "bad-000001407"]
    assert len(lines) == 1 and "step 1,407 is damaged" in lines[0] and name in lines[0]
    assert lines[0].endswith("set aside as bad-000001407, and the training goes on from step 1.")
    again, lines = saves.newest(tmp_path)
    assert same(again, 1) and lines == []  # told once


def test_a_save_that_lies_about_its_step_is_bad(tmp_path: Path) -> None:
    put(tmp_path, 1).rename(tmp_path / "000000002")
    save, lines = saves.newest(tmp_path)
    assert save is None and "manifest.json is of another step" in lines[0] and "no earlier one is good" in lines[0]


@pytest.mark.parametrize(
    "manifest",
    [[], {}, {"step": 1}, {"step": 1, "files": []}, {"step": 1, "files": {"state.safetensors": GOOD}}]
    + [{"step": 1, "files": {"state.safetensors": odd, "facts.json": odd}} for odd in (None, 3, {}, GOOD)],
)
def test_a_manifest_of_anything_is_bad_and_no_crash(manifest: object, tmp_path: Path) -> None:
    (put(tmp_path, 1) / "manifest.json").write_text(json.dumps(manifest))
    save, lines = saves.newest(tmp_path)
    assert save is None and len(lines) == 1


def test_two_bad_saves_of_a_name_do_not_meet(tmp_path: Path) -> None:
    for _ in range(2):
        cut(put(tmp_path, 9) / "facts.json")
        assert saves.newest(tmp_path)[0] is None
    assert names(tmp_path) == ["bad-000000009", "bad-000000009.2"]


def test_a_sector_that_cannot_be_read_makes_a_save_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 1)
    refuse_to_read(monkeypatch, put(tmp_path, 2), errno.EIO)
    save, lines = saves.newest(tmp_path)
    assert same(save, 1) and "Input/output error" in lines[0]


def test_too_many_open_files_make_no_save_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 1)
    refuse_to_read(monkeypatch, put(tmp_path, 2), errno.EMFILE)
    with pytest.raises(VAEError, match="cannot be read"):
        saves.newest(tmp_path)
    monkeypatch.undo()
    assert same(saves.newest(tmp_path)[0], 2)


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, folder: Path, code: int) -> None:
    really = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.parent == folder and path.name == "state.safetensors":
            raise OSError(code, {errno.EIO: "Input/output error"}.get(code, "Too many open files"))
        return really(path)

    monkeypatch.setattr(Path, "read_bytes", read)


def test_the_last_two_and_the_best_stay(tmp_path: Path) -> None:
    for step, loss in ((10, 120.0), (20, 90.0), (25, None), (30, 95.0), (40, math.nan), (50, 99.0)):
        put(tmp_path, step, loss=loss)
        saves.tidy(tmp_path)
    assert names(tmp_path) == ["000000020", "000000040", "000000050"]
    put(tmp_path, 60, loss=90.0)  # as good, and newer
    saves.tidy(tmp_path)
    assert names(tmp_path) == ["000000050", "000000060"]


@given(st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=7))
def test_tidying_never_takes_the_newest_or_the_best(losses: list[float | None]) -> None:
    with tempfile.TemporaryDirectory() as name, patch.object(os, "fsync"):  # the order counts here, not the disk
        folder = Path(name)
        for step, loss in enumerate(losses):
            saves.write(folder, step, {}, {}, loss=loss)
            saves.tidy(folder)
        kept = [int(name) for name in names(folder)]
        known = [loss for loss in losses if loss is not None and loss < math.inf]
        assert kept[-2:] == list(range(len(losses)))[-2:] and len(kept) <= 3
        assert not known or any(losses[step] == min(known) for step in kept)


def test_leftovers_go_and_other_things_stay(tmp_path: Path) -> None:
    put(tmp_path, 1)
    for name in (".000000002.abc.part", ".000000001.old", "bad-1", "bad-2", "bad-3", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    (tmp_path / "000000009").write_text("a file")
    saves.tidy(tmp_path)
    assert names(tmp_path) == ["000000001", "000000009", "bad-2", "bad-3", "mine"]
    saves.tidy(tmp_path / "none")
