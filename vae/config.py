"""What a VAE is, in a form that can be read by eye: one frozen dataclass and its JSON.

A config says everything needed to build the network and its loss again: nothing is hidden in code or in a default
that may change later, so every field is always written.
"""

from dataclasses import asdict, dataclass, fields, replace
from reprlib import repr as shown  # a value from a file may be a megabyte long, or a thousand lists deep
from typing import Any, Self

from vae.errors import VAEError

SCHEMA = 1
MAX_LATENT_DIM = 4096
MAX_WIDTH = 16384  # units in a dense layer, or channels of a convolution
MAX_VECTOR = 65536  # numbers in a flat vector
MIN_SIDE, MAX_SIDE = 8, 128

NETWORKS = ("mlp", "conv")
ACTIVATIONS = ("relu", "tanh", "gelu", "silu", "elu", "leaky_relu")
LIKELIHOODS = ("bernoulli", "mse", "gaussian")
OUTPUTS = ("sigmoid", "linear")
BINARISATIONS = ("none", "dynamic")
REDUCTIONS = ("sum", "mean")


@dataclass(frozen=True)
class Config:
    """A VAE before it is built.

    Attributes:
        shape: (C, H, W) of an image, 8 to 128 pixels a side, or (D,) of a flat vector.
        latent_dim: L, the length of a code. More: finer pictures, a map that is harder to read.
        network: "mlp" (dense, any shape) or "conv" (strided convolutions, images only).
        encoder_sizes, decoder_sizes: dense: hidden widths in order. Convolutional: channels of each halving of the
            picture, and of each doubling back.
        activation: between layers.
        likelihood: what p(x|z) is. "bernoulli" on logits; "mse", the bare squared error of several recipes;
            "gaussian" with one learned standard deviation shared by all pixels.
        output: "sigmoid" keeps the mean inside [0, 1]; "linear" leaves it free (mse and gaussian only).
        binarise: "none", or "dynamic": pixels drawn afresh as 0 or 1 each time an image is seen. A Bernoulli
            likelihood of grey pixels ("none") is a pseudo-likelihood.
        beta: weight of the KL (Higgins 2017). More: simpler codes, blurrier pictures.
        recon_reduction: the reconstruction term over pixels: "sum" (nats per image) or "mean" (some sources).
        kl_reduction: the KL over latents, likewise.
        batch_reduction: both over the batch. "sum" scales the gradient with the batch.
        recipe: the recipe that made this config, or "".
    """

    shape: tuple[int, ...]
    latent_dim: int
    network: str = "mlp"
    encoder_sizes: tuple[int, ...] = (400,)
    decoder_sizes: tuple[int, ...] = (400,)
    activation: str = "relu"
    likelihood: str = "bernoulli"
    output: str = "sigmoid"
    binarise: str = "none"
    beta: float = 1.0
    recon_reduction: str = "sum"
    kl_reduction: str = "sum"
    batch_reduction: str = "mean"
    recipe: str = ""

    def __post_init__(self) -> None:
        _check_shape(self.shape)
        _check_whole("latent_dim", self.latent_dim, 1, MAX_LATENT_DIM)
        _check_choice("network", self.network, NETWORKS)
        _check_choice("activation", self.activation, ACTIVATIONS)
        _check_choice("likelihood", self.likelihood, LIKELIHOODS)
        _check_choice("output", self.output, OUTPUTS)
        _check_choice("binarise", self.binarise, BINARISATIONS)
        for name in ("recon_reduction", "kl_reduction", "batch_reduction"):
            _check_choice(name, getattr(self, name), REDUCTIONS)
        for name in ("encoder_sizes", "decoder_sizes"):
            sizes = getattr(self, name)
            if not isinstance(sizes, tuple) or len(sizes) > 16:
                raise VAEError(f"{name} is {shown(sizes)}: give up to 16 whole numbers, one for each hidden layer.")
            for size in sizes:
                _check_whole(name, size, 1, MAX_WIDTH)
        if isinstance(self.beta, bool) or not isinstance(self.beta, int | float) or not 0 <= self.beta < 1e9:
            raise VAEError(f"beta is {shown(self.beta)}: it weighs the KL and is a number from 0 up; 1 is the ELBO.")
        if not isinstance(self.recipe, str):
            raise VAEError(f"recipe is {shown(self.recipe)}: give the name of a recipe, or leave it empty.")
        if self.likelihood == "bernoulli" and self.output != "sigmoid":
            raise VAEError("A Bernoulli likelihood needs output 'sigmoid': its mean is a probability.")
        if self.binarise != "none" and self.likelihood != "bernoulli":
            raise VAEError(f"Binarised pixels need likelihood 'bernoulli', not {self.likelihood!r}.")
        if self.network == "conv":
            _check_conv(self)

    @property
    def pixels(self) -> int:
        """Numbers in one image: C * H * W, or D."""
        count = 1
        for side in self.shape:
            count *= side
        return count

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values, the schema version first."""
        return {"schema": SCHEMA} | {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The config that `to_json` wrote. Strict: no field may be missing or unknown.

        Raises:
            VAEError: another schema, a field too many or too few, or a value out of range.
        """
        if not isinstance(data, dict):
            raise VAEError("config.json holds no object: it was not written by Muscope.")
        if data.get("schema") != SCHEMA:
            raise VAEError(
                f"config.json has schema {shown(data.get('schema'))} and this Muscope reads {SCHEMA}: "
                "open it with the version that wrote it."
            )
        names = {field.name for field in fields(cls)}
        given = set(data) - {"schema"}
        if given != names:
            odd = ", ".join(sorted(str(name)[:40] for name in given ^ names)[:5])
            raise VAEError(f"config.json does not have the fields of this version (look at: {odd}).")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "schema"}
        return cls(**values)

    def with_(self, **changes: Any) -> Self:
        """The same config with other values, checked again."""
        return replace(self, **changes)


def _check_shape(shape: object) -> None:
    if not isinstance(shape, tuple) or len(shape) not in (1, 3):
        raise VAEError(f"shape is {shown(shape)}: give (channels, height, width) of an image or (length,) of a vector.")
    if len(shape) == 1:
        _check_whole("the vector's length", shape[0], 1, MAX_VECTOR)
        return
    _check_whole("channels", shape[0], 1, 64)
    for side in shape[1:]:
        _check_whole("the image's side in pixels", side, MIN_SIDE, MAX_SIDE)


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise VAEError(f"{name} is {shown(value)}: it must be a whole number from {low} to {high}.")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise VAEError(f"{name} is {shown(value)}: choose {', '.join(choices)}.")


def _check_conv(config: Config) -> None:
    if len(config.shape) != 3:
        raise VAEError("A convolutional network needs images: for flat vectors choose network 'mlp'.")
    stages = len(config.encoder_sizes)
    if not stages or stages != len(config.decoder_sizes):
        raise VAEError("A convolutional network needs as many decoder_sizes as encoder_sizes, at least one.")
    if min(config.shape[1:]) >> stages < 1:
        raise VAEError(f"{stages} halvings leave nothing of {min(config.shape[1:])} pixels: give fewer encoder_sizes.")
