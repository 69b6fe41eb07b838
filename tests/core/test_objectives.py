"""The terms of the loss against torch.distributions, and its reductions against what they do to the gradient."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from vae.config import REDUCTIONS, Config
from vae.errors import VAEError
from vae.likelihoods import bernoulli_nll, binarise, recon_nll
from vae.model import VAE
from vae.objectives import OBJECTIVES, KLTerm, Loss, Objective, effective_beta, kl_term_at, loss, reduce_loss

SHAPE = (5, 2, 3, 4)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("recon", "kl", "batch"), list(itertools.product(REDUCTIONS, repeat=3)))
def test_every_combination_of_reductions(recon: str, kl: str, batch: str, small: Config) -> None:
    config = small.with_(beta=2.5, recon_reduction=recon, kl_reduction=kl, batch_reduction=batch)
    nll, kl_per_dim = uniform(6), uniform(6, 3, seed=1)
    total = 0.0
    for row in range(6):  # written out: 64 pixels, 3 latents, 6 images
        pixels = nll[row].item() / (64 if recon == "mean" else 1)
        latents = sum(kl_per_dim[row].tolist()) / (3 if kl == "mean" else 1)
        total += pixels + 2.5 * latents
    exact = total / (6 if batch == "mean" else 1)
    assert reduce_loss(config, nll, kl_per_dim).item() == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("recon", "kl", "batch"), list(itertools.product(REDUCTIONS, repeat=3)))
def test_effective_beta_is_the_ratio_of_the_gradients(recon: str, kl: str, batch: str, small: Config) -> None:
    config = small.with_(beta=0.75, recon_reduction=recon, kl_reduction=kl, batch_reduction=batch)
    nll, kl_per_dim = uniform(6).requires_grad_(), uniform(6, 3).requires_grad_()
    reduce_loss(config, nll, kl_per_dim).backward()
    # One more nat of KL in any latent against one more nat of reconstruction: what beta means in nats per image.
    ratio = kl_per_dim.grad / nll.grad[:, None]
    torch.testing.assert_close(ratio, torch.full((6, 3), effective_beta(config), dtype=torch.float64))


@pytest.mark.parametrize("likelihood", ["bernoulli", "mse", "gaussian"])
def test_the_loss_is_made_of_its_parts(likelihood: str, small: Config, generator: torch.Generator) -> None:
    vae = VAE(small.with_(likelihood=likelihood, beta=3.0))
    x = torch.rand(6, 1, 8, 8, generator=generator)
    parts = loss(vae, x, torch.Generator().manual_seed(4))
    out = vae(x, torch.Generator().manual_seed(4))
    assert torch.equal(parts.output.z, out.z)
    assert parts.recon_nll.shape == parts.kl.shape == parts.elbo.shape == (6,)
    torch.testing.assert_close(parts.recon_nll, recon_nll(vae, out.x_params, x))
    torch.testing.assert_close(parts.kl, out.posterior.kl())
    torch.testing.assert_close(parts.elbo, -parts.recon_nll - parts.kl)  # beta 1, whatever was trained
    torch.testing.assert_close(parts.total, (parts.recon_nll + 3 * parts.kl).mean())


def test_the_draw_of_the_loss_is_the_generators(vae: VAE) -> None:
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    first, again, other = (loss(vae, x, torch.Generator().manual_seed(seed)).total.item() for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(before, torch.get_rng_state())


def test_the_loss_is_estimated_with_z_drawn_not_at_mu(small: Config) -> None:
    vae = VAE(small)
    torch.nn.init.constant_(vae.encoder.heads.logvar.bias, 2.0)
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    parts = loss(vae, x, torch.Generator().manual_seed(1))
    assert not torch.isclose(parts.recon_nll, bernoulli_nll(vae.decode_params(vae.encode(x).mode()), x)).any()


def test_dynamic_binarisation_reaches_the_encoder_and_the_likelihood(small: Config) -> None:
    config = small.with_(binarise="dynamic")
    vae = VAE(config)
    x = torch.full((4, 1, 8, 8), 0.5)
    parts = loss(vae, x, torch.Generator().manual_seed(3))
    drawn = binarise(x, torch.Generator().manual_seed(3))
    assert torch.equal(parts.output.posterior.mu, vae.encode(drawn).mu)
    torch.testing.assert_close(parts.recon_nll, bernoulli_nll(parts.output.x_params, drawn))
    still = loss(VAE(config.with_(binarise="none")), x, torch.Generator().manual_seed(3))
    assert torch.equal(still.output.posterior.mu, vae.encode(x).mu)


def test_a_loss_sums_its_kl_over_latents() -> None:
    parts = Loss(torch.zeros(()), torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]), None)  # type: ignore[arg-type]
    assert parts.kl.tolist() == [7.0, 11.0]
    assert parts.elbo.tolist() == [-8.0, -13.0]


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_beta_weighs_the_kl_alone(beta: float, small: Config) -> None:
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    totals: list[Any] = [loss(VAE(small.with_(beta=b)), x, torch.Generator().manual_seed(1)) for b in (beta, 1.0)]
    torch.testing.assert_close(totals[0].total - totals[1].total, (beta - 1) * totals[1].kl.mean())


# ---- what the KL costs over a run ----------------------------------------------------------------------------------

RUN = [step / 1000 for step in range(1001)]


def betas(objective: Objective, beta: float = 4.0) -> list[float]:
    return [kl_term_at(objective, beta, progress).beta for progress in RUN]


def test_a_fixed_beta_is_what_a_config_says(small: Config) -> None:
    assert set(betas(Objective())) == {4.0}
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    vae = VAE(small.with_(beta=4.0))
    plain, given = (loss(vae, x, torch.Generator().manual_seed(1), term).total for term in (None, KLTerm(4.0)))
    assert torch.equal(plain, given)


@pytest.mark.parametrize("rise", [0.1, 0.5, 1.0])
def test_a_warm_up_is_a_line_from_nothing(rise: float) -> None:
    found = betas(Objective("warmup", rise=rise))
    assert found[0] == 0 and found[-1] == 4
    assert found == sorted(found)
    np.testing.assert_allclose(found, np.interp(RUN, [0, rise, 1], [0, 4, 4]), atol=1e-12)
    assert set(betas(Objective("warmup", rise=0.0))) == {4.0}


@pytest.mark.parametrize("cycles", [1, 3, 4])
def test_cycles_are_those_of_the_paper(cycles: int) -> None:
    """Fu et al. 2019, eq. 6 and 7, written out over T steps: tau = mod(t - 1, ceil(T / M)) / (T / M), f a line to R."""
    steps, rise = 1200, 0.5
    found = [kl_term_at(Objective("cyclical", rise=rise, cycles=cycles), 2.0, t / steps).beta for t in range(steps)]
    for t in range(1, steps + 1):
        tau = ((t - 1) % math.ceil(steps / cycles)) / (steps / cycles)
        assert found[t - 1] == pytest.approx(2 * min(tau / rise, 1), abs=1e-9)
    assert sum(later < earlier for earlier, later in itertools.pairwise(found)) == cycles - 1
    assert kl_term_at(Objective("cyclical", cycles=cycles), 2.0, 1.0).beta == 2


def test_a_capacity_grows_in_a_line_and_beta_stays() -> None:
    terms = [kl_term_at(Objective("capacity", rise=0.8, nats=25), 100.0, progress) for progress in RUN]
    assert {term.beta for term in terms} == {100.0}
    np.testing.assert_allclose([term.capacity for term in terms], np.interp(RUN, [0, 0.8, 1], [0, 25, 25]), atol=1e-9)


def test_free_bits_are_the_same_all_along() -> None:
    terms = {kl_term_at(Objective("free-bits", nats=0.5), 2.0, progress) for progress in RUN}
    assert terms == {KLTerm(2.0, free_bits=0.5)}


@pytest.mark.parametrize(("recon", "kl", "batch"), list(itertools.product(REDUCTIONS, repeat=3)))
@pytest.mark.parametrize("term", [KLTerm(2.5, capacity=1.0), KLTerm(2.5, capacity=9.0), KLTerm(2.5, free_bits=0.6)])
def test_bent_terms_under_every_reduction(recon: str, kl: str, batch: str, term: KLTerm, small: Config) -> None:
    """Written out with floats: nats of the code, or of each latent, on the batch mean; then the recipe's own."""
    config = small.with_(recon_reduction=recon, kl_reduction=kl, batch_reduction=batch)
    nll, kl_per_dim = uniform(6), 1.5 * uniform(6, 3, seed=1)
    means = [sum(kl_per_dim[:, latent].tolist()) / 6 for latent in range(3)]
    if term.capacity is None:
        assert min(means) < 0.6 < max(means)
        cost = sum(max(0.6, mean) for mean in means)
    else:
        cost = abs(sum(means) - term.capacity)
    cost /= 3 if kl == "mean" else 1
    total = sum(value / (64 if recon == "mean" else 1) + 2.5 * cost for value in nll.tolist())
    exact = total / (6 if batch == "mean" else 1)
    assert reduce_loss(config, nll, kl_per_dim, term).item() == pytest.approx(exact, rel=1e-12)


def test_free_bits_push_no_latent_below_its_floor(small: Config) -> None:
    kl_per_dim = torch.tensor([[0.1, 0.9], [0.3, 1.1]], requires_grad=True)
    reduce_loss(small, torch.zeros(2), kl_per_dim, KLTerm(1.0, free_bits=0.5)).backward()
    assert kl_per_dim.grad is not None
    assert kl_per_dim.grad.tolist() == [[0, 0.5], [0, 0.5]]


def test_a_capacity_pulls_the_kl_from_both_sides(small: Config) -> None:
    for capacity, sign in ((5.0, -1), (0.5, 1)):
        kl_per_dim = torch.tensor([[1.0, 1.0], [1.0, 1.0]], requires_grad=True)
        reduce_loss(small, torch.zeros(2), kl_per_dim, KLTerm(2.0, capacity=capacity)).backward()
        assert kl_per_dim.grad is not None
        assert kl_per_dim.grad.tolist() == [[sign, sign], [sign, sign]]


def test_what_is_told_stays_the_elbo_whatever_is_charged(small: Config) -> None:
    vae, x = VAE(small), torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    terms = [KLTerm(1.0), KLTerm(30.0, capacity=7.0), KLTerm(1.0, free_bits=2.0)]
    found = [loss(vae, x, torch.Generator().manual_seed(1), term) for term in terms]
    for other in found[1:]:
        assert torch.equal(other.elbo, found[0].elbo) and torch.equal(other.kl_per_dim, found[0].kl_per_dim)
        assert other.total != found[0].total


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "annealed"},
        {"rise": -0.1},
        {"rise": 1.1},
        {"rise": math.nan},
        {"cycles": 0},
        {"cycles": 2.5},
        {"cycles": True},
        {"nats": -1},
        {"nats": math.inf},
        {"samples": 0},
        {"samples": 1001},
        {"samples": 5.0},
        {"samples": True},
        {"gamma": -1},
        {"gamma": math.nan},
        {"critic": 7},
        {"critic": True},
    ],
)
def test_objectives_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(VAEError) as caught:
        Objective(**wrong)
    assert "\n" not in str(caught.value)
    bends = ("fixed", "warmup", "cyclical", "capacity", "free-bits")
    assert (*bends, "iwae", "dreg", "tc", "factor", "gan") == OBJECTIVES
