"""Importance weights: against closed forms, against the plain formula, and against themselves in other tiles."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.distributions import Bernoulli, Normal

from vae.config import Config
from vae.evaluate import importance
from vae.evaluate.importance import _Running, tile_rows, weigh
from vae.likelihoods import logistic_nll
from vae.model import VAE

LINEAR = Config(
    shape=(12,), latent_dim=3, network="linear", encoder_sizes=(), decoder_sizes=(), likelihood="gaussian",
    output="linear", std=0.3,
)  # fmt: skip
SMALL = Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(7,), decoder_sizes=(5,))
SEVERAL = SMALL.with_(latent_dim=5, levels=(2, 3))


@dataclass
class Stream:
    """Draws that come one after the other from a fixed row of numbers, whatever the shapes they are asked for in."""

    numbers: torch.Tensor
    at: int = 0

    def normal(self, shape, device, dtype):
        count = math.prod(shape)
        self.at += count
        return self.numbers[self.at - count : self.at].view(*shape).to(device, dtype)


def stream(count=200_000):
    return Stream(torch.randn(count, generator=torch.Generator().manual_seed(3)))


def ready(config, seed=1):
    return VAE(config, seed=seed).eval().requires_grad_(False)


def grey(count, shape=(1, 8, 8), seed=0):
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=chance)


@pytest.fixture(scope="module")
def linear():
    """A linear VAE with a posterior that is near the true one and wider, data drawn from it, and their exact log p."""
    vae = ready(LINEAR)
    chance = np.random.default_rng(0)
    weight, bias = chance.normal(size=(12, 3)) * 0.4, chance.normal(size=12)
    inner = weight.T @ weight + 0.3**2 * np.eye(3)  # the true posterior's precision, times 0.3^2
    to_mu = np.linalg.solve(inner, weight.T)
    logvar = np.log(1.3 * 0.3**2 * np.diag(np.linalg.inv(inner)))
    vae.decoder.out.weight.copy_(torch.from_numpy(weight))
    vae.decoder.out.bias.copy_(torch.from_numpy(bias))
    vae.encoder.heads.mu.weight.copy_(torch.from_numpy(to_mu))
    vae.encoder.heads.mu.bias.copy_(torch.from_numpy(-to_mu @ bias))
    vae.encoder.heads.logvar.copy_(torch.from_numpy(logvar))
    x = chance.normal(size=(60, 3)) @ weight.T + bias + 0.3 * chance.normal(size=(60, 12))
    exact = multivariate_normal(bias, weight @ weight.T + 0.3**2 * np.eye(12)).logpdf(x)
    return vae, torch.from_numpy(x).float(), exact


# ---- the bound -----------------------------------------------------------------------------------------------------


def test_the_estimate_converges_to_the_exact_log_likelihood(linear):
    vae, x, exact = linear
    found = weigh(vae, x, torch.Generator().manual_seed(0), 5000)
    assert found.elbo.mean() < exact.mean() - 0.1  # there is something to gain
    assert found.log_likelihood.mean() == pytest.approx(exact.mean(), abs=0.05)
    assert np.abs(found.log_likelihood - exact).max() < 0.25


def test_the_bound_never_falls_with_more_draws(linear):
    vae, x, exact = linear
    means, variances = [], []
    for k in (1, 2, 5, 20, 100, 1000):
        found = [weigh(vae, x, torch.Generator().manual_seed(100 * k + seed), k) for seed in range(8)]
        each = np.array([one.log_likelihood.mean() for one in found])
        means.append(each.mean())
        variances.append(each.var(ddof=1) / len(each))
    rises = np.diff(means)
    assert (rises > -2 * np.sqrt(np.array(variances)[1:] + np.array(variances)[:-1])).all()
    assert means[-1] - means[0] > 0.1 and means[-1] < exact.mean() + 0.02


def test_the_elbo_is_that_of_the_closed_form(linear):
    vae, x, exact = linear
    q = vae.encode(x)
    weight, bias = vae.decoder.out.weight, vae.decoder.out.bias
    apart = (x - q.mu @ weight.T - bias).square().sum(dim=1) + (q.logvar.exp() @ weight.T.square()).sum(dim=1)
    recon = 0.5 * apart / 0.09 + 12 * (math.log(0.3) + 0.5 * math.log(2 * math.pi))
    elbo = -(recon + q.kl())
    found = weigh(vae, x, torch.Generator().manual_seed(0), 4000)
    assert found.elbo.mean() == pytest.approx(elbo.mean().item(), abs=0.02)
    assert found.kl_per_dim.sum(axis=1) == pytest.approx(q.kl().numpy(), abs=1e-4)


def test_the_error_of_the_draws_is_what_other_draws_show(linear):
    vae, x, _ = linear
    found = [weigh(vae, x, torch.Generator().manual_seed(seed), 300) for seed in range(40)]
    shown = np.std([one.log_likelihood.mean() for one in found], ddof=1)
    told = np.mean([math.sqrt(one.draw_variance.sum()) / len(x) for one in found])
    assert 0.7 < told / shown < 1.4


def test_a_perfect_posterior_leaves_nothing_to_chance():
    """W = 0: the posterior is the prior, all weights are equal, every draw counts."""
    vae = ready(LINEAR)
    for parameter in (vae.decoder.out.weight, vae.encoder.heads.mu.weight, vae.encoder.heads.mu.bias):
        parameter.zero_()
    x = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    found = weigh(vae, x, torch.Generator().manual_seed(0), 50)
    exact = Normal(vae.decoder.out.bias, 0.3).log_prob(x).sum(dim=1).numpy()
    assert found.log_likelihood == pytest.approx(exact, rel=1e-5)
    assert found.effective == pytest.approx(np.full(5, 50.0)) and found.draw_variance.max() < 1e-6


# ---- the plain formula ---------------------------------------------------------------------------------------------


def by_the_formula(vae, x, draws):
    """log 1/k sum p(x|z) p(z) / q(z|x) in float64, one draw after the other. draws: (k, B, L) of N(0, 1)."""
    q = vae.encode(x)
    std = (0.5 * q.logvar).exp()
    each = []
    for eps in draws:
        z = q.mu + std * eps
        params = vae.decode_params(z)
        if vae.config.likelihood == "bernoulli":
            log_p = Bernoulli(logits=params.double(), validate_args=False).log_prob(x.double()).flatten(1).sum(dim=1)
        elif vae.config.likelihood == "logistic":
            log_p = -logistic_nll(params, x, vae.log_scale).double()
        else:
            log_p = Normal(params.double(), vae.log_std.exp().double()).log_prob(x.double()).flatten(1).sum(dim=1)
        prior = Normal(0.0, 1.0).log_prob(z.double()).sum(dim=1)
        each.append(log_p + prior - Normal(q.mu.double(), std.double()).log_prob(z.double()).sum(dim=1))
    return (torch.stack(each).logsumexp(dim=0) - math.log(len(draws))).numpy()


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "logistic"])
@pytest.mark.parametrize("tile", [64 * 2, 64 * 7, 64 * 1000])  # one image in pieces, one and a bit, all at once
def test_every_likelihood_and_tile_gives_what_the_formula_gives(likelihood, tile, monkeypatch):
    monkeypatch.setattr(importance, "CPU_TILE", tile)
    vae, pixels = ready(SMALL.with_(likelihood=likelihood)), grey(5)
    k, latents = 7, 3
    at_once = max(1, min(5, tile // 64 // k))
    eps = stream().numbers[: k * 5 * latents]
    parts = [part.view(k, -1, latents) for part in eps.split(k * at_once * latents)]  # as each tile asks for them
    found = weigh(vae, pixels, stream(), k)
    expected = by_the_formula(vae, pixels / 255, torch.cat(parts, dim=1))
    assert found.log_likelihood == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("tile", [64 * 3, 64 * 1000])
def test_several_levels_are_weighed_along_the_drawn_path(tile, monkeypatch):
    monkeypatch.setattr(importance, "CPU_TILE", tile)
    vae, pixels, k = ready(SEVERAL), grey(4), 9
    found = weigh(vae, pixels, torch.Generator().manual_seed(0), k)
    generator, expected, kl = torch.Generator().manual_seed(0), [], []
    rows = tile_rows(vae, torch.device("cpu"))
    at_once = max(1, rows // k)
    for x in (pixels / 255).split(at_once):
        log_w, kls = [], []
        for count in [min(rows, k - done) for done in range(0, k, rows)]:
            q, z = vae.draw(x, generator, count)
            log_p = Bernoulli(logits=vae.decode_params(z), validate_args=False).log_prob(x.repeat(count, 1, 1, 1))
            ratio = Normal(0.0, 1.0).log_prob(z) - Normal(q.mu, q.std).log_prob(z)
            log_w.append((log_p.flatten(1).sum(dim=1) + ratio.sum(dim=1)).view(count, len(x)))
            kls.append(q.kl_per_dim().view(count, len(x), -1))
        expected.append(torch.cat(log_w).logsumexp(dim=0) - math.log(k))
        kl.append(torch.cat(kls).mean(dim=0))
    assert found.log_likelihood == pytest.approx(torch.cat(expected).numpy(), abs=2e-3)
    assert found.kl_per_dim == pytest.approx(torch.cat(kl).numpy(), abs=1e-4)
    assert found.logvar is None and found.mu.shape == (4, 5)


def test_the_running_mean_is_that_of_all_weights_at_once():
    log_w = 2 * torch.randn(50, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1000
    running = _Running(6)
    for part in log_w.split([1, 20, 29]):
        running.add(part)
    assert running.log_mean.numpy() == pytest.approx((log_w.logsumexp(dim=0) - math.log(50)).numpy())
    shares = torch.softmax(log_w, dim=0)
    assert running.effective.numpy() == pytest.approx((1 / shares.square().sum(dim=0)).numpy())


# ---- what it costs -------------------------------------------------------------------------------------------------


def test_each_image_is_encoded_once_and_no_tile_is_larger_than_stated(monkeypatch):
    monkeypatch.setattr(importance, "CPU_TILE", 64 * 10)
    vae = ready(SMALL)
    encoded, decoded = [], []
    vae.encoder.register_forward_hook(lambda module, given, said: encoded.append(len(given[0])))
    vae.decoder.register_forward_hook(lambda module, given, said: decoded.append(len(given[0])))
    weigh(vae, grey(6), torch.Generator().manual_seed(0), 25)
    assert sum(encoded) == 6
    assert max(decoded) == 10 == tile_rows(vae, torch.device("cpu"))


def test_a_tile_goes_by_the_widest_layer_and_never_by_nothing(monkeypatch):
    monkeypatch.setattr(importance, "CPU_TILE", 1000)
    assert tile_rows(ready(SMALL.with_(decoder_sizes=(500,))), torch.device("cpu")) == 2
    assert tile_rows(ready(SMALL.with_(decoder_sizes=(5000,))), torch.device("cpu")) == 1


def test_progress_ends_with_all_images(linear):
    seen = []
    vae, x, _ = linear
    weigh(vae, x[:7], None, 3, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7, 7) and seen == sorted(seen)


@pytest.mark.gpu
def test_a_gpu_says_what_the_cpu_says(linear):
    vae, x, exact = linear
    moved = ready(LINEAR)
    moved.load_state_dict(vae.state_dict())
    moved.cuda()
    found = weigh(moved, x.cuda(), torch.Generator("cuda").manual_seed(0), 5000)
    assert found.log_likelihood.mean() == pytest.approx(exact.mean(), abs=0.05)
