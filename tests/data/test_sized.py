"""Data sets that are resized: the same images by the same names, of another shape, and nobody sees more for it."""

from pathlib import Path

import numpy as np
import pytest

from live import privacy
from vae import data
from vae.data import sized
from vae.data.paint import Paint
from vae.errors import VAEError

DIGITS = "sized:1x16x12:digits"


def test_rows_and_labels_stay_and_pixels_are_resampled() -> None:
    whole, small = data.load("digits", "test"), data.load(DIGITS, "test")
    assert small.shape == data.describe(DIGITS).shape == (1, 16, 12) and small.name == DIGITS
    np.testing.assert_array_equal(small.labels, whole.labels)
    assert small.ids() == whole.ids()  # the same images, whatever their size
    np.testing.assert_array_equal(data.originals(DIGITS, "test", [7, 3]), small.pixels[[7, 3]])
    same = data.load("sized:1x8x8:digits", "test", limit=9)
    np.testing.assert_array_equal(same.pixels, whole.pixels[:9])  # of its own size nothing is changed


def test_a_flat_image_stays_flat_whatever_it_becomes() -> None:
    grey, red = np.full((2, 9, 8, 1), 90, np.uint8), np.zeros((2, 9, 8, 3), np.uint8)
    red[..., 0] = 200
    assert (sized.fitted(grey, (3, 20, 30), None) == 90).all()
    assert (sized.fitted(red, (1, 10, 10), None) == round(200 * 0.299)).all()  # the weight of red, ITU-R BT.601
    paint = Paint(("a", "b"), ("#ff0000", "#00ff00"))
    both = np.concatenate([grey, grey], axis=3)
    assert (sized.fitted(both, (3, 10, 10), paint) == (90, 90, 0)).all()  # each channel in its colour


@pytest.mark.parametrize(
    "name",
    [
        "sized:1x8x8:folder:/etc",
        "sized:1x8x8:nothing",
        "sized:1x8x8:" + DIGITS,
        "sized:1x4x8:digits",
        "sized:1x8:digits",
    ]
    + ["sized:1x8x999:digits", "sized:2x8x8:digits", "sized:1x8x8:brought:0123456789abcdef"],
)
def test_what_cannot_be_resized_is_refused(name: str) -> None:
    with pytest.raises(VAEError):
        data.describe(name)
    with pytest.raises(VAEError):
        data.originals(name, "test", [0])


def test_more_than_a_set_may_hold_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sized, "MAX_BYTES", 4 * 16 * 12)
    assert len(data.load(DIGITS, "test", limit=4)) == 4
    with pytest.raises(VAEError, match="take fewer"):
        data.load(DIGITS, "test", limit=5)


def test_whose_images_they_are_decides_who_sees_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = "sized:1x8x8:brought:0123456789abcdef"
    assert data.source_of(private) == "brought:0123456789abcdef" and data.source_of("digits") == "digits"
    assert privacy.may_use(DIGITS, "ada") and not privacy.may_use(private, "ada")
    assert not data.on_machine(private) and data.public_name(DIGITS) == "digits"
