"""Muscope in a notebook: what a page's lines do not reach, and what it refuses."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from live.engine import SHIPPED, Engine
from vae.errors import VAEError
from vae.notebook import Picture, add, as_direction, move, open_model, open_run, original, sheet


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


def test_what_kinds_have_more_of_is_left_out_and_a_direction_stays_at_right_angles_to_others(model):
    """Both computed here from their definitions."""
    known, chance = model.encodings, np.random.default_rng(1)
    rows = chance.permutation(len(known))[:400]
    one, two = rows[:150], rows[150:]
    names = [[known.image_id(row) for row in side] for side in (one, two)]
    steps = []
    for label in range(len(known.label_names)):
        ours, theirs = (side[known.labels[side] == label] for side in (one, two))
        if min(len(ours), len(theirs)) >= 5:
            steps.append(known.mu[ours].mean(axis=0, dtype=float) - known.mu[theirs].mean(axis=0, dtype=float))
    found = model.direction_between(*names, alike=["class"])
    assert len(steps) > 5 and np.allclose(found.step, np.mean(steps, axis=0), atol=1e-5)
    eight = model.direction("label:8")
    whole, apart = model.direction("label:3"), model.direction("label:3", apart=[eight])
    metric = np.linalg.inv(np.cov(known.mu, rowvar=False))
    assert abs(apart.step @ metric @ eight.vector) < 1e-4 < abs(whole.step @ metric @ eight.vector)
    again = as_direction(whole.vector, whole.gap)
    assert np.array_equal(move(model.code("test/3"), again, 0.7), move(model.code("test/3"), whole, 0.7))


def test_images_are_found_by_a_condition_and_by_a_line_on_the_map(model):
    known = model.encodings
    three = {known.image_id(row) for row in np.flatnonzero(known.labels == known.label_names.index("3"))}
    assert set(model.where('"3"')) == three
    x, y = known.mu.T
    within = np.flatnonzero((x > 0.0123) & (x < 1.0123) & (y > -1.0123) & (y < 0.5123))
    line = [(0.0123, -1.0123), (1.0123, -1.0123), (1.0123, 0.5123), (0.0123, 0.5123)]
    assert model.inside("0,1", line) == [known.image_id(row) for row in within] != []
    others = model.direction_between(model.where('"3"'))
    assert np.allclose(others.step, model.direction("label:3").step, atol=1e-6)
    assert np.allclose(model.average(), known.mu.mean(axis=0), atol=1e-5)


def test_samples_of_a_kind_lie_among_its_images(model):
    known = model.encodings
    z = model.samples(6, 3, of="label:3")
    voters = np.linspace(0, len(known) - 1, 20_000).astype(int)  # as many images are asked
    distances = np.linalg.norm(known.mu[voters][None] - z[:, None], axis=2)
    votes = (known.labels[voters] == known.label_names.index("3"))[np.argsort(distances, axis=1)[:, :15]]
    assert (votes.sum(axis=1) >= 8).all() and np.array_equal(model.samples(2, 3, of="label:3"), z[:2])


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
        (lambda model: model.encode("digits"), "Name at least one image"),
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
