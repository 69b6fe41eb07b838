"""Where the arithmetic runs: CUDA, else Apple's MPS, else the CPU."""

import torch

from vae.errors import VAEError


def pick_device(name: str = "auto") -> torch.device:
    """The fastest device there is, or the one that was asked for.

    Args:
        name: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        VAEError: the device is unknown, or not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise VAEError(f"There is no device called {name!r}: choose auto, cpu, cuda or mps.") from error
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not present.get(device.type, False):
        raise VAEError(f"The device {name!r} is not on this machine: choose auto, which takes the fastest there is.")
    return device
