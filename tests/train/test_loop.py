"""The training loop: what it does to the model, what it says, and when it stops."""

import math

import numpy as np
import pytest
import torch

from vae.batches import stored
from vae.config import Config
from vae.data import Images, load
from vae.errors import VAEError
from vae.measure import measure
from vae.model import VAE
from vae.recipes import RECIPES, make_config
from vae.train import minimise
from vae.train.loop import Trainer
from vae.train.news import Epoch, Step
from vae.train.pace import fall
from vae.train.settings import Settings
from vae.train.wishes import Wishes

ROWS = 300  # of small vectors: 7 steps of 48


@pytest.fixture(scope="module")
def digits():
    return load("digits", "train"), load("digits", "test")


@pytest.fixture(scope="module")
def vectors():
    """300 vectors to train on, each with a first number of its own, and 50 to test on."""
    generator = np.random.default_rng(0)
    pixels = generator.random((ROWS, 6)).astype(np.float32)
    pixels[:, 0] = np.arange(ROWS) / ROWS
    return Images("table:x.csv", "train", pixels), Images("table:x.csv", "test", pixels[:50])


def small(seed=0, **changes):
    return VAE(Config(shape=(6,), latent_dim=2, encoder_sizes=(8,), decoder_sizes=(8,)).with_(**changes), seed)


def trainer(vae, data, stop=lambda: False, **settings):
    settings = Settings(**({"epochs": 2, "batch_size": 48} | settings))
    return Trainer(vae, *data, settings, wishes=lambda: Wishes("stop" if stop() else ""))


def run(vae, data, stop=lambda: False, **settings):
    return list(trainer(vae, data, stop, **settings).run())


def weights(vae):
    return torch.cat([value.flatten() for value in vae.state_dict().values()])


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(vectors):
    first, second, other = small(), small(), small()
    run(first, vectors, seed=1)
    torch.rand(5)  # the global generator is nobody's business
    before = torch.random.get_rng_state()
    run(second, vectors, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    run(other, vectors, seed=2)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


def test_the_steps_are_adams_on_the_loss_of_each_batch(vectors):
    """An oracle: one epoch written out by hand, with torch's plain Adam and the formula of the loss."""
    vae, oracle = small(likelihood="mse", beta=0.3), small(likelihood="mse", beta=0.3)
    run(vae, vectors, epochs=1, rate=0.01, seed=4)
    generator = torch.Generator().manual_seed(4)
    adam = torch.optim.Adam(oracle.parameters(), lr=0.01, fused=False)
    for rows in torch.randperm(ROWS, generator=generator).split(48):
        x = torch.tensor(vectors[0].pixels)[rows]
        mu, logvar = oracle.encoder(x)
        z = mu + torch.randn(mu.shape, generator=generator) * torch.exp(logvar / 2)
        error = ((torch.sigmoid(oracle.decoder(z)) - x) ** 2).sum(dim=1)
        kl = -0.5 * (1 + logvar - mu**2 - torch.exp(logvar)).sum(dim=1)
        gradients = torch.autograd.grad((error + 0.3 * kl).mean(), list(oracle.parameters()))
        for parameter, gradient in zip(oracle.parameters(), gradients, strict=True):
            parameter.grad = gradient
        adam.step()
    assert torch.allclose(weights(vae), weights(oracle), atol=1e-5)


def test_every_image_is_seen_once_an_epoch_in_an_order_of_its_own(vectors, monkeypatch):
    seen = []
    real = minimise.loss

    def watched(vae, x, generator, kl_term):
        seen.extend(x[:, 0].tolist())
        return real(vae, x, generator, kl_term)

    monkeypatch.setattr(minimise, "loss", watched)
    run(small(), vectors)
    first, second = seen[:ROWS], seen[ROWS:]
    assert len(seen) == 2 * ROWS
    assert sorted(first) == sorted(second) == sorted(vectors[0].pixels[:, 0].tolist())
    assert first != second and first != sorted(first)


def test_events_come_in_order_and_add_up(vectors):
    events = run(small(), vectors, epochs=3, batch_size=10)
    assert [type(event) for event in events] == [Step] * 4 + [Step, Step, Epoch] * 3
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 5, 10] + [20, 30] * 3
    assert [event.step_total for event in events if isinstance(event, Step)][-2:] == [80, 90]
    assert [event.at for event in events][4:7] == pytest.approx([2 / 3, 1, 1])
    assert {event.steps for event in events if isinstance(event, Step)} == {30}
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2, 3]
    first, second, epoch = events[-3:]
    assert epoch.train_recon_nll == pytest.approx((20 * first.recon_nll + 10 * second.recon_nll) / 30, rel=1e-5)
    assert epoch.train_kl == pytest.approx((20 * first.kl + 10 * second.kl) / 30, rel=1e-4)
    left = [event.seconds_left for event in events]
    assert left[0] > 0 and left[-1] == pytest.approx(0)
    assert all(event.rate == 1e-3 and event.beta == 1 for event in events)
    assert all(event.images_per_second > 0 for event in events)


def test_the_figures_of_an_epoch_are_those_of_the_model_as_it_is_then(vectors):
    vae = small()
    for event in trainer(vae, vectors).run():
        if isinstance(event, Epoch):
            found = measure(vae, stored(vectors[1]))
            assert (event.loss, event.recon_nll, event.kl) == (found.loss, found.recon_nll, found.kl)
            assert event.log_std is None


def test_active_units_are_the_latents_whose_mu_tells_images_apart(vectors):
    """Burda et al. 2015: Var(mu) over the test images above 0.01. One latent is made deaf, and one nearly."""
    vae = small(latent_dim=4, likelihood="mse")
    with torch.no_grad():
        vae.encoder.heads.mu.weight[0] = 0
        vae.encoder.heads.mu.weight[1:] *= torch.tensor([[0.01], [10], [10]])
        variance = vae.encode(torch.tensor(vectors[1].pixels)).mu.numpy().var(axis=0)
    assert (variance > 0.01).tolist() == [False, False, True, True]
    (epoch,) = (event for event in run(vae, vectors, epochs=1, rate=1e-9) if isinstance(event, Epoch))
    assert epoch.active_units == 2
    np.testing.assert_allclose(measure(vae, stored(vectors[1])).mu_variance, variance, rtol=1e-4, atol=1e-6)


def test_it_stops_after_the_very_step_and_measures_the_model_as_it_is(vectors):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) >= 3

    vae = small()
    *_, said, epoch = run(vae, vectors, stop)
    assert isinstance(said, Step) and (said.epoch, said.step) == (1, 3)
    assert isinstance(epoch, Epoch) and (epoch.epoch, epoch.step) == (1, 3)
    assert epoch.at == pytest.approx(3 * 48 / ROWS)
    assert epoch.loss == measure(vae, stored(vectors[1])).loss


def test_a_stop_in_the_middle_leaves_the_first_steps_as_they_would_have_been(vectors):
    stopped, whole = small(), small()
    run(stopped, vectors, iter([False, True]).__next__)
    for event in trainer(whole, vectors).run():
        if isinstance(event, Step) and event.step == 2:
            break
    assert torch.equal(weights(stopped), weights(whole))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_loss_of_each_recipe_falls_on_digits(digits, recipe):
    vae = VAE(make_config(recipe, input_size=(1, 8, 8)))
    before = measure(vae, stored(digits[1]))
    after = [event for event in run(vae, digits, epochs=4) if isinstance(event, Epoch)]
    assert after[-1].loss < 0.9 * before.loss
    assert after[-1].recon_nll < before.recon_nll


def test_a_convolutional_net_learns_digits_too(digits):
    config = Config(shape=(1, 8, 8), latent_dim=4, network="conv", encoder_sizes=(8, 16), decoder_sizes=(16, 8))
    vae = VAE(config.with_(binarise="dynamic"))
    before = measure(vae, stored(digits[1]))
    assert run(vae, digits, epochs=3, rate=3e-3)[-1].loss < 0.9 * before.loss


def test_the_learned_std_is_told_and_moves(vectors):
    vae = small(likelihood="gaussian")
    epochs = [event for event in run(vae, vectors, rate=0.01) if isinstance(event, Epoch)]
    spread = math.log(vectors[0].pixels.std())  # what a decoder that knows nothing should learn
    assert abs(epochs[1].log_std - spread) < abs(epochs[0].log_std - spread)
    assert epochs[-1].log_std == vae.log_std.item()


def test_a_loss_that_is_no_number_ends_the_run_and_names_the_term(vectors):
    vae = small()
    with torch.no_grad():
        vae.decoder.out.bias.fill_(float("nan"))
    with pytest.raises(VAEError, match=r"reconstruction term .* epoch 1: try a lower learning rate"):
        run(vae, vectors)
    vae = small(likelihood="mse")
    with torch.no_grad():
        vae.encoder.heads.mu.bias.fill_(1e30)
        vae.decoder.body[0].weight.zero_()
    with pytest.raises(VAEError, match="The KL term"):
        run(vae, vectors)


def test_the_rate_falls_to_nothing_along_a_half_cosine():
    assert [fall(0.5, progress) for progress in (0, 0.25, 0.5)] == [1, 1, 1]
    assert fall(0.5, 0.75) == pytest.approx(0.5)
    assert fall(0.5, 1.0) == pytest.approx(0)
    assert all(fall(0.5, step / 100) > fall(0.5, (step + 1) / 100) for step in range(50, 100))
    assert fall(0.0, 0.99) == fall(0.0, 1.0) == 1


def test_decay_reaches_the_optimiser(vectors):
    """With the rate falling over the whole run, the last steps move the weights less than the first ones did."""
    moved = []
    vae = small()
    before = weights(vae)
    for event in trainer(vae, vectors, epochs=8, decay=1.0).run():
        if isinstance(event, Epoch):
            moved.append((weights(vae) - before).norm().item())
            before = weights(vae)
    assert moved[-1] < 0.2 * moved[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": True},
        {"batch_size": 0},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"rate": 2.0},
        {"decay": -0.1},
        {"decay": 1.5},
        {"seed": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(VAEError) as caught:
        Settings(**wrong)
    assert "\n" not in str(caught.value)


def test_data_that_do_not_fit_are_refused(vectors, digits):
    with pytest.raises(VAEError, match="choose one size"):
        run(small(), digits)
    with pytest.raises(VAEError, match="at least one image"):
        run(small(), (vectors[0], vectors[1].take(slice(0))))
