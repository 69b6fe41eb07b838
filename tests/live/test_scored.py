"""Scores of images for the pages: what is scored, in which order, and where an image is drawn wrong."""

import io

import numpy as np
import pytest
from PIL import Image

from live import engine, scored
from live.engine import Engine
from live.points import RAMP
from vae.errors import VAEError
from vae.evaluate.strange.detection import auroc

shipped = Engine((engine.SHIPPED,))


@pytest.fixture(scope="module")
def entry():
    return next(each for each in shipped.models() if each.name == "faces")


@pytest.fixture(scope="module")
def known(entry):
    return shipped.encodings(entry)


def test_what_costs_nothing_is_the_error_of_every_test_image(entry, known):
    found = scored.kept(entry, known)
    rows = [known.row_of(name) for name in found.names]
    assert (known.split[rows] == 1).all() and len(rows) == int((known.split == 1).sum())
    assert np.array_equal(found.values["recon"], known.recon_error[rows])


def test_scores_of_the_same_images_are_those_that_the_encodings_hold(entry, known, monkeypatch):
    monkeypatch.setattr(scored, "OWN", 40)
    found = scored.own(entry, known)
    assert len(found.names) == 40 and len(set(found.names)) == 40
    rows = [known.row_of(name) for name in found.names]
    assert np.allclose(found.values["recon"], known.recon_error[rows], rtol=0.01, atol=1e-4)
    assert all(len(column) == 40 for column in found.values.values())


def test_images_of_another_set_are_told_from_its_own(entry, known, monkeypatch):
    monkeypatch.setattr(scored, "OWN", 60)
    monkeypatch.setattr(scored, "OTHERS", 60)
    others = scored.other(entry, "faces-fair")
    assert others.data == "faces-fair" and others.names[0].startswith("test/")
    assert 0 <= auroc(scored.own(entry, known).values["recon"], others.values["recon"]) <= 1
    assert "faces" not in scored.mixable("faces", entry.shape) and "faces-fair" in scored.mixable("faces", entry.shape)
    assert "mnist" not in scored.mixable("faces", entry.shape)


def test_the_worst_come_first_and_equals_keep_their_order():
    assert scored.worst_first(np.array([1.0, 3.0, 2.0, 3.0], np.float32)).tolist() == [1, 3, 2, 0]


def test_the_error_map_is_brightest_where_the_reconstruction_is_farthest_off(entry, monkeypatch):
    off = np.zeros((1, 8, 8), np.float32)
    off[0, 2, 5] = 0.5
    off[0, 6, 1] = 0.25
    monkeypatch.setattr(scored, "error_maps", lambda model, images: off)
    png, most = scored.error_map(entry, "faces", 3)
    pixels = np.array(Image.open(io.BytesIO(png)))
    colour = lambda code: [int(code[i : i + 2], 16) for i in (1, 3, 5)]  # noqa: E731
    assert most == 0.5 and pixels.shape == (8, 8, 3)
    assert pixels[2, 5].tolist() == colour(RAMP[-1]) and pixels[0, 0].tolist() == colour(RAMP[0])
    assert pixels[6, 1].tolist() == colour(RAMP[4])


def test_the_code_of_an_image_is_the_one_that_the_encodings_hold(entry, known):
    row = known.row_of("test/5")
    assert np.allclose(scored.code_of(entry, "faces", 5), known.mu[row], atol=5e-3)
    assert np.array_equal(
        np.array(Image.open(io.BytesIO(scored.picture_of("faces", 5)))),
        scored.images("faces", np.array([5])).pixels[0].squeeze(),
    )


def test_images_that_are_not_here_are_one_plain_line(monkeypatch, entry):
    monkeypatch.setattr(scored.data, "originals", lambda *asked: None)
    with pytest.raises(VAEError, match="not on this machine"):
        scored.picture_of("faces", 1)


def test_of_large_pictures_fewer_are_scored(entry, known, monkeypatch):
    asked = []
    monkeypatch.setattr(scored, "_score", lambda entry, images: asked.append(len(images)))
    scored.own(entry, known)
    small = next(each for each in shipped.models() if each.name == "mnist-2d")
    monkeypatch.setattr(scored, "images", lambda name, index: index)
    scored.own(small, shipped.encodings(small))
    assert asked == [scored.FEWEST, scored.OWN]
