"""The settings of a training in one line of words, and what two of them have different."""

from collections.abc import Sequence
from functools import lru_cache

from pages.ui import train_words
from vae import data
from vae.errors import VAEError
from vae.recipes import RECIPES
from vae.train import options, plan

USUAL = {"decay": "no decay", "precision": "precision automatic", "device": "device automatic", "more": ""}


def line(arguments: Sequence[str]) -> str:
    """Everything that was set, as it is trained: "" where the arguments cannot be read."""
    said = ", ".join(words for name, words in parts(arguments).items() if words != USUAL.get(name))
    return said.replace(", fixed beta", " fixed")


def differences(new: Sequence[str], old: Sequence[str]) -> list[str]:
    """What is otherwise than it was: ["beta 4 (there beta 1)"]."""
    mine, theirs = parts(new), parts(old)
    if not mine or not theirs:
        return []
    found = [(mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]]
    return [f"{here or 'nothing of the rest'} (there {there or 'nothing of it'})" for here, there in found]


def parts(arguments: Sequence[str]) -> dict[str, str]:
    """Each setting in words, by a name for it; {} where the arguments cannot be read."""
    return _parts(tuple(arguments))


def is_point(arguments: Sequence[str]) -> bool:
    """Whether a plain autoencoder is trained: a code without a spread, and without a prior to be near to."""
    try:
        asked = options.parse(arguments)
        return plan.make_model_config(asked, data.describe(asked.data).shape).posterior == "point"
    except VAEError:
        return False


@lru_cache(maxsize=256)
def _parts(arguments: tuple[str, ...]) -> dict[str, str]:
    try:
        asked = options.parse(arguments)
        known = data.describe(asked.data)
        config, settings = plan.make_model_config(asked, known.shape), plan.make_settings(asked)
    except VAEError:
        return {}
    network = f"recipe {asked.recipe}" if asked.recipe in RECIPES else train_words.network(config.network)
    bend, count = settings.objective, config.latent_dim
    made = "autoencoder" if config.posterior == "point" else "levels" if config.levels else bend.kind
    if made in train_words.MADE_OF:  # as the form's list calls it
        network = f"{train_words.network(made)}, {network}"
    sizes = " ".join(map(str, config.encoder_sizes))
    numbers = {"rise": f"rise {bend.rise:g}", "cycles": f"{bend.cycles} cycles", "nats": f"{bend.nats:g} nats"}
    numbers |= {"samples": f"{bend.samples} draws", "gamma": f"gamma {bend.gamma:g}", "critic": f"critic {bend.critic}"}
    bends = [numbers[name] for name in train_words.BENDS[bend.kind]]
    long = f"{settings.epochs:,} epochs"
    if settings.minutes is not None:
        long = f"{settings.minutes:g} minute{'' if settings.minutes == 1 else 's'}"
    limit = asked.limit and f"{asked.limit:,} images"
    drawn = asked.binarise if asked.binarise != "none" else None
    rest = {"first": limit, "drawn": drawn, "between layers": asked.activation, "spread of a pixel": asked.std}
    return {
        "network": f"{network} {sizes}".strip(),
        "data": known.title,
        "latents": " + ".join(map(str, config.levels or (count,))) + f" latent{'' if count == 1 else 's'}",
        "likelihood": train_words.LIKELIHOODS.get(config.likelihood, config.likelihood).partition(":")[0],
        "beta": f"beta {config.beta:g}",
        "objective": " ".join([train_words.objective(bend.kind), *bends]),
        "long": long,
        "batch": f"batch {settings.batch_size}",
        "rate": f"rate {settings.rate:g}",
        "decay": f"decay {settings.decay:g}" if settings.decay else USUAL["decay"],
        "seed": f"seed {settings.seed}",
        "device": f"device {train_words.device(asked.device).partition(':')[0]}",
        "precision": f"precision {train_words.PRECISION_WORDS[settings.precision].partition(':')[0]}",
        "more": ", ".join(f"{name} {value}" for name, value in rest.items() if value),
    }
