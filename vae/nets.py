"""Encoders and decoders: linear, dense, gated and convolutional; those with levels are in `vae.nets_ladder`.

An encoder maps x to (mu, logvar); a decoder maps z to the parameters of p(x|z): logits for a Bernoulli, the mean for
the others. Either can be built alone.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.config import ADAPTED, Config
from vae.dense import Dense, linear
from vae.errors import VAEError
from vae.posterior import POINT_LOGVAR

ACTIVATION_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
}

# exp(LOGVAR_LIMIT / 2) is a spread of 22,000 prior standard deviations: no sane posterior is touched, NaN is kept out.
LOGVAR_LIMIT = 20.0

Net = TypeVar("Net", bound=nn.Module)


def dense_stack(sizes: tuple[int, ...], config: Config) -> nn.Sequential:
    """(B, sizes[0]) to (B, sizes[-1]): dense layers, each with its activation or its gate.

    A gate is h = (Wx + b) * sigmoid(Vx + c) (Dauphin et al. 2017, eq. 1; on dense layers Tomczak and Welling 2018, eq.
    14), both products as one.
    """
    layers: list[nn.Module] = []
    for into, out in pairwise(sizes):
        if config.network == "gated":
            layers += [strong(Dense(into, 2 * out)), nn.GLU(dim=1)]
        else:
            layers += [Dense(into, out), ACTIVATION_LAYERS[config.activation]()]
    return nn.Sequential(*layers)


def strong(layer: Dense) -> Dense:
    """The layer with larger first weights (He et al. 2015, eq. 10): a gate halves what passes, and many layers fade."""
    nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
    nn.init.zeros_(layer.bias)
    return layer


def wide(params: Tensor) -> Tensor:
    """What a network says, float32 even where its products were computed in half: the draw and the loss need it."""
    return params.float() if params.dtype in (torch.bfloat16, torch.float16) else params


class Heads(nn.Module):
    """Features (B, F) to mu and logvar, (B, L) each."""

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.mu = Dense(features, latent_dim)
        self.logvar = Dense(features, latent_dim)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        # One product for both: they are small, and starting one takes longer than the product itself.
        weight = torch.cat([self.mu.weight, self.logvar.weight])  # (2L, F)
        mu, logvar = wide(linear(h, weight, torch.cat([self.mu.bias, self.logvar.bias]))).chunk(2, dim=1)
        return mu, F.hardtanh(logvar, -LOGVAR_LIMIT, LOGVAR_LIMIT)  # a clamp whose gradient is one pass


class PointHead(nn.Module):
    """Features (B, F) to one code (B, L), and the spread of a point: a plain autoencoder."""

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.mu = Dense(features, latent_dim)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mu = wide(self.mu(h))
        return mu, torch.full_like(mu, POINT_LOGVAR)


class SharedSpread(nn.Module):
    """Features (B, F) to mu (B, L), and a spread of each latent that is the same for all images."""

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.mu = Dense(features, latent_dim)
        self.logvar = nn.Parameter(torch.zeros(latent_dim))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        mu = wide(self.mu(h))
        return mu, F.hardtanh(self.logvar, -LOGVAR_LIMIT, LOGVAR_LIMIT).expand_as(mu)


def _heads(features: int, config: Config) -> nn.Module:
    if config.posterior == "point":
        return PointHead(features, config.latent_dim)
    return (SharedSpread if config.network == "linear" else Heads)(features, config.latent_dim)


class DenseEncoder(nn.Module):
    """x (B, ...) to mu, logvar (B, L) through dense layers."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        sizes = (config.pixels, *config.encoder_sizes)
        self.body = dense_stack(sizes, config)
        self.heads = _heads(sizes[-1], config)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.heads(self.body(x.flatten(1)))  # (B, D) -> (B, L), (B, L)


class DenseDecoder(nn.Module):
    """z (B, L) to the parameters of p(x|z), shaped as x, through dense layers."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        sizes = (config.latent_dim, *config.decoder_sizes)
        self.shape = config.shape
        self.body = dense_stack(sizes, config)
        self.out = Dense(sizes[-1], config.pixels)

    def forward(self, z: Tensor) -> Tensor:
        return wide(self.out(self.body(z))).unflatten(1, self.shape)  # (B, L) -> (B, D) -> (B, C, H, W)


def layout_of(planes: Tensor) -> torch.memory_format:
    """In which order the numbers of (B, C, H, W) lie."""
    last = planes.is_contiguous(memory_format=torch.channels_last) and not planes.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def through(layers: Iterable[nn.Module], planes: Tensor) -> Tensor:
    """The layers, one by one; each gradient comes back with its numbers in the order of what it is the gradient of.

    A pass over two tensors (B, C, H, W) that lie in different orders takes ten times as long, and on the way back the
    first layer, the last and the flat ones give the other order.
    """
    for layer in layers:
        planes = layer(planes)
        if planes.requires_grad:
            planes.register_hook(partial(Tensor.contiguous, memory_format=layout_of(planes)))
    return planes


def halvings(side: int, stages: int) -> list[int]:
    """The side of the picture before each stage and after the last: 28, 14, 7."""
    sides = [side]
    for _ in range(stages):
        sides.append(sides[-1] // 2)
    return sides


class ConvEncoder(nn.Module):
    """x (B, C, H, W) to mu, logvar (B, L): each stage halves the picture with a 4x4 convolution of stride 2."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = (config.shape[0], *config.encoder_sizes)
        layers: list[nn.Module] = []
        for into, out in pairwise(channels):
            layers += [nn.Conv2d(into, out, kernel_size=4, stride=2, padding=1), ACTIVATION_LAYERS[config.activation]()]
        self.body = nn.Sequential(*layers)
        stages = len(config.encoder_sizes)
        height, width = (halvings(side, stages)[-1] for side in config.shape[1:])
        self.heads = _heads(channels[-1] * height * width, config)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.heads(through(self.body, x).flatten(1))  # (B, C, H, W) -> (B, F) -> (B, L), (B, L)


class ConvDecoder(nn.Module):
    """z (B, L) to the parameters of p(x|z) (B, C, H, W): the encoder's way back, 4x4 kernels against checkerboards."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = (*config.decoder_sizes, config.shape[0])
        stages = len(config.decoder_sizes)
        heights, widths = (halvings(side, stages)[::-1] for side in config.shape[1:])
        self.start = (channels[0], heights[0], widths[0])
        self.inlet = Dense(config.latent_dim, channels[0] * heights[0] * widths[0])
        layers: list[nn.Module] = []
        for stage, (into, out) in enumerate(pairwise(channels)):
            odd = (heights[stage + 1] % 2, widths[stage + 1] % 2)  # a side of 7 halves to 3: put the odd row back
            layers += [
                ACTIVATION_LAYERS[config.activation](),
                nn.ConvTranspose2d(into, out, kernel_size=4, stride=2, padding=1, output_padding=odd),
            ]
        self.body = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        h = self.inlet(z).unflatten(1, self.start)  # (B, L) -> (B, F) -> (B, F, h, w)
        kernel = next(self.body.parameters())
        return wide(through(self.body, h.contiguous(memory_format=layout_of(kernel))))  # (B, F, h, w) -> (B, C, H, W)


def build_encoder(config: Config, seed: int = 0) -> nn.Module:
    """The encoder alone: x (B, *shape) to (mu, logvar), (B, L) each, initialised from `seed`.

    VAEError: with levels, what an encoder says depends on the path down, so it cannot be had alone.
    """
    if config.levels:
        raise VAEError("An encoder with levels says nothing without its decoder: build the whole model.")
    if config.network == ADAPTED:
        raise VAEError("A network from elsewhere cannot be built from its config alone: open its folder.")
    return seeded(ConvEncoder if config.network == "conv" else DenseEncoder, config, seed)


def build_decoder(config: Config, seed: int = 0) -> nn.Module:
    """The decoder alone: z (B, L) to the parameters of p(x|z) (B, *shape), initialised from `seed`."""
    if config.levels:
        raise VAEError("A decoder with levels is built with its encoder: build the whole model.")
    return seeded(ConvDecoder if config.network == "conv" else DenseDecoder, config, seed)


def seeded(kind: Callable[[Config], Net], config: Config, seed: int) -> Net:
    """A network of that kind, its weights drawn from `seed`."""
    # torch initialises from its global generator: borrow it, and give it back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(config)
