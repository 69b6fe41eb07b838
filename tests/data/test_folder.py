import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae.data import folder
from vae.errors import VAEError


def colour(seed: int, width: int = 12, height: int = 10) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def fill(root: Path, count: int = 20, suffix: str = ".png", grey: bool = False) -> Path:
    for label in ("cats", "dogs"):
        (root / label).mkdir(parents=True)
        for row in range(count):
            picture = colour(row + 1000 * (label == "dogs"))
            (picture.convert("L") if grey else picture).save(root / label / f"{row}{suffix}", lossless=True)
    return root


def both(root: Path) -> tuple[folder.Images, folder.Images]:
    return folder.load(str(root), "train"), folder.load(str(root), "test")


def refused(root: Path | str) -> str:
    with pytest.raises(VAEError) as caught:
        folder.load(str(root), "train")
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 200
    assert str(Path(root).parent) not in message
    return message


def test_every_image_comes_once_with_its_own_label(tmp_path: Path) -> None:
    train, test = both(fill(tmp_path / "pets"))
    assert len(train) + len(test) == 40
    assert min(len(train), len(test)) >= 1
    assert train.shape == test.shape == (3, 10, 12)
    assert train.label_names == test.label_names == ("cats", "dogs")
    expected = {np.asarray(colour(row + 1000 * label)).tobytes(): label for row in range(20) for label in (0, 1)}
    for images in (train, test):
        assert images.labels is not None
        for pixels, label in zip(images.pixels, images.labels, strict=True):
            assert expected.pop(pixels.tobytes()) == label
    assert expected == {}


def test_ids_hold_no_path(tmp_path: Path) -> None:
    train, _ = both(fill(tmp_path / "pets"))
    assert train.ids()[0] == "folder:pets/train/0"
    assert str(tmp_path) not in train.credit


def test_the_split_depends_on_names_alone(tmp_path: Path) -> None:
    train, test = both(fill(tmp_path / "pets"))
    again_train, again_test = both(fill(tmp_path / "elsewhere" / "pets"))
    np.testing.assert_array_equal(train.pixels, again_train.pixels)
    np.testing.assert_array_equal(test.pixels, again_test.pixels)
    before = {pixels.tobytes() for pixels in test.pixels}
    colour(77).save(tmp_path / "pets/cats/new.png")
    _, later = both(tmp_path / "pets")
    assert before <= {pixels.tobytes() for pixels in later.pixels}


def test_the_first_rows_mix_the_labels(tmp_path: Path) -> None:
    train, _ = both(fill(tmp_path / "pets"))
    assert train.labels is not None
    assert set(train.labels[:12].tolist()) == {0, 1}


def test_two_images_are_one_for_each_split(tmp_path: Path) -> None:
    train, test = both(fill(tmp_path / "pets", count=1))
    assert (len(train), len(test)) == (1, 1)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".webp", ".jpg", ".JPEG"])
def test_grey_images_are_grey_in_every_format(tmp_path: Path, suffix: str) -> None:
    train, _ = both(fill(tmp_path / "pets", count=3, suffix=suffix, grey=True))
    assert train.shape == (1, 10, 12)


def test_one_coloured_image_makes_all_of_them_rgb(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=3, grey=True)
    colour(5).save(root / "cats/colour.png")
    assert both(root)[0].shape == (3, 10, 12)


def test_what_shines_through_is_white(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=1)
    for path in root.rglob("*.png"):
        Image.new("RGBA", (12, 10), (200, 0, 0, 0)).save(path)
    assert (both(root)[0].pixels == 255).all()


def test_a_photograph_taken_sideways_stands_upright(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=1)
    exif = Image.Exif()
    exif[274] = 6  # orientation: turned by a quarter
    for path in list(root.rglob("*.png")):
        path.unlink()
        colour(1, width=12, height=10).save(path.with_suffix(".jpg"), exif=exif)
    assert both(root)[0].shape[1:] == (12, 10)


def test_a_changed_image_is_read_again(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=1)
    before = both(root)
    for path in root.rglob("*.png"):
        colour(99).save(path)
        os.utime(path, ns=(1, 1))
    after = both(root)
    assert (before[0].pixels != after[0].pixels).any()


def test_notes_and_hidden_files_are_no_images(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=2)
    (root / "cats/README.txt").write_text("my cats")
    (root / "cats/.DS_Store").write_bytes(b"\x00")
    (root / "._cats").mkdir()
    (root / "empty").mkdir()
    train, test = both(root)
    assert len(train) + len(test) == 4
    assert train.label_names == ("cats", "dogs")


def test_missing_file_and_empty_folders_are_refused(tmp_path: Path) -> None:
    assert "no folder 'pets'" in refused(tmp_path / "pets")
    (tmp_path / "file").write_text("x")
    assert "not a folder" in refused(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refused(tmp_path / "empty")
    (tmp_path / "empty/cats").mkdir()
    assert "holds no images" in refused(tmp_path / "empty")
    colour(0).save(tmp_path / "empty/loose.png")
    assert "side by side" in refused(tmp_path / "empty")
    colour(0).save(tmp_path / "empty/cats/0.png")
    assert "at least two" in refused(tmp_path / "empty")


def test_a_closed_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    root = fill(tmp_path / "pets", count=1)
    monkeypatch.setattr(folder.os, "scandir", closed)
    assert "Permission denied" in refused(root)


def test_mixed_sizes_are_refused_by_name(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=3)
    colour(0, width=20).save(root / "cats/wide.png")
    message = refused(root)
    assert "20 x 10" in message
    assert "12 x 10" in message
    assert "cats/wide.png" in message


@pytest.mark.parametrize(("width", "height"), [(7, 12), (12, 7), (129, 12), (12, 4000)])
def test_sides_outside_8_to_128_are_refused(tmp_path: Path, width: int, height: int) -> None:
    root = fill(tmp_path / "pets", count=1)
    colour(0, width=width, height=height).save(root / "cats/odd.png")
    message = refused(root)
    assert f"{width} x {height}" in message
    assert "resize" in message


def test_the_smallest_and_largest_sides_are_taken(tmp_path: Path) -> None:
    for width, height in ((8, 128), (128, 8)):
        root = tmp_path / str(width)
        (root / "cats").mkdir(parents=True)
        for row in range(2):
            colour(row, width=width, height=height).save(root / f"cats/{row}.png")
        assert both(root)[0].shape == (3, height, width)


def test_a_picture_that_would_fill_the_memory_is_refused_unread(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=1)
    Image.new("1", (20_000, 20_000)).save(root / "cats/bomb.png")
    assert "cats/bomb.png" in refused(root)


@pytest.mark.parametrize("raw", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF0000WEBP"])
def test_broken_files_are_refused_by_name(tmp_path: Path, raw: bytes) -> None:
    root = fill(tmp_path / "pets", count=1)
    (root / "cats/broken.png").write_bytes(raw)
    assert "cats/broken.png" in refused(root)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".webp"])
def test_truncated_files_are_refused_at_any_length(tmp_path: Path, suffix: str) -> None:
    root = fill(tmp_path / "pets", count=1, suffix=suffix)
    path = root / f"cats/0{suffix}"
    raw = path.read_bytes()
    for length in range(0, len(raw) * 3 // 4, max(1, len(raw) // 25)):
        path.write_bytes(raw[:length])
        os.utime(path, ns=(length, length))
        assert f"cats/0{suffix}" in refused(root)


def test_formats_off_the_list_are_refused_whatever_they_are_called(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=1)
    colour(0).save(root / "cats/disguised.png", format="TIFF")
    assert "cats/disguised.png" in refused(root)
    (root / "cats/disguised.png").rename(root / "cats/honest.tiff")
    assert "cats/honest.tiff" in refused(root)


def test_sixteen_bits_are_refused_not_clipped(tmp_path: Path) -> None:
    root = fill(tmp_path / "pets", count=1)
    Image.fromarray(np.full((10, 12), 40_000, np.uint16)).save(root / "cats/deep.png")
    assert "8 bits" in refused(root)


def test_too_much_for_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fill(tmp_path / "pets", count=2)
    monkeypatch.setattr(folder, "MAX_BYTES", 4 * 12 * 10 * 3 - 1)
    assert "fewer or smaller" in refused(root)
    monkeypatch.setattr(folder, "MAX_IMAGES", 3)
    assert "at most 3" in refused(root)
