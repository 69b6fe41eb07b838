"""A map as a picture: points lie where they are drawn, and more of them cover more."""

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.cloud import cloud


def test_points_lie_where_the_picture_is_covered():
    xy = np.random.default_rng(0).normal((3, -2), (5, 1), (400, 2))
    found = cloud(xy, side=60)
    shares = found.shares(xy)
    assert shares.min() > 0 and shares.max() < 1 and found.pixels.shape == (60, 60, 4)
    column, row = (60 * shares).astype(int).T
    assert (found.pixels[row, column, 3] > 0).all()
    assert (found.pixels[:, :, 3] > 0).sum() == len(set(zip(row, column, strict=True)))
    top = xy[:, 1].argmax()
    assert shares[top, 1] == shares[:, 1].min()  # y upwards


def test_more_points_cover_more_and_one_outlier_does_not_pale_the_rest():
    xy = np.repeat([[0.0, 0], [1, 0], [0, 1]], [100, 10, 1], axis=0)
    covers = cloud(xy, side=20).pixels[:, :, 3]
    assert sorted(covers[covers > 0].tolist())[0] < sorted(covers[covers > 0].tolist())[1] <= 200


def test_what_lies_outside_is_shown_at_the_edge_and_one_point_is_enough():
    assert cloud([[0.0, 0], [1, 1]]).shares([[9.0, 9], [-9, -9]]).tolist() == [[1, 0], [0, 1]]
    assert np.isfinite(cloud([[2.0, 2]]).shares([[2.0, 2]])).all()
    with pytest.raises(VAEError):
        cloud([[0.0, np.nan]])
