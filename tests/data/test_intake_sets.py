"""From files of every kind to rows: what was understood, and what becomes of it."""

import csv
import gzip
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vae.data import brought
from vae.data.intake import Choice, columns, survey, table_files, told
from vae.data.intake.given import Unreadable, gather
from vae.errors import VAEError

from .conftest import Bring, Planned

RANDOM = np.random.default_rng(0)
SHARED = Path(os.environ.get("MUSCOPE_DATA", "/nowhere"))


def picture(path: Path, grey: int = 0, size: tuple[int, int] = (20, 20), colour: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 3), grey, np.uint8)
    pixels[0, 0] = (255, 0, 0) if colour else 255
    Image.fromarray(pixels).save(path)


def pets(root: Path, count: int = 12, **options: object) -> Path:
    for at in range(count):
        picture(root / ("cats" if at % 2 else "dogs") / f"{at}.png", at, **options)
    return root


def table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


# ---- images --------------------------------------------------------------------------------------------------------


def test_a_folder_of_folders_has_classes_and_every_image_its_own(tmp_path: Path, bring: Bring) -> None:
    one = bring(pets(tmp_path / "pets"))
    known = brought.get(one)
    assert known.label_names == ("cats", "dogs") and known.shape == (1, 20, 20)  # grey, because all are
    for split in ("train", "test"):
        images, rows = brought.load(one, split), brought.rows(one, split).to_pydict()
        assert len(images) == len(rows["file"])
        for pixels, label, name in zip(images.pixels, images.labels, rows["file"], strict=True):
            folder, _, file = name.partition("/")
            assert known.label_names[label] == folder and pixels[5, 5, 0] == int(file.removesuffix(".png"))


def test_one_colour_makes_all_three_channels(tmp_path: Path, bring: Bring) -> None:
    root = pets(tmp_path / "pets")
    picture(root / "cats" / "last.png", colour=True)
    assert brought.get(bring(root)).shape == (3, 20, 20)


def test_a_colour_that_the_look_missed_is_not_lost(tmp_path: Path, bring: Bring) -> None:
    root = tmp_path / "many"
    names = sorted((f"{at}.png" for at in range(60)), key=columns.digest)
    for at, name in enumerate(names):
        picture(root / name, at, colour=at == 59)
    one = bring(root, seconds=0.0)
    assert brought.get(one).shape == (3, 20, 20)
    assert len(brought.get(one)) == 60


def test_what_cannot_be_used_is_said(tmp_path: Path, bring: Bring) -> None:
    root = pets(tmp_path / "pets")
    (root / "cats" / "broken.png").write_bytes(b"no")
    picture(root / "cats" / "tiny.png", size=(4, 4))
    (root / "model.pt").write_bytes(b"no")
    known = brought.get(bring(root))
    why = dict(known.left_out)
    assert len(known) == 12 and known.left_out_count == 3
    assert "least" in why["cats/tiny.png"] and "program" in why["model.pt"] and "no PNG" in why["cats/broken.png"]


def test_crops_are_counted_by_where_they_cut(tmp_path: Path, planned: Planned) -> None:
    root = pets(tmp_path / "pets", size=(30, 40))
    picture(root / "cats" / "wide.png", size=(60, 40))
    picture(root / "cats" / "square.png", size=(40, 40))
    said = told.understood(planned(root, Choice(side=(28, 28))))
    assert said.crops == "12 of 14 will be cropped at the top and the bottom, and 1 of 14 will be cropped at the sides."
    assert said.sizes[0] == (30, 40, 12) and len(said.previews) == 14
    padded = told.understood(planned(root, Choice(side=(28, 28), fit="pad")))
    assert "12 of 14 will get a border at the sides" in padded.crops


def test_previews_are_what_is_trained_on(tmp_path: Path, planned: Planned) -> None:
    import io

    plan = planned(pets(tmp_path / "pets"))
    said = told.understood(plan)
    for row, png in enumerate(said.previews):
        shown = np.asarray(Image.open(io.BytesIO(png)))
        assert (shown == plan.made(plan.source.picture(row))).all()
        assert said.preview_names[row] == plan.source.names[row]


def test_a_choice_survives_its_way_through_json(tmp_path: Path, planned: Planned) -> None:
    said = told.understood(planned(pets(tmp_path / "pets")))
    assert type(said).from_json(said.to_json()) == said
    again = told.understood(planned(tmp_path / "pets", said.suggested))
    assert again == said  # what was suggested, chosen, is the same


@pytest.mark.parametrize(
    "value", [[], {"channels": [{}]}, {"side": [9]}, {"side": [9, 4]}, {"fit": "stretch"}, {"more": 1},
              {"colour": "red"}, {"channels": [{"name": "a", "colour": "red", "low": 0, "high": 1}]}, {"kind": 3},
              {"values": [1]}, {"channels": [{"name": "a", "colour": "#ffffff", "low": 2, "high": 1}]}]
)  # fmt: skip
def test_a_choice_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(VAEError):
        Choice.from_json(value)


def test_deep_channels_get_windows_and_keep_them(tmp_path: Path, bring: Bring) -> None:
    root = tmp_path / "cells"
    root.mkdir()
    for at in range(10):
        cell = RANDOM.integers(100, 1100, (4, 30, 30)).astype(np.uint16)
        cell[:, 0, 0] = 65_535  # a broken pixel
        tifffile.imwrite(root / f"{at}.tif", cell, photometric="minisblack")
    known = brought.get(bring(root))
    assert known.shape == (4, 30, 30) and len(known.channels) == 4
    for channel in known.channels:
        assert 95 < channel.low < 115 and 1085 < channel.high < 1110
    pixels = brought.load(known.id, "train").pixels
    assert 100 < pixels.mean() < 155


# ---- columns -------------------------------------------------------------------------------------------------------


def labelled(root: Path, count: int = 30) -> Path:
    for at in range(count):
        picture(root / "img" / f"c{at}.png", at)
    table(
        root / "labels.csv",
        ["path", "label", "patient", "age", "treated", "code", "note"],
        [[f"img/c{at}.png", "AB"[at % 2], f"p{at // 3}", 20.5 + at, at % 2, f"{at:03}", "=1+1"] for at in range(count)],
    )
    return root


def test_every_column_is_given_back_as_it_came(tmp_path: Path, bring: Bring) -> None:
    one = bring(labelled(tmp_path / "set"))
    known, rows = brought.get(one), brought.rows(one).to_pydict()
    assert known.columns == ("file", "path", "label", "patient", "age", "treated", "code", "note")
    for at in range(30):
        row = rows["file"].index(f"img/c{at}.png")
        got = [rows[name][row] for name in known.columns[1:]]
        assert got == [f"img/c{at}.png", "AB"[at % 2], f"p{at // 3}", 20.5 + at, at % 2, f"{at:03}", "=1+1"]
    assert known.label_column == "label" and known.attribute_names[-3:] == ("age", "treated", "code")
    assert known.attribute_names[:-3] == tuple(f"patient: p{at}" for at in range(10))
    train = brought.load(one, "train")
    assert train.attributes[:, -3].tolist() == brought.rows(one, "train")["age"].to_pylist()


def test_what_belongs_together_stays_together(tmp_path: Path, bring: Bring) -> None:
    one = bring(labelled(tmp_path / "set"), Choice(split_column="patient"))
    train, test = (set(brought.rows(one, split)["patient"].to_pylist()) for split in ("train", "test"))
    assert train and test and not train & test


def test_a_column_that_says_train_and_test_is_believed(tmp_path: Path, bring: Bring) -> None:
    root = tmp_path / "set"
    for at in range(10):
        picture(root / f"{at}.png", at)
    table(root / "s.csv", ["file", "split"], [[f"{at}.png", "val" if at < 3 else "train"] for at in range(10)])
    one = bring(root)
    assert sorted(brought.rows(one, "test")["file"].to_pylist()) == ["0.png", "1.png", "2.png"]
    assert brought.get(one).choice.split_column == "split"


def test_images_and_rows_without_each_other_are_said(tmp_path: Path, planned: Planned) -> None:
    root = labelled(tmp_path / "set")
    picture(root / "img" / "extra.png")
    with (root / "labels.csv").open("a") as file:
        file.write("img/gone.png,A,p1,3,1,001,x\r\nimg/c1.png,A,p1,3,1,001,x\r\n")
    (root / "img" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n, and then nothing that is one")
    seen = told.understood(planned(root))
    why = dict(seen.left_out)
    assert why.keys() == {"img/extra.png", "img/broken.png"} and seen.left_out_count == 2
    assert "no row" in why["img/extra.png"] and "no row" not in why["img/broken.png"]
    assert "labels.csv names 1 image that is not there (img/gone.png)." in seen.warnings
    assert "labels.csv names 1 image that is named twice: the first row counts (img/c1.png)." in seen.warnings


@pytest.mark.parametrize("said", ["c{}.png", "c{}", "data/set/img/c{}.png", ".\\img\\c{}.png"])
def test_images_are_found_however_they_are_named(tmp_path: Path, planned: Planned, said: str) -> None:
    root = tmp_path / "set"
    for at in range(8):
        picture(root / "img" / f"c{at}.png", at)
    table(root / "l.csv", ["n", "image", "label"], [[at, said.format(at), "ab"[at % 2]] for at in range(8)])
    plan = planned(root)
    assert plan.source.path_column == "image" and len(plan.source) == 8
    for row, name in enumerate(plan.source.names):
        assert plan.source.columns["n"][row] == int(name.removeprefix("img/c").removesuffix(".png"))


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["a", "b"] * 5, "label"), ([0, 1] * 5, "yes/no"), ([-1, 1] * 5, "yes/no"), (["yes", "no"] * 5, "yes/no"),
        ([0, 1, 2] * 5, "label"), ([1.5, 2.5, 0.1] * 3, "number"), (list(range(30)), "number"),
        ([10, 250, 3000] * 5, "number"), ([f"row {at}" for at in range(30)], "text"), ([None, "a", "b"] * 6, "label"),
    ],
)  # fmt: skip
def test_columns_are_told_apart(cells: list, kind: str) -> None:
    assert columns.understand("x", cells).kind == kind


def test_classes_that_are_numbers_are_in_their_order() -> None:
    numbers, names = columns.labels([10, 9, 2, None], "x")
    assert names == ("2", "9", "10", columns.NOTHING) and numbers.tolist() == [2, 1, 0, 3]


def test_celeba_in_its_own_layout(tmp_path: Path, bring: Bring) -> None:
    root = tmp_path / "celeba"
    for at in range(1, 13):
        picture(root / "img_align_celeba" / f"{at:06}.jpg", size=(178, 218), grey=at)
    lines = "".join(f"{at:06}.jpg  {1 if at % 2 else -1} {-1 if at % 3 else 1}\n" for at in range(1, 13))
    (root / "list_attr_celeba.txt").write_text(f"12\nSmiling Young \n{lines}")
    (root / "list_eval_partition.txt").write_text("".join(f"{at:06}.jpg {at // 5}\n" for at in range(1, 13)))
    one = bring(root)
    known = brought.get(one)
    assert known.attribute_names == ("Smiling", "Young") and (known.train_size, known.test_size) == (4, 8)
    train, rows = brought.load(one, "train"), brought.rows(one, "train")
    for name, values in zip(rows["file"].to_pylist(), train.attributes, strict=True):
        at = int(name[-10:-4])
        assert values.tolist() == [at % 2, at % 3 == 0]


# ---- arrays --------------------------------------------------------------------------------------------------------


def test_an_archive_of_arrays_brings_images_and_columns(tmp_path: Path, bring: Bring) -> None:
    images = RANDOM.integers(0, 256, (20, 12, 9), dtype=np.uint8)
    kind, names = np.arange(20) % 3, np.array(["x", "y", "z"])
    np.savez(
        tmp_path / "a.npz", images=images, kind=kind, kinds=names, weight=np.linspace(0, 1, 20), other=np.zeros((5, 5))
    )
    one = bring(tmp_path / "a.npz")
    known, rows = brought.get(one), brought.rows(one).to_pydict()
    assert known.label_names == ("x", "y", "z") and known.attribute_names == ("weight",)
    assert [name for name, _ in known.left_out] == ["other"]
    whole = np.concatenate([brought.load(one, split).pixels for split in ("train", "test")])
    for pixels, name, word in zip(whole, rows["file"], rows["kind"], strict=True):
        at = int(name.removeprefix("images/"))
        assert np.array_equal(pixels[..., 0], images[at]) and word == names[kind[at]]


@pytest.mark.parametrize("shape", [(12, 3, 20, 20), (12, 20, 20, 3), (12, 20, 24), (12, 2, 20, 24), (12, 8, 20, 24)])
def test_channels_are_found_before_or_after(tmp_path: Path, planned: Planned, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", RANDOM.random(shape))
    channels = 1 if len(shape) == 3 else min(shape[1], shape[3])
    sides = tuple(side for side in shape[1:] if side > 8)
    assert planned(tmp_path / "a.npy").shape == (channels, *sides)


def test_an_array_that_lies_column_by_column_is_the_same_array(tmp_path: Path, planned: Planned) -> None:
    pixels = RANDOM.integers(0, 256, (12, 10, 14), dtype=np.uint8)
    np.save(tmp_path / "a.npy", np.asfortranarray(pixels))
    source = planned(tmp_path / "a.npy").source
    assert source.picture is not None
    for row, name in enumerate(source.names):
        assert np.array_equal(source.picture(row).pixels[..., 0], pixels[int(name.removeprefix("a/"))])


def test_train_and_test_arrays_are_one_set(tmp_path: Path, bring: Bring) -> None:
    x, y = RANDOM.integers(0, 2, (30, 64), dtype=np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", x_train=x[:20], x_test=x[20:], y_train=y[:20], y_test=y[20:])
    known = brought.get(bring(tmp_path / "a.npz"))
    assert known.shape == (1, 8, 8) and (known.train_size, known.test_size) == (20, 10)
    assert known.label_names == ("0", "1", "2") and known.channels[0].high == 1  # ink is 1, and is seen


def test_objects_in_an_array_are_never_opened(tmp_path: Path, planned: Planned) -> None:
    np.savez(tmp_path / "a.npz", images=RANDOM.random((9, 9, 9)), bad=np.array([print, "x"], object))
    said = told.understood(planned(tmp_path / "a.npz"))
    assert said.left_out == (("a.npz: bad", "it holds objects, not numbers: save an array of numbers"),)
    np.save(tmp_path / "b.npy", np.array([{}] * 9, object))
    with pytest.raises(VAEError, match="objects"):
        planned(tmp_path / "b.npy")


@pytest.mark.parametrize("shape", ["(9999999999, 64, 64)", "(-1, 9, 9)", "(9, 9, 999)"])
def test_an_array_that_promises_more_than_it_holds_is_refused(tmp_path: Path, planned: Planned, shape: str) -> None:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + bytes(729))
    with pytest.raises(VAEError):
        planned(tmp_path / "a.npy")


def test_idx_files_are_read_packed_or_not(tmp_path: Path, bring: Bring) -> None:
    images, labels = RANDOM.integers(0, 256, (15, 10, 10), dtype=np.uint8), (np.arange(15) % 5).astype(np.uint8)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(
        gzip.compress(b"\0\0\x08\3" + struct.pack(">III", 15, 10, 10) + images.tobytes())
    )
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1" + struct.pack(">I", 15) + labels.tobytes())
    known = brought.get(bring(tmp_path))
    assert known.shape == (1, 10, 10) and known.label_names == tuple("01234")


def test_a_gzip_bomb_is_refused() -> None:
    from vae.data.intake.archive import unpacked

    with pytest.raises(Unreadable, match="unpacks to more"):
        unpacked(gzip.compress(bytes(40 << 20)), 1 << 30)
    lies = gzip.compress(bytes(40 << 20))[:-4] + struct.pack("<I", 7)  # its end says that it is short
    with pytest.raises(Unreadable, match="unpacks to more"):
        unpacked(lies, 1 << 30)


# ---- vectors -------------------------------------------------------------------------------------------------------


def test_a_time_series_keeps_its_shape(tmp_path: Path, bring: Bring) -> None:
    series = np.sin(np.arange(20) / 3 + RANDOM.random((40, 1)) * 6) * 3
    table(
        tmp_path / "s.csv",
        ["id", "label", *(f"t{at}" for at in range(20))],
        [[at, "ab"[at % 2], *map(repr, map(float, row))] for at, row in enumerate(series)],
    )
    one = bring(tmp_path / "s.csv")
    known = brought.get(one)
    assert known.kind == "vectors" and known.shape == (20,) and known.choice.scale == "together"
    assert known.label_names == ("a", "b") and known.attribute_names == ()
    rows = brought.rows(one, "train")["id"].to_pylist()
    wanted = (series - series.min()) / np.ptp(series)
    assert np.allclose(brought.load(one, "train").pixels, wanted[rows], atol=1e-6)


def test_measurements_of_many_kinds_are_scaled_each_by_itself(tmp_path: Path, planned: Planned) -> None:
    rows = [[at, 1000 * at % 7, "xy"[at % 2]] for at in range(20)]
    rows[4][1] = ""
    table(tmp_path / "s.csv", ["length", "mass", "kind"], rows)
    plan = planned(tmp_path / "s.csv")
    assert plan.choice.scale == "column" and plan.shape == (2,) and len(plan.source) == 19
    assert plan.source.left_out.listed == [("row 5", "no number in column mass")]
    scaled = survey.scaled(plan.source.vectors, "column")
    assert scaled.min(axis=0).tolist() == [0, 0] and scaled.max(axis=0).tolist() == [1, 1]


def test_a_parquet_is_a_table_too(tmp_path: Path, planned: Planned) -> None:
    import pyarrow
    import pyarrow.parquet

    made = pyarrow.table({"a": [float(at) for at in range(9)], "b": list(range(9)), "word": ["x", "y", "z"] * 3})
    pyarrow.parquet.write_table(made, tmp_path / "a.parquet")
    plan = planned(tmp_path / "a.parquet")
    assert plan.shape == (2,) and plan.choice.label_column == "word"


@pytest.mark.parametrize("text", ["a,b\n1\n", "a\n", '"', "\0", "a,b\n1,2\n3,\n", ""])
def test_a_table_that_is_none_is_refused_in_a_line(tmp_path: Path, planned: Planned, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(VAEError):
        planned(tmp_path / "a.csv")


@given(st.text(alphabet='ab,\r\n"', max_size=40))
def test_lines_are_those_python_itself_finds(text: str) -> None:
    found = list(table_files._lines(text, ",", 100))
    assert found == list(io.StringIO(text, newline=""))


@pytest.mark.parametrize("text", ["a,b\n" + "," * 1_200_000, "," * 1_200_000])
def test_a_line_of_a_million_cells_is_refused_before_they_are_made(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(Unreadable, match="separators"):
        table_files.read_table(gather(tmp_path / "a.csv").items[0])


def test_cells_become_numbers_only_where_nothing_is_lost(tmp_path: Path) -> None:
    table(tmp_path / "a.csv", ["a", "b", "c", "d"], [["01", "1", "1.50", "2.5"], ["2", "", "2", "-3.0"]])
    found = table_files.read_table(gather(tmp_path / "a.csv").items[0])
    assert found == {"a": ["01", "2"], "b": [1, None], "c": ["1.50", "2"], "d": [2.5, -3.0]}


# ---- sets that are about -------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (SHARED / "olivetti").is_dir(), reason="the shared data sets are not on this machine")
@pytest.mark.parametrize(
    ("name", "shape", "count", "classes"),
    [
        ("olivetti", (1, 64, 64), 400, 40),
        ("frey-faces", (1, 28, 20), 1965, 0),
        ("omniglot-small", (1, 28, 28), 4840, 8),
    ],
)
def test_sets_are_understood_as_they_lie_there(
    planned: Planned, name: str, shape: tuple[int, ...], count: int, classes: int
) -> None:
    said = told.understood(planned(SHARED / name))
    assert (said.shape, said.count, len(said.classes)) == (shape, count, classes)
