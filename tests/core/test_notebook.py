"""Muscope in a notebook: what a page's lines do not reach, and what it refuses."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from live.engine import SHIPPED, Engine
from vae.errors import VAEError
from vae.notebook import Picture, add, move, open_model, open_run, original, sheet


@pytest.fixture(scope="module")
def model():
    return open_model("mnist-2d")


def test_a_model_is_found_by_its_name_its_path_and_its_content(model):
    assert (
        open_model(SHIPPED / "mnist-2d").model_id == open_model("mnist-2d", model.model_id).model_id == model.model_id
    )
    with pytest.raises(VAEError, match="no longer the one that was asked for"):
        open_model("mnist-2d", "0" * 16)
    with pytest.raises(VAEError, match="There is no model called nothing"):
        open_model("nothing")


def test_pictures_are_those_of_the_app_whatever_the_threads_and_these_stay_as_they_were(model):
    (entry,) = (each for each in Engine((SHIPPED,)).models() if each.name == "mnist-2d")
    z = model.codes(["test/3", "test/17"])
    torch.set_num_threads(2)
    try:
        mine = model.pixels(z)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        assert np.array_equal(mine, Engine((SHIPPED,)).decode(entry, z))
    finally:
        torch.set_num_threads(1)


def test_a_picture_shows_itself_in_a_notebook(model, tmp_path):
    picture = model.picture(model.code("test/3"))
    assert picture._repr_mimebundle_() == {"image/png": picture.file}
    picture.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as back:
        assert back.size == (28, 28)
    assert list(Picture(b"\xff\xd8")._repr_mimebundle_()) == ["image/jpeg"]


def test_a_direction_is_a_step_from_mean_to_mean(model):
    known = model.encodings
    three = known.labels == known.label_names.index("3")
    found = model.direction("label:3")
    step = known.mu[three].mean(axis=0, dtype=float) - known.mu[~three].mean(axis=0, dtype=float)
    z = model.code("test/3")
    assert np.allclose(move(z, found, 2.0), z + 2 * step, atol=1e-5)
    assert np.allclose(add([(2.0, found)], z), move(z, found, 2.0), atol=1e-6)
    some = [known.image_id(row) for row in np.flatnonzero(three)[:9]]
    rest = [known.image_id(row) for row in np.flatnonzero(~three)[:9]]
    between = model.direction_between(some, rest)
    assert np.allclose(between.step, model.codes(some).mean(axis=0) - model.codes(rest).mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("way", ["principal", "dimensions", "everywhere"])
def test_axes_are_unit_vectors_the_strongest_first(model, way):
    axes = model.axes(way)
    assert np.allclose([np.linalg.norm(axis.vector) for axis in axes], 1, atol=1e-5)
    assert axes[0].share >= axes[1].share
    z = model.code("test/3")
    assert np.allclose(move(z, axes[0], -1.5), z - 1.5 * axes[0].step, atol=1e-6)


def test_a_longer_draw_begins_with_the_shorter_one(model):
    long = model.samples(9, 4, temperature=0.5, limit=1.0)
    assert np.array_equal(long[:4], model.samples(4, 4, temperature=0.5, limit=1.0))
    assert np.abs(long).max() <= 0.5 and not np.array_equal(long[:4], model.samples(4, 5, 0.5, 1.0))


def test_a_sheet_lays_pictures_out_in_rows():
    dark, light = (Picture.of(np.full((3, 4, 1), level, np.uint8)) for level in (0, 200))
    page = np.asarray(Image.open(io.BytesIO(sheet([[dark, light, dark], [light, light, dark]], gap=1).file)))
    assert page.shape == (7, 14) and page[0, 0] == 0 and page[4, 0] == 200 and page[0, 5] == 200 and page[3, 0] == 255
    for bad in ([], [[dark], [dark, light]], [[dark, Picture.of(np.zeros((2, 4, 1), np.uint8))]]):
        with pytest.raises(VAEError, match="equally many pictures of one size"):
            sheet(bad)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda model: model.code("test/999999"), "knows no image called test/999999"),
        (lambda model: model.code("../etc"), "knows no image"),
        (lambda model: model.direction("label:none"), "know nothing called none"),
        (lambda model: model.direction("label:3", "magic"), "no estimator 'magic'"),
        (lambda model: model.direction("label:3", "regression"), "an attribute that is a number"),
        (lambda model: model.axes("here"), "here, with a code"),
        (lambda model: model.samples(2, 1, prior="mixture"), "No mixture was fitted"),
        (lambda model: original("digits", "17"), "called like test/17"),
        (lambda model: open_run("../../x"), "There is no training x"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(model, ask, said):
    with pytest.raises(VAEError, match=said) as error:
        ask(model)
    assert "\n" not in str(error.value)


def test_an_image_as_it_is_and_its_code():
    shown = np.asarray(Image.open(io.BytesIO(original("digits", "test/3").file)))
    assert shown.shape == (8, 8) and shown.max() > 100
