"""Which kind of model somebody brings, and what can be said of it before it is opened: from its small files and the
header of its weights.
"""

import math
import re
import secrets
from dataclasses import dataclass, replace
from typing import Any

import torch

from vae.checkpoint import ADAPTER, CARD, CONFIG, ENCODINGS, WEIGHTS
from vae.config import ADAPTED, MAX_LATENT_DIM, MAX_SIDE, MIN_SIDE, Config
from vae.data.sized import can_become
from vae.errors import VAEError
from vae.foreign import dense, spatial
from vae.foreign.adapted import Plan, read_plan
from vae.foreign.adapter import find_adapter, is_point, open_adapter
from vae.foreign.given import DENSE_CONFIG, SPATIAL_WEIGHTS, Given
from vae.weights import shapes

AXES = 32  # principal axes of a long code, unless asked for otherwise
LONG = 512  # numbers in a code above which it is looked at through its axes
WORDS = {
    "muscope": "A model of Muscope’s own",
    "diffusers": "An autoencoder of the diffusers library",
    "pythae": "A model of the pythae library",
    "own": "Your own code, by an adapter",
}


@dataclass(frozen=True)
class Understood:
    """A model that was brought, not opened yet.

    Attributes:
        kind: "muscope", or one of `adapted.KINDS`.
        title, sentence: what to call it, and one line about it.
        shape: (C, H, W) or (D,); H and W are 0 where any size will do.
        latents: numbers in a code; 0 where that depends on the size of the images.
        plan: how it is built; None of a model of Muscope's own.
        data: the data set it says it was trained on, or "".
        ready: its codes lie with it, so no data are needed.
        left_out: (name, why) of files that are not read.
    """

    kind: str
    title: str
    sentence: str
    shape: tuple[int, ...]
    latents: int
    plan: Plan | None = None
    data: str = ""
    ready: bool = False
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def free(self) -> bool:
        """Whether it takes images of any size."""
        return len(self.shape) == 3 and not self.shape[1]


def look(brought: Given) -> Understood:
    """What the files say.

    Raises:
        Unopened: its weights may hold a program, whatever they are called.
        VAEError: no kind that Muscope opens, or files that do not fit each other.
    """
    if DENSE_CONFIG in brought and WEIGHTS in brought:
        return _pythae(brought)
    if CONFIG not in brought:
        raise VAEError(
            "There are weights, and no config.json beside them that says how to build the network: bring both. "
            "A network of your own has none: write an adapter for it (examples/adapter.py shows how)."
        )
    said = brought.json(CONFIG)
    if isinstance(said, dict) and "schema" in said and WEIGHTS in brought:
        return _muscope(brought, said)
    if isinstance(said, dict) and ("_class_name" in said or "block_out_channels" in said):
        return _diffusers(brought, said)
    raise VAEError(
        "Its config.json is neither Muscope’s nor that of an AutoencoderKL: write an adapter for it "
        "(examples/adapter.py shows how)."
    )


def called(found: Understood, title: str) -> Understood:
    """The same, by the name it has on the Hub; a model of Muscope's own has its own title."""
    return found if found.kind == "muscope" else replace(found, title=title[:80])


def look_at_adapter(name: str) -> Understood:
    """A person's own model, by the name of its adapter. VAEError: there is none of that name, or it is not whole."""
    chosen = find_adapter(name)
    made = open_adapter(name)
    shape, data = tuple(made.shape), getattr(made, "data", "")
    with torch.random.fork_rng():
        is_point(made)  # asks it once: what is wrong with it is said before data are loaded
    plan = Plan("own", {"name": chosen.own, "where": chosen.where}, AXES if made.latent_dim > LONG else 0)
    title = str(getattr(made, "title", "") or name)[:80]
    sentence = f"{WORDS['own']}, {made.latent_dim:,} numbers in a code."
    return Understood("own", title, sentence, shape, made.latent_dim, plan, data if isinstance(data, str) else "")


def fits(found: Understood, shape: tuple[int, ...]) -> str:
    """Why images of that shape cannot be shown to it; "" where they can.

    Args:
        shape: (C, H, W) or (D,) of a data set.
    """
    if len(shape) != len(found.shape):
        return "it holds rows of numbers" if len(shape) == 1 else "it holds images"
    if len(shape) == 1:
        return "" if shape == found.shape else f"its rows have {shape[0]:,} numbers, not {found.shape[0]:,}"
    grey = shape[0] == 1 and found.shape[0] == 3 and found.kind != "muscope"
    if shape[0] != found.shape[0] and not grey:
        return f"its images have {shape[0]} channels, not {found.shape[0]}"
    if found.free:
        return "" if all(MIN_SIDE <= side <= MAX_SIDE for side in shape[1:]) else "its images are too large"
    if shape[1:] != found.shape[1:]:
        return f"its images have {shape[2]} by {shape[1]} pixels, not {found.shape[2]} by {found.shape[1]}"
    return ""


def resized(found: Understood, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that images must be brought to, so that this model can be shown them.

    Args:
        shape: (C, H, W) or (D,) of a data set.

    Returns:
        (C, H, W); their own where they suit it as they are. None where no resizing helps: rows, or other channels.
    """
    if not fits(found, shape):
        return shape
    if len(shape) != 3 or len(found.shape) != 3:
        return None
    grey = shape[0] == 1 and found.shape[0] == 3 and found.kind != "muscope"  # is shown them in grey
    wanted = (1 if grey else found.shape[0], *(shape if found.free else found.shape)[1:])
    return wanted if can_become(shape, wanted) and not fits(found, wanted) else None


def plan_for(found: Understood, shape: tuple[int, ...], axes: int = 0) -> Plan:
    """The plan of a model for images of one shape. VAEError: it cannot be shown those.

    Args:
        axes: principal axes to look at a long code through; 0: as many as suit.
    """
    if why := fits(found, shape):
        raise VAEError(f"This model cannot be shown these data: {why}. Choose others.")
    assert found.plan is not None
    grey = len(shape) == 3 and shape[0] == 1 and found.shape[0] == 3
    count = (axes or found.plan.axes) if found.plan.axes else 0
    return Plan(found.plan.kind, found.plan.network, count, grey)


def new_name(title: str) -> str:
    """A name for the folder of a model that nobody has yet: of its title, and a few letters by chance."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "model"
    return f"{stem}-{secrets.token_hex(3)}"


# ---- the kinds -----------------------------------------------------------------------------------------------------


def _muscope(brought: Given, said: dict[str, Any]) -> Understood:
    config = Config.from_json(said)
    with brought.open(WEIGHTS) as file:
        shapes(file, WEIGHTS)
    if config.network == ADAPTED:
        if ADAPTER not in brought:
            raise VAEError(f"This model has a network from elsewhere and no {ADAPTER} about it: copy it again.")
        read_plan(brought.json(ADAPTER))
    card = brought.json(CARD) if CARD in brought else {}
    card = card if isinstance(card, dict) else {}
    data = card.get("data")
    name = data.get("name") if isinstance(data, dict) else ""
    return Understood(
        "muscope",
        str(card.get("title") or brought.title)[:80],
        str(card.get("sentence") or WORDS["muscope"] + ".")[:300],
        config.shape,
        config.latent_dim,
        data=name if isinstance(name, str) else "",
        ready=ENCODINGS in brought,
        left_out=brought.left_out,
    )


def _diffusers(brought: Given, said: dict[str, Any]) -> Understood:
    weights = SPATIAL_WEIGHTS if SPATIAL_WEIGHTS in brought else WEIGHTS
    network = spatial.settings(said)
    with brought.open(weights) as file:
        shapes(file, weights)
    halved = 2 ** (len(network["block_out_channels"]) - 1)
    sentence = (
        f"{WORDS['diffusers']}: its code is a picture of {network['latent_channels']} layers, {halved} times smaller, "
        "turned along its principal axes."
    )
    plan = Plan("diffusers", network, AXES)
    shape = (network["in_channels"], 0, 0)
    return Understood("diffusers", brought.title, sentence, shape, 0, plan, left_out=brought.left_out)


def _pythae(brought: Given) -> Understood:
    with brought.open(WEIGHTS) as file:
        known = shapes(file, WEIGHTS)
    # Shapes alone say how it is built: tensors without memory stand for the weights.
    numbers = [max(1, math.prod(shape)) for shape in known.values()]
    if any(len(shape) > 8 or min(shape, default=1) < 0 for shape in known.values()) or sum(numbers) > 10**9:
        raise VAEError(f"{WEIGHTS} is damaged: copy the model again.")
    empty = {name: torch.empty(shape, device="meta") for name, shape in known.items()}
    network = dense.settings(brought.json(DENSE_CONFIG), dense.needed(empty))
    latents = network["latents"]
    plan = Plan("pythae", network, AXES if latents > min(LONG, MAX_LATENT_DIM) else 0)
    sentence = f"{WORDS['pythae']}: dense layers, {latents:,} numbers in a code."
    return Understood(
        "pythae", brought.title, sentence, tuple(network["shape"]), latents, plan, left_out=brought.left_out
    )
