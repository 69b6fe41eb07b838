"""What the preview says of files: every column with its use, images in which nothing is to be seen, windows that single
images do not move."""

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.data.conftest import Bring, Planned
from vae.data import brought
from vae.data.intake import Choice, Column, Understood, columns, meanings, told
from vae.errors import VAEError

COUNT = 40


def picture(path: Path, value: int, size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(size[::-1], value, np.uint8)
    pixels[2:5, 2:5] = 255 - value
    Image.fromarray(pixels).save(path)


def table(path: Path, cells: dict[str, list]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(cells)
        writer.writerows(zip(*cells.values(), strict=True))


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Forty pictures and a table with a column of every kind."""
    root = tmp_path / "cells"
    for at in range(COUNT):
        picture(root / f"c{at}.png", at)
    table(
        root / "rows.csv",
        {
            "filename": [f"c{at}.png" for at in range(COUNT)],
            "label": ["ab"[at % 2] for at in range(COUNT)],
            "day": [at % 5 + 1 for at in range(COUNT)],
            "treatment": [("none", "low", "high")[at % 3] for at in range(COUNT)],
            "size_um": [10.5 + at for at in range(COUNT)],
            "well": [f"w{at % 20}" for at in range(COUNT)],
            "note": [f"seen {at}" for at in range(COUNT)],
            "lens": ["40x"] * COUNT,
        },
    )
    return root


def uses(seen: Understood) -> dict[str, str]:
    return {one.name: one.use for one in seen.columns}


def test_every_column_is_on_the_map_or_says_why_not(cells: Path, planned: Planned) -> None:
    seen = told.understood(planned(cells))
    assert seen.attributes == ("day", "treatment: high", "treatment: low", "treatment: none", "size_um")
    told_of = uses(seen)
    assert all(told_of.values()), told_of
    assert "colours the map" in told_of["day"] and "colours the map" in told_of["treatment"]
    assert "20 kinds, so choose it under Labels" in told_of["well"]
    assert "every row has its own" in told_of["note"] and "all are the same" in told_of["lens"]
    assert "labels" in told_of["label"] and "names the images" in told_of["filename"]
    assert Understood.from_json(seen.to_json()) == seen


def test_a_column_is_read_as_she_says(cells: Path, planned: Planned, bring: Bring) -> None:
    said = Choice(readings=(("day", "kinds"), ("size_um", "leave"), ("well", "kinds"), ("treatment", "leave")))
    assert Choice.from_json(said.to_json()) == said
    one = bring(cells, said)
    names = brought.get(one).attribute_names
    assert names[:5] == tuple(f"day: {day}" for day in range(1, 6)) and len(names) == 5 + 20
    train, rows = brought.load(one, "train"), brought.rows(one, "train").to_pydict()
    assert train.attributes is not None and set(np.unique(train.attributes)) == {0, 1}
    assert train.attributes[:, :5].argmax(axis=1).tolist() == [day - 1 for day in rows["day"]]
    assert rows["size_um"] and rows["treatment"]  # kept, all the same
    with pytest.raises(VAEError, match="treatment holds words, such as"):
        planned(cells, Choice(readings=(("treatment", "number"),)))


@pytest.mark.parametrize(
    ("name", "cells", "reading"),
    [
        ("day", [1, 2, 3] * 5, "number"), ("class", [1, 2, 3] * 5, "kinds"), ("drug", ["a", "b"] * 8, "kinds"),
        ("ok", ["yes", "no"] * 5, "number"), ("id", list(range(9)), "leave"),
        ("who", [f"p{at}" for at in range(9)], "leave"),
        ("plate", [f"p{at % 13}" for at in range(39)], "leave"),
    ],
)  # fmt: skip
def test_a_column_is_read_as_what_it_looks_like(name: str, cells: list, reading: str) -> None:
    assert meanings.read_as(columns.understand(name, cells), len(cells), {}) == reading


def test_a_column_with_gaps_is_kept_and_no_attribute() -> None:
    cells = {"age": [1.5, None, 3.5], "ok": ["yes", "no", "yes"], "minus": [-1, 1, 1]}
    known = [Column(name, kind, 2, reading="number") for name, kind in zip(cells, ("number", "yes/no", "yes/no"))]  # noqa: B905
    found, told_of = meanings.attributes(known, cells, set())
    assert {name: values.tolist() for name, values in found.items()} == {"ok": [1, 0, 1], "minus": [0, 1, 1]}
    assert "it has gaps" in told_of[0].use


def test_which_groups_are_for_testing_is_said(cells: Path, planned: Planned) -> None:
    plan = planned(cells, Choice(split_column="day"))
    days = {plan.source.columns["day"][row] for row in np.flatnonzero(plan.test)}
    shown = ", ".join(map(str, sorted(days)))
    assert f"{shown} ({len(days)} of 5) for testing, {plan.test.sum()} of 40 in all." in plan.split


# ---- images in which nothing is to be seen -------------------------------------------------------------------------


def scans(root: Path, count: int = 24) -> Path:
    draw = np.random.default_rng(3)
    for at in range(count):
        root.mkdir(exist_ok=True)
        scan = draw.integers(1000, 3000, (2, 16, 16)).astype(np.uint16)
        tifffile.imwrite(root / f"s{at:02}.tif", scan, photometric="minisblack")
    return root


def test_empty_images_and_those_of_other_numbers_do_not_move_the_windows(tmp_path: Path, planned: Planned) -> None:
    root = scans(tmp_path / "scans")
    clean = planned(root)
    for at in range(3):
        tifffile.imwrite(root / f"black{at}.tif", np.zeros((2, 16, 16), np.uint16), photometric="minisblack")
        unit = np.random.default_rng(at).random((2, 16, 16)).astype(np.float32)
        tifffile.imwrite(root / f"unit{at}.tif", unit, photometric="minisblack")
    found = planned(root)
    assert found.channels == clean.channels
    assert sorted(found.flat) == [f"{what}{at}.tif" for what in ("black", "unit") for at in range(3)]
    assert sorted(found.other_numbers) == ["unit0.tif", "unit1.tif", "unit2.tif"] and found.dark == 6
    seen = told.understood(found)
    assert seen.flat == 6 and any("6 images are all black in these windows: " in line for line in seen.warnings)
    assert any("unit1.tif" in line and "fractions beside whole numbers" in line for line in seen.warnings)
    without = planned(root, Choice(without_flat=True))
    assert len(without.source) == 24 and not told.understood(without).warnings[1:]
    assert {name for name, _ in without.source.left_out.listed} == set(found.flat)


def test_an_empty_image_that_was_not_looked_at_is_left_out_while_the_set_is_made(tmp_path: Path, bring: Bring) -> None:
    root = tmp_path / "many"
    for at in range(70):
        picture(root / f"{at}.png", at)
    for at in range(5):
        Image.new("L", (12, 10), 7).save(root / f"flat{at}.png")
    one = brought.get(bring(root, Choice(without_flat=True), seconds=0.0))
    assert len(one) == 70 and one.left_out_count == 5


def test_histograms_count_what_lies_in_the_images(tmp_path: Path, planned: Planned) -> None:
    seen = told.understood(planned(scans(tmp_path / "scans")))
    assert len(seen.histograms) == 2
    for low, high, counts in seen.histograms:
        assert 990 < low < 1010 and 2980 < high < 3010 and len(counts) == 64
        assert 0.99 * 24 * 256 <= sum(counts) <= 24 * 256 and min(counts) > 0


@pytest.mark.parametrize(
    ("most", "why"),
    [("scan", "it is an ordinary picture, and most are images of 2 channels of more than 8 bits"),
     ("plain", "it is an image of 2 channels of more than 8 bits, and most are ordinary pictures (8 bits, grey")],
)  # fmt: skip
def test_an_image_of_another_kind_is_told_in_plain_words(tmp_path: Path, planned: Planned, most: str, why: str) -> None:
    root = scans(tmp_path / "scans", 8 if most == "scan" else 2)
    for at in range(2 if most == "scan" else 8):
        picture(root / f"p{at}.png", at)
    said = {reason for _, reason in told.understood(planned(root)).left_out}
    assert len(said) == 1 and said.pop().startswith(why)
