"""Four systems that people meet first, each exact as its source has it, reductions included.

    edifice   Edifice.Generative.VAE: squared error averaged over all elements + beta * KL
    keras     the visual notes in Keras: both terms averaged over everything
    pytorch   the minimal MNIST VAE: both terms summed over everything
    scratch   vae-scratch: dense or convolutional, summed per image + beta * KL

And two that papers compare likelihoods with, on pixels drawn afresh as 0 or 1:

    burda     Burda et al. 2015, one stochastic layer: two of 200 tanh units each way, 50 latents
    tomczak   Tomczak and Welling 2018: two of 300 gated units each way, 40 latents

A mean over pixels makes beta mean something else than it seems: `effective_beta` gives what it comes to.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from vae.config import Config
from vae.errors import VAEError
from vae.nets import build_decoder, build_encoder

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """A named system: how its config is made and how its source trains it.

    Attributes:
        sentence: what it is, for a person choosing.
        make: options to config.
        batch_size, rate, epochs: what the source trains with, Adam throughout.
    """

    name: str
    sentence: str
    make: Callable[..., Config]
    batch_size: int = 128
    rate: float = 1e-3
    epochs: int = 10


def edifice(
    input_size: int | Shape = 784,
    latent_size: int = 32,
    encoder_sizes: Shape = (256, 128),
    decoder_sizes: Shape = (128, 256),
    activation: str = "relu",
    beta: float = 1.0,
) -> Config:
    """Edifice.Generative.VAE: the mean squared error over all elements, a KL summed over latents, a linear output.

    On images of 784 pixels beta 1 weighs the KL 784 times as much as the ELBO does, so the posterior collapses to
    the prior: a lesson, not a fault of this program.
    """
    return Config(
        shape=as_shape(input_size),
        latent_dim=latent_size,
        encoder_sizes=encoder_sizes,
        decoder_sizes=decoder_sizes,
        activation=activation,
        likelihood="mse",
        output="linear",
        beta=beta,
        recon_reduction="mean",
        recipe="edifice",
    )


def keras(
    input_size: int | Shape = 784,
    latent_size: int = 20,
    encoder_sizes: Shape = (256,),
    decoder_sizes: Shape = (256,),
    activation: str = "relu",
    beta: float = 1.0,
) -> Config:
    """The visual notes in Keras: binary cross-entropy averaged over pixels and batch + KL averaged over latents."""
    return Config(
        shape=as_shape(input_size),
        latent_dim=latent_size,
        encoder_sizes=encoder_sizes,
        decoder_sizes=decoder_sizes,
        activation=activation,
        beta=beta,
        recon_reduction="mean",
        kl_reduction="mean",
        recipe="keras",
    )


def pytorch(
    input_size: int | Shape = 784,
    latent_size: int = 20,
    encoder_sizes: Shape = (400,),
    decoder_sizes: Shape = (400,),
    activation: str = "relu",
    beta: float = 1.0,
) -> Config:
    """The minimal MNIST VAE of the PyTorch examples: binary cross-entropy and KL, both summed over everything."""
    return Config(
        shape=as_shape(input_size),
        latent_dim=latent_size,
        encoder_sizes=encoder_sizes,
        decoder_sizes=decoder_sizes,
        activation=activation,
        beta=beta,
        batch_reduction="sum",
        recipe="pytorch",
    )


def scratch(
    input_size: int | Shape = 784,
    latent_size: int = 20,
    encoder_sizes: Shape | None = None,
    decoder_sizes: Shape | None = None,
    activation: str = "relu",
    beta: float = 1.0,
    network: str = "mlp",
    likelihood: str = "bernoulli",
) -> Config:
    """vae-scratch: dense or convolutional, cross-entropy of [0, 1] images or squared error, per image, beta free."""
    usual = (32, 64) if network == "conv" else (400,)
    return Config(
        shape=as_shape(input_size),
        latent_dim=latent_size,
        network=network,
        encoder_sizes=usual if encoder_sizes is None else encoder_sizes,
        decoder_sizes=usual[::-1] if decoder_sizes is None else decoder_sizes,
        activation=activation,
        likelihood=likelihood,
        output="linear" if likelihood == "mse" else "sigmoid",
        beta=beta,
        recipe="scratch",
    )


def burda(
    input_size: int | Shape = 784,
    latent_size: int = 50,
    encoder_sizes: Shape = (200, 200),
    decoder_sizes: Shape = (200, 200),
    activation: str = "tanh",
    beta: float = 1.0,
) -> Config:
    """The network with one stochastic layer of Burda et al. 2015 (section 5 and appendix C), dynamic binarisation."""
    return Config(
        shape=as_shape(input_size),
        latent_dim=latent_size,
        encoder_sizes=encoder_sizes,
        decoder_sizes=decoder_sizes,
        activation=activation,
        binarise="dynamic",
        beta=beta,
        recipe="burda",
    )


def tomczak(
    input_size: int | Shape = 784,
    latent_size: int = 40,
    encoder_sizes: Shape = (300, 300),
    decoder_sizes: Shape = (300, 300),
    activation: str = "relu",
    beta: float = 1.0,
) -> Config:
    """The gated VAE of Tomczak and Welling 2018 (section 4), prior N(0, I), dynamic binarisation.

    `activation` is of no account: a gated unit has its gate.
    """
    return Config(
        shape=as_shape(input_size),
        latent_dim=latent_size,
        network="gated",
        encoder_sizes=encoder_sizes,
        decoder_sizes=decoder_sizes,
        activation=activation,
        binarise="dynamic",
        beta=beta,
        recipe="tomczak",
    )


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("pytorch", "The minimal VAE of the PyTorch examples: cross-entropy and KL, both summed.", pytorch),
        Recipe("keras", "Dense 256 units, both terms averaged: its beta of 1 acts like 39 on MNIST.", keras),
        Recipe("edifice", "Averaged squared error: its beta of 1 acts like 784 on MNIST, and the codes die.", edifice),
        Recipe("scratch", "Dense or convolutional, terms summed per image, beta free.", scratch),
        Recipe("burda", "The dense VAE that papers compare likelihoods with: pixels drawn as 0 or 1.", burda, 100),
        Recipe("tomczak", "Gated dense layers, 40 latents, pixels drawn as 0 or 1: stronger than dense.", tomczak, 100),
    )
}


def make_config(name: str, **options: object) -> Config:
    """The config of a recipe.

    Args:
        name: one of RECIPES.
        options: input_size (a length, or a shape (C, H, W)), latent_size, encoder_sizes, decoder_sizes, activation,
            beta; scratch also takes network and likelihood.

    Raises:
        VAEError: no such recipe, or an option it does not have.
    """
    if name not in RECIPES:
        raise VAEError(f"There is no recipe {name!r}: choose {', '.join(RECIPES)}.")
    known = inspect.signature(RECIPES[name].make).parameters
    for option in options:
        if option not in known:
            raise VAEError(f"The recipe {name} has no option {option!r}: it takes {', '.join(known)}.")
    return RECIPES[name].make(**options)


def make_encoder(name: str, seed: int = 0, **options: object) -> nn.Module:
    """The encoder of a recipe alone: x (B, *shape) to (mu, logvar), (B, L) each."""
    return build_encoder(make_config(name, **options), seed)


def make_decoder(name: str, seed: int = 0, **options: object) -> nn.Module:
    """The decoder of a recipe alone: z (B, L) to the parameters of p(x|z) (B, *shape)."""
    return build_decoder(make_config(name, **options), seed)


def as_shape(input_size: int | Shape) -> Shape:
    """784 to (784,); a shape stays as it is."""
    if isinstance(input_size, int):
        return (input_size,)
    if not isinstance(input_size, tuple | list):
        raise VAEError(f"input_size is {input_size!r}: give a length such as 784, or a shape such as (1, 28, 28).")
    return tuple(input_size)
