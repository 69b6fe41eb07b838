"""The total correlation against closed forms, its estimate over all batches there can be, and what a critic learns."""

import itertools
import math

import pytest
import torch

from vae.likelihoods import recon_nll
from vae.model import VAE
from vae.objectives import KLTerm, loss
from vae.posterior import Posterior
from vae.total_correlation import CodeCritic, code_critic_loss, factor, permuted, stratified, tc, total_correlation


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=seeded(0))


def correlated(count: int, correlation: float, std: float = 0.3) -> tuple[torch.Tensor, Posterior, float]:
    """Codes whose aggregate is one Gaussian, and its total correlation in closed form."""
    noise = torch.randn(count, 2, generator=seeded(5), dtype=torch.float64)
    mu = torch.stack([noise[:, 0], correlation * noise[:, 0] + math.sqrt(1 - correlation**2) * noise[:, 1]], dim=1)
    q = Posterior(mu, torch.full_like(mu, 2 * math.log(std)))
    z = mu + std * torch.randn(count, 2, generator=seeded(6), dtype=torch.float64)
    both = correlation / (1 + std**2)
    return z, q, -0.5 * math.log(1 - both**2)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_total_correlation_of_a_gaussian_is_its_closed_form(correlation):
    z, q, wanted = correlated(1500, correlation)
    assert total_correlation(z, q, 60_000).mean().item() == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_what_the_batch_counts_is_right_on_average_over_all_batches(count):
    """Five images: over every batch that one of them may stand in, the estimate of q(z) has q(z) as its mean."""
    chance = torch.rand(5, generator=seeded(3), dtype=torch.float64)  # q(z|n) of a code drawn from image 0
    batches = [(0, *rest) for rest in itertools.permutations(range(1, 5), count - 1)]
    weights = stratified(count, 5, torch.device("cpu"))[0].exp().double()
    found = torch.stack([(weights * chance[list(rows)]).sum() for rows in batches]).mean()
    assert found.item() == pytest.approx(chance.mean().item(), rel=1e-6)


@pytest.mark.parametrize(("count", "images"), [(1, 9), (2, 9), (7, 9), (9, 9), (12, 9)])
def test_what_the_batch_counts_sums_to_one_and_each_image_counts_once_for_itself(count, images):
    weights = stratified(count, images, torch.device("cpu")).exp()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(count))
    if count > 1:
        torch.testing.assert_close(weights.diagonal(), torch.full((count,), 1 / max(images, count)))


def test_an_image_alone_has_no_total_correlation():
    z, q, _ = correlated(1, 0.5)
    assert total_correlation(z, q, 100).abs().item() < 1e-9


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_beta_weighs_the_total_correlation_alone(small, reduction):
    vae = VAE(small.with_(batch_reduction=reduction), seed=1)
    plain = loss(vae, batch(), seeded(), KLTerm(1.0))
    assert torch.equal(tc(vae, batch(), seeded(), KLTerm(1.0), images=50).total, plain.total)
    found = tc(vae, batch(), seeded(), KLTerm(7.0), images=50)
    common = total_correlation(plain.output.z, plain.output.posterior, 50)
    torch.testing.assert_close(found.total, plain.total + 6 * (common.mean() if reduction == "mean" else common.sum()))
    assert torch.equal(found.recon_nll, plain.recon_nll) and torch.equal(found.kl_per_dim, plain.kl_per_dim)
    assert torch.equal(
        tc(VAE(small.with_(beta=1.0), 1), batch(), seeded(), images=50).total,
        loss(VAE(small, 1), batch(), seeded()).total,
    )


def test_the_terms_of_the_paper_add_up(small):
    """recon + I(z; n) + beta TC + sum KL(q(z_l) || p(z_l)) with each of them drawn, against the KL in closed form."""
    vae = VAE(small, seed=1)
    torch.nn.init.normal_(vae.encoder.heads.mu.weight, generator=seeded(2))
    many = batch(512)
    plain = loss(vae, many, seeded(), KLTerm(1.0))
    z, q = plain.output.z, plain.output.posterior
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    drawn = recon_nll(vae, plain.output.x_params, many) + q.log_prob(z) - prior
    common = total_correlation(z, q, 5000)
    found = tc(vae, many, seeded(), KLTerm(4.0), images=5000).total.item()
    assert found == pytest.approx((drawn + 3 * common).mean().item(), abs=0.3)


# ---- the critic of codes -------------------------------------------------------------------------------------------


def test_shuffled_codes_keep_each_latent_and_lose_what_they_have_in_common():
    z = torch.randn(400, 1, generator=seeded()).expand(400, 3) + torch.tensor([0.0, 5.0, -5.0])
    shuffled = permuted(z, seeded(2))
    assert torch.equal(shuffled.sort(dim=0).values, z.sort(dim=0).values)
    assert torch.corrcoef(shuffled.T).triu(1).abs().max() < 0.15
    assert torch.equal(shuffled, permuted(z, seeded(2))) and not torch.equal(shuffled, permuted(z, seeded(3)))


def test_a_trained_critic_sees_the_total_correlation():
    torch.manual_seed(0)
    critic = CodeCritic(2, 32)
    adam = torch.optim.Adam(critic.parameters(), 3e-3)
    z, _, wanted = correlated(4000, 0.9)
    z, source = z.float(), seeded(4)
    for _ in range(250):
        rows = torch.randint(4000, (2, 256), generator=source)
        adam.zero_grad()
        code_critic_loss(critic, z[rows[0]], permuted(z[rows[1]], source)).backward()
        adam.step()
    assert critic(z).mean().item() == pytest.approx(wanted, abs=0.15)
    assert code_critic_loss(critic, z, permuted(z, source)) < math.log(2) - 0.05  # better than a guess


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_factor_charges_what_the_critic_says(small, reduction):
    vae, critic = VAE(small.with_(batch_reduction=reduction), seed=1), CodeCritic(3, 8).requires_grad_(False)
    plain = loss(vae, batch(), seeded(), KLTerm(2.0))
    found = factor(vae, batch(), seeded(), KLTerm(2.0, gamma=5.0), critic=critic)
    logit = critic(plain.output.z)
    torch.testing.assert_close(found.total, plain.total + 5 * (logit.mean() if reduction == "mean" else logit.sum()))
    found.total.backward()
    assert all(weight.grad is None for weight in critic.parameters())
