"""A few of the folders of `benchmarks.intake checkpoints`, and every program of `benchmarks.intake pickles`."""

import random
from pathlib import Path

import pytest

from benchmarks.intake.checkpoints import bent, good, opened, write
from benchmarks.intake.pickles import BESIDE, programs
from vae.weights import may_be_program


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    return good(tmp_path_factory.mktemp("good"))


def test_whole_folders_open(whole: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    for kind, files in whole.items():
        write(tmp_path / kind, files, random.Random(1))
        assert opened(tmp_path / kind, tmp_path)[:2] == ["opened", "opened"], kind


def test_bent_folders_are_opened_or_refused_in_a_line(whole: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    chance, canary = random.Random(77), tmp_path / "canary"
    for at in range(90):
        files = bent(whole[chance.choice(sorted(whole))], canary, chance)
        write(tmp_path / str(at), files, chance)
        assert set(opened(tmp_path / str(at), tmp_path)) <= {"opened", "refused"}, at
    assert not canary.exists()


def test_programs_are_known_by_name_or_by_their_bytes(tmp_path: Path) -> None:
    for what, data in programs(tmp_path / "canary").items():
        assert all(may_be_program(name, data[:16]) for name in BESIDE), what
        if what.startswith("pickle") and what[-1] in "2345":
            assert may_be_program("model.safetensors", data[:16]), what
