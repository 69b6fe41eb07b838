"""What a VAE is, in a form that can be read by eye: one frozen dataclass and its JSON.

A config says everything needed to build the network and its loss again: nothing is hidden in code or in a default
that may change later, so every field is always written.
"""

from dataclasses import asdict, dataclass, fields, replace
from reprlib import repr as shown  # a value from a file may be a megabyte long, or a thousand lists deep
from typing import Any, Self

from vae.errors import VAEError

SCHEMA = 2
ADDED = ("posterior", "levels", "blocks", "std")  # with schema 2: a config of schema 1 has their defaults
MAX_LATENT_DIM = 4096
MAX_WIDTH = 16384  # units in a dense layer, or channels of a convolution
MAX_VECTOR = 65536  # numbers in a flat vector
MIN_SIDE, MAX_SIDE = 8, 128
MAX_LEVELS = 16
MAX_BLOCKS = 16

NETWORKS = ("mlp", "gated", "conv", "linear")
ADAPTED = "adapted"  # a network from elsewhere, which `vae.foreign` builds: it can be looked into and not be trained
ACTIVATIONS = ("relu", "tanh", "gelu", "silu", "elu", "leaky_relu")
LIKELIHOODS = ("bernoulli", "mse", "gaussian", "logistic")
POSTERIORS = ("gaussian", "point")
OUTPUTS = ("sigmoid", "linear")
BINARISATIONS = ("none", "dynamic", "static")
REDUCTIONS = ("sum", "mean")


@dataclass(frozen=True)
class Config:
    """A VAE before it is built.

    Attributes:
        shape: (C, H, W) of an image, 8 to 128 pixels a side, or (D,) of a flat vector.
        latent_dim: L, the length of a code. More: finer pictures, a map that is harder to read.
        network: "mlp" (dense, any shape), "gated" (dense, each hidden unit with a gate of its own), "conv" (strided
            convolutions, images only) or "linear" (no hidden layers, one spread of each latent for all images: with a
            Gaussian likelihood and a linear output its exact likelihood is known, `vae.linear`). "adapted": a network
            from elsewhere (`vae.foreign`), whose loss is not known: its likelihood is "mse", its output "linear".
        encoder_sizes, decoder_sizes: dense: hidden widths in order. Convolutional: channels of each halving of the
            picture, and of each doubling back. With levels: those of each level's part of a dense network.
        activation: between layers; a gated network has its gates instead.
        likelihood: what p(x|z) is. "bernoulli" on logits; "mse", the bare squared error of several recipes;
            "gaussian" with one standard deviation shared by all pixels; "logistic", the mass of each of 256 grey levels
            under a logistic with one learned scale.
        output: "sigmoid" keeps the mean inside [0, 1]; "linear" leaves it free (not of a Bernoulli).
        binarise: "none"; "dynamic": pixels drawn afresh as 0 or 1 each time an image is seen; "static": drawn once for
            each image and the same ever after. A Bernoulli likelihood of grey pixels ("none") is a pseudo-likelihood.
        beta: weight of the KL (Higgins 2017). More: simpler codes, blurrier pictures.
        recon_reduction: the reconstruction term over pixels: "sum" (nats per image) or "mean" (some sources).
        kl_reduction: the KL over latents, likewise.
        batch_reduction: both over the batch. "sum" scales the gradient with the batch.
        recipe: the recipe that made this config, or "".
        posterior: "gaussian", a VAE; "point", a plain autoencoder: one code for an image, no spread and no KL.
        levels: latents of each level of a hierarchical VAE, the most abstract first, latent_dim in all; () for one
            level. In a convolutional one, a level whose latents fill its plane evenly is a plane of them.
        blocks: of a convolutional network with levels: residual blocks at each level, on the way up and on the way
            down. More: finer, slower.
        std: of the Gaussian likelihood, in units of x; None: learned.
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
    posterior: str = "gaussian"
    levels: tuple[int, ...] = ()
    blocks: int = 1
    std: float | None = None

    def __post_init__(self) -> None:
        _check_shape(self.shape)
        _check_whole("latent_dim", self.latent_dim, 1, MAX_LATENT_DIM)
        _check_choice("network", self.network, (*NETWORKS, ADAPTED))
        _check_choice("activation", self.activation, ACTIVATIONS)
        _check_choice("likelihood", self.likelihood, LIKELIHOODS)
        _check_choice("posterior", self.posterior, POSTERIORS)
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
        if self.likelihood == "logistic" and len(self.shape) != 3:
            raise VAEError("A logistic likelihood counts grey levels: for flat vectors choose likelihood 'gaussian'.")
        _check_std(self)
        if self.network == "conv":
            _check_conv(self)
        if self.network == "linear" and (self.encoder_sizes or self.decoder_sizes):
            raise VAEError("A linear network has no hidden layers: leave encoder_sizes and decoder_sizes empty.")
        _check_levels(self)
        if self.network == ADAPTED:
            _check_adapted(self)

    @property
    def pixels(self) -> int:
        """Numbers in one image: C * H * W, or D."""
        count = 1
        for side in self.shape:
            count *= side
        return count

    @property
    def level_of(self) -> tuple[int, ...]:
        """The level of each latent, L numbers; 0 is the most abstract one. All 0 where there are no levels."""
        return tuple(level for level, size in enumerate(self.levels or (self.latent_dim,)) for _ in range(size))

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values, the schema version first."""
        return {"schema": SCHEMA} | {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The config that `to_json` wrote, now or when it knew less. Strict: no field may be missing or unknown.

        Raises:
            VAEError: another schema, a field too many or too few, or a value out of range.
        """
        if not isinstance(data, dict):
            raise VAEError("config.json holds no object: it was not written by Muscope.")
        schema = data.get("schema")
        if isinstance(schema, bool) or schema not in (1, SCHEMA):
            raise VAEError(
                f"config.json has schema {shown(schema)} and this Muscope reads 1 to {SCHEMA}: "
                "open it with the version that wrote it."
            )
        names = {field.name for field in fields(cls)} - (set(ADDED) if schema == 1 else set())
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


def _check_std(config: Config) -> None:
    if config.std is None:
        return
    if isinstance(config.std, bool) or not isinstance(config.std, int | float) or not 0.01 <= config.std <= 100:
        raise VAEError(f"std is {shown(config.std)}: give the spread of a pixel, 0.01 to 100, or leave it learned.")
    if config.likelihood != "gaussian":
        raise VAEError(f"A fixed std needs likelihood 'gaussian', not {config.likelihood!r}.")


def _check_adapted(config: Config) -> None:
    plain = (config.likelihood, config.output, config.levels, config.encoder_sizes, config.decoder_sizes)
    if plain != ("mse", "linear", (), (), ()):
        raise VAEError("A network from elsewhere has likelihood 'mse', output 'linear', and no sizes or levels here.")


def _check_levels(config: Config) -> None:
    _check_whole("blocks", config.blocks, 1, MAX_BLOCKS)
    levels = config.levels
    if not isinstance(levels, tuple) or len(levels) == 1 or len(levels) > MAX_LEVELS:
        raise VAEError(
            f"levels is {shown(levels)}: give the latents of 2 to {MAX_LEVELS} levels, the most abstract first."
        )
    for size in levels:
        _check_whole("levels", size, 1, MAX_LATENT_DIM)
    if config.blocks != 1 and not (levels and config.network == "conv"):
        raise VAEError("blocks are those of a convolutional network with levels: leave them at 1.")
    if not levels:
        return
    if sum(levels) != config.latent_dim:
        raise VAEError(f"The levels have {sum(levels)} latents in all and latent_dim is {config.latent_dim}.")
    if config.posterior == "point":
        raise VAEError("A plain autoencoder has one level: its codes have no prior that a level above could move.")
    if not config.encoder_sizes or not config.decoder_sizes:
        raise VAEError("Levels need hidden layers between them: give encoder_sizes and decoder_sizes.")
