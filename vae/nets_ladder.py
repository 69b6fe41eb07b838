"""Networks with levels: a hierarchical VAE, read from below once and then drawn from above.

On the way up an image becomes features, once for each level. On the way down one path h is shared by the model and by
what it infers (top-down inference: Sonderby et al. 2016, section 2.1; Kingma et al. 2016, section 4): from h comes the
prior of a level given the levels above, from h and that level's features its posterior, and the level's z joins h.

A code holds each level in units of its prior: z = mu_p + std_p * code. So the prior of a whole code is N(0, I), as of
any other model, and KL(q(code) || N(0, I)) is KL(q(z) || p(z)) of the level, exactly (an affine map changes no KL).
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.config import Config
from vae.ladder_parts import Gaussian, parts_of
from vae.nets import LOGVAR_LIMIT, seeded, through, wide
from vae.posterior import Posterior

# A prior's std stays between 0.007 and 150: codes are divided by it.
PRIOR_LIMIT = 10.0


class LadderEncoder(nn.Module):
    """x (B, *shape) to features, one tensor for each level, the top level first; and from them q of a level."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        parts, levels = parts_of(config), range(len(config.levels))
        self.floors = parts.floors
        self.up = nn.ModuleList(parts.up())
        self.keep = nn.ModuleList(parts.keep(level) for level in levels)
        self.meet = nn.ModuleList(parts.meet(level) for level in levels[1:])
        self.act = parts.act()
        self.heads = nn.ModuleList(parts.posterior(level) for level in levels)

    def forward(self, x: Tensor) -> list[Tensor]:
        h, floors = x, []
        for body in self.up:
            h = through(cast(nn.Sequential, body), h)
            floors.append(h)
        return [keep(floors[floor]) for keep, floor in zip(self.keep, self.floors, strict=True)]

    def posterior(self, level: int, features: Tensor, h: Tensor | None) -> Gaussian:
        """q of a level given the path h, None above the top: mu and logvar (B, L) of its z."""
        if h is not None:
            features = features + self.meet[level - 1](h)
        found: Gaussian = self.heads[level](self.act(features))
        return found


class LadderDecoder(nn.Module):
    """Codes (B, L), levels one after the other, to the parameters of p(x|z), shaped as x."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        parts, levels = parts_of(config), range(len(config.levels))
        self.sizes = list(config.levels)
        self.priors = nn.ModuleList(parts.prior(level) for level in levels[1:])
        self.inlets = nn.ModuleList(parts.inlet(level) for level in levels)
        self.carries = nn.ModuleList(parts.carry(level) for level in levels[1:])
        self.down = nn.ModuleList(parts.down(level) for level in levels)
        self.out = parts.out()

    def prior(self, level: int, h: Tensor | None) -> Gaussian | None:
        """p of a level given the path h: mu and logvar (B, L); None is N(0, I), of the top."""
        if h is None:
            return None
        mu, logvar = self.priors[level - 1](h)
        return mu, F.hardtanh(logvar, -PRIOR_LIMIT, PRIOR_LIMIT)

    def step(self, level: int, h: Tensor | None, z: Tensor) -> Tensor:
        """The path below a level whose z (B, L) is known."""
        joined: Tensor = self.inlets[level](z)
        if h is not None:
            joined = joined + self.carries[level - 1](h)
        return through(cast(nn.Sequential, self.down[level]), joined)

    def forward(self, codes: Tensor) -> Tensor:
        h = None
        for level, code in enumerate(codes.split(self.sizes, dim=1)):
            h = self.step(level, h, placed(code, self.prior(level, h)))
        return self.params(h)

    def params(self, h: Tensor | None) -> Tensor:
        """The end of the path to the parameters of p(x|z) (B, *shape)."""
        return wide(self.out(h))


def placed(code: Tensor, prior: Gaussian | None) -> Tensor:
    """A level's code to its z: mu_p + std_p * code."""
    if prior is None:
        return code
    mu, logvar = prior
    return mu + torch.exp(0.5 * logvar) * code


def in_units_of(prior: Gaussian | None, mu: Tensor, logvar: Tensor) -> Posterior:
    """q of a level's z as q of its code: N((mu_q - mu_p) / std_p, std_q / std_p)."""
    if prior is None:
        return Posterior(mu, logvar)
    mu_p, logvar_p = prior
    spread = F.hardtanh(logvar - logvar_p, -LOGVAR_LIMIT, LOGVAR_LIMIT)
    return Posterior((mu - mu_p) * torch.exp(-0.5 * logvar_p), spread)


def infer(
    encoder: LadderEncoder, decoder: LadderDecoder, x: Tensor, choose: Callable[[Posterior], Tensor], k: int = 1
) -> tuple[Posterior, Tensor, Tensor]:
    """Read images once, then go down k paths for each, choosing the code of each level from its posterior.

    Args:
        x: (B, *shape).
        choose: the posterior of one level's code, (k * B, L), to that code: its mode, or a draw.

    Returns:
        The posterior of the whole code along each path and the codes, both (k * B, L), row j * B + i path j of image i;
        and the path's end, for `decoder.params`.
    """
    found: list[Posterior] = []
    codes: list[Tensor] = []
    h: Tensor | None = None
    for level, features in enumerate(encoder(x)):
        features = features.repeat(k, *[1] * (features.ndim - 1)) if k > 1 else features
        prior = decoder.prior(level, h)
        found.append(in_units_of(prior, *encoder.posterior(level, features, h)))
        codes.append(choose(found[-1]))
        h = decoder.step(level, h, placed(codes[-1], prior))
    assert h is not None  # a config has two levels or none
    whole = Posterior(torch.cat([q.mu for q in found], dim=1), torch.cat([q.logvar for q in found], dim=1))
    return whole, torch.cat(codes, dim=1), h


def build_ladder(config: Config, seed: int = 0) -> tuple[LadderEncoder, LadderDecoder]:
    """Both ways of a network with levels, initialised from `seed` and the next."""
    return seeded(LadderEncoder, config, seed), seeded(LadderDecoder, config, seed + 1)
