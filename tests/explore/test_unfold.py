"""The map as it unfolds: what lies where, and that nothing jumps or is stretched on the way."""

import io
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor, ImageSequence

from tests.core.histories import a_history
from vae.errors import VAEError
from vae.explore.projection import pca
from vae.explore.unfold import HEAD, MAP, film, flat, turn, unfolded
from vae.history import History


def cloud(latents, count=60, seed=0):
    """Codes that spread by a different amount along each latent."""
    chance = np.random.default_rng(seed)
    return (chance.standard_normal((count, latents)) * np.linspace(2, 0.3, latents)).astype(np.float32)


def rotation(angle, mirrored):
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turned * (1, -1) if mirrored else turned


def distances(xy):
    return np.linalg.norm(xy[:, None] - xy[None], axis=2)


@pytest.fixture
def refused():
    @contextmanager
    def check(words):
        with pytest.raises(VAEError, match=words) as caught:
            yield
        assert len(str(caught.value).splitlines()) == 1

    return check


# ---- the plane -----------------------------------------------------------------------------------------------------


def test_two_latents_are_the_map_themselves():
    mu = cloud(2)
    assert (flat(mu) == mu).all()
    assert (unfolded(mu, before=mu[::-1]) == mu).all()


def test_one_latent_is_a_line_on_the_map():
    mu = cloud(1)
    assert (flat(mu)[:, :1] == mu).all() and (flat(mu)[:, 1] == 0).all()


@pytest.mark.parametrize("latents", [3, 16, 200])
def test_more_latents_are_seen_as_pca_sees_them_from_the_middle_of_the_prior(latents):
    mu = cloud(latents) + 3
    seen, wanted = flat(mu), pca(mu)
    assert distances(seen) == pytest.approx(distances(wanted.xy), abs=1e-3)
    assert np.abs(seen) == pytest.approx(np.abs(mu @ wanted.axes.T), abs=1e-3)  # an axis may point the other way


# ---- from one moment to the next -----------------------------------------------------------------------------------


@given(angle=st.floats(-7, 7), mirrored=st.booleans(), seed=st.integers(0, 20))
def test_a_map_that_was_turned_or_mirrored_comes_back_exactly(angle, mirrored, seed):
    before = cloud(2, seed=seed)
    assert turn(before @ rotation(angle, mirrored), before) == pytest.approx(before, abs=1e-4)


@given(angle=st.floats(-7, 7), mirrored=st.booleans(), seed=st.integers(0, 20))
def test_distances_are_kept_and_no_other_turn_lies_nearer(angle, mirrored, seed):
    now, before = cloud(2, seed=seed), cloud(2, seed=seed + 100) * 3
    laid = turn(now, before)
    assert distances(laid) == pytest.approx(distances(now), abs=1e-4)
    other = now @ rotation(angle, mirrored)
    assert np.square(laid - before).sum() <= np.square(other - before).sum() + 1e-3


def test_a_middle_that_moves_is_seen_to_move():
    before = cloud(2) + (4, 0)
    assert turn(before * 0.5, before).mean(axis=0) == pytest.approx((before * 0.5).mean(axis=0), abs=1e-4)


def test_frames_of_a_training_follow_each_other_without_a_jump():
    """Codes that grow a little from moment to moment, as PCA would see them from ever other sides."""
    mu, chance = cloud(5), np.random.default_rng(1)
    before = unfolded(mu)
    for _ in range(12):
        mu = mu + chance.normal(scale=0.02, size=mu.shape).astype(np.float32)
        now = unfolded(mu[:, chance.permutation(5)] * chance.choice([-1, 1], 5), before)  # the same cloud, turned
        assert np.abs(now - before).max() < 0.5
        before = now


def test_maps_of_other_dots_are_refused(refused):
    with refused("they need the same dots"):
        turn(cloud(2), cloud(2)[1:])


# ---- the film ------------------------------------------------------------------------------------------------------

COLOURS = ("#0072b2", "#e69f00")


def pages(data):
    return [
        np.asarray(page.convert("RGB")).astype(int) for page in ImageSequence.Iterator(Image.open(io.BytesIO(data)))
    ]


def inked(page, colour):
    """Where a colour lies on the map, pixels (x, y) from its middle."""
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    rows, columns = np.nonzero(np.abs(page[31:389, 1:359] - rgb).max(axis=2) < 40)
    return np.stack([columns - 179, 179 - rows], axis=1)


def test_a_film_has_a_page_for_each_frame_and_the_dots_where_they_lie():
    history = a_history(frames=3, dots=2)
    places = (np.array([[1, 2], [-2, -1]]), np.array([[-1, 1], [1, 1]]), np.array([[0, 3], [2, 0]]))
    frames = [replace(frame, xy=xy.astype(np.float16)) for frame, xy in zip(history.frames, places, strict=True)]
    shown = pages(film(History(history.curves, history.dots, tuple(frames), "codes"), COLOURS))
    assert len(shown) == 3
    scale = 360 / 2 / (1.06 * 3.3)
    for page, xy in zip(shown, places, strict=True):
        for (x, y), colour in zip(xy, COLOURS, strict=True):
            assert inked(page, colour).mean(axis=0) == pytest.approx((x * scale, y * scale), abs=1.5)


def test_a_film_says_which_colour_is_which_class():
    history = a_history(frames=1)
    (page,) = pages(film(history, COLOURS))
    foot = page[HEAD + MAP :]
    for colour in COLOURS:
        assert (np.abs(foot - ImageColor.getrgb(colour)).max(axis=2) < 40).sum() > 40
    alone = replace(history, dots=replace(history.dots, labels=history.dots.labels * 0, names=("test images",)))
    assert pages(film(alone, COLOURS))[0].shape[0] == HEAD + MAP
    many = replace(history, dots=replace(history.dots, names=tuple(f"class {i}" for i in range(300))))
    high = pages(film(many, COLOURS))[0].shape[0]
    assert HEAD + MAP < high < HEAD + MAP + 120  # the first of them, and how many more


def test_a_film_shows_far_dots_too_and_comes_back_slowly():
    history = a_history(frames=3, dots=2)
    places = ([[1, 0], [-1, 0]], [[10, 0], [-10, 0]], [[1, 0], [-1, 0]])
    frames = [replace(f, xy=np.array(xy, np.float16)) for f, xy in zip(history.frames, places, strict=True)]
    shown = pages(film(History(history.curves, history.dots, tuple(frames), "codes"), COLOURS))
    right = [inked(page, COLOURS[0]).mean(axis=0)[0] for page in shown]
    assert right[1] == pytest.approx(180 / 1.06, abs=2)
    assert right[0] == pytest.approx(180 / 1.06 / 3.3, abs=2)
    assert right[2] == pytest.approx(180 / 1.06 / 8.5, abs=2)


def test_a_film_is_the_same_every_time_and_its_last_page_stays():
    history = a_history(frames=3)
    data = film(history, COLOURS)
    assert data == film(history, COLOURS)
    times = [page.info["duration"] for page in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]
    assert times[-1] > 10 * times[0]


def test_without_a_frame_there_is_no_film(refused):
    history = a_history(frames=1)
    with refused("no frame to show yet"):
        film(History(history.curves, history.dots, (), "codes"), COLOURS)
