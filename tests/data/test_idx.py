import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from vae.data import idx
from vae.errors import VAEError


def idx_bytes(array: np.ndarray) -> bytes:
    """LeCun's format, written out by hand: two zeros, 8 for unsigned bytes, the axes, their sizes, the data."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 28, 28), (2, 3, 4, 5)])
def test_parse_gives_back_what_was_written(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    parsed = idx.parse(idx_bytes(array), "x.gz")
    np.testing.assert_array_equal(parsed, array)
    assert not parsed.flags.writeable


GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x00",
        b"\x00\x00\x08\x00",
        b"\x00\x00\x08\x03\x00",
        b"\x01" + GOOD[1:],
        GOOD[:2] + b"\x0d" + GOOD[3:],
        GOOD[:-1],
        GOOD + b"\x00",
        GOOD[:4] + b"\xff\xff\xff\xff" * 2 + GOOD[12:],
    ],
    ids=["empty", "two bytes", "no axes", "cut header", "magic", "floats", "short", "long", "huge"],
)
def test_parse_refuses_everything_else(raw: bytes) -> None:
    with pytest.raises(VAEError, match="x.gz"):
        idx.parse(raw, "x.gz")


def test_read_compares_the_checksum_of_packed_or_unpacked_bytes(tmp_path: Path) -> None:
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress(GOOD, mtime=0))
    packed, unpacked = hashlib.sha256(path.read_bytes()).hexdigest(), hashlib.sha256(GOOD).hexdigest()
    for checks in ({}, {"packed": packed}, {"unpacked": unpacked}):
        assert idx.read(path, **checks).shape == (3, 4)
    for checks in ({"packed": unpacked}, {"unpacked": packed}):
        with pytest.raises(VAEError, match="checksum differs"):
            idx.read(path, **checks)


def test_read_names_the_file_and_not_its_folder_when_it_is_bad(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD)
    bomb = gzip.compress(bytes(idx.MAX_UNPACKED + 1), compresslevel=1)
    for raw in (b"", b"hello", whole[:-9], whole + b"more", bomb):
        path = tmp_path / "rows.gz"
        path.write_bytes(raw)
        with pytest.raises(VAEError, match="rows.gz") as caught:
            idx.read(path)
        assert str(tmp_path) not in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(VAEError, match="cannot be read"):
        idx.read(tmp_path / "none.gz")


def test_every_set_names_its_four_files_with_a_checksum_and_two_ways_to_get_them() -> None:
    for one in idx.SETS.values():
        assert tuple(file.name for file in one.files) == idx.FILE_NAMES
        assert set(one.unpacked) <= set(idx.FILE_NAMES)
        for file in one.files:
            assert len(file.sha256) == 64
            assert len(file.urls) == 2
            assert all(url.endswith("/" + file.name) for url in file.urls)
        assert len(one.info.classes) == 10


def write_set(folder: Path, count: int) -> None:
    generator = np.random.default_rng(1)
    folder.mkdir(parents=True)
    for name in idx.FILE_NAMES:
        shape = (count, 28, 28) if "images" in name else (count,)
        array = generator.integers(0, 10, shape, dtype=np.uint8)
        (folder / name).write_bytes(gzip.compress(idx_bytes(array)))


def test_a_foreign_set_in_the_right_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSCOPE_DATA", str(tmp_path))
    for name in idx.SETS:
        write_set(tmp_path / name, 3)
        with pytest.raises(VAEError, match="checksum differs"):
            idx.load(name, "train")


def test_the_folder_of_ones_own_comes_before_the_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSCOPE_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("MUSCOPE_CACHE", str(tmp_path / "cache"))
    assert idx.folder_of("mnist") is None
    with pytest.raises(VAEError, match="not on this machine"):
        idx.load("mnist", "train")
    write_set(tmp_path / "cache/mnist", 1)
    assert idx.folder_of("mnist") == tmp_path / "cache/mnist"
    write_set(tmp_path / "own/mnist", 1)
    assert idx.folder_of("mnist") == tmp_path / "own/mnist"
    (tmp_path / "own/mnist" / idx.FILE_NAMES[3]).unlink()
    assert idx.folder_of("mnist") == tmp_path / "cache/mnist"


GIVEN = Path(os.environ.get("MUSCOPE_DATA") or "nowhere")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_set_is_what_the_world_calls_by_that_name(name: str) -> None:
    if not all((GIVEN / name / file).is_file() for file in idx.FILE_NAMES):
        pytest.skip(f"{name} is not in the folder named by MUSCOPE_DATA")
    train, test = idx.load(name, "train"), idx.load(name, "test")
    assert (train.pixels.shape, test.pixels.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    # Published means and first labels of both sets, on [0, 1].
    mean, first = {"mnist": (0.1307, [5, 0, 4, 1, 9]), "fashion-mnist": (0.2860, [9, 0, 0, 3, 0])}[name]
    assert train.pixels.mean() / 255 == pytest.approx(mean, abs=1e-4)
    assert train.labels is not None
    assert train.labels[:5].tolist() == first
