"""What can be set for a training, in words a person reads: for each one what it is, and what more of it does."""

import re
from dataclasses import dataclass

from vae.errors import VAEError

OWN = {
    "folder": ("a folder of images on this machine", "One sub-folder for each label."),
    "table": ("a table of numbers on this machine", "A .csv or .npy file, one row for each item."),
}
NETWORKS = {
    "conv": ("convolutional", "It looks at neighbouring pixels together. Better pictures than dense, slower steps."),
    "mlp": ("dense", "Every pixel with every other. Fast on small pictures."),
}
DEVICES = {"auto": "automatic: the fastest there is", "cpu": "CPU", "mps": "Apple MPS"}
PRECISION_WORDS = {"auto": "automatic: what pays on the device", "float32": "float32", "bfloat16": "bfloat16"}
LIKELIHOODS = {
    "bernoulli": "Bernoulli: chance of white",
    "gaussian": "Gaussian: one learned spread",
    "mse": "squared error alone",
}
OBJECTIVE_WORDS = {
    "fixed": ("fixed beta", "The KL costs the same from the first step to the last."),
    "warmup": ("warm-up", "Beta rises from 0: latents wake before they cost anything. A cure for dead latents."),
    "cyclical": ("cyclical", "Beta rises from 0 again and again: each time, dead latents get another chance."),
    "capacity": ("capacity", "The KL is held at a number of nats that grows: the code is opened up bit by bit."),
    "free-bits": ("free bits", "Each latent may carry some nats for nothing, and is charged only above them."),
}
BENDS = {  # the numbers of each objective
    "fixed": (),
    "warmup": ("rise",),
    "cyclical": ("rise", "cycles"),
    "capacity": ("rise", "nats"),
    "free-bits": ("nats",),
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
        "Rise", "Part of the run, or of a cycle, in which it grows. More: a later full weight.", 0.0, 1.0, 0.1, "%.2f"
    ),
    "--cycles": Field("Cycles", "How often beta rises. More: the codes are opened up more often.", 1, 1000),
    "--nats": Field("Nats", "More: more may be said in a code, and it is less orderly.", 0.0, 10_000.0, 0.5, "%.2f"),
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
    if option == "--encoder-sizes":
        if not re.fullmatch(r"\s*[1-9][0-9]*\s*(,\s*[1-9][0-9]*\s*)*", value):
            raise VAEError(f"{FIELDS[option].label} is “{value[:40]}”: give whole numbers such as 400,200.")
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


def network(name: str) -> str:
    """A network or a recipe, as an option of the list."""
    return NETWORKS[name][0] if name in NETWORKS else f"recipe: {name}"


def device(name: str) -> str:
    """A device, as an option of the list: "cuda:0" to "graphics card 0"."""
    return DEVICES.get(name) or name.replace("cuda:", "graphics card ")


def objective(kind: str) -> str:
    """An objective, as an option of the list."""
    return OBJECTIVE_WORDS[kind][0]


def slug(title: str) -> str:
    """A title as the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "model"
