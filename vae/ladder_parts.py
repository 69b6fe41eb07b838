"""What networks with levels are made of: dense parts, or convolutional ones. `vae.nets_ladder` puts them together."""

from collections.abc import Iterable
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from vae.config import Config
from vae.dense import Dense
from vae.nets import ACTIVATION_LAYERS, LOGVAR_LIMIT, Heads, dense_stack, halvings, layout_of, strong, wide

Gaussian = tuple[Tensor, Tensor]  # mu and logvar, (B, L) of one level


# ---- dense parts ---------------------------------------------------------------------------------------------------


class DenseParts:
    """What a dense or gated ladder is made of. The way up has a stack of layers for each level, so has the way down."""

    def __init__(self, config: Config) -> None:
        self.config, self.levels = config, len(config.levels)
        self.up_width, self.down_width = config.encoder_sizes[-1], config.decoder_sizes[-1]
        self.floors = tuple(range(self.levels))[::-1]  # the top level reads the last stack
        self.wider = 2 if config.network == "gated" else 1  # numbers for each hidden unit before its gate

    def up(self) -> Iterable[nn.Module]:
        sizes = self.config.encoder_sizes
        yield nn.Sequential(nn.Flatten(), *dense_stack((self.config.pixels, *sizes), self.config))
        for _ in range(self.levels - 1):
            yield dense_stack((self.up_width, *sizes), self.config)

    def act(self) -> nn.Module:
        return nn.GLU(dim=1) if self.wider == 2 else ACTIVATION_LAYERS[self.config.activation]()

    def keep(self, level: int) -> nn.Module:
        return strong(Dense(self.up_width, self.wider * self.up_width))

    def meet(self, level: int) -> nn.Module:
        return strong(Dense(self.down_width, self.wider * self.up_width))

    def posterior(self, level: int) -> nn.Module:
        return Heads(self.up_width, self.config.levels[level])

    def prior(self, level: int) -> nn.Module:
        return Heads(self.down_width, self.config.levels[level])

    def inlet(self, level: int) -> nn.Module:
        return strong(Dense(self.config.levels[level], self.wider * self.config.decoder_sizes[0]))

    def carry(self, level: int) -> nn.Module:
        return strong(Dense(self.down_width, self.wider * self.config.decoder_sizes[0]))

    def down(self, level: int) -> nn.Module:
        return nn.Sequential(self.act(), *dense_stack(self.config.decoder_sizes, self.config))

    def out(self) -> nn.Module:
        return nn.Sequential(Dense(self.down_width, self.config.pixels), nn.Unflatten(1, self.config.shape))


# ---- convolutional parts -------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """h (B, C, H, W) plus what two convolutions and a gate make of it (He et al. 2016, activation first)."""

    def __init__(self, channels: int, activation: str) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ACTIVATION_LAYERS[activation](),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
            ACTIVATION_LAYERS[activation](),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1),
            nn.GLU(dim=1),
        )

    def forward(self, h: Tensor) -> Tensor:
        return h + self.body(h)


class PlaneHeads(nn.Module):
    """Features (B, C, H, W) to mu and logvar of a plane of latents, (B, c * H * W) each."""

    def __init__(self, channels: int, latents: int) -> None:
        super().__init__()
        self.both = nn.Conv2d(channels, 2 * latents, kernel_size=3, padding=1)

    def forward(self, h: Tensor) -> Gaussian:
        mu, logvar = wide(self.both(h)).chunk(2, dim=1)
        return mu.flatten(1), F.hardtanh(logvar.flatten(1), -LOGVAR_LIMIT, LOGVAR_LIMIT)


class FlatHeads(Heads):
    """Features (B, C, H, W) to mu and logvar of latents that belong to no place, (B, L) each."""

    def forward(self, h: Tensor) -> Gaussian:
        return super().forward(h.flatten(1))


class PlaneInlet(nn.Module):
    """z (B, c * H * W), a plane of latents, to (B, C, H, W)."""

    def __init__(self, latents: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.start = (latents, *shape[1:])
        self.body = nn.Conv2d(latents, shape[0], kernel_size=3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        planes = z.unflatten(1, self.start)
        return self.body(planes.contiguous(memory_format=layout_of(self.body.weight)))


class FlatInlet(nn.Module):
    """z (B, L), latents that belong to no place, to (B, C, H, W)."""

    def __init__(self, latents: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape
        self.body = Dense(latents, shape[0] * shape[1] * shape[2])

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z).unflatten(1, self.shape)


class ConvParts:
    """What a convolutional ladder is made of. A floor is a size of the plane: 14, 7, 3 of 28; 0 is the finest.

    The top level lives on the coarsest floor and the others are spread evenly upwards, several on one where there are
    more levels than floors.
    """

    def __init__(self, config: Config) -> None:
        self.config, count = config, len(config.encoder_sizes)
        self.floors = tuple(
            count - 1 - level * count // len(config.levels) for level in range(len(config.levels))
        )  # of each level
        sides = list(zip(*(halvings(side, count) for side in config.shape[1:]), strict=True))
        self.full, self.sides = sides[0], sides[1:]
        self.up_channels, self.down_channels = config.encoder_sizes, config.decoder_sizes[::-1]

    def up(self) -> Iterable[nn.Module]:
        for into, out in pairwise((self.config.shape[0], *self.up_channels)):
            halve = nn.Conv2d(into, out, kernel_size=4, stride=2, padding=1)
            yield nn.Sequential(halve, *self._blocks(out))

    def _blocks(self, channels: int) -> list[nn.Module]:
        return [Residual(channels, self.config.activation) for _ in range(self.config.blocks)]

    def act(self) -> nn.Module:
        return ACTIVATION_LAYERS[self.config.activation]()

    def keep(self, level: int) -> nn.Module:
        channels = self.up_channels[self.floors[level]]
        return nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def meet(self, level: int) -> nn.Module:
        floor = self.floors[level]
        return nn.Conv2d(self.down_channels[floor], self.up_channels[floor], kernel_size=3, padding=1)

    def posterior(self, level: int) -> nn.Module:
        return self._heads(level, self.up_channels)

    def prior(self, level: int) -> nn.Module:
        return self._heads(level, self.down_channels)

    def _heads(self, level: int, channels: tuple[int, ...]) -> nn.Module:
        floor, latents = self.floors[level], self.config.levels[level]
        height, width = self.sides[floor]
        if latents % (height * width):
            return FlatHeads(channels[floor] * height * width, latents)
        return PlaneHeads(channels[floor], latents // (height * width))

    def inlet(self, level: int) -> nn.Module:
        floor, latents = self.floors[level], self.config.levels[level]
        height, width = self.sides[floor]
        shape = (self.down_channels[floor], height, width)
        if latents % (height * width):
            return FlatInlet(latents, shape)
        return PlaneInlet(latents // (height * width), shape)

    def carry(self, level: int) -> nn.Module:
        return nn.Identity()

    def down(self, level: int) -> nn.Module:
        """Blocks, then up to the floor of the next level, or to the picture's own size."""
        floor = self.floors[level]
        following = self.floors[level + 1] if level + 1 < len(self.floors) else -1
        layers = self._blocks(self.down_channels[floor])
        for finer in range(floor - 1, following - 1, -1):
            into, out = self.down_channels[finer + 1], self.down_channels[max(finer, 0)]
            height, width = self.sides[finer] if finer >= 0 else self.full
            odd = (height % 2, width % 2)  # a side of 7 halves to 3: put the odd row back
            layers.append(nn.ConvTranspose2d(into, out, kernel_size=4, stride=2, padding=1, output_padding=odd))
            if finer > following:
                layers += self._blocks(out)
        return nn.Sequential(*layers)

    def out(self) -> nn.Module:
        return nn.Sequential(
            self.act(), nn.Conv2d(self.down_channels[0], self.config.shape[0], kernel_size=3, padding=1)
        )


def parts_of(config: Config) -> DenseParts | ConvParts:
    """The parts that a config with levels asks for."""
    return ConvParts(config) if config.network == "conv" else DenseParts(config)
