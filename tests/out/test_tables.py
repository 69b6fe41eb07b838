"""The codes of a model's images as a table: what is in it, and that no spreadsheet runs any of it."""

import csv
import io
import re

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from vae.encodings import Encodings
from vae.errors import VAEError
from vae.out.cells import plain
from vae.out.tables import KINDS, codes_table, written
from vae.posterior import POINT_LOGVAR

HOSTILE = ('=HYPERLINK("http://x","y")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1",
           " =1", "a\n=1", "b;=1", "＝1", "\ufeff=1", "=", "-", "@")  # fmt: skip
HARMLESS = ("", "a", "a-b", "5", "-5", "+1.5e-3", "-.5", "me@home", "1=1", "'", "a, b", 'say "x"')


def known(count=4, point=False, labels=True) -> Encodings:
    chance = np.random.default_rng(0)
    mu = chance.standard_normal((count, 2)).astype(np.float32)
    logvar = np.full_like(mu, POINT_LOGVAR) if point else chance.standard_normal((count, 2)).astype(np.float32)
    return Encodings(
        mu, logvar, chance.random(count).astype(np.float32), np.arange(count, dtype=np.uint8) % 2,
        np.arange(count, dtype=np.int32) // 2,
        labels=np.arange(count) % 2 if labels else None, label_names=("=one", "two") if labels else (),
        attributes=np.eye(count, 1, dtype=np.float32), attribute_names=("hat",),
        maps={"pca": chance.random((count, 2)).astype(np.float32)},
    )  # fmt: skip


def read_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def dangerous(cell: str) -> bool:
    """Whether any program that opens CSV files could take a cell, or a part behind its separator, for a formula."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell, re.ASCII):
        return False
    parts = re.split(r"[;\t\r\n]", cell)
    return any(part.lstrip(" \0\ufeff\u200b\x0b\x0c")[:1] in tuple("=+-@＝＋－＠") for part in parts if part.strip())


# ---- formulas ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", HOSTILE)
def test_what_begins_a_formula_is_made_plain(cell):
    assert dangerous(cell) and not dangerous(plain(cell))
    assert plain(cell).replace("'", "") == cell.replace("'", "")


@pytest.mark.parametrize("cell", HARMLESS)
def test_what_is_none_stays_as_it_is(cell):
    assert plain(cell) == cell


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n;, 'a1\".＝\ufeff"), max_size=12))
def test_no_text_begins_a_formula_and_none_is_changed_but_for_quote_marks(cell):
    assert not dangerous(plain(cell))
    assert plain(cell).replace("'", "") == cell.replace("'", "")
    assert plain(plain(cell)) == plain(cell)
    assert plain(cell)[:1] not in ("\t", "\r")


def test_neither_cells_nor_headings_of_a_csv_are_formulas_and_numbers_are_untouched():
    came = pyarrow.table({"=head": list(HOSTILE), "number": [-1.5] * len(HOSTILE), "day": [None] * len(HOSTILE)})
    rows = read_csv(written(codes_table(known(len(HOSTILE)), came), "csv"))
    assert not [name for name in rows[0] if dangerous(name)]
    assert not [cell for row in rows for name, cell in row.items() if dangerous(cell)]
    assert [row["'=head"].replace("'", "") for row in rows] == [cell.replace("'", "") for cell in HOSTILE]
    assert {row["number"] for row in rows} == {"-1.5"} and {row["day"] for row in rows} == {""}
    assert rows[0]["label"] == "'=one"


# ---- what is in it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_every_image_comes_back(kind):
    codes = known()
    table = codes_table(codes, None, np.array([1, 50, 98, 99.5]))
    data = written(table, kind)
    if kind == "csv":
        rows = read_csv(data)
        column = lambda name: np.array([row[name] for row in rows])  # noqa: E731
    elif kind == "parquet":
        back = parquet.read_table(io.BytesIO(data))
        column = lambda name: np.array(back[name].to_pylist())  # noqa: E731
    else:
        back = np.load(io.BytesIO(data), allow_pickle=False)
        column = lambda name: back[f"c{back['columns'].tolist().index(name)}"]  # noqa: E731
    number = lambda name: column(name).astype(np.float32)  # noqa: E731
    assert column("image").tolist() == ["train/0", "test/0", "train/1", "test/1"]
    assert column("split").tolist() == ["train", "test"] * 2
    for dim in (0, 1):
        assert np.array_equal(number(f"mu_{dim}"), codes.mu[:, dim])
        assert np.array_equal(number(f"std_{dim}"), np.exp(codes.logvar[:, dim] / 2))
    assert np.array_equal(number("kl_nats"), codes.kl())
    assert np.array_equal(number("mean_squared_error"), codes.recon_error)
    assert np.array_equal(number("pca_y"), codes.maps["pca"][:, 1])
    assert number("unusual_percentile").tolist() == [1, 50, 98, 99.5]
    assert number("hat").tolist() == [1, 0, 0, 0]
    assert column("label").tolist() == (["'=one", "two"] if kind == "csv" else ["=one", "two"]) * 2


def test_an_autoencoder_has_no_spread_and_no_kl():
    names = codes_table(known(point=True)).column_names
    assert "mu_1" in names and not [name for name in names if name.startswith(("std", "kl"))]


def test_columns_that_came_are_given_back_as_they_were_and_ours_give_way():
    came = pyarrow.table({"file": ["a.png", "../b", "c", "d"], "hat": ["yes", "no", None, "no"], "mu_0": [1, 2, 3, 4]})
    table = codes_table(known(), came)
    assert table.select(came.column_names).equals(came)
    assert table.column_names.count("hat") == 1 and "muscope_mu_0" in table.column_names
    assert len(set(table.column_names)) == table.num_columns
    assert parquet.read_table(io.BytesIO(written(table, "parquet"))).select(came.column_names).equals(came)
    back = np.load(io.BytesIO(written(table, "npz")), allow_pickle=False)
    assert all(re.fullmatch(r"columns|c\d+", name) for name in back.files)


def test_rows_that_do_not_go_with_the_images_are_refused():
    with pytest.raises(VAEError, match="3 rows came with"):
        codes_table(known(), pyarrow.table({"file": ["a", "b", "c"]}))


def test_another_kind_of_table_is_refused_in_a_line():
    with pytest.raises(VAEError, match="choose csv, parquet, npz"):
        written(codes_table(known()), "xls")
