"""What codes know: codes that say one thing and nothing else, pictures whose measures are known, and chance."""

import json

import numpy as np
import pytest
import torch

from vae.data import Images, brought
from vae.errors import VAEError
from vae.evaluate.codes import columns, knows
from vae.evaluate.codes.columns import Column, as_columns
from vae.evaluate.codes.knows import Told, figure, measure_columns, read_knows
from vae.evaluate.codes.nuisances import nuisances
from vae.evaluate.estimate import Estimate

SIDE = 16


# ---- what is measured on pictures ----------------------------------------------------------------------------------


def ellipse(angle, long, wide, side=64, ink=200, ground=20):
    """(1, side, side, 1): its half axes in pixels, its long one at `angle` from the horizontal."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return np.where((u / long) ** 2 + (v / wide) ** 2 <= 1, ink, ground).astype(np.uint8)[None, :, :, None]


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.2, 2.6])
@pytest.mark.parametrize(("ink", "ground"), [(200, 20), (0, 255)])
def test_an_ellipse_has_the_measures_it_was_drawn_with(angle, ink, ground):
    long, wide = 20.0, 8.0
    found = {name: values[0] for name, values in nuisances(ellipse(angle, long, wide, ink=ink, ground=ground)).items()}
    area = np.pi * long * wide / 64**2
    assert np.isclose(found["size by area"], area, rtol=0.03)
    assert np.isclose(found["size by extent"], np.sqrt(long**2 + wide**2) / 2 / 64, rtol=0.02)  # sd of an ellipse: a/2
    assert np.isclose(found["brightness"], (area * ink + (1 - area) * ground) / 255, rtol=0.03)
    assert np.isclose(found["elongation"], 1 - wide / long, atol=0.02)
    assert np.allclose(found["orientation"], [np.cos(2 * angle), np.sin(2 * angle)], atol=0.03)


def test_a_round_one_points_nowhere_and_an_empty_one_is_not_long():
    found = nuisances(np.concatenate([ellipse(0, 12, 12), np.full((1, 64, 64, 1), 20, np.uint8)]))
    assert np.isnan(found["orientation"]).all()
    assert np.isnan(found["elongation"]).tolist() == [[False], [True]]
    assert np.isfinite(found["brightness"]).all() and found["size by area"][1] == 0


def test_colours_and_rows_are_measured_too():
    grey = ellipse(0.4, 20, 9)
    coloured = np.concatenate([grey, np.full_like(grey, 90), grey], axis=3)
    one, three = nuisances(grey), nuisances(coloured)
    assert np.allclose(one["orientation"], three["orientation"]) and np.isclose(
        one["size by area"], three["size by area"]
    )
    rows = np.array([[0.1, 0.3], [0.5, 0.5]], np.float32)
    assert np.allclose(nuisances(rows)["level"][:, 0], [0.2, 0.5]) and np.allclose(
        nuisances(rows)["spread"][:, 0], [0.1, 0]
    )


# ---- what codes tell -----------------------------------------------------------------------------------------------


def noise(x, size=3):
    return torch.randn(len(x), size, generator=torch.Generator().manual_seed(len(x)))


def pictures(count, seed, split):
    """Even pictures of some brightness; a kind and a rare attribute that have nothing to do with it."""
    generator = np.random.default_rng(seed)
    pixels = np.repeat(generator.integers(0, 256, (count, 1), np.uint8), SIDE * SIDE, axis=1)
    rare, any_ = generator.random(count) < 0.1, generator.random(count)
    return Images(
        "mnist",
        split,
        pixels.reshape(count, SIDE, SIDE, 1),
        labels=(pixels[:, 0] // 86).astype(np.int64),  # dark, middle, light
        label_names=("dark", "middle", "light"),
        attributes=np.stack([rare, any_], axis=1).astype(np.float32),
        attribute_names=("rare_thing", "anything"),
    )


@pytest.fixture(scope="module")
def sides():
    return pictures(600, 0, "train"), pictures(400, 1, "test")


def by_name(found):
    return {one.name: one for one in found.told}


def bright_in_the_middle(x):
    """(noise, brightness, noise)."""
    return torch.cat([noise(x, 1), 5 * x.flatten(1).mean(1, keepdim=True) - 2, noise(x, 1)], dim=1)


def test_what_a_code_says_is_found_and_where(sides, told_by):
    found = measure_columns(told_by(3, bright_in_the_middle, SIDE), *sides)
    one = by_name(found)
    assert one["brightness"].line.value > 0.999 and one["brightness"].near.value > 0.9
    assert (one["brightness"].best, one["brightness"].how, one["brightness"].alone) == (1, "well", True)
    assert one["brightness"].single.value > 0.98 and one["brightness"].measure == "R2"
    assert (one["label"].best, one["label"].measure) == (1, "accuracy") and one["label"].line.value > 0.9
    for name in ("rare thing", "anything"):
        assert one[name].how == "not" and not one[name].alone
    assert found.sentences[0] == "These codes tell the label and brightness well."
    assert found.sentences[1] == "They tell nothing of rare thing and anything."
    assert "the label (dimension 1) and brightness (dimension 1)" in found.sentences[2]
    assert (found.train, found.test, found.numbers) == (600, 400, 3)


def test_codes_that_say_nothing_tell_nothing_however_rare_a_thing_is(sides, told_by):
    found = measure_columns(told_by(3, noise, SIDE), *sides)
    assert {one.how for one in found.told} == {"not"}
    rare = by_name(found)["rare thing"]
    assert rare.line.value > 0.85 and rare.chance > 0.85  # always naming the commoner one is right that often
    assert abs(by_name(found)["brightness"].chance) < 0.1


def test_what_does_not_vary_is_left_out_with_the_reason(sides, told_by):
    found = measure_columns(told_by(3, noise, SIDE), *sides)
    why = dict(found.left_out)
    assert why == {
        "size by area": "the same for all images",
        "size by extent": "known of too few images",
        "elongation": "known of too few images",
        "orientation": "known of too few images",
    }
    assert "Left out: size by area (the same for all images)." in found.lines()


@pytest.mark.parametrize(
    ("train", "test", "which"), [(1, 1, "images"), (2, 1, "test images"), (1, 2, "training images")]
)
def test_where_a_column_does_not_vary_is_said(train, test, which):
    sides = [Column("day", "attribute", (np.arange(200.0) % values)[:, None]) for values in (train, test)]
    assert columns._unfit(*sides) == f"the same for all {which}"


def test_the_same_seed_gives_the_same_figures(sides, told_by):
    model = told_by(3, bright_in_the_middle, SIDE)
    first, again, other = (measure_columns(model, *sides, seed=seed, limit=200, tested=100) for seed in (0, 0, 1))
    assert first == again != other and (first.train, first.test) == (200, 100)


def test_a_single_dimension_is_read_though_it_is_no_line(tmp_path):
    """What lies in a dimension as a valley: no line tells it, its parts do."""
    generator = np.random.default_rng(0)
    codes = generator.normal(size=(900, 2))
    values = np.square(codes[:, 1:])
    best, guesses = knows._single(codes[:600], values[:600], codes[600:])
    score = knows._score(guesses, values[600:], generator)
    line = knows._score(knows._by_line(codes[:600], values[:600], codes[600:]), values[600:], generator)
    assert best == 1 and score.low > 0.6 and line.high < 0.2


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """R2 of a guess whose noise is known: 0.8. The 95 % interval should hold it in about 95 of 100 draws."""
    generator, held = np.random.default_rng(0), 0
    for _ in range(100):
        truth = generator.normal(size=(300, 1))
        guess = truth + generator.normal(size=(300, 1)) * np.sqrt(0.2)
        score = knows._score(guess, truth, generator)
        held += score.low <= 0.8 <= score.high
    assert held >= 88


# ---- columns of a person's own -------------------------------------------------------------------------------------


def test_columns_of_numbers_words_and_gaps():
    known, asked = as_columns("weight", ["1.5", 2, None, 7], [3.5, "", "4"])
    assert known.values[:, 0].tolist()[:2] == [1.5, 2] and np.isnan(known.values[2, 0])
    assert known.known.tolist() == [True, True, False, True] and asked.known.tolist() == [True, False, True]
    known, asked = as_columns("site", ["north", "south", " north", None], ["south", "west", ""])
    assert known.values.tolist() == [0, 1, 0, -1] and asked.values.tolist() == [1, -1, -1]  # west was never learned
    known, _ = as_columns("ill", [1, 0, None, 1.0], ["0"])
    assert known.values.tolist() == [1, 0, -1, 1] and known.classes
    assert as_columns("name", [f"file {i}" for i in range(200)], ["x"]) is None
    assert as_columns("even", ["a", "a"], ["a"]) is None


def test_every_column_that_was_brought_is_read(sides, told_by, monkeypatch):
    import pyarrow

    train, test = (
        Images(f"brought:{'a' * 16}", images.split, images.pixels, index=np.arange(len(images))[::-1].copy())
        for images in sides
    )
    light = {images.split: images.pixels[::-1, 0, 0, 0].astype(float) for images in (train, test)}  # as rows lie there

    def rows(set_id, split):
        values = light[split]
        depth = [None if i % 7 == 0 else v for i, v in enumerate(values.tolist())]
        return pyarrow.table({"file": ["x"] * len(values), "depth": depth, "same": ["s"] * len(values)})

    class Known:
        label_column, attribute_names, columns = "", (), ("file", "depth", "same")

    monkeypatch.setattr(brought, "get", lambda set_id: Known())
    monkeypatch.setattr(brought, "rows", rows)
    found = by_name(measure_columns(told_by(3, bright_in_the_middle, SIDE), train, test))
    assert found["depth"].kind == "column" and found["depth"].line.value > 0.99  # each image met its own row
    assert found["depth"].train == sum(i % 7 != 0 for i in range(600))
    assert "file" not in found and "same" not in found


# ---- kept ----------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_read_again_and_nothing_else(sides, told_by):
    found = measure_columns(told_by(3, bright_in_the_middle, SIDE), *sides, limit=100, tested=60)
    kept = json.loads(json.dumps(found.to_json()))
    assert read_knows(kept) == found
    for bad in (None, [], {}, kept | {"told": [{}]}, kept | {"left_out": [1]}, kept | {"told": 5}):
        assert read_knows(bad) is None
    kept["told"][0]["line"]["value"] = float("nan")
    assert read_knows(kept) is None


def test_how_well_is_counted_from_chance():
    def told(value, chance, single=0.0):
        one = Estimate(value, value, value)
        return Told("x", "label", "accuracy", one, one, 0, Estimate(single, single, single), chance, 1, 1)

    assert [told(value, 0.5).how for value in (0.5, 0.55, 0.65, 0.85)] == ["not", "hardly", "partly", "well"]
    assert told(0.9, 0.5, 0.85).alone and not told(0.9, 0.5, 0.7).alone
    assert told(0.9, 0.95).how == "not" and told(1.0, 1.0).how == "not"
    assert figure(-0.001, "R2") == "0.00" and figure(0.5, "accuracy") == "50.0%"


def test_too_few_images_are_told(sides, told_by):
    with pytest.raises(VAEError, match="at least 20"):
        measure_columns(told_by(3, noise, SIDE), sides[0].take(np.arange(19)), sides[1])
