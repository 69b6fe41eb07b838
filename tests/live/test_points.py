"""The dots of a map as a browser takes them: every image once, where it lies, and what colours it."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from live import points
from vae import data
from vae.encodings import Encodings
from vae.errors import VAEError
from vae.explore.anywhere import code_at
from vae.explore.projection import pca
from vae.posterior import POINT_LOGVAR

COUNT, LATENT = 500, 4


def encodings(**changes) -> Encodings:
    generator = np.random.default_rng(0)
    known = Encodings(
        mu=generator.normal(size=(COUNT, LATENT)).astype(np.float32),
        logvar=generator.uniform(-6, 0.5, size=(COUNT, LATENT)).astype(np.float32),
        recon_error=generator.random(COUNT).astype(np.float32),
        split=(np.arange(COUNT) % 3 == 0).astype(np.uint8),
        index=generator.permutation(2_000_000)[:COUNT].astype(np.int32),
        labels=generator.integers(0, 3, COUNT),
        label_names=("cat", "dog", "eel"),
        attributes=np.stack([np.arange(COUNT) % 2, np.linspace(-3, 9, COUNT)], axis=1).astype(np.float32),
        attribute_names=("long_hair", "age"),
        maps={"umap": (generator.normal(size=(COUNT, 2)) * (7, 0.1) + (3, -400)).astype(np.float32)},
    )
    return replace(known, **changes)


def served(known: Encodings, shape: tuple[int, ...] = (1, 8, 8)) -> tuple[SimpleNamespace, SimpleNamespace]:
    """An engine that holds these encodings, and an entry for them."""
    return SimpleNamespace(encodings=lambda entry: known), SimpleNamespace(shape=shape)


def unpacked(payload: bytes, *columns: str) -> tuple[dict, list[np.ndarray]]:
    """Head and columns, read as the browser reads them; nothing is left over."""
    length = int.from_bytes(payload[:4], "little")
    head, at, found = json.loads(payload[4 : 4 + length]), 4 + length, []
    assert at % 4 == 0  # a browser can only look at whole numbers that lie on their own bounds
    for kind in columns:
        found.append(np.frombuffer(payload, kind, head["count"], at))
        at += found[-1].nbytes
    assert at == len(payload)
    return head, found


def placed(known: Encodings, view: str) -> np.ndarray:
    """Where the browser puts every row."""
    columns = ["<u2"] * (2 if view in ("umap", "pca") else 4)
    head, (x, y, *_) = unpacked(points.points_payload(*served(known), view), *columns)
    low, high = np.array(head["low"]), np.array(head["high"])
    return low + np.stack([x, y], axis=1) / 65_535 * (high - low)


# ---- where ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["umap", "pca", "3,0", "1,1"])
def test_every_image_is_sent_where_it_lies_to_half_a_step(view):
    known = encodings()
    truth = {
        "umap": known.maps["umap"],
        "pca": pca(known.mu).xy,
        "3,0": known.mu[:, [3, 0]],
        "1,1": known.mu[:, [1, 1]],
    }
    xy, sent = truth[view], placed(known, view)
    step = np.ptp(xy, axis=0) / 65_535
    assert sent.shape == (COUNT, 2)
    assert (np.abs(sent - xy) <= 0.501 * step + 1e-5 * np.abs(xy).max()).all()


def test_a_map_of_the_model_is_used_and_pca_is_made_where_there_is_none():
    known = encodings(maps={"pca": np.full((COUNT, 2), 5, np.float32)})
    assert (placed(known, "pca") == 5).all()  # all in one place: no width to divide by
    assert np.allclose(placed(encodings(), "pca"), pca(encodings().mu).xy, atol=1e-3)


def test_two_dimensions_come_with_the_spread_of_each_image():
    known = encodings()
    head, (_, _, sx, sy) = unpacked(points.points_payload(*served(known), "2,1"), *["<u2"] * 4)
    std = np.exp(known.logvar / 2)
    assert head["dims"] == [2, 1]
    assert np.allclose(np.stack([sx, sy], axis=1) / 65_535 * head["std"], std[:, [2, 1]], atol=2e-5)
    assert unpacked(points.points_payload(*served(known), "umap"), "<u2", "<u2")[0]["dims"] is None


@pytest.mark.parametrize(
    "view", ["", "tsne", "0", "0,4", "4,0", "-1,0", "0,1,2", "0,", "0, 1", "1e0,0", "٣,0", "0" * 9000]
)
def test_a_view_that_is_none_is_refused_in_a_line(view):
    with pytest.raises(VAEError, match="no view of its map") as refused:
        points.points_payload(*served(encodings()), view)
    assert len(str(refused.value)) < 200


def test_a_map_that_is_damaged_is_refused():
    broken = encodings().maps["umap"].copy()
    broken[7, 1] = np.nan
    with pytest.raises(VAEError, match="not finite"):
        points.points_payload(*served(encodings(maps={"umap": broken})), "umap")


# ---- colours -------------------------------------------------------------------------------------------------------


def test_classes_are_numbers_with_names_and_colours():
    known = encodings()
    head, (values,) = unpacked(points.colours_payload(*served(known), "label"), "u1")
    assert (head["kind"], head["names"]) == ("classes", ["cat", "dog", "eel"])
    assert head["colours"] == list(points.CLASS_COLOURS[:3])
    assert np.array_equal(values, known.labels)
    head, (values,) = unpacked(points.colours_payload(*served(known), "split"), "u1")
    assert head["names"] == ["training", "test"] and np.array_equal(values, known.split)


def test_a_yes_or_no_attribute_is_two_classes_and_a_measure_is_an_amount():
    known = encodings()
    head, (values,) = unpacked(points.colours_payload(*served(known), "attribute:long_hair"), "u1")
    assert head["names"] == ["no long hair", "long hair"] and np.array_equal(values, known.attributes[:, 0])
    head, _ = unpacked(points.colours_payload(*served(known), "attribute:age"), "u1")
    assert head["kind"] == "amount" and head["title"] == "age"


def test_more_than_256_classes_take_two_bytes_and_repeat_their_colours():
    names = tuple(str(i) for i in range(300))
    labels = np.arange(COUNT) % 300
    head, (values,) = unpacked(
        points.colours_payload(*served(encodings(labels=labels, label_names=names)), "label"), "<u2"
    )
    assert head["bytes"] == 2 and np.array_equal(values, labels)
    assert head["colours"][299] == points.CLASS_COLOURS[9]


def test_an_amount_has_a_scale_that_outliers_do_not_stretch():
    error = np.linspace(0, 1, COUNT, dtype=np.float32)
    error[0], error[1] = 1e6, -1e6
    head, (levels,) = unpacked(points.colours_payload(*served(encodings(recon_error=error)), "error"), "u1")
    assert -1 < head["low"] < head["high"] < 2
    assert (levels[0], levels[1]) == (255, 0)
    inside = (error >= head["low"]) & (error <= head["high"])
    read = head["low"] + levels / 255 * (head["high"] - head["low"])
    assert np.abs(read - error)[inside].max() <= 0.51 / 255 * (head["high"] - head["low"])
    assert head["unit"] == "per pixel"
    assert unpacked(points.colours_payload(*served(encodings(), (32,)), "error"), "u1")[0]["unit"] == "per number"


def test_an_amount_that_is_the_same_everywhere_has_one_colour():
    head, (levels,) = unpacked(
        points.colours_payload(*served(encodings(recon_error=np.full(COUNT, 3, np.float32))), "error"), "u1"
    )
    assert head["low"] == head["high"] == 3 and (levels == 0).all()


def test_kl_is_that_of_the_encodings():
    known = encodings()
    head, (levels,) = unpacked(points.colours_payload(*served(known), "kl"), "u1")
    order = np.argsort(known.kl())
    assert (np.diff(levels[order].astype(int)) >= 0).all() and levels.max() == 255 and head["unit"] == "nats per image"


def test_an_image_is_called_by_its_split_and_its_row():
    known = encodings()
    head, (names,) = unpacked(points.colours_payload(*served(known), "name"), "<u4")
    assert head["kind"] == "names"
    assert np.array_equal(names >> 31, known.split) and np.array_equal(names & 0x7FFFFFFF, known.index)


def test_images_are_called_as_their_owner_calls_them(monkeypatch):
    known = encodings(index=np.arange(COUNT, dtype=np.int32)[::-1].copy())
    monkeypatch.setattr(data, "file_names", lambda name, split: tuple(f"{split} {at}.tif" for at in range(COUNT)))
    monkeypatch.setattr(data, "on_machine", lambda name: True)
    engine, entry = served(known)[0], SimpleNamespace(data="brought:0123456789abcdef")
    head, _ = unpacked(payload := points.files_payload(engine, entry))
    assert points.files_payload(engine, entry) is payload  # 50,000 names are put together once
    assert head["files"] == [f"{'test' if at % 3 == 0 else 'train'} {COUNT - 1 - at}.tif" for at in range(COUNT)]
    monkeypatch.setattr(data, "file_names", lambda name, split: ("only.tif",))
    with pytest.raises(VAEError, match="no names of their own"):
        points.files_payload(served(encodings())[0], entry)
    monkeypatch.setattr(data, "on_machine", lambda name: False)
    with pytest.raises(VAEError, match="no longer here"):
        points.files_payload(engine, entry)


def test_kinds_of_a_column_colour_the_map_together():
    which = np.arange(COUNT) % 3
    one_hot = np.stack([*(which == at for at in range(3)), np.linspace(0, 1, COUNT)], axis=1).astype(np.float32)
    names = ("drug: high: twice", "drug: low", "drug: none", "age: said")
    known = encodings(attributes=one_hot, attribute_names=names)
    assert points.kinds(known) == {"drug": [0, 1, 2]}
    head, (values,) = unpacked(points.colours_payload(*served(known), "kinds:drug"), "u1")
    assert head["names"] == ["high: twice", "low", "none"] and np.array_equal(values, which)
    assert head["kind"] == "classes" and head["title"] == "drug"
    known.attributes[0, :3] = 1
    with pytest.raises(VAEError, match="know nothing called"):
        points.column(known, "kinds:drug")


@pytest.mark.parametrize("colour", ["", "colour", "attribute:", "attribute:hat", "kinds:hat", "label:cat", "x" * 9000])
def test_a_colour_that_is_none_is_refused_in_a_line(colour):
    with pytest.raises(VAEError, match="know nothing called"):
        points.colours_payload(*served(encodings()), colour)
    with pytest.raises(VAEError, match="know nothing called"):
        points.colours_payload(*served(encodings(labels=None, label_names=())), "label")


def test_an_amount_that_is_not_finite_is_refused():
    error = np.zeros(COUNT, np.float32)
    error[3] = np.inf
    with pytest.raises(VAEError, match="not a finite number"):
        points.colours_payload(*served(encodings(recon_error=error)), "error")


def test_classes_can_be_told_apart_and_a_ramp_grows_lighter_in_even_steps():
    assert len(set(points.CLASS_COLOURS)) == 10
    hues = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in points.CLASS_COLOURS])
    apart = np.abs(hues[:, None] - hues[None]).sum(axis=2) + 1000 * np.eye(10)
    assert apart.min() > 50
    lightness = [_lightness(colour) for colour in points.RAMP]
    steps = np.diff(lightness)
    assert (steps > 0).all() and steps.max() < 1.1 * steps.min()


def _lightness(colour: str) -> float:
    """Oklab's L of "#rrggbb" (Ottosson 2020)."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]) @ linear)
    return float(np.array([0.2105, 0.7936, -0.0041]) @ lms)


# ---- kept ----------------------------------------------------------------------------------------------------------


def test_what_was_made_once_is_kept_and_made_anew_for_other_encodings():
    known, other = encodings(), encodings(mu=np.zeros((COUNT, LATENT), np.float32))
    first = points.points_payload(*served(known), "0,1")
    assert points.points_payload(*served(known), "0,1") is first
    assert points.points_payload(*served(other), "0,1") != first  # the same model, encoded again


def test_no_more_is_kept_than_a_fixed_number_of_views():
    known = encodings(
        mu=np.random.default_rng(1).normal(size=(COUNT, 40)).astype(np.float32),
        logvar=np.zeros((COUNT, 40), np.float32),
    )
    for dim in range(40):
        points.points_payload(*served(known), f"{dim},0")
    assert len(points._made[known]) <= points.HELD


def test_ground_and_map_are_those_of_the_view_and_cannot_be_changed():
    known = encodings()
    xy = points.xy(*served(known), "umap")
    with pytest.raises(ValueError, match="read-only"):
        xy[0] = 0
    assert np.array_equal(code_at(points.ground(*served(known), "umap"), xy[[8]]).codes[0], known.mu[8])


def test_a_plain_autoencoder_has_no_spread_and_no_kl_to_show():
    known = encodings(logvar=np.full((COUNT, LATENT), POINT_LOGVAR, np.float32))
    head, _ = unpacked(points.points_payload(*served(known), "3,0"), "<u2", "<u2")
    assert head["dims"] == [3, 0] and head["std"] is None
    with pytest.raises(VAEError, match="know nothing called “kl”"):
        points.colours_payload(*served(known), "kl")
