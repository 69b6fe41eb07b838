import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from vae.data import table
from vae.data.images import Images
from vae.errors import VAEError


def both(path: Path) -> tuple[Images, Images]:
    return table.load(str(path), "train"), table.load(str(path), "test")


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(VAEError) as caught:
        table.load(str(path), "train")
    message = str(caught.value)
    assert "\n" not in message
    assert str(path.parent) not in message
    return message


def test_each_column_is_scaled_to_zero_and_one(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal([5, -300, 1e-9], [2, 100, 1e-9], (60, 3))
    np.save(tmp_path / "rows.npy", rows)
    train, test = both(tmp_path / "rows.npy")
    together = np.concatenate([train.pixels, test.pixels])
    assert together.dtype == np.float32
    assert together.shape == (60, 3)
    np.testing.assert_array_equal(together.min(axis=0), 0)
    np.testing.assert_array_equal(together.max(axis=0), 1)
    scaled = (rows - rows.min(axis=0)) / (rows.max(axis=0) - rows.min(axis=0))
    np.testing.assert_allclose(np.sort(together, axis=0), np.sort(scaled, axis=0), atol=1e-6)
    assert min(len(train), len(test)) >= 1
    assert train.ids()[0] == "table:rows.npy/train/0"


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n3,4\n", "1;2\n3;4\n", "1\t2\r\n3\t4\r\n", "\ufeffa,b\n 1, 2\n3,4", "1,2\n3,4"]
)
def test_csv_dialects_say_the_same(tmp_path: Path, text: str) -> None:
    train, test = both(written(tmp_path / "rows.csv", text))
    together = np.concatenate([train.pixels, test.pixels])
    np.testing.assert_array_equal(np.sort(together, axis=0), [[0, 0], [1, 1]])


def test_csv_and_npy_of_the_same_numbers_agree(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 4))
    np.save(tmp_path / "rows.npy", rows)
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",", fmt="%.17g")
    for one, other in zip(both(tmp_path / "rows.npy"), both(tmp_path / "rows.csv"), strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_a_column_that_never_changes_becomes_zero_and_extremes_do_not_overflow(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array([[7.0, -1.7e308], [7.0, 1.7e308], [7.0, 0.0]]))
    train, test = both(tmp_path / "rows.npy")
    together = np.concatenate([train.pixels, test.pixels])
    np.testing.assert_array_equal(together[:, 0], 0)
    np.testing.assert_allclose(np.sort(together[:, 1]), [0, 0.5, 1])


def test_rows_keep_their_side_when_others_are_added(tmp_path: Path) -> None:
    rows = np.linspace(0, 1, 101)[:, None]
    order = np.r_[0, 100, 1:100]  # the extremes first, so that both files are scaled alike
    np.save(tmp_path / "short.npy", rows[order][:50])
    np.save(tmp_path / "long.npy", rows[order])
    short, long = both(tmp_path / "short.npy"), both(tmp_path / "long.npy")
    for one, other in zip(short, long, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels[: len(one)])


@pytest.mark.parametrize(("word", "kind"), [("nan", "NaN"), ("inf", "infinite"), ("-Infinity", "infinite")])
def test_what_is_no_number_is_named_by_row_and_column(tmp_path: Path, word: str, kind: str) -> None:
    message = refused(written(tmp_path / "rows.csv", f"age,height\n1,2\n3,{word}\n5,6\n"))
    assert kind in message
    assert "row 3, column 2 (height)" in message  # as a text editor counts
    rows = np.ones((4, 3), np.float32)
    rows[2, 1] = float(word)
    np.save(tmp_path / "rows.npy", rows)
    assert "row 3, column 2" in refused(tmp_path / "rows.npy")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 rows"),
        ("a,b\n", "0 rows"),
        ("1,2\n", "1 rows"),
        ("a,b\n1,2\n3\n", "1 columns in row 3 and 2"),
        ("a,b\n1,2\n3,tall\n", "'tall' in row 3, column 2 (b)"),
        ("a,b\n1,2\n,4\n", "nothing in row 3, column 1 (a)"),
        ("1,\n3,4\n", "nothing in row 1, column 2"),
        ("a,b\n1,2\n\n3,4\n", "empty line 3"),
        ('1,"2\n3,4\n', "row 1"),
    ],
)
def test_crooked_csv_is_refused_where_it_is_crooked(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(written(tmp_path / "rows.csv", text))


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.csv")
    assert "no file" in refused(tmp_path)
    assert ".csv or a .npy" in refused(written(tmp_path / "rows.xlsx", "PK"))
    (tmp_path / "latin.csv").write_bytes(b"gr\xf6sse\n1\n2\n")
    assert "UTF-8" in refused(tmp_path / "latin.csv")
    (tmp_path / "zeros.csv").write_bytes(b"1,2\n\x00,4\n")
    refused(tmp_path / "zeros.csv")
    np.savez(tmp_path / "archive", np.ones((3, 3)))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    refused(tmp_path / "archive.npy")
    np.save(tmp_path / "cube.npy", np.ones((3, 3, 3)))
    assert "two axes" in refused(tmp_path / "cube.npy")
    np.save(tmp_path / "complex.npy", np.ones((3, 3), complex))
    assert "two axes" in refused(tmp_path / "complex.npy")
    np.save(tmp_path / "rows.npy", np.ones((3, 3)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "rows.npy").read_bytes()[:-8])
    assert "no good .npy" in refused(tmp_path / "cut.npy")


class Bang:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("bang",))


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("objects.npy", np.array([[Bang()]]), allow_pickle=True)
    Path("bare.npy").write_bytes(pickle.dumps(Bang()))
    for name in ("objects.npy", "bare.npy"):
        refused(tmp_path / name)
    assert not Path("bang").exists()


def test_limits_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "wide.npy", np.ones((2, table.MAX_COLUMNS + 1), np.uint8))
    assert "columns" in refused(tmp_path / "wide.npy")
    monkeypatch.setattr(table, "MAX_BYTES", 8 * 5)
    np.save(tmp_path / "many.npy", np.ones((2, 3), np.uint8))
    assert "at most 5" in refused(tmp_path / "many.npy")
    assert "at most 5" in refused(written(tmp_path / "many.csv", "a,b\n1,2\n3,4\n5,6\n"))
    monkeypatch.setattr(table, "MAX_FILE", 3)
    assert "GB" in refused(tmp_path / "many.csv")
