import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae import data
from vae.data import drawn, idx
from vae.errors import VAEError

DRAWN = drawn.NAMES


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MUSCOPE_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def pets(tmp_path: Path) -> str:
    for label in ("cats", "dogs"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for row in range(8):
            pixels = np.random.default_rng([row, len(label)]).integers(0, 256, (9, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{row}.png")
    return f"folder:{tmp_path / 'pets'}"


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces and sprites with a few rows only: drawing all of them takes half a minute."""
    from vae.data import faces, sprites

    for module in (faces, sprites):
        monkeypatch.setattr(module, "TRAIN_SIZE", 7)
        monkeypatch.setattr(module, "TEST_SIZE", 5)


def one_line(error: object) -> str:
    message = str(error)
    assert "\n" not in message
    return message


def test_names_are_all_sets_there_are() -> None:
    assert sorted(data.NAMES) == sorted([*DRAWN, *idx.SETS, "digits"])
    assert data.NAMES[0] == "faces"


@pytest.mark.parametrize("name", data.NAMES)
def test_every_set_says_what_it_is(name: str) -> None:
    info = data.describe(name)
    assert info.name == name
    assert info.title
    assert info.sentence.endswith(".")
    assert len(info.credit) < 120
    assert info.built_in == (name not in idx.SETS)
    assert data.on_machine(name) == info.built_in


@pytest.mark.parametrize("name", ["faces", "faces-fair", "sprites", "digits"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_built_in_sets_keep_what_describe_promises(name: str, split: str) -> None:
    info = data.describe(name)
    images = data.load(name, split, limit=3)
    assert len(images) == 3
    assert images.shape == info.shape
    assert images.label_names == info.classes
    assert images.credit == info.credit
    assert (images.name, images.split) == (name, split)
    assert images.ids()[2] == f"{name}/{split}/2"
    assert not images.pixels.flags.writeable


def test_digits_are_scikit_learns_every_one_of_them_once() -> None:
    from sklearn.datasets import load_digits

    train, test = data.load("digits", "train"), data.load("digits", "test")
    assert (len(train), len(test)) == (1437, 360)
    ours = np.concatenate([train.pixels, test.pixels])
    assert (ours.min(), ours.max()) == (0, 255)
    theirs = np.rint(load_digits().images / 16 * 255).astype(np.uint8)
    assert sorted(picture.tobytes() for picture in ours) == sorted(picture.tobytes() for picture in theirs)
    assert test.labels is not None
    assert np.bincount(test.labels).min() >= 25  # every digit is in the test split
    known = {picture.tobytes(): label for picture, label in zip(theirs, load_digits().target, strict=True)}
    assert [known[picture.tobytes()] for picture in test.pixels] == test.labels.tolist()


@pytest.mark.parametrize("name", [*DRAWN, "digits"])
def test_originals_are_the_rows_of_load_in_the_order_asked_for(name: str) -> None:
    images = data.load(name, "test", limit=6)
    picked = data.originals(name, "test", [5, 0, 5])
    assert picked is not None
    np.testing.assert_array_equal(picked, images.pixels[[5, 0, 5]])
    empty = data.originals(name, "test", [])
    assert empty is not None
    assert empty.shape == (0, *images.pixels.shape[1:])


def test_hats_go_with_glasses_in_faces_and_not_in_fair_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae.data import faces

    monkeypatch.setattr(faces, "draw_many", lambda some: np.zeros((len(some), 64, 64, 3), np.uint8))  # looks aside
    for name, expected in (("faces", 0.6), ("faces-fair", 0.0)):
        images = data.load(name, "train", limit=8000)
        assert images.attributes is not None
        columns = dict(zip(images.attribute_names, images.attributes.T, strict=True))
        assert np.corrcoef(columns["hat"], columns["glasses"])[0, 1] == pytest.approx(expected, abs=0.05)


def test_originals_of_what_one_brought(pets: str, tmp_path: Path) -> None:
    images = data.load(pets, "train")
    picked = data.originals(pets, "train", [2, 1])
    assert picked is not None
    np.testing.assert_array_equal(picked, images.pixels[[2, 1]])
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).random((9, 4)))
    rows = data.originals(f"table:{tmp_path / 'rows.npy'}", "train", [0])
    assert rows is not None
    assert rows.shape == (1, 4)


@pytest.mark.parametrize("name", ["faces", "digits", "sprites"])
@pytest.mark.parametrize("row", [-1, 10**6])
def test_rows_that_do_not_exist_are_refused(name: str, row: int) -> None:
    with pytest.raises(VAEError, match="row|face|no ") as caught:
        data.originals(name, "test", [0, row])
    one_line(caught.value)


def test_originals_never_download_and_are_none_when_they_are_elsewhere(
    monkeypatch: pytest.MonkeyPatch, pets: str
) -> None:
    def forbidden(*args: object) -> None:
        raise AssertionError("went to the network")

    monkeypatch.setattr(idx, "fetch_files", forbidden)
    assert data.originals("mnist", "test", [0]) is None
    assert data.originals("folder:/no/such/pets", "test", [0]) is None
    next(Path(pets.removeprefix("folder:")).rglob("*.png")).write_bytes(b"broken")
    assert data.originals(pets, "test", [0]) is None


def test_load_downloads_what_is_missing_unless_told_not_to(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    asked: list[Path] = []

    def arrives(files: object, folder: Path, title: str, progress: object) -> None:
        asked.append(folder)

    monkeypatch.setattr(idx, "fetch_files", arrives)
    with pytest.raises(VAEError, match="not on this machine"):
        data.load("kmnist", "test", download=False)
    assert asked == []
    with pytest.raises(VAEError, match="not on this machine"):  # nothing really arrives here
        data.load("kmnist", "test")
    assert asked == [cache / "kmnist"]


def test_limit_takes_the_first_rows(pets: str) -> None:
    for name in ("digits", pets):
        whole, few = data.load(name, "train"), data.load(name, "train", limit=4)
        assert whole.labels is not None
        np.testing.assert_array_equal(few.pixels, whole.pixels[:4])
        np.testing.assert_array_equal(few.labels, whole.labels[:4])
        assert few.ids() == whole.ids()[:4]
        assert len(data.load(name, "train", limit=10**9)) == len(whole)


@pytest.mark.parametrize("limit", [0, -1, 2.5, True, "3"])
def test_a_limit_that_is_no_count_is_refused(limit: object) -> None:
    with pytest.raises(VAEError, match="limit"):
        data.load("digits", "train", limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "minst", "MNIST", "folder:", "table:", "zip:/x", "../mnist", None, 3])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    calls = (
        lambda: data.load(name, "train"),
        lambda: data.originals(name, "train", [0]),
        lambda: data.describe(name),
        lambda: data.on_machine(name),
        lambda: data.fetch(name),
    )
    for call in calls:
        with pytest.raises(VAEError) as caught:
            call()
        assert all(known in one_line(caught.value) for known in (*data.NAMES, "folder:PATH", "table:PATH"))


@pytest.mark.parametrize("name", ["faces", "digits", "mnist"])
def test_an_unknown_split_is_refused(name: str) -> None:
    with pytest.raises(VAEError, match="'validation'"):
        data.load(name, "validation")


def test_describe_a_folder_and_a_table(pets: str, tmp_path: Path) -> None:
    info = data.describe(pets)
    assert (info.title, info.classes, info.shape) == ("pets", ("cats", "dogs"), (1, 9, 8))
    assert info.sentence == "16 images of your own, 8 by 9 pixels."
    assert info.train_size + info.test_size == 16
    assert not info.built_in
    assert data.on_machine(pets)
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).random((9, 4)))
    assert data.describe(f"table:{tmp_path / 'rows.npy'}").sentence == "9 rows of your own, 4 numbers each."


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.usefixtures("small_sets")
def test_a_whole_drawn_set_is_drawn_once_and_kept(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = data.load(name, "train", limit=6).pixels
    assert not cache.exists()  # a part is not kept
    seen: list[tuple[int, int]] = []
    first = data.load(name, "train", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (first.pixels.nbytes, first.pixels.nbytes)
    np.testing.assert_array_equal(first.pixels[:6], alone)
    assert [path.suffix for path in (cache / "drawn").iterdir()] == [".npy"]

    def forbidden(*args: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(drawn, "draw", forbidden)
    again = data.load(name, "train")
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert not again.pixels.flags.writeable
    np.testing.assert_array_equal(data.originals(name, "train", [6, 0]), first.pixels[[6, 0]])
    np.testing.assert_array_equal(data.load(name, "train", limit=2).pixels, first.pixels[:2])


@pytest.mark.usefixtures("small_sets")
def test_pictures_of_other_drawing_code_are_drawn_again_and_cleared_away(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.fetch("faces")
    data.fetch("faces-fair")
    monkeypatch.setattr(drawn, "_fingerprint", lambda module: "0" * 16)
    data.fetch("faces")
    names = sorted(path.name for path in (cache / "drawn").iterdir())
    assert [name for name in names if "fair" not in name] == [
        f"faces-{split}-{'0' * 16}.npy" for split in ("test", "train")
    ]
    assert len(names) == 4


@pytest.mark.usefixtures("small_sets")
@pytest.mark.parametrize("raw", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_cache_is_drawn_again(cache: Path, raw: bytes) -> None:
    good = data.load("sprites", "test").pixels.copy()
    (path,) = (cache / "drawn").iterdir()
    path.write_bytes(raw)
    np.testing.assert_array_equal(data.load("sprites", "test").pixels, good)
    np.testing.assert_array_equal(np.load(path), good)
    np.save(path, good[:2])
    np.testing.assert_array_equal(data.load("sprites", "test").pixels, good)


@pytest.mark.usefixtures("small_sets")
def test_a_disk_that_cannot_keep_pictures_stops_nobody(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(drawn.np, "save", full)
    assert len(data.load("sprites", "test")) == 5
    assert list((cache / "drawn").iterdir()) == []
    cache.joinpath("drawn").rmdir()
    cache.joinpath("drawn").write_text("in the way")
    assert len(data.load("sprites", "test")) == 5


def test_importing_the_data_costs_next_to_nothing() -> None:
    heavy = "('torch', 'sklearn', 'scipy', 'pooch', 'requests', 'PIL', 'platformdirs', 'streamlit')"
    code = f"import sys, vae.data as d; d.on_machine('faces'); print([m for m in {heavy} if m in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(Path(data.__file__).parents[2])}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert said.stdout.strip() == "[]"
