"""Each recipe against its source's own formula, written out again in numpy and float64."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from vae.likelihoods import binarise
from vae.model import VAE
from vae.objectives import effective_beta, loss
from vae.recipes import RECIPES, as_shape, make_config, make_decoder, make_encoder


def run(name: str, **options: object) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The loss as the code has it, and the float64 numbers it should be made of: x, output, mu, logvar, (B, ...)."""
    config = make_config(name, **options)
    vae = VAE(config, seed=3)
    x = torch.rand((7, *config.shape), generator=torch.Generator().manual_seed(1))
    parts = loss(vae, x, torch.Generator().manual_seed(2))
    q = parts.output.posterior
    arrays = (x, parts.output.x_params, q.mu, q.logvar)
    wide = [array.detach().double().numpy().reshape(7, -1) for array in arrays]
    return parts.total.item(), wide[0], wide[1], wide[2], wide[3]


def cross_entropy(x: np.ndarray, logits: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-logits))
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


@pytest.mark.parametrize("beta", [1.0, 0.01])
def test_edifice_is_its_sources_formula(beta: float) -> None:
    given, x, out, mu, logvar = run("edifice", beta=beta)
    mse = np.mean((out - x) ** 2)
    kl = np.mean(-0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1))
    assert given == pytest.approx(mse + beta * kl, rel=1e-5)


def test_keras_is_its_sources_formula() -> None:
    given, x, out, mu, logvar = run("keras")
    bce = np.mean(cross_entropy(x, out))
    kl = np.mean(-0.5 * (1 + logvar - mu**2 - np.exp(logvar)))
    assert given == pytest.approx(bce + kl, rel=1e-5)


def test_pytorch_is_its_sources_formula() -> None:
    given, x, out, mu, logvar = run("pytorch")
    bce = np.sum(cross_entropy(x, out))
    kld = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    assert given == pytest.approx(bce + kld, rel=1e-5)


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "mse"])
def test_scratch_is_its_sources_formula(likelihood: str, network: str) -> None:
    shape = (3, 12, 10)
    given, x, out, mu, logvar = run("scratch", likelihood=likelihood, network=network, input_size=shape, beta=4.0)
    pixels = cross_entropy(x, out) if likelihood == "bernoulli" else (out - x) ** 2
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1)
    assert given == pytest.approx(np.mean(pixels.sum(axis=1) + 4.0 * kl), rel=1e-5)


def test_the_networks_are_those_of_the_sources() -> None:
    wanted = {
        "edifice": ((784,), 32, (256, 128), (128, 256), "mse", "linear"),
        "keras": ((784,), 20, (256,), (256,), "bernoulli", "sigmoid"),
        "pytorch": ((784,), 20, (400,), (400,), "bernoulli", "sigmoid"),
        "scratch": ((784,), 20, (400,), (400,), "bernoulli", "sigmoid"),
    }
    assert {*wanted, "burda", "tomczak"} == set(RECIPES)
    for name, (shape, latent_dim, encoder, decoder, likelihood, output) in wanted.items():
        config = make_config(name)
        assert (config.shape, config.latent_dim) == (shape, latent_dim)
        assert (config.encoder_sizes, config.decoder_sizes) == (encoder, decoder)
        assert (config.likelihood, config.output) == (likelihood, output)
        assert (config.network, config.activation, config.beta, config.binarise) == ("mlp", "relu", 1.0, "none")
        assert config.recipe == name


def test_the_networks_of_the_papers_are_those_of_the_papers() -> None:
    burda, tomczak = make_config("burda"), make_config("tomczak")
    assert (burda.encoder_sizes, burda.decoder_sizes, burda.latent_dim) == ((200, 200), (200, 200), 50)
    assert (burda.network, burda.activation) == ("mlp", "tanh")
    assert (tomczak.encoder_sizes, tomczak.decoder_sizes, tomczak.latent_dim) == ((300, 300), (300, 300), 40)
    assert tomczak.network == "gated"
    for config in (burda, tomczak):
        assert (config.likelihood, config.binarise, effective_beta(config)) == ("bernoulli", "dynamic", 1.0)
        assert config.recipe in RECIPES and RECIPES[config.recipe].batch_size == 100


@pytest.mark.parametrize("name", ["burda", "tomczak"])
def test_the_papers_minimise_the_elbo_of_drawn_pixels(name: str) -> None:
    config = make_config(name, input_size=30)
    vae, x = VAE(config, seed=3), torch.rand((7, 30), generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(2)
    parts = loss(vae, x, generator)
    drawn = binarise(x, torch.Generator().manual_seed(2)).double().numpy()
    q = parts.output.posterior
    out, mu, logvar = (array.detach().double().numpy() for array in (parts.output.x_params, q.mu, q.logvar))
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1)
    assert parts.total.item() == pytest.approx(np.mean(cross_entropy(drawn, out).sum(axis=1) + kl), rel=1e-5)


def test_the_effective_beta_of_each_recipe_on_mnist() -> None:
    betas = {name: effective_beta(make_config(name)) for name in RECIPES}
    assert betas == {
        "pytorch": 1.0,
        "scratch": 1.0,
        "burda": 1.0,
        "tomczak": 1.0,
        "keras": pytest.approx(39.2),
        "edifice": 784.0,
    }


def test_training_is_that_of_the_sources() -> None:
    assert (RECIPES["pytorch"].batch_size, RECIPES["pytorch"].rate, RECIPES["pytorch"].epochs) == (128, 1e-3, 10)
    for name, recipe in RECIPES.items():
        assert recipe.name == name and recipe.sentence.endswith(".")


OPTIONS: dict[str, Any] = {
    "input_size": (3, 16, 24),
    "latent_size": 5,
    "encoder_sizes": (9, 8),
    "decoder_sizes": (7, 6),
    "activation": "tanh",
    "beta": 0.5,
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_option_reaches_the_config(name: str) -> None:
    config = make_config(name, **OPTIONS)
    assert (config.shape, config.latent_dim, config.activation, config.beta) == ((3, 16, 24), 5, "tanh", 0.5)
    assert (config.encoder_sizes, config.decoder_sizes) == ((9, 8), (7, 6))
    assert set(OPTIONS) <= set(inspect.signature(RECIPES[name].make).parameters)


@pytest.mark.parametrize("name", RECIPES)
def test_encoder_and_decoder_alone_take_the_same_options(name: str) -> None:
    mu, logvar = make_encoder(name, **OPTIONS)(torch.rand(2, 3, 16, 24))
    assert mu.shape == logvar.shape == (2, 5)
    assert make_decoder(name, **OPTIONS)(torch.zeros(2, 5)).shape == (2, 3, 16, 24)


def test_scratch_is_dense_or_convolutional() -> None:
    config = make_config("scratch", network="conv", input_size=(1, 28, 28))
    assert (config.encoder_sizes, config.decoder_sizes) == ((32, 64), (64, 32))
    config = make_config("scratch", network="conv", input_size=(1, 28, 28), encoder_sizes=(4,), decoder_sizes=(6,))
    assert (config.encoder_sizes, config.decoder_sizes) == ((4,), (6,))
    assert make_config("scratch", likelihood="mse").output == "linear"
    assert make_config("scratch", likelihood="gaussian").output == "sigmoid"


def test_a_size_is_a_length_or_a_shape() -> None:
    assert as_shape(784) == (784,)
    assert as_shape((1, 28, 28)) == (1, 28, 28)


def test_what_a_recipe_does_not_have_is_refused(refused: Any) -> None:
    with refused("There is no recipe 'torch': choose pytorch, keras, edifice, scratch, burda"):
        make_config("torch")
    with refused("The recipe pytorch has no option 'likelihood': it takes input_size"):
        make_config("pytorch", likelihood="mse")
    with refused("latent_dim is 0"):
        make_config("keras", latent_size=0)
    with refused("for flat vectors choose network 'mlp'"):
        make_config("scratch", network="conv")
    for size in (784.0, "784", None):
        with refused("input_size is"):
            make_config("edifice", input_size=size)
