"""`digits`: 1,797 small handwritten digits that come with scikit-learn, so they are there at once."""

from functools import lru_cache

import numpy as np

from vae.data.images import DataInfo, Images, read_only

TEST_SIZE = 360  # the last fifth of a fixed permutation: the file is sorted by writer, its own order is no fair split

INFO = DataInfo(
    name="digits",
    title="Small digits",
    sentence="1,797 handwritten digits, 8 by 8 pixels: a model learns them in seconds.",
    shape=(1, 8, 8),
    classes=tuple("0123456789"),
    train_size=1797 - TEST_SIZE,
    test_size=TEST_SIZE,
    credit="Optical Recognition of Handwritten Digits, Alpaydin and Kaynak, UCI (CC BY 4.0), with scikit-learn",
    built_in=True,
)


@lru_cache(maxsize=1)
def _arrays() -> tuple[np.ndarray, np.ndarray]:
    """(1797, 8, 8, 1) uint8 and (1797,) int64, permuted."""
    from sklearn.datasets import load_digits  # takes a second: only when somebody asks for digits

    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.images))
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # scikit-learn counts ink from 0 to 16
    return read_only(pixels[order, ..., None]), read_only(bunch.target.astype(np.int64)[order])


def load(split: str) -> Images:
    """The digits of one split, pixels (N, 8, 8, 1)."""
    pixels, labels = _arrays()
    rows = slice(len(pixels) - TEST_SIZE) if split == "train" else slice(len(pixels) - TEST_SIZE, None)
    return Images("digits", split, pixels[rows], labels[rows], INFO.classes, credit=INFO.credit)
