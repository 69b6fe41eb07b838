"""From stored pixels to the x that a network reads, a batch at a time."""

import numpy as np
import torch
from torch import Tensor

from vae.data.images import Images


def stored(images: Images, device: torch.device | str = "cpu") -> Tensor:
    """A whole data set as one tensor on the device: uint8 (N, C, H, W), a quarter of what float32 takes.

    Flat vectors stay float32 (N, D).
    """
    pixels = np.ascontiguousarray(images.pixels)
    if pixels.ndim == 2:
        return torch.from_numpy(pixels.astype(np.float32)).to(device)
    return torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).contiguous().to(device)


def as_x(batch: Tensor) -> Tensor:
    """Stored pixels to x: float32 in [0, 1], same shape."""
    return batch.float().div_(255) if batch.dtype == torch.uint8 else batch
