"""Networks with levels: their densities against a walk in z space, their gradients against small steps."""

from typing import Any, cast

import pytest
import torch
from torch.distributions import Normal

from vae.config import Config
from vae.ladder_parts import FlatHeads, PlaneHeads
from vae.likelihoods import recon_nll
from vae.model import VAE
from vae.nets import build_decoder, build_encoder
from vae.nets_ladder import LadderDecoder, LadderEncoder
from vae.objectives import loss
from vae.posterior import log_normal, log_prior, per_level

LADDERS = {
    "dense": Config((1, 8, 8), 5, "mlp", (7, 6), (5, 4), "tanh", levels=(2, 3)),
    "gated": Config((1, 8, 8), 6, "gated", (6,), (4,), levels=(1, 2, 3)),
    "convolutional": Config((1, 15, 12), 18, "conv", (4, 3), (3, 4), "silu", levels=(9, 4, 5), blocks=2),
    "shallow": Config((2, 16, 16), 8, "conv", (3, 3, 3), (3, 3, 3), "silu", levels=(4, 4)),
}


@pytest.fixture(params=LADDERS)
def ladder(request: pytest.FixtureRequest) -> VAE:
    """In float64, with priors that are far from N(0, I)."""
    vae = VAE(LADDERS[request.param], seed=3).double()
    with torch.no_grad():
        for name, weight in vae.named_parameters():
            if request.param != "gated" and ("priors" in name or "encoder.heads" in name):
                weight.mul_(4)  # a gated one begins far from it, and would meet the limits of a spread
    return vae


def images(vae: VAE, count: int = 3) -> torch.Tensor:
    return torch.rand(count, *vae.config.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def walk(vae: VAE, x: torch.Tensor, codes: torch.Tensor) -> tuple[list[Normal], list[Normal], list[torch.Tensor]]:
    """q and p of each level in z space, and z, down the path of these codes."""
    encoder, decoder = cast(LadderEncoder, vae.encoder), cast(LadderDecoder, vae.decoder)
    qs, ps, zs = [], [], []
    h = None
    for level, (features, code) in enumerate(zip(encoder(x), codes.split(list(vae.config.levels), 1), strict=True)):
        mu, logvar = encoder.posterior(level, features, h)
        qs.append(Normal(mu, torch.exp(logvar / 2)))
        prior = decoder.prior(level, h)
        ps.append(Normal(0 * mu, 0 * mu + 1) if prior is None else Normal(prior[0], torch.exp(prior[1] / 2)))
        zs.append(ps[-1].mean + ps[-1].stddev * code)
        h = decoder.step(level, h, zs[-1])
    return qs, ps, zs


def test_the_density_of_a_code_is_that_of_its_z(ladder: VAE) -> None:
    """log q - log p is the same number in both, path by path: what stretches the one stretches the other."""
    x = images(ladder)
    q, z = ladder.draw(x, torch.Generator().manual_seed(1), 2)
    qs, ps, zs = walk(ladder, x.repeat(2, 1, 1, 1), z)
    in_z = [(a.log_prob(b) - p.log_prob(b)).sum(dim=1) for a, p, b in zip(qs, ps, zs, strict=True)]
    in_codes = per_level(log_normal(z, q.mu, q.logvar) - log_normal(z, 0 * z, 0 * z), ladder.config.levels)
    torch.testing.assert_close(in_codes, torch.stack(in_z, dim=1))
    torch.testing.assert_close(q.log_prob(z) - log_prior(z), sum(in_z))


def test_the_kl_of_each_level_is_that_of_q_and_p_in_z_space(ladder: VAE) -> None:
    x = images(ladder, 1)
    count = 3000
    q, z = ladder.draw(x, torch.Generator().manual_seed(2), count)
    kl = per_level(q.kl_per_dim(), ladder.config.levels)  # (count, levels)
    qs, ps, zs = walk(ladder, x.repeat(count, 1, 1, 1), z)
    for level, (a, p, b) in enumerate(zip(qs, ps, zs, strict=True)):
        exact = torch.distributions.kl_divergence(a, p).sum(dim=1)
        torch.testing.assert_close(kl[:, level], exact)
        ratio = (a.log_prob(b) - p.log_prob(b)).sum(dim=1) - exact  # by chance alone: on the mean nothing
        assert abs(ratio.mean()) < 5 * ratio.std() / count**0.5
        assert kl[:, level].mean() > 0.01
    assert kl[:, 1].std() > 1e-6  # of a level below, given what was drawn above


def test_a_pass_is_its_draw_decoded(ladder: VAE) -> None:
    x = images(ladder)
    out = ladder(x, torch.Generator().manual_seed(5), 2)
    q, z = ladder.draw(x, torch.Generator().manual_seed(5), 2)
    assert torch.equal(out.z, z) and torch.equal(out.posterior.mu, q.mu) and torch.equal(out.posterior.logvar, q.logvar)
    torch.testing.assert_close(out.x_params, ladder.decode_params(z))
    assert ladder.decode(z).shape == (6, *ladder.config.shape)
    found = loss(ladder, x, torch.Generator().manual_seed(5))
    assert found.kl_per_dim.shape == (3, ladder.config.latent_dim)


def test_images_are_encoded_along_the_modes(ladder: VAE) -> None:
    x = images(ladder)
    q = ladder.encode(x)
    qs, ps, _ = walk(ladder, x, q.mu)
    mu = torch.cat([(a.mean - p.mean) / p.stddev for a, p in zip(qs, ps, strict=True)], dim=1)
    spread = torch.cat([a.stddev / p.stddev for a, p in zip(qs, ps, strict=True)], dim=1)
    torch.testing.assert_close(q.mu, mu)
    torch.testing.assert_close(q.std, spread)
    torch.testing.assert_close(ladder.encode(x[1:2]).mu, q.mu[1:2])


def test_many_draws_read_an_image_once_and_stand_in_order(ladder: VAE) -> None:
    read: list[int] = []
    ladder.encoder.register_forward_hook(lambda _, given, __: read.append(len(given[0])))
    x = images(ladder)
    q, z = ladder.draw(x, torch.Generator().manual_seed(0), 4)
    assert read == [3]
    assert z.shape == (12, ladder.config.latent_dim)
    top = ladder.config.levels[0]
    torch.testing.assert_close(q.mu[:, :top], ladder.encode(x).mu[:, :top].repeat(4, 1))  # row j * B + i is of image i
    assert len(z.unique(dim=0)) == 12


def test_every_level_reaches_the_picture_past_those_below_it(ladder: VAE) -> None:
    """p(x|z) sees the z of all levels, not the last one only."""
    decoder = cast(LadderDecoder, ladder.decoder)

    def drawn(whole: torch.Tensor) -> torch.Tensor:
        h = None
        for level, z in enumerate(whole.split(list(ladder.config.levels), dim=1)):
            h = decoder.step(level, h, z)
        return decoder.params(h).flatten()

    z = torch.zeros(1, ladder.config.latent_dim, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(drawn, z)  # (pixels, 1, L)
    assert (jacobian.abs().sum(dim=(0, 1)) > 1e-6).all()


def test_the_gradient_is_that_of_small_steps(ladder: VAE) -> None:
    """Along one random direction through all weights at once."""
    x = images(ladder)

    def value() -> torch.Tensor:
        return loss(ladder, x, torch.Generator().manual_seed(0)).total

    weights = list(ladder.parameters())
    chance = torch.Generator().manual_seed(1)
    steps = [torch.randn(weight.shape, generator=chance, dtype=torch.float64) for weight in weights]
    slope = sum((g * s).sum() for g, s in zip(torch.autograd.grad(value(), weights), steps, strict=True))
    ends = []
    for sign in (1e-6, -2e-6):
        with torch.no_grad():
            for weight, step in zip(weights, steps, strict=True):
                weight.add_(step, alpha=sign)
            ends.append(value())
    assert slope == pytest.approx((ends[0] - ends[1]).item() / 2e-6, rel=1e-4)


def test_importance_weights_agree_whatever_the_posterior() -> None:
    """Two posteriors of one model estimate the same log p(x): drawn from q, and from the prior."""
    vae = VAE(LADDERS["dense"], seed=3).double()
    x = (images(vae, 4) > 0.5).double()
    q, z = vae.draw(x, torch.Generator().manual_seed(0), 20_000)
    many = x.repeat(20_000, 1, 1, 1)
    by_q = -recon_nll(vae, vae.decode_params(z), many) + log_prior(z) - q.log_prob(z)
    prior = torch.randn(z.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    by_prior = -recon_nll(vae, vae.decode_params(prior), many)
    both = [torch.logsumexp(each.view(20_000, 4), dim=0) for each in (by_q.detach(), by_prior.detach())]
    torch.testing.assert_close(both[0], both[1], rtol=0, atol=0.05)


def test_a_level_that_fills_its_plane_is_a_plane() -> None:
    vae = VAE(Config((1, 28, 28), 157, "conv", (4, 5, 6), (6, 5, 4), levels=(10, 49, 98)))
    encoder = cast(LadderEncoder, vae.encoder)
    assert encoder.floors == (2, 1, 0)  # planes of 3, 7 and 14 pixels a side
    assert [type(head) for head in encoder.heads] == [FlatHeads, PlaneHeads, FlatHeads]
    assert [features.shape[2] for features in encoder(torch.rand(2, 1, 28, 28))] == [3, 7, 14]


@pytest.mark.parametrize(("levels", "floors"), [(2, (2, 1)), (3, (2, 1, 0)), (5, (2, 2, 1, 1, 0))])
def test_levels_are_spread_over_the_planes(levels: int, floors: tuple[int, ...]) -> None:
    vae = VAE(Config((1, 16, 16), levels, "conv", (3, 3, 3), (3, 3, 3), levels=(1,) * levels))
    assert cast(LadderEncoder, vae.encoder).floors == floors


def test_half_of_a_ladder_cannot_be_had_alone(refused: Any) -> None:
    for build in (build_encoder, build_decoder):
        with refused("build the whole model"):
            build(LADDERS["dense"])
