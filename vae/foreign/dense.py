"""The dense networks that the pythae library makes unless it is told otherwise (Chadebec et al. 2022): one hidden layer
each way, or as many as the weights say, ReLU between them and a sigmoid at the end.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from vae.config import MAX_LATENT_DIM, MAX_WIDTH
from vae.errors import VAEError
from vae.posterior import POINT_LOGVAR

LAYERS = 16
IGNORED = ("discriminator.", "pseudo_inputs", "pseudo_input")  # learned beside encoder and decoder, and not needed
LOGVAR_LIMIT = 20.0


class DenseBody(nn.Module):
    """Dense layers with an activation behind each, named as pythae names them."""

    def __init__(self, sizes: list[int], last: type[nn.Module]) -> None:
        super().__init__()
        kinds = [nn.ReLU] * (len(sizes) - 2) + [last]
        pairs = zip(sizes, sizes[1:], kinds, strict=False)
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(a, b), kind()) for a, b, kind in pairs])

    def forward(self, h: Tensor) -> Tensor:
        for layer in self.layers:
            h = layer(h)
        return h


class DenseReader(DenseBody):
    """(B, D) to mu and logvar (B, L)."""

    def __init__(self, sizes: list[int], latents: int, point: bool) -> None:
        super().__init__(sizes, nn.ReLU)
        self.embedding = nn.Linear(sizes[-1], latents)
        self.log_var = None if point else nn.Linear(sizes[-1], latents)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        h = super().forward(h)
        mu = self.embedding(h)
        if self.log_var is None:
            return mu, torch.full_like(mu, POINT_LOGVAR)
        return mu, self.log_var(h).clamp(-LOGVAR_LIMIT, LOGVAR_LIMIT)


class DensePair(nn.Module):
    """Encoder and decoder.

    Args:
        said: what `settings` made of its files.
    """

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__()
        self.shape, self.latents = tuple(said["shape"]), said["latents"]
        self.encoder = DenseReader(said["encoder"], said["latents"], said["point"])
        self.decoder = DenseBody(said["decoder"], nn.Sigmoid)

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, *shape) to mu and logvar, (B, L) each."""
        mu, logvar = self.encoder(x.flatten(1))
        return mu, logvar

    def draw(self, z: Tensor) -> Tensor:
        """z (B, L) to x (B, *shape)."""
        x: Tensor = self.decoder(z)
        return x.reshape(-1, *self.shape)


def settings(data: object, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """What `DensePair` needs: the shape from model_config.json, the sizes from the weights.

    Raises:
        VAEError: a network of another kind, or a value out of range.
    """
    shape, latents = _shape(data)
    point = "encoder.log_var.weight" not in tensors
    found: dict[str, Any] = {
        "shape": shape,
        "latents": latents,
        "point": point,
        "encoder": _sizes("encoder", tensors),
        "decoder": _sizes("decoder", tensors),
    }
    if found["encoder"][0] != math.prod(shape) or found["decoder"][-1] != math.prod(shape):
        raise VAEError("The weights do not fit input_dim of model_config.json: both must come from the same model.")
    return found


def checked(said: object) -> dict[str, Any]:
    """Settings that were kept with a model, checked again. VAEError: they are not what `settings` made."""
    keys = {"shape", "latents", "point", "encoder", "decoder"}
    if not isinstance(said, dict) or said.keys() != keys or not isinstance(said["point"], bool):
        raise VAEError("adapter.json does not describe a dense network: bring the model again.")
    lists = [said[name] for name in ("shape", "encoder", "decoder")]
    if not all(isinstance(each, list) and 1 <= len(each) <= LAYERS + 1 for each in lists):
        raise VAEError("adapter.json does not describe a dense network: bring the model again.")
    if len(said["encoder"]) < 2 or len(said["decoder"]) < 2:
        raise VAEError("adapter.json does not describe a dense network: bring the model again.")
    for value in (said["latents"], *lists[0], *lists[1], *lists[2]):
        _whole("adapter.json", value, 3 * 128 * 128)
    return said


def needed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those weights that encoder and decoder are made of. VAEError: others are there that would change them."""
    kept = {name: value for name, value in tensors.items() if not name.startswith(IGNORED)}
    strange = sorted(name for name in kept if not name.startswith(("encoder.", "decoder.")))
    if strange:
        raise VAEError(f"This pythae model has weights beyond a dense network ({strange[0][:60]}): write an adapter.")
    return kept


def _shape(data: object) -> tuple[list[int], int]:
    if not isinstance(data, dict):
        raise VAEError("model_config.json holds no object: it was not written by pythae.")
    if data.get("uses_default_encoder") is False or data.get("uses_default_decoder") is False:
        raise VAEError(
            "This pythae model has a network of its own, which only its own code can build: write an adapter for it."
        )
    shape, latents = data.get("input_dim"), data.get("latent_dim")
    if not isinstance(shape, list) or len(shape) not in (1, 3):
        raise VAEError("input_dim of model_config.json must be [channels, height, width] or [length].")
    for value in shape:
        _whole("input_dim of model_config.json", value, 65536)
    _whole("latent_dim of model_config.json", latents, MAX_LATENT_DIM)
    assert isinstance(latents, int)
    return shape, latents


def _sizes(part: str, tensors: dict[str, Tensor]) -> list[int]:
    """[into, hidden ..., out] of a stack, read off its weights."""
    sizes: list[int] = []
    for layer in range(LAYERS):
        weight = tensors.get(f"{part}.layers.{layer}.0.weight")
        if weight is None:
            break
        if weight.ndim != 2:
            raise VAEError(f"The {part} of this pythae model is not dense: write an adapter for it.")
        out, into = weight.shape
        if sizes and sizes[-1] != into:
            raise VAEError(f"The layers of the {part} do not fit each other: copy the folder again.")
        sizes = sizes or [into]
        sizes.append(out)
        _whole(f"A layer of the {part}", max(into, out) if layer else out, max(MAX_WIDTH, 3 * 128 * 128))
    if len(sizes) < 2:
        raise VAEError(f"The {part} of this pythae model is not a dense network: write an adapter for it.")
    return sizes


def _whole(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise VAEError(f"{name} must hold whole numbers from 1 to {most}.")
