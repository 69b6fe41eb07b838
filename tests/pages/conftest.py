"""Small models of every kind, and the app as a visitor without a browser meets it.

def test_something(visit):
    app = visit("sliders.py", model="digits")
    picture = stage(app)
"""

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from live import components, desk, engine
from tests.pages.hands import Hands
from vae import data
from vae.checkpoint import save
from vae.config import Config
from vae.data.images import Images
from vae.encodings import encode, join, save_encodings
from vae.explore.projection import pca
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *("start.py", "map.py", "sliders.py", "paths.py", "attributes.py", "directions.py", "sums.py", "sample.py"),
    *("bring.py", "models.py", "train.py", "report.py", "compare.py", "anomalies.py"),
)


# ---- models --------------------------------------------------------------------------------------------------------


def make(folder: Path, train: Images, test: Images, config: Config, epochs: int = 0, codes: bool = True) -> None:
    """A model's folder as training leaves it. Untrained unless `epochs` says otherwise: it is a model all the same."""
    vae = VAE(config, seed=3)
    if epochs:
        list(Trainer(vae, train, test, Settings(epochs=epochs, rate=3e-3)).run())
    vae.eval()
    counts = {"name": train.name, "train": len(train), "test": len(test)}
    card = {"title": f"Tiny {folder.name}", "sentence": f"A {folder.name} model for tests.", "data": counts}
    save(folder, vae, card)
    if codes:
        known = join(encode(vae, train), encode(vae, test))
        save_encodings(folder, known.with_map("pca", pca(known.mu).xy))


def collapse(vae_folder: Path, train: Images, test: Images, config: Config) -> None:
    """A model whose codes are all the same: what too large a beta leaves."""
    vae = VAE(config, seed=4)
    with torch.no_grad():
        for weights in vae.encoder.parameters():
            weights.zero_()
    vae.eval()
    save(vae_folder, vae, {"title": "Tiny collapsed", "sentence": "It collapsed.", "data": {"name": train.name}})
    save_encodings(vae_folder, join(encode(vae, train), encode(vae, test)))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models, one of each kind. Tests read it; one that breaks a model breaks a copy of it."""
    place = tmp_path_factory.mktemp("library")
    train, test = data.load("digits", "train", limit=300), data.load("digits", "test", limit=60)
    digits = Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(32,), decoder_sizes=(32,))
    make(place / "digits", train, test, digits, epochs=8)
    flat = Config(shape=(1, 8, 8), latent_dim=2, encoder_sizes=(16,), decoder_sizes=(16,))
    make(place / "flat", train, test, flat, epochs=3)
    make(place / "line", train, test, Config(shape=(1, 8, 8), latent_dim=1, encoder_sizes=(16,)), epochs=2)
    many = Config(shape=(1, 8, 8), latent_dim=20, encoder_sizes=(16,), decoder_sizes=(16,))
    make(place / "many", train, test, many, epochs=3)
    faces = Config(shape=(3, 64, 64), latent_dim=4, network="conv", encoder_sizes=(4, 8), decoder_sizes=(8, 4))
    make(place / "faces", data.load("faces", "train", limit=60), data.load("faces", "test", limit=20), faces)
    table = tmp_path_factory.mktemp("table") / "numbers.csv"
    rows = np.random.default_rng(0).normal(size=(80, 5))
    np.savetxt(table, rows, delimiter=",")
    vectors = Config(shape=(5,), latent_dim=2, encoder_sizes=(8,), decoder_sizes=(8,))
    make(place / "table", *(data.load(f"table:{table}", split) for split in ("train", "test")), vectors)
    twin = digits.with_(posterior="point")
    make(place / "autoencoder", train, test, twin, epochs=3)
    levels = Config((1, 8, 8), 5, "gated", (16,), (16,), levels=(2, 3))
    make(place / "levels", train, test, levels, epochs=3)
    collapse(place / "collapsed", train, test, Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(9,)))
    return place


KINDS = ("digits", "flat", "line", "many", "faces", "table", "autoencoder", "levels", "collapsed")


@pytest.fixture
def models(library: Path) -> tuple[str, ...]:
    """Names of the models in the library; a new kind in one list and not in the other is seen here."""
    assert sorted(path.name for path in library.iterdir()) == sorted(KINDS)
    return KINDS


# ---- the app -------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """`open_home(folder)`: from here on the app finds its models in folder/models and ships none."""

    def open_(home: Path) -> None:
        monkeypatch.setenv("MUSCOPE_HOME", str(home))
        monkeypatch.setattr(engine, "SHIPPED", tmp_path / "ships-nothing")
        forget()

    def forget() -> None:
        engine.shared.cache_clear()
        desk.shared_desk.cache_clear()

    yield open_
    forget()


@pytest.fixture
def home(open_home: Callable[[Path], None], library: Path, tmp_path: Path) -> Path:
    """A home whose models are the library's, by a link: to read from."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(library)
    open_home(home)
    return home


@pytest.fixture
def own(open_home: Callable[[Path], None], library: Path, tmp_path: Path) -> Callable[..., Path]:
    """`own("digits", ...)`: a home with copies of those models, to break; its models folder."""

    def copy(*names: str) -> Path:
        place = tmp_path / "own" / "models"
        place.mkdir(parents=True)
        for name in names:
            shutil.copytree(library / name, place / name)
        open_home(place.parent)
        return place

    return copy


def visit(page: str = "start.py", **asked: str) -> AppTest:
    """A new visitor opens a page through the router, with the query parameters of a link."""
    app = AppTest.from_file(str(ROOT / "pages" / "router.py"), default_timeout=60)
    for name, value in asked.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


def serve_others(monkeypatch: pytest.MonkeyPatch, address: str | None = "0.0.0.0") -> None:
    """From here on the server answers at another address than this machine's own."""
    seen = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else seen(name))


def sound(app: AppTest) -> AppTest:
    """The same app, with no exception and no error on the page."""
    assert not app.exception, [each.message for each in app.exception]
    assert not app.error, [each.value for each in app.error]
    return app


# ---- hands ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A hand on every component of the pages that are opened from here on."""
    found = Hands(components.mount)
    monkeypatch.setattr(components, "mount", found.mount)
    return found


# ---- what is on a page ---------------------------------------------------------------------------------------------


def parts(app: AppTest, name: str) -> list[dict[str, Any]]:
    """What Python gives to every component of that name on the page (`live/web/NAME.js`), in the page's order."""
    found = [each.proto for each in app.get("bidi_component") if each.proto.component_name == f"muscope_{name}"]
    return [json.loads(proto.json) for proto in found]


def pictures(app: AppTest, handle: str) -> list[tuple[str, bytes]]:
    """(alt, file) of every picture with that handle, in the page's order."""
    found = []
    for part in parts(app, "stage"):
        if handle == "stage":
            found.append((part["alt"], unpacked(part["png"])))
        if handle == "original" and part["original"]:
            found.append(("The original image", unpacked(part["original"])))
    for element in app.get("html"):
        for tag in re.findall(r"<img [^>]*>", element.proto.body):
            if f'data-muscope="{handle}"' in tag:
                alt = re.search(r'alt="([^"]*)"', tag).group(1)
                found.append((alt, unpacked(re.search(r'src="([^"]*)"', tag).group(1))))
    return found


def unpacked(uri: str) -> bytes:
    """The file in a data: address."""
    return base64.b64decode(uri.partition("base64,")[2])


def stage(app: AppTest) -> bytes:
    """The file of the one large picture."""
    ((_, picture),) = pictures(app, "stage")
    return picture


def words_on(app: AppTest) -> str:
    """Everything in plain text elements of a page and its sidebar, one string."""
    kinds = (app.markdown, app.caption, app.title, app.subheader, app.info, app.error, app.warning)
    return "\n".join(each.value for kind in kinds for each in kind)
