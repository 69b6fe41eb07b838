"""The GAN and the diffusion model that a VAE is compared with: small, repeatable, and they learn what there is."""

import pytest
import torch

from vae.priors.schedule import noised
from vae.rivals import learning
from vae.rivals.diffusion import UNet, as_picture, as_signal, sample_diffusion, train_diffusion
from vae.rivals.gan import Critic, Generator, sample_gan, train_gan

SMALL = {"channels": 8, "batch": 16}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def pixels():
    """Every other image is white, the others are black."""
    x = torch.zeros(128, 1, 28, 28, dtype=torch.uint8)
    x[::2] = 255
    return x


@pytest.fixture(scope="module")
def unet(pixels):
    return train_diffusion(pixels, torch.Generator().manual_seed(1), epochs=6, **SMALL)


def test_their_shapes(generator):
    z, x = torch.randn(3, 64, generator=generator), torch.rand(3, 1, 28, 28, generator=generator)
    made = Generator()(z)
    assert made.shape == (3, 1, 28, 28) and made.min() >= 0 and made.max() <= 1
    assert Critic()(x).shape == (3,)
    assert UNet()(x, torch.rand(3)).shape == x.shape


def test_pictures_become_signals_and_pictures_again(generator):
    x = torch.rand(3, 1, 28, 28, generator=generator)
    assert torch.allclose(as_picture(as_signal(x)), x, atol=1e-6)
    assert as_picture(torch.tensor([-9.0, 9.0])).tolist() == [0, 1]


def test_diffusion_learns_where_the_images_lie(unet, pixels, generator):
    """At the middle of the way black and white can be told apart: a network that has learned nothing errs by 1."""
    x = as_signal(pixels / 255)
    x_t, wanted = noised(x, torch.randn(x.shape, generator=generator), torch.full((len(x),), 0.5))
    with torch.inference_mode():
        error = (unet(x_t, torch.full((len(x),), 0.5)) - wanted).square().mean() / wanted.square().mean()
    assert error < 0.5


def test_the_generator_follows_what_the_critic_has_seen(pixels):
    """Untrained it draws grey; where all real images are black its pictures become dark, where all are white, light."""
    black, white = (
        sample_gan(train_gan(x, torch.Generator().manual_seed(2), epochs=8, **SMALL), 40, torch.Generator()).mean()
        for x in (torch.zeros_like(pixels), torch.full_like(pixels, 255))
    )
    assert white > black + 0.15


@pytest.mark.parametrize("train", [train_gan, train_diffusion])
def test_chance_is_in_the_generator_alone(train, pixels):
    one, two = (train(pixels[:32], torch.Generator().manual_seed(3), epochs=1, **SMALL) for _ in "ab")
    torch.rand(2)
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name]), name
    assert not one.training


def test_samples_repeat_and_differ(unet):
    draws = [sample_diffusion(unet, 3, torch.Generator().manual_seed(seed), steps=2) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


# ---- what their trainings share ------------------------------------------------------------------------------------


def test_every_image_comes_once_an_epoch_and_in_another_order(generator):
    pixels = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1)
    told = []
    steps = [*learning.batches(pixels, generator, epochs=2, batch=5, progress=lambda *at: told.append(at))]
    seen = [(x.flatten() * 255).round().int().tolist() for _, _, x in steps]
    assert [(done, many) for done, many, _ in steps] == [(number, 4) for number in range(4)]
    assert sorted(seen[0] + seen[1]) == sorted(seen[2] + seen[3]) == [*range(10)] and seen[:2] != seen[2:]
    assert all(x.shape == (5, 1, 1, 1) for _, _, x in steps) and told == []
    odd = [x for _, _, x in learning.batches(pixels, generator, epochs=1, batch=4)]
    assert len(odd) == 2  # two images fill no batch


def test_how_far_it_is_is_said_after_the_step_that_was_done(generator):
    told = []
    pixels = torch.zeros(40, 1, 1, 1, dtype=torch.uint8)
    for done, _, _ in learning.batches(pixels, generator, epochs=1, batch=1, progress=lambda *at: told.append(at)):
        assert len(told) == done // learning.SAID
    assert told == [(20, 40), (40, 40)]


def test_the_running_mean_forgets_where_it_started_and_then_moves_slowly():
    kept, network = (torch.nn.BatchNorm1d(1) for _ in "ab")
    torch.nn.init.constant_(network.weight, 3.0)
    network.running_mean.fill_(7.0)
    learning.follow(kept, network, 0)
    assert kept.weight.item() == pytest.approx(0.1 * 1 + 0.9 * 3)  # of a start of 1
    assert kept.running_mean.item() == 7
    learning.follow(kept, network, 10**6)
    assert kept.weight.item() == pytest.approx(2.8 * learning.KEPT + 3 * (1 - learning.KEPT))
