"""Stored pixels become x without a turn, a mirror or a wrong scale."""

import numpy as np
import torch

from vae.batches import as_x, stored
from vae.data.images import Images


def test_pixels_go_from_rows_of_colours_to_planes() -> None:
    pixels = np.arange(2 * 8 * 9 * 3, dtype=np.int64).astype(np.uint8).reshape(2, 8, 9, 3)
    tensor = stored(Images("ramp", "train", pixels))
    assert tensor.dtype == torch.uint8 and tensor.shape == (2, 3, 8, 9) and tensor.is_contiguous()
    for n, c, h, w in ((0, 0, 0, 0), (1, 2, 7, 8), (1, 0, 3, 5)):
        assert tensor[n, c, h, w] == pixels[n, h, w, c]


def test_x_runs_from_0_to_1() -> None:
    batch = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    x = as_x(batch)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, torch.tensor([[0.0, 0.2, 1.0]]))
    assert batch.tolist() == [[0, 51, 255]]


def test_vectors_stay_as_they_are_and_are_a_copy() -> None:
    rows = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    tensor = stored(Images("table", "train", rows.copy()))
    assert torch.equal(as_x(tensor), torch.from_numpy(rows))
    tensor.zero_()
    assert rows.any()


def test_what_was_stored_can_be_written_to_without_touching_the_images(images: Images) -> None:
    before = images.pixels.copy()
    stored(images).zero_()
    assert (images.pixels == before).all()
