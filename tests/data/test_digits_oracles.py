"""The split of the digits is fair: the file is sorted by writer, and both sides hold all of them."""

import numpy as np
from sklearn.datasets import load_digits

from vae.data import digits


def test_the_test_digits_come_from_every_part_of_the_file() -> None:
    ink = load_digits().images.reshape(1797, 64)
    row_of = {row.astype(int).tobytes(): number for number, row in enumerate(ink)}
    assert len(row_of) == 1797
    test = digits.load("test")
    rows = [row_of[np.rint(picture.reshape(64) * (16 / 255)).astype(int).tobytes()] for picture in test.pixels]
    assert len(set(rows)) == 360
    parts = np.histogram(rows, bins=10, range=(0, 1797))[0]
    assert parts.min() >= 20 and parts.max() <= 60  # 36 in each tenth on average
