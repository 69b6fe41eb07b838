"""The importance-weighted bound against its formula written out, and its two gradients against each other."""

import itertools
import math

import pytest
import torch

from vae.bounds import dreg, iwae
from vae.config import Config
from vae.likelihoods import binarise
from vae.model import VAE
from vae.objectives import KLTerm, loss

BOTH = pytest.mark.parametrize("bound", [iwae, dreg])


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=seeded(0))


def opened(config: Config) -> VAE:
    """A model whose posteriors differ from the prior and from each other, so that the weights of its draws do too."""
    vae = VAE(config, seed=3)
    with torch.no_grad():
        vae.encoder.heads.mu.weight.mul_(4)
        vae.encoder.heads.logvar.bias.fill_(-1.0)
        vae.decoder.body[0].weight.mul_(5)
    return vae


@BOTH
@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize("binarised", ["none", "dynamic"])
def test_the_bound_is_its_formula(bound, beta, binarised, small):
    """Burda et al. 2015, eq. 8, one image and one draw at a time, densities from torch.distributions."""
    vae, k = opened(small.with_(binarise=binarised, beta=beta)), 3
    source = seeded()
    x = binarise(batch(), source) if binarised == "dynamic" else batch()
    noise = torch.randn(k * 4, 3, generator=source)
    total = 0.0
    for i in range(4):
        q = vae.encode(x[i : i + 1])
        normal = torch.distributions.Normal(q.mu[0], q.std[0])
        log_w = []
        for j in range(k):
            z = q.mu[0] + q.std[0] * noise[j * 4 + i]
            means = vae.decode(z[None])[0]
            likelihood = (x[i] * means.log() + (1 - x[i]) * (1 - means).log()).sum()
            prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
            log_w.append((likelihood + beta * (prior - normal.log_prob(z).sum())).item())
        total -= math.log(sum(math.exp(one - max(log_w)) for one in log_w) / k) + max(log_w)
    found = bound(vae, batch(), seeded(), samples=k)
    assert found.total.item() == pytest.approx(total / 4, abs=2e-4)
    summed = bound(VAE(vae.config.with_(batch_reduction="sum"), 3), batch(), seeded(), samples=k)
    plain = bound(VAE(vae.config, 3), batch(), seeded(), samples=k)
    assert summed.total.item() == pytest.approx(4 * plain.total.item(), rel=1e-5)


@BOTH
def test_one_draw_is_the_elbo(bound, small):
    vae = opened(small)
    found, wanted = bound(vae, batch(), seeded(), samples=1), loss(vae, batch(), seeded())
    assert torch.equal(found.output.z, wanted.output.z)
    z, q = wanted.output.z, wanted.output.posterior
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    drawn_kl = torch.distributions.Normal(q.mu, q.std).log_prob(z).sum(dim=1) - prior  # in place of its mean
    torch.testing.assert_close(found.total, (wanted.recon_nll + drawn_kl).mean())
    torch.testing.assert_close(found.recon_nll, wanted.recon_nll)
    torch.testing.assert_close(found.kl_per_dim, wanted.kl_per_dim)


@BOTH
def test_the_bound_never_falls_with_more_draws(bound, small):
    vae = opened(small)
    means, errors = [], []
    for k in (1, 2, 5, 20, 100):
        values = torch.tensor([-bound(vae, batch(), seeded(s), samples=k).total.item() for s in range(200 // k + 20)])
        means.append(values.mean().item())
        errors.append(values.std().item() / math.sqrt(len(values)))
    for (less, e), (more, f) in itertools.pairwise(zip(means, errors, strict=True)):
        assert more > less - 3 * math.hypot(e, f)
    assert means[-1] > means[0] + 0.2  # there is something to gain here


def gradients(vae: VAE, bound, seed: int, k: int) -> dict[str, torch.Tensor]:
    weights = dict(vae.named_parameters())
    found = torch.autograd.grad(bound(vae, batch(), seeded(seed), samples=k).total, list(weights.values()))
    return dict(zip(weights, found, strict=True))


def test_the_gradient_weighs_each_draw_by_its_normalised_weight(small):
    """Burda et al. 2015, eq. 14: sum of w_j / sum(w) times the gradient of log w_j, not of the best or the worst."""
    vae, k = opened(small), 5
    q, z = vae.draw(batch(), seeded(), k)
    x = batch().repeat(k, 1, 1, 1)
    means = vae.decode(z)
    log_p = (x * means.log() + (1 - x) * (1 - means).log()).flatten(1).sum(dim=1)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    log_w = (log_p + prior - torch.distributions.Normal(q.mu, q.std).log_prob(z).sum(dim=1)).view(k, 4)
    weights = log_w.detach().exp() / log_w.detach().exp().sum(dim=0)
    assert (weights.max(dim=0).values > 0.4).any()
    wanted = torch.autograd.grad(-(weights * log_w).sum(dim=0).mean(), list(vae.parameters()))
    found = gradients(vae, iwae, 1, k).values()
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_dreg_has_the_gradient_of_iwae_in_the_mean_and_less_noise_in_the_encoder(small):
    vae, k, rounds = opened(small), 8, 300
    with torch.no_grad():
        vae.encoder.heads.mu.weight.mul_(0.5)
    found = {
        bound: torch.stack(
            [
                torch.cat([g.flatten() for name, g in gradients(vae, bound, s, k).items() if name.startswith("enc")])
                for s in range(rounds)
            ]
        )
        for bound in (iwae, dreg)
    }
    means = {bound: g.mean(dim=0) for bound, g in found.items()}
    variance = {bound: g.var(dim=0).sum().item() for bound, g in found.items()}
    spread = torch.sqrt((found[iwae].var(dim=0) + found[dreg].var(dim=0)) / rounds)
    off = ((means[iwae] - means[dreg]) / spread.clamp(min=1e-6)).square().mean().sqrt().item()
    assert off < 1.5  # in standard errors of the difference
    assert means[iwae].norm() > 10 * spread.norm() / math.sqrt(len(spread))  # not a comparison of two zeros
    assert variance[dreg] < 0.8 * variance[iwae]


def test_dreg_leaves_the_decoders_gradient_as_it_is(small):
    vae = opened(small)
    one, other = (gradients(vae, bound, 1, 5) for bound in (iwae, dreg))
    for name in one:
        if name.startswith("decoder"):
            torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-5)


@BOTH
def test_a_weight_too_small_for_a_float_does_no_harm(bound, small):
    """log w of thousands of nats: the bound is the best draw's, and no gradient is lost."""
    vae = opened(small.with_(likelihood="gaussian"))
    with torch.no_grad():
        vae.log_std.fill_(-4.5)
    found = bound(vae, batch(), seeded(), samples=50)
    assert found.total.isfinite() and found.total > 1000
    assert all(g.isfinite().all() for g in torch.autograd.grad(found.total, list(vae.parameters())))


@BOTH
def test_what_is_told_is_plain_and_needs_no_gradient(bound, small):
    vae = opened(small)
    found = bound(vae, batch(), seeded(), KLTerm(1.0), samples=7)
    assert found.recon_nll.shape == (4,) and found.kl_per_dim.shape == (4, 3)
    torch.testing.assert_close(found.kl_per_dim, vae.encode(batch()).kl_per_dim())
    assert torch.equal(found.output.posterior.mu, vae.encode(batch()).mu)
    assert not found.recon_nll.requires_grad and not found.kl_per_dim.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(bound(vae, batch(), seeded(), KLTerm(1.0), samples=7).total, found.total.detach())
