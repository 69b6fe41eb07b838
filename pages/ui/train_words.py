"""What can be set for a training, in words a person reads: for each one what it is, and what more of it does."""

import re
from contextlib import suppress
from dataclasses import dataclass

from vae import data, objectives
from vae.errors import VAEError
from vae.recipes import RECIPES

OWN = {
    "folder": ("a folder of images on this machine", "One sub-folder for each label."),
    "table": ("a table of numbers on this machine", "A .csv or .npy file, one row for each item."),
}
NETWORKS = {
    "conv": ("convolutional", "It looks at neighbouring pixels together. Better pictures than dense, slower steps."),
    "mlp": ("dense", "Every pixel with every other. Fast on small pictures."),
    "gated": ("gated dense", "Dense, and each unit has a gate that may shut it. Finer than dense, slower steps."),
    "linear": ("linear", "No hidden layers. Its map is much like PCA, and its exact likelihood is known."),
    "autoencoder": ("plain autoencoder", "One code for an image, no spread, no prior: what a VAE is compared with."),
    "levels": ("hierarchical", "Codes in levels, the most abstract first; each level refines the one above."),
    "gan": ("VAE-GAN", "First a VAE; then a critic of its pictures joins in. Sharper, less faithful, slower steps."),
}
BUILT_OF = {"conv": "convolutions", "mlp": "dense layers", "gated": "gated dense layers"}  # of the last three
MADE_OF = ("autoencoder", "levels", "gan")  # networks that are built of one of these
FLAT = ("mlp", "gated", "linear", "autoencoder", "levels")  # networks that take a table
DEVICES = {"auto": "automatic: the fastest there is", "cpu": "CPU", "mps": "Apple MPS"}
PRECISION_WORDS = {"auto": "automatic: what pays on the device", "float32": "float32", "bfloat16": "bfloat16"}
LIKELIHOODS = {
    "bernoulli": "Bernoulli: chance of white",
    "gaussian": "Gaussian: one spread for all pixels",
    "logistic": "logistic: 256 levels of grey",
    "mse": "squared error alone",
}
BINARISE = {
    "none": "grey, as they are",
    "dynamic": "black and white, drawn afresh each time",
    "static": "black and white, drawn once",
}
OBJECTIVE_WORDS = {
    "fixed": ("fixed beta", "The KL costs the same from the first step to the last."),
    "warmup": ("warm-up", "Beta rises from 0: latents wake before they cost anything. A cure for dead latents."),
    "cyclical": ("cyclical", "Beta rises from 0 again and again: each time, dead latents get another chance."),
    "capacity": ("capacity", "The KL is held at a number of nats that grows: the code is opened up bit by bit."),
    "free-bits": ("free bits", "Each latent may carry some nats for nothing, and is charged only above them."),
    "iwae": (
        "importance-weighted (IWAE)",
        "Several codes are drawn for each image, and the best count most: a tighter bound.",
    ),
    "dreg": ("importance-weighted, calmer (DReG)", "The same bound with less noise in the encoder’s gradient."),
    "tc": (
        "total correlation (beta-TCVAE)",
        "Beta weighs only what latents have in common: each learns something of its own.",
    ),
    "factor": (
        "total correlation by a critic (FactorVAE)",
        "A critic learns to see what latents have in common, and it is charged.",
    ),
    "gan": (
        "with a critic of pictures",
        "A critic learns to tell drawn pictures from real ones: sharper, less faithful.",
    ),
}
BENDS = {  # the numbers of each objective
    "fixed": (),
    "warmup": ("rise",),
    "cyclical": ("rise", "cycles"),
    "capacity": ("rise", "nats"),
    "free-bits": ("nats",),
    "iwae": ("samples",),
    "dreg": ("samples",),
    "tc": (),
    "factor": ("gamma", "critic"),
    "gan": ("rise", "gamma", "critic"),
}


@dataclass(frozen=True)
class Field:
    """One thing to set: what it is called, its range, and the sentence that explains it."""

    label: str
    help: str
    low: float = 0
    high: float = 0
    step: float | None = None
    format: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it is counted."""
        return isinstance(self.low, int)


FIELDS = {
    "--latent-dim": Field("Latent dimensions", "Numbers in a code. More: finer pictures, harder to read.", 1, 4096),
    "--epochs": Field("Epochs", "Passes over the images. More: better, up to a point.", 1, 100_000),
    "--minutes": Field("Minutes", "Time to train. More: better, up to a point.", 0.1, 1440.0, 1.0, "%.1f"),
    "--beta": Field(
        "Beta", "Weight of the KL. More: simpler codes, blurrier pictures. 1 is the ELBO.", 0.0, 10_000.0, 0.5, "%.2f"
    ),
    "--rise": Field(
        "Rise",
        "Part of the run, or of a cycle, in which it grows; with a critic of pictures, before its word counts. "
        "More: a later full weight.",
        0.0,
        1.0,
        0.1,
        "%.2f",
    ),
    "--cycles": Field("Cycles", "How often beta rises. More: the codes are opened up more often.", 1, 1000),
    "--nats": Field("Nats", "More: more may be said in a code, and it is less orderly.", 0.0, 10_000.0, 0.5, "%.2f"),
    "--samples": Field("Draws", "Codes for each image in a step. More: a tighter bound, slower steps.", 1, 1000),
    "--gamma": Field(
        "Gamma",
        "Weight of what the critic says. More: more independent latents; of pictures: sharper, less faithful.",
        0.0,
        10_000.0,
        5.0,
        "%.1f",
    ),
    "--critic": Field(
        "Critic", "Units of each of its layers; of pictures, 4 times its channels. More: keener, slower.", 8, 4096
    ),
    "--batch-size": Field("Batch size", "Images in a step. More: steadier, fewer steps.", 1, 65_536),
    "--rate": Field("Learning rate", "Size of a step. More: faster, until it diverges.", 1e-6, 1.0, 1e-4, "%.5f"),
    "--decay": Field(
        "Decay",
        "Last part of the run in which the learning rate falls to 0. More: an earlier, gentler end.",
        0.0,
        1.0,
        0.1,
        "%.2f",
    ),
    "--seed": Field(
        "Seed", "Of weights, order and draws. The same seed gives the same model on this machine.", 0, 2**53 - 1
    ),
    "--levels": Field(
        "Latents of each level",
        "As 4, 12: the most abstract level first, at least two. More levels: finer pictures, slower steps.",
    ),
    "--model": Field("Built of", "Convolutions draw better pictures; dense layers are faster on small ones."),
    "--std": Field(
        "Spread of a pixel",
        "0: learned. Else fixed, in units of a pixel from 0 to 1. More: blurrier pictures, simpler codes.",
        0.0,
        10.0,
        0.05,
        "%.2f",
    ),
    "--binarise": Field("Pixels", "Drawn as 0 or 1 the likelihood is a probability, as published figures have it."),
    "--encoder-sizes": Field(
        "Layers",
        "Units of each dense layer, or channels of each convolution, as 400 or 32,64; the decoder has them in reverse. "
        "More: finer pictures, slower steps.",
    ),
    "--likelihood": Field("Likelihood", "How a pixel may differ from what the decoder says."),
    "--device": Field("Device", "Where it computes. Automatic takes the fastest there is."),
    "--precision": Field("Precision", "Of the arithmetic. bfloat16 is faster on a GPU and a little coarser."),
}


def check(option: str, value: str) -> None:
    """VAEError: this cannot be the value of an option that the form sets, in the form's words."""
    field = FIELDS.get(option)
    if option in ("--encoder-sizes", "--levels"):
        if not re.fullmatch(r"\s*[1-9][0-9]*\s*(,\s*[1-9][0-9]*\s*)*", value):
            such = "400,200" if option == "--encoder-sizes" else "4,12"
            raise VAEError(f"{FIELDS[option].label} is “{value[:40]}”: give whole numbers such as {such}.")
        if option == "--levels" and "," not in value:
            raise VAEError(f"{FIELDS[option].label} is “{value[:40]}”: give at least two numbers, such as 4,12.")
    elif field is not None and field.high:
        try:
            good = field.low <= (int(value) if field.whole else float(value)) <= field.high
        except ValueError:
            good = False
        if not good:
            kind, low, high = "whole number" if field.whole else "number", _plain(field.low), _plain(field.high)
            raise VAEError(f"{field.label} is {_readable(value)}: give a {kind} from {low} to {high}.")


def _plain(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.6f}".rstrip("0").rstrip(".")


def _readable(value: str) -> str:
    try:
        return _plain(float(value)) if "." in value else _plain(int(value))
    except ValueError:
        return value[:40]


def is_flat(name: str) -> bool:
    """Whether the rows of a data set are numbers and no pictures."""
    if name.startswith("brought:"):
        with suppress(VAEError):  # it is gone: told where it is asked for
            return len(data.describe(name).shape) == 1
    return name.startswith("table:")


def network(name: str) -> str:
    """A network or a recipe, as an option of the list."""
    return NETWORKS[name][0] if name in NETWORKS else f"recipe: {name}"


def words_of(name: str) -> list[str]:
    """What makes a network of the list, as options of `python -m vae train`, but for what it is built of."""
    more = {"autoencoder": ["--posterior=point"], "gan": ["--objective=gan"]}
    return more.get(name, [])


def network_of(asked: dict[str, list[str]]) -> str:
    """The network of the list that these options describe, by what sets it apart."""
    if asked.get("--posterior") == ["point"]:
        return "autoencoder"
    if "--levels" in asked:
        return "levels"
    if asked.get("--objective") == ["gan"]:
        return "gan"
    named = (asked.get("--model") or ["conv"])[0]
    return named if named in NETWORKS else "conv"


def offered(name: str) -> list[str]:
    """What a network or a recipe of the list can be trained for."""
    if name == "autoencoder":
        return ["fixed"]
    if name in RECIPES and "mean" in (RECIPES[name].make().recon_reduction, RECIPES[name].make().kl_reduction):
        return list(objectives.BENDS)
    left_out = {"levels": ("dreg", "tc", "gan")}.get(name, () if name in RECIPES else ("gan",))
    return [kind for kind in OBJECTIVE_WORDS if kind not in left_out]


def plain(value: str) -> str:
    """A value of an option in the form's words, short."""
    words = LIKELIHOODS | BINARISE | BUILT_OF
    return words.get(value, value).partition(":")[0]


def device(name: str) -> str:
    """A device, as an option of the list: "cuda:0" to "graphics card 0"."""
    return DEVICES.get(name) or name.replace("cuda:", "graphics card ")


def objective(kind: str) -> str:
    """An objective, as an option of the list."""
    return OBJECTIVE_WORDS[kind][0]


def slug(title: str) -> str:
    """A title as the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "model"
