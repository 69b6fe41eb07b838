"""A model of your own in Muscope: any network that encodes and decodes, by a class with four things.

    streamlit run app.py -- --adapter examples/adapter.py:Waves

Then open "Your models", choose "Your own code", and press "Open it". From the command line:

    MUSCOPE_ADAPTER=examples/adapter.py:Waves python -m vae bring adapter:Waves --data digits

The class is made once, without arguments. It loads what it needs by itself: it is your own code, on your machine.
"""

import math

import torch
from torch import Tensor, nn


class Waves(nn.Module):
    """An autoencoder that nobody trained: a code is the strength of the twelve longest waves of a picture.

    Put your own network in its place. What Muscope asks for:
        shape        (channels, height, width) of the images, or (length,) of vectors
        latent_dim   numbers in a code
        encode(x)    x (B, *shape) in [0, 1] to (mu, logvar), (B, latent_dim) each; logvar None: codes without a spread
        decode(z)    z (B, latent_dim) to images (B, *shape) in [0, 1]
    and, if you like: `title`, and `data`, the data set it is shown with unless you choose another.
    """

    shape = (1, 8, 8)
    latent_dim = 12
    title = "Twelve waves"
    data = "digits"

    waves: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        side = self.shape[1]
        at = (torch.arange(side) + 0.5) * math.pi / side
        lines = torch.stack([torch.cos(k * at) for k in range(side)])  # (8, 8): a wave of each length
        lines = lines / lines.norm(dim=1, keepdim=True)
        both = torch.einsum("iy,jx->ijyx", lines, lines).reshape(side * side, -1)  # (64, 64), in both directions
        longest = sorted(range(side * side), key=lambda i: (i // side + i % side, i))[: self.latent_dim]
        self.register_buffer("waves", both[longest])  # (12, 64), orthonormal
        self.register_buffer("scale", torch.tensor(1.5))  # so that most codes lie within two or three of zero

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu = (x.flatten(1) - 0.3) @ self.waves.T / self.scale  # (B, 12)
        return mu, torch.full_like(mu, -4.0)  # each number known to 0.14

    def decode(self, z: Tensor) -> Tensor:
        x = 0.3 + (z * self.scale) @ self.waves  # (B, 64)
        return x.reshape(-1, *self.shape).clamp(0, 1)
