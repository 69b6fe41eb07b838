"""The one owner of models: what it finds, what it draws, what it does when the disk changes under it."""

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from live import engine as live
from live.engine import SHIPPED, TWINS, Engine, as_pictures, home
from vae.checkpoint import load, save
from vae.config import Config
from vae.data.images import Images
from vae.encodings import encode, save_encodings
from vae.errors import VAEError
from vae.model import VAE


def make(folder: Path, seed: int = 1, shape: tuple[int, ...] = (1, 8, 8), codes: bool = True, **card) -> Path:
    vae = VAE(Config(shape=shape, latent_dim=2, encoder_sizes=(5,), decoder_sizes=(5,)), seed=seed)
    vae.eval()
    save(folder, vae, {"title": folder.name.title(), "data": {"name": "noise"}} | card)
    if codes:
        pixels = np.random.default_rng(seed).integers(0, 256, (6, *shape[1:], shape[0]), dtype=np.uint8)
        save_encodings(folder, encode(vae, Images("noise", "test", pixels, index=np.arange(6))))
    return folder


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Where shipped models and a person's own are; both empty."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    monkeypatch.setattr(live, "SHIPPED", shipped)
    return shipped, own


def names(engine):
    return [entry.name for entry in engine.models()]


# ---- finding -------------------------------------------------------------------------------------------------------


def test_shipped_models_come_in_their_order_then_ones_own_the_newest_first(places):
    shipped, own = places
    for seed, name in enumerate(("mnist", "zebra", "faces", "faces-fair")):
        make(shipped / name, seed)
    for seed, (name, age) in enumerate((("old", 200), ("new", 100), ("middle", 150)), start=10):
        weights = make(own / name, seed) / "model.safetensors"
        os.utime(weights, (1e9 - age, 1e9 - age))
    engine = Engine(places)
    assert names(engine) == ["faces", "mnist", "faces-fair", "zebra", "new", "middle", "old"]
    assert [entry.shipped for entry in engine.models()] == [True] * 4 + [False] * 3


def test_the_twins_stand_beside_the_model_that_they_are_twins_of():
    listed = [entry.name for entry in Engine((SHIPPED,)).models()]
    assert listed[listed.index("mnist-2d") + 1 :][: len(TWINS)] == list(TWINS)


def test_an_entry_says_what_its_card_says(places):
    shipped, _ = places
    make(shipped / "a", sentence="One plain sentence.", title="")
    make(shipped / "b", 2, data="not an object")
    first, second = sorted(Engine(places).models(), key=lambda entry: entry.name)
    assert (first.title, first.sentence, first.data) == ("a", "One plain sentence.", "noise")
    assert (first.shape, first.latent_dim) == ((1, 8, 8), 2)
    assert (second.title, second.sentence, second.data) == ("B", "", "")
    assert first.model_id == load(shipped / "a").model_id != second.model_id


def test_of_two_models_with_one_name_the_shipped_one_wins(places):
    shipped, own = places
    make(shipped / "faces", 1)
    make(own / "faces", 2)
    (entry,) = Engine(places).models()
    assert entry.folder == shipped / "faces" and entry.shipped


def test_what_is_no_model_is_passed_over_and_what_is_broken_is_told(places):
    shipped, own = places
    make(shipped / "good")
    (shipped / "empty").mkdir()
    (shipped / "README.md").write_text("words")
    make(own / ".half-written", 3)
    make(own / "bad", 2)
    (own / "bad" / "card.json").write_text("{")
    engine = Engine(places)
    assert names(engine) == ["good"]
    (line,) = engine.broken()
    assert "bad" in line and "\n" not in line
    assert Engine((shipped / "nowhere",)).models() == ()


def test_a_model_that_comes_goes_or_changes_is_seen(places):
    shipped, _ = places
    engine = Engine(places)
    assert engine.models() == ()
    make(shipped / "a", 1)
    before = engine.models()[0].model_id
    make(shipped / "a", 2)
    assert engine.models()[0].model_id != before
    card = json.loads((shipped / "a" / "card.json").read_text())
    (shipped / "a" / "card.json").write_text(json.dumps(card | {"title": "Another title"}))
    assert engine.models()[0].title == "Another title"
    shutil.rmtree(shipped / "a")
    assert engine.models() == ()


def test_unchanged_folders_are_not_read_again(places, monkeypatch):
    make(places[0] / "a")
    engine = Engine(places)
    first = engine.models()
    monkeypatch.setattr(live, "read_card", None)
    assert engine.models() == first


def test_home_is_where_it_is_said_to_be(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("MUSCOPE_HOME")
    assert home().name == "muscope"


# ---- drawing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
def test_a_picture_is_the_decoders_rounded(places, shape):
    make(places[0] / "a", shape=shape)
    engine = Engine(places)
    z = np.array([[0.5, -1.0], [0, 0], [30.0, 4.0]], np.float32)
    pixels = engine.decode(engine.models()[0], z)
    with torch.inference_mode():
        x = load(places[0] / "a").vae.decode(torch.from_numpy(z)).numpy()
    assert pixels.dtype == np.uint8 and pixels.shape == (3, *shape[1:], shape[0])
    assert np.abs(pixels / 255 - np.moveaxis(x, 1, 3)).max() <= 0.5 / 255 + 1e-6


def test_vectors_become_bars_and_channels_that_nobody_named_are_lights():
    bars = as_pictures(np.array([[0.0, 1.0, 0.5]], np.float32))
    assert bars.ndim == 4 and bars.shape[3] == 1 and bars.dtype == np.uint8
    x = np.zeros((1, 2, 4, 4), np.float32)
    x[0, 0] = 1.0
    shown = as_pictures(x)
    assert shown.shape == (1, 4, 4, 3) and np.unique(shown.reshape(-1, 3), axis=0).tolist() == [[0, 255, 0]]


def test_a_model_decodes_in_the_colours_of_its_card(places):
    channels = [{"name": "a", "colour": "#102030"}, {"name": "b", "colour": "#400000"}]
    make(places[0] / "two", shape=(2, 8, 8), data={"name": "noise", "channels": channels})
    engine = Engine(places)
    (entry,) = engine.models()
    z = np.array([[0.5, -1.0]])
    levels = np.floor(engine.x_of(entry, z)[0] * 255 + 0.5)  # (2, 8, 8)
    red = np.floor((levels[0] * 0x10 + levels[1] * 0x40) / 255 + 0.5)
    decoded = engine.decode(entry, z)
    assert decoded.shape == (1, 8, 8, 3) and np.array_equal(decoded[0, :, :, 0], red)
    assert np.array_equal(decoded[0, :, :, 2], np.floor(levels[0] * 0x30 / 255 + 0.5))


def test_a_code_that_fits_no_model_is_one_plain_line(places):
    make(places[0] / "a")
    engine = Engine(places)
    with pytest.raises(VAEError) as caught:
        engine.decode(engine.models()[0], np.zeros((1, 7)))
    assert "\n" not in str(caught.value)


# ---- holding -------------------------------------------------------------------------------------------------------


def test_no_more_models_are_held_than_there_is_room_for_the_oldest_goes_first(places, monkeypatch):
    for seed, name in enumerate("abc"):
        make(places[0] / name, seed)
    engine = Engine(places, capacity=2)
    opened = []
    monkeypatch.setattr(live, "load", lambda folder, device: opened.append(folder.name) or load(folder, device))
    entries = {entry.name: entry for entry in engine.models()}
    for name in ("a", "b", "a", "c", "a", "b"):
        engine.decode(entries[name], np.zeros((1, 2)))
    assert opened == ["a", "b", "c", "b"]


def test_models_are_held_while_their_bytes_have_room(places, monkeypatch):
    sizes = [(make(places[0] / name, seed) / "model.safetensors").stat().st_size for seed, name in enumerate("abc")]
    monkeypatch.setattr(live, "MODELS_ROOM", sum(sizes) - 1)
    engine = Engine(places)
    opened = []
    monkeypatch.setattr(live, "load", lambda folder, device: opened.append(folder.name) or load(folder, device))
    entries = {entry.name: entry for entry in engine.models()}
    for name in ("a", "b", "a", "c", "a", "c"):
        engine.decode(entries[name], np.zeros((1, 2)))
    assert opened == ["a", "b", "c"]
    monkeypatch.setattr(live, "MODELS_ROOM", 1)
    Engine(places).decode(entries["a"], np.zeros((1, 2)))  # one is opened whatever its size


def test_a_model_replaced_between_two_looks_is_not_drawn_as_the_old_one(places):
    make(places[0] / "a", 1)
    engine = Engine(places)
    (old,) = engine.models()
    make(places[0] / "a", 2)
    with pytest.raises(VAEError, match="replaced a moment ago"):
        engine.decode(old, np.zeros((1, 2)))
    engine.decode(engine.models()[0], np.zeros((1, 2)))


def test_a_model_already_open_outlives_its_folder(places):
    make(places[0] / "a")
    engine = Engine(places)
    (entry,) = engine.models()
    before = engine.decode(entry, np.zeros((1, 2)))
    shutil.rmtree(places[0] / "a")
    assert np.array_equal(engine.decode(entry, np.zeros((1, 2))), before)


def test_encodings_are_shared_read_only_and_read_again_when_made_again(places):
    folder = make(places[0] / "a")
    engine = Engine(places)
    (entry,) = engine.models()
    known = engine.encodings(entry)
    assert engine.encodings(entry) is known
    for array in (known.mu, known.logvar, known.recon_error, known.split, known.index):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    save_encodings(folder, known.with_map("pca", np.ones((6, 2))))
    again = engine.encodings(entry)
    assert set(again.maps) == {"pca"}
    with pytest.raises(ValueError, match="read-only"):
        again.maps["pca"][0] = 0


def test_a_model_without_encodings_says_so(places):
    make(places[0] / "a", codes=False)
    engine = Engine(places)
    with pytest.raises(VAEError, match="no encodings yet"):
        engine.encodings(engine.models()[0])


def test_many_visitors_at_once_get_the_same_picture_and_one_model(places, monkeypatch):
    make(places[0] / "a")
    engine = Engine(places)
    (entry,) = engine.models()
    opened, seen = [], []
    monkeypatch.setattr(live, "load", lambda folder, device: opened.append(1) or load(folder, device))

    def visit() -> None:
        for _ in range(20):
            seen.append(engine.decode(entry, np.array([[0.3, 0.7]])).tobytes())

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80 and len(set(seen)) == 1 and len(opened) == 1


def test_who_asks_for_another_model_does_not_wait_while_one_is_read(places, monkeypatch):
    make(places[0] / "large", 1)
    make(places[0] / "small", 2)
    engine = Engine(places)
    entries, go, opened = {entry.name: entry for entry in engine.models()}, threading.Event(), []

    def slow(folder, device):
        opened.append(folder.name)
        assert folder.name == "small" or go.wait(3)
        return load(folder, device)

    monkeypatch.setattr(live, "load", slow)
    wish = (entries["large"], np.zeros((1, 2)))
    asked = [threading.Thread(target=engine.decode, args=wish, daemon=True) for _ in range(3)]
    for thread in asked:
        thread.start()
    engine.decode(entries["small"], np.zeros((1, 2)))  # for ever, if it waited
    assert not engine.is_open(entries["large"].model_id) and engine.is_open(entries["small"].model_id)
    go.set()
    for thread in asked:
        thread.join(3)
    assert sorted(opened) == ["large", "small"] and engine.is_open(entries["large"].model_id)


def test_a_model_that_could_not_be_read_is_tried_again(places, monkeypatch):
    make(places[0] / "a")
    engine, tries = Engine(places), []
    (entry,) = engine.models()

    def once_broken(folder, device):
        tries.append(folder)
        if len(tries) == 1:
            raise VAEError("The disk was slow.")
        return load(folder, device)

    monkeypatch.setattr(live, "load", once_broken)
    with pytest.raises(VAEError, match="slow"):
        engine.open(entry)
    assert not engine.is_open(entry.model_id)
    engine.open(entry)
    assert engine.is_open(entry.model_id) and len(tries) == 2


def test_warming_opens_the_first_model_and_swallows_a_broken_one(places):
    Engine(places).warm()  # none at all
    make(places[0] / "a", codes=False)
    Engine(places).warm()
    make(places[0] / "a")
    engine = Engine(places)
    (entry,) = engine.models()
    engine.warm()
    shutil.rmtree(places[0] / "a")
    engine.decode(entry, np.zeros((1, 2)))  # it was open already
