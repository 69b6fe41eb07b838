"""A model of several channels: on every page its pictures are in the colours that were chosen for its data."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from live import copies, engine, scored
from pages.ui import cache, own_picture
from tests.pages.conftest import make, pictures, sound, stage, visit, words_on
from vae import data
from vae.checkpoint import read_card, save_card
from vae.cli.card import said_channels
from vae.config import Config
from vae.data import brought
from vae.data.intake import Choice, collect, given, survey
from vae.data.intake.make import make as make_set
from vae.data.paint import Paint, lit

COLOURS = ("#804000", "#006060", "#400080", "#303030")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a set of 16-bit images of four channels, in colours of her own, and a model of it; the set's ID."""
    where = tmp_path_factory.mktemp("cells")
    generator = np.random.default_rng(0)
    shapes = np.indices((200, 12, 12, 4)).sum(axis=0) * 900
    np.save(where / "cells.npy", (shapes % 4096 + generator.integers(0, 300, shapes.shape)).astype(np.uint16))
    suggested = plan(where / "cells.npy", Choice()).channels
    about = zip(suggested, ("DNA", "actin", "membrane", "<b>4</b>"), COLOURS, strict=True)
    channels = tuple(replace(channel, name=name, colour=colour) for channel, name, colour in about)
    with pytest.MonkeyPatch.context() as here:
        here.setenv("MUSCOPE_HOME", str(where / "home"))
        one = brought.new_id()
        request = {"id": one, "title": "Cells", "owner": "", "keep_days": None, "credit": ""}
        make_set(plan(where / "cells.npy", Choice(channels=channels)), brought.make_aside(one), request)
        brought.put_in_place(one)
        train, test = (data.load(f"brought:{one}", split) for split in ("train", "test"))
        folder = where / "home" / "models" / "cells"
        folder.parent.mkdir(parents=True)
        small = Config(shape=(4, 12, 12), latent_dim=3, encoder_sizes=(16,), decoder_sizes=(16,))
        make(folder, train, test, small, epochs=3)
        card = read_card(folder)[1]
        save_card(folder, card | {"data": card["data"] | said_channels(train.name)})
    return where / "home", one


def plan(file: Path, choice: Choice) -> survey.Plan:
    return survey.plan(collect.collect(given.gather(file), choice), choice, 60.0)


@pytest.fixture
def cells(made: tuple[Path, str], open_home, tmp_path: Path) -> str:
    """The app in a copy of that home; the set's ID."""
    home, one = made
    shutil.copytree(home, tmp_path / "home")
    open_home(tmp_path / "home")
    return one


def pixels_of(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def painted(entry, code) -> np.ndarray:
    """What must be on the screen for a code, (H, W, 3), from the network's own numbers."""
    x = engine.shared().x_of(entry, np.array([code], np.float32))[0]
    levels = np.floor(np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)
    return lit(np.moveaxis(levels, 0, 2), COLOURS)


def test_every_page_shows_its_pictures_in_their_colours(cells: str) -> None:
    entry = cache.entry("cells")
    wanted = painted(entry, cache.code_of(entry.model_id, "test/0"))
    assert len(np.unique(wanted.reshape(-1, 3), axis=0)) > 10 and np.ptp(wanted, axis=2).max() > 20  # it has colours
    image = lit(data.load(f"brought:{cells}", "test").pixels[0], COLOURS)
    for page in ("map.py", "sliders.py", "attributes.py"):
        app = sound(visit(page, model="cells", image="test/0"))
        assert np.array_equal(pixels_of(stage(app)), wanted), page
        for _, file in pictures(app, "original"):
            assert np.array_equal(pixels_of(file), image), page
    for page, handle in (("sums.py", "stage"), ("anomalies.py", "stage")):
        for _, file in pictures(sound(visit(page, model="cells", image="test/0")), handle):
            assert pixels_of(file).shape[2] == 3, page


def test_its_colours_stay_when_the_data_are_gone(cells: str) -> None:
    entry = cache.entry("cells")
    wanted = painted(entry, cache.code_of(entry.model_id, "test/1"))
    brought.delete(cells)
    cache.forget_originals()
    cache.pictures.cache_clear()
    app = sound(visit("sliders.py", model="cells", image="test/1"))
    assert np.array_equal(pixels_of(stage(app)), wanted)
    assert not pictures(app, "original")


def test_a_test_image_and_copies_are_seen_with_all_channels(cells: str) -> None:
    entry, name = cache.entry("cells"), f"brought:{cells}"
    image = data.load(name, "test").pixels[2]
    assert np.array_equal(pixels_of(scored.picture_of(name, 2)), lit(image, COLOURS))
    found = copies.copyists().look(entry, cache.encodings(entry.model_id).mu[:2])
    assert len(found) == 2 and all(each.image_id.startswith("train/") for each in found)


def test_the_channels_are_seen_one_by_one_by_their_names(cells: str) -> None:
    entry = cache.entry("cells")
    x = engine.shared().x_of(entry, np.array([cache.code_of(entry.model_id, "test/0")], np.float32))[0]
    for page in ("sliders.py", "map.py"):
        shown = pictures(sound(visit(page, model="cells", image="test/0")), "channel")
        names = ["DNA alone", "actin alone", "membrane alone", "&lt;b&gt;4&lt;/b&gt; alone"]
        assert [name for name, _ in shown] == names
        for (_, file), channel in zip(shown, x, strict=True):
            assert np.array_equal(pixels_of(file), np.floor(np.clip(channel, 0, 1) * 255 + 0.5))


def test_a_run_draws_itself_in_colours(cells: str, tmp_path: Path) -> None:
    from vae.cli.recorder import Recorder
    from vae.model import VAE
    from vae.train.settings import Settings

    name = f"brought:{cells}"
    train, test = data.load(name, "train"), data.load(name, "test")
    vae = VAE(Config(shape=(4, 12, 12), latent_dim=2, encoder_sizes=(8,), decoder_sizes=(8,)), seed=0)
    said = Recorder(vae, train, test, tmp_path, Settings()).record(vae, 0, 0.0)
    page = pixels_of((tmp_path / said["pictures"]).read_bytes())
    assert page.shape[2] == 3
    levels = np.rint(lit(test.pixels, COLOURS) / 255 * 63) * (255 / 63)  # as many as a history keeps
    first = page[:12, :12].astype(float)
    assert min(np.abs(first - each).max() for each in levels) <= 1


def test_a_picture_cannot_be_brought_and_it_says_why_and_what_to_do(cells: str) -> None:
    app = sound(visit("sliders.py", model="cells"))
    assert not own_picture.reads_pictures(cache.entry("cells"))
    said = words_on(app)
    assert "4 channels at once (DNA\\, actin\\, membrane\\, \\<b\\>4" in said and "Your data" in said


def test_an_image_of_a_set_of_hers_is_where_all_tools_stand(cells: str) -> None:
    app, entry = visit("sliders.py", model="cells"), cache.entry("cells")
    train, test = (data.load(f"brought:{cells}", split) for split in ("train", "test"))
    for number, image in ((2, train.pixels[1]), (len(train) + 1, test.pixels[0])):
        app.number_input(key=f"own.number.{cells}").set_value(number)
        app.button(key="own.do.image").click()
        place = sound(app.run()).session_state["muscope"].place
        wanted = engine.shared().encode(entry, image[None])[0]
        assert place.code == tuple(wanted.tolist()) and place.caption == "your image"
        assert np.array_equal(pixels_of(pictures(app, "original")[0][1]), lit(image, COLOURS))
        assert "Draws from its posterior" in words_on(app)
    brought.delete(cells)
    assert not any(each.key == "own.do.image" for each in sound(app.run()).button)


def test_a_card_says_names_and_colours_and_no_path(cells: str) -> None:
    card = json.loads((cache.entry("cells").folder / "card.json").read_text())
    assert [each["colour"] for each in card["data"]["channels"]] == list(COLOURS)
    assert cache.entry("cells").paint == Paint(("DNA", "actin", "membrane", "<b>4</b>"), COLOURS)
