"""A model comes back from its folder exactly, and nothing else does: every foreign folder is one plain line."""

import errno
import json
import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import vae.checkpoint as checkpoint
from vae.config import Config
from vae.errors import VAEError
from vae.files import write_aside
from vae.model import VAE
from vae.objectives import loss

CARD = {"data": "noise", "test_loss": 12.5, "note": "café", "command": None}
FILES = ["card.json", "config.json", "model.safetensors"]


@pytest.fixture
def folder(tmp_path: Path, vae: VAE) -> Path:
    """A good model's folder."""
    checkpoint.save(tmp_path / "mine", vae, CARD)
    return tmp_path / "mine"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


KINDS = [
    Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,)),
    Config((3, 9, 12), 2, "conv", (4, 5), (5, 4), "silu", likelihood="gaussian"),
    Config((11,), 2, encoder_sizes=(), decoder_sizes=(), likelihood="mse", output="linear", beta=0.1, recipe="edifice"),
]


@pytest.mark.parametrize("config", KINDS, ids=["dense", "convolutional", "linear"])
def test_a_model_comes_back_exactly(config: Config, tmp_path: Path) -> None:
    vae = VAE(config, seed=9)
    model_id = checkpoint.save(tmp_path / "new" / "mine", vae, CARD)
    back = checkpoint.load(tmp_path / "new" / "mine")
    assert back.config == config and back.card == CARD and back.folder == tmp_path / "new" / "mine"
    assert back.model_id == model_id and len(model_id) == 16
    for name, value in vae.state_dict().items():
        assert torch.equal(back.vae.state_dict()[name], value)
    x = torch.rand(4, *config.shape)
    given, again = (loss(model, x, torch.Generator().manual_seed(0)).total for model in (vae, back.vae))
    assert torch.equal(given, again)
    assert not back.vae.training
    assert not any(weight.requires_grad for weight in back.vae.parameters())


def test_half_is_half_the_size_and_near_enough(tmp_path: Path) -> None:
    vae = VAE(Config((1, 28, 28), 8))
    for half in (False, True):
        checkpoint.save(tmp_path / str(half), vae, CARD, half=half)
    sizes = [(tmp_path / str(half) / "model.safetensors").stat().st_size for half in (False, True)]
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.01)
    back = checkpoint.load(tmp_path / "True").vae
    for name, value in vae.state_dict().items():
        assert torch.equal(back.state_dict()[name], value.half().float())
        assert back.state_dict()[name].dtype == torch.float32


def test_a_folder_can_be_read_by_eye(folder: Path, small: Config) -> None:
    assert sorted(bytes_of(folder)) == FILES
    assert json.loads((folder / "config.json").read_text()) == small.to_json()
    assert "café" in (folder / "card.json").read_text(encoding="utf-8")
    assert (folder / "card.json").read_text(encoding="utf-8").count("\n") == 6


def test_the_id_is_that_of_the_content(folder: Path, vae: VAE, small: Config, tmp_path: Path) -> None:
    model_id = checkpoint.load(folder).model_id
    assert checkpoint.save(tmp_path / "copy", vae, {"other": "card"}) == model_id
    assert checkpoint.save(tmp_path / "weights", VAE(small, seed=2), CARD) != model_id
    heavier = VAE(small.with_(beta=2.0), seed=1)
    assert checkpoint.save(tmp_path / "config", heavier, CARD) != model_id


def test_the_card_is_read_without_building_the_network(
    folder: Path, small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "VAE", None)
    monkeypatch.setattr(checkpoint, "load_tensors", None)
    config, card, model_id = checkpoint.read_card(folder)
    monkeypatch.undo()
    assert (config, card, model_id) == (small, CARD, checkpoint.load(folder).model_id)


def test_a_card_can_be_written_later(folder: Path) -> None:
    before = checkpoint.load(folder).model_id
    checkpoint.save_card(folder, {"test_loss": float("nan"), "all": (1.0, float("inf"))})
    back = checkpoint.load(folder)
    assert back.card == {"test_loss": None, "all": [1.0, None]}
    assert back.model_id == before


def test_a_card_may_hold_any_text(folder: Path) -> None:
    odd = os.fsdecode(b"caf\xe9 \xff")  # a folder's name need not be UTF-8
    checkpoint.save_card(folder, {"data": f"folder:{odd}"})
    assert checkpoint.load(folder).card["data"] == f"folder:{odd}"


# What a person may offer in place of a model.


def missing(folder: Path) -> Path:
    return folder.parent / "nothing here"


def a_file(folder: Path) -> Path:
    return folder / "model.safetensors"


def without(name: str) -> Callable[[Path], Path]:
    def breakage(folder: Path) -> Path:
        (folder / name).unlink()
        return folder

    return breakage


def holding(name: str, data: bytes) -> Callable[[Path], Path]:
    def breakage(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder

    return breakage


def truncated(folder: Path) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    return folder


def pickle_as_weights(folder: Path) -> Path:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    return folder


def a_pickle(folder: Path) -> Path:
    path = folder.parent / "model.pt"
    path.write_bytes(pickle.dumps(Bomb()))
    return path


def pickle_beside(folder: Path) -> Path:
    (folder / "model.safetensors").unlink()
    (folder / "weights.pkl").write_bytes(pickle.dumps(Bomb()))
    return folder


def foreign_weights(folder: Path) -> Path:
    save_file({"conv1.weight": torch.zeros(3)}, folder / "model.safetensors")
    return folder


def with_tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], Path]:
    def breakage(folder: Path) -> Path:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
        return folder

    return breakage


def with_config(**changes: object) -> Callable[[Path], Path]:
    def breakage(folder: Path) -> Path:
        change_config(folder, **changes)
        return folder

    return breakage


def of_dtype(dtype: str, size: int) -> Callable[[Path], Path]:
    """A good file of the right names and shapes, its numbers in a format of `size` bytes each."""

    def breakage(folder: Path) -> Path:
        header: dict[str, Any] = {}
        at = 0
        for name, value in load_file(folder / "model.safetensors").items():
            until = at + value.numel() * size
            header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [at, until]}
            at = until
        text = json.dumps(header).encode()
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))
        return folder

    return breakage


class Bomb:
    """A pickle that makes a folder when it is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("opened",)


HEAD = "encoder.heads.mu.weight"
FIT = "do not fit its config"
BREAKAGES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no folder": (missing, "There is no model folder called nothing here: check the path"),
    "a file": (a_file, "model.safetensors is a file: a model is a folder with config.json"),
    "a name too long": (lambda folder: folder.parent / ("n" * 300), "could not be read (File name too long)"),
    "a pickle": (a_pickle, "model.pt may hold a program (pickle), and Muscope never opens those"),
    "a pickle that is not there": (lambda folder: folder / "a.pkl", "a.pkl may hold a program"),
    "a pickle as weights": (pickle_as_weights, "model.safetensors of the model mine is damaged or not safetensors"),
    "a pickle beside": (pickle_beside, "has no model.safetensors (weights.pkl may hold a program and is never opened)"),
    "no config": (without("config.json"), "The folder mine has no config.json"),
    "no weights": (without("model.safetensors"), "The folder mine has no model.safetensors"),
    "no card": (without("card.json"), "The folder mine has no card.json"),
    "truncated": (truncated, "is damaged or not safetensors: copy the folder again"),
    "empty weights": (holding("model.safetensors", b""), "is damaged or not safetensors"),
    "a header that lies": (holding("model.safetensors", b"\xff" * 64), "is damaged or not safetensors"),
    "foreign weights": (foreign_weights, f"{FIT} (look at conv1.weight)"),
    "a tensor less": (with_tensors(lambda t: t.pop(HEAD)), f"{FIT} (look at {HEAD})"),
    "a tensor more": (with_tensors(lambda t: t.update(extra=torch.zeros(1))), f"{FIT} (look at extra)"),
    "a tensor turned": (with_tensors(lambda t: t.update({HEAD: t[HEAD].T})), f"{FIT} (look at {HEAD})"),
    "a NaN": (with_tensors(lambda t: t[HEAD][0, 0].fill_(torch.nan)), f"{HEAD} of the model mine are not finite"),
    "an infinity": (with_tensors(lambda t: t[HEAD][0, 0].fill_(torch.inf)), "are not finite numbers: train it again"),
    "too large for float32": (
        with_tensors(lambda t: t.update({HEAD: t[HEAD].double() + 1e300})),
        "are not finite numbers",
    ),
    "whole numbers": (with_tensors(lambda t: t.update({HEAD: t[HEAD].long()})), "are not finite numbers"),
    "an unknown number format": (of_dtype("F8_E8M0", 1), "is damaged or not safetensors"),
    "complex numbers": (of_dtype("C64", 8), "are not finite numbers"),
    "another config": (with_config(latent_dim=4), FIT),
    "another network": (with_config(network="conv"), FIT),
    "another schema": (with_config(schema=3), "config.json has schema 3 and this Muscope reads 1 to 2"),
    "an unknown field": (with_config(dropout=0.5), "(look at: dropout)"),
    "a bad value": (with_config(latent_dim=1_000_000), "latent_dim is 1000000"),
    "a NaN in the config": (with_config(beta=float("nan")), "beta is nan"),
    "config no JSON": (holding("config.json", b"{"), "config.json of the model mine is not JSON"),
    "config no text": (holding("config.json", b"\xff\xfe\x00"), "config.json of the model mine is not JSON"),
    "config a list": (holding("config.json", b"[]"), "config.json holds no object"),
    "config deep": (holding("config.json", b"[" * 200_000), "config.json of the model mine is not JSON"),
    "config huge": (holding("config.json", b" " * 1_000_001), "too large to be one: it was not read"),
    "card no JSON": (holding("card.json", b"hello"), "card.json of the model mine is not JSON"),
    "card a list": (holding("card.json", b"[]"), "card.json of the model mine holds no object"),
    "card deep": (holding("card.json", b'{"a":' * 100_000), "card.json of the model mine is not JSON"),
}


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_foreign_or_damaged_folder_is_one_plain_line(
    what: str, folder: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    breakage, words = BREAKAGES[what]
    offered = breakage(folder)
    with refused(words):
        checkpoint.load(offered)
    assert not (folder.parent / "opened").exists()  # no pickle was opened


@pytest.mark.parametrize("what", ["no folder", "a file", "a pickle", "no card", "another schema", "config deep"])
def test_the_card_alone_is_as_strict(what: str, folder: Path, refused: Any) -> None:
    breakage, words = BREAKAGES[what]
    with refused(words):
        checkpoint.read_card(breakage(folder))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "card.json"])
def test_a_link_to_what_never_ends_is_not_read(name: str, folder: Path, refused: Any) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/null")  # as /dev/zero, which would fill the memory of whoever is wrong here
    with refused("is no file"):
        checkpoint.load(folder)


def test_eight_bit_weights_are_read_or_refused_but_never_crash(folder: Path) -> None:
    for dtype in ("F8_E4M3", "F8_E5M2"):
        of_dtype(dtype, 1)(folder)
        assert not any(weight.any() for weight in checkpoint.load(folder).vae.parameters())


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_noise_in_any_file_is_one_plain_line(tmp_path_factory: Any, noise: bytes, at: int) -> None:
    base = tmp_path_factory.getbasetemp() / "noise"
    if not base.exists():
        checkpoint.save(base, VAE(Config((8,), 1, encoder_sizes=(), decoder_sizes=())), CARD)
    for name in FILES:
        good = (base / name).read_bytes()
        (base / name).write_bytes(good[:at] + noise + good[at:])
        try:
            checkpoint.load(base)
        except VAEError as error:
            assert len(str(error).splitlines()) == 1
        finally:
            (base / name).write_bytes(good)


def test_a_config_that_asks_for_a_giant_is_refused_at_once(folder: Path, refused: Any) -> None:
    """Sixteen layers of 16,384 would be 30 GB of weights; the file holds a few hundred numbers."""
    change_config(folder, latent_dim=4096, encoder_sizes=[16384] * 16, decoder_sizes=[16384] * 16)
    with refused(FIT):
        checkpoint.load(folder)


def test_a_config_that_does_not_fit_takes_no_memory(folder: Path, refused: Any) -> None:
    """As above, of a size that a machine survives if it is built after all: 400 MB."""
    resource = pytest.importorskip("resource")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes on Linux
    change_config(folder, encoder_sizes=[10_000] * 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused(FIT):
        checkpoint.load(folder)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 100e6


def test_loading_leaves_the_global_generator_alone(folder: Path) -> None:
    before = torch.get_rng_state()
    checkpoint.load(folder)
    assert torch.equal(before, torch.get_rng_state())


# Saving.


def test_weights_that_are_not_finite_are_not_saved(vae: VAE, folder: Path, refused: Any) -> None:
    before = bytes_of(folder)
    with torch.no_grad():
        vae.encoder.heads.mu.weight[0, 0] = torch.nan
    with refused(f"The weights {HEAD} are not finite: this model was not saved"):
        checkpoint.save(folder, vae, CARD)
    with torch.no_grad():
        vae.encoder.heads.mu.weight[0, 0] = 1e5  # finite in float32, infinite in float16
    with refused(f"The weights {HEAD} are not finite"):
        checkpoint.save(folder, vae, CARD, half=True)
    assert bytes_of(folder) == before


def test_a_model_is_replaced_and_its_encodings_go_with_it(folder: Path, small: Config) -> None:
    (folder / "encodings.safetensors").write_bytes(b"of the old weights")
    new_id = checkpoint.save(folder, VAE(small, seed=2), CARD)
    assert sorted(bytes_of(folder)) == FILES
    assert checkpoint.load(folder).model_id == new_id


def test_an_empty_folder_may_be_used(tmp_path: Path, vae: VAE) -> None:
    (tmp_path / "empty").mkdir()
    checkpoint.save(tmp_path / "empty", vae, CARD)
    assert sorted(bytes_of(tmp_path / "empty")) == FILES


def test_a_folder_of_other_things_is_never_replaced(tmp_path: Path, vae: VAE, refused: Any) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "holiday.jpg").write_bytes(b"the only copy")
    (tmp_path / "notes.txt").write_text("by hand")
    for place, words in ((photographs, "holds other things"), (tmp_path / "notes.txt", "notes.txt is a file")):
        with refused(words):
            checkpoint.save(place, vae, CARD)
        with refused(words):
            checkpoint.check_place(place)
    assert bytes_of(photographs) == {"holiday.jpg": b"the only copy"}
    assert (tmp_path / "notes.txt").read_text() == "by hand"


def test_what_a_killed_process_was_writing_does_not_close_a_models_folder(
    folder: Path, vae: VAE, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asides: list[Path] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda one, other: (asides.append(Path(one)), replace(one, other)))
    checkpoint.save_card(folder, CARD)
    asides[0].write_bytes(b"half a car")  # as kill -9 leaves it
    assert checkpoint.check_place(folder) == folder
    checkpoint.save(folder, vae, CARD)
    assert not asides[0].exists()
    (folder / ".holiday.jpg.17.part").write_bytes(b"not ours")
    with refused("holds other things"):
        checkpoint.check_place(folder)


def test_a_place_can_be_asked_for_before_training(folder: Path) -> None:
    assert checkpoint.check_place(folder) == folder
    assert checkpoint.check_place(str(folder.parent / "new")) == folder.parent / "new"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "The disk is full: mine was not saved"), (errno.EROFS, "mine could not be written (Read-only")],
)
def test_a_write_that_fails_leaves_the_old_model_whole(
    code: int, words: str, folder: Path, small: Config, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    before, model_id = bytes_of(folder), checkpoint.load(folder).model_id
    really = os.write

    def write(handle: int, data: memoryview) -> int:
        if len(data) > 1000:  # the weights; the disk takes a little of them
            really(handle, data[:50])
            raise OSError(code, os.strerror(code))
        return really(handle, data)

    monkeypatch.setattr(os, "write", write)
    with refused(words):
        checkpoint.save(folder, VAE(small, seed=2), CARD)
    monkeypatch.undo()
    assert bytes_of(folder) == before
    assert checkpoint.load(folder).model_id == model_id
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_a_card_that_cannot_be_written_leaves_the_old_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(VAEError, match="The disk is full: card.json"):
        checkpoint.save_card(folder, {"new": True})
    monkeypatch.undo()
    assert checkpoint.load(folder).card == CARD
    assert sorted(bytes_of(folder)) == FILES
    write_aside(folder / "card.json", b"{}")
    assert checkpoint.load(folder).card == {}
