"""The losses of a VAE-GAN against their formulas, and who learns from which."""

import pytest
import torch
from torch.nn import functional as F

from vae.model import VAE
from vae.objectives import KLTerm, loss
from vae.picture_critic import NOISE, PIXELS, STRONG, WEAK, PictureCritic, judged


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=seeded(0))


def made(config, beta: float = 1.0) -> tuple[VAE, PictureCritic]:
    torch.manual_seed(3)
    return VAE(config.with_(beta=beta), seed=1), PictureCritic(config.shape, 8)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "mse"])
def test_until_the_critic_is_asked_it_is_the_elbo(small, likelihood):
    vae, critic = made(small.with_(likelihood=likelihood))
    found = judged(vae, batch(), seeded(), KLTerm(2.5, learns=True), critic)
    wanted = loss(vae, batch(), seeded(), KLTerm(2.5))
    torch.testing.assert_close(found.own.mean(), wanted.total)
    torch.testing.assert_close(found.recon_nll, wanted.recon_nll)
    assert found.fooled.item() == 0


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_three_losses_are_those_of_the_paper(small, likelihood):
    vae, critic = made(small.with_(likelihood=likelihood))
    found = judged(vae, batch(), seeded(), KLTerm(2.0, gamma=10.0), critic)
    source = seeded()
    out = vae(batch(), source)
    again, drawn = vae.decode(out.z), vae.decode(torch.randn(6, 3, generator=source))
    blur, another = (NOISE * torch.randn(6, 1, 8, 8, generator=source) for _ in range(2))
    shown = (batch() + blur, again + blur, drawn + another)
    (real, features), (guess, like), (other, _) = (critic(x) for x in shown)
    one, none = torch.ones(6), torch.zeros(6)
    cross = F.binary_cross_entropy_with_logits
    fakes = 0.5 * (cross(guess, none) + cross(other, none))
    torch.testing.assert_close(found.critic, cross(real, one) + fakes)
    torch.testing.assert_close(found.fooled, 0.5 * (cross(guess, one) + cross(other, one)))
    apart = 64 / 2 * (features - like).square().mean(dim=1) / features.square().mean()
    plain = loss(vae, batch(), seeded())
    wanted = (1 - PIXELS) * apart + PIXELS * plain.recon_nll + 2 * plain.kl
    torch.testing.assert_close(found.own, wanted, rtol=1e-4, atol=1e-3)


def test_a_critic_that_shouts_counts_no_more(small):
    """Features twice as large in both pictures: the same distance."""
    vae, critic = made(small)
    quiet = judged(vae, batch(), seeded(), KLTerm(1.0, gamma=1.0), critic).own
    with torch.no_grad():
        critic.body[-2].weight.mul_(100)
        critic.body[-2].bias.mul_(100)
    torch.testing.assert_close(
        judged(vae, batch(), seeded(), KLTerm(1.0, gamma=1.0), critic).own, quiet, rtol=1e-3, atol=0
    )


def test_a_learned_spread_learns_from_the_pixels_as_ever(small):
    vae, critic = made(small.with_(likelihood="gaussian"))
    own = judged(vae, batch(), seeded(), KLTerm(1.0, gamma=10.0), critic).own.mean()
    wanted = torch.autograd.grad(loss(vae, batch(), seeded()).total, vae.log_std)[0]
    torch.testing.assert_close(torch.autograd.grad(own, vae.log_std)[0], wanted)


@pytest.mark.parametrize(("bias", "strong", "asked"), [(0.0, False, True), (1.0, False, False), (-1.0, False, False)])
def test_a_side_waits_while_the_other_is_far_behind(small, bias, strong, asked):
    vae, critic = made(small)
    with torch.no_grad():
        critic.out.weight.zero_()
        critic.out.bias.fill_(bias)  # it says the same of everything, and is sure of it
    found = judged(vae, batch(), seeded(), KLTerm(1.0, gamma=1.0), critic)
    assert bool(found.strong) is strong and bool(found.fooled > 0) is asked


def test_a_critic_that_is_always_right_is_paused(small):
    vae, critic = made(small)
    real = torch.full((6, 1, 8, 8), 1.0)
    with torch.no_grad():
        vae.decoder.out.bias.fill_(-30.0)  # all it draws is black
    adam = torch.optim.Adam(critic.parameters(), 0.01)
    said = []
    for _ in range(60):
        found = judged(vae, real, seeded(), KLTerm(1.0, learns=True), critic)
        said.append((bool(found.strong), found.critic.item()))
        adam.zero_grad()
        found.critic.backward()
        adam.step()
    assert not said[0][0] and said[0][1] > 2 * STRONG
    assert said[-1][0] and said[-1][1] < 2 * STRONG
    assert STRONG < 0.69 < WEAK  # a critic that guesses neither waits nor is waited for
