"""What the reports of all models say, read again only when a file has changed."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from live.engine import ModelEntry
from vae.reports import places, read_report

Report = Mapping[str, Mapping[str, Any]]
Line = tuple[str, ...]
Stamp = tuple[int, int]  # when a file was changed, in nanoseconds, and its bytes

UNSAID = ("model_id", "measured", "seconds", "command", "lines", "seed")  # told around the figures, not among them
_BELOW = re.compile(r"(?<![^\s(\[])-(?=\d)")  # a hyphen that stands for a minus: no range, no date, no name
_NONE = re.compile(r"(?<![^\s(\[])-(?=0(?:\.0+)?(?![\d.]))")
_GAP = re.compile(r"\s{2,}")  # "active units   2 of 2"
MANY = 8  # numbers in a list that are said one by one


def report(entry: ModelEntry) -> Report:
    """Each suite that was measured of this very model. Raises as `vae.reports.read_report`."""
    stamps = tuple(_stamp(path) for path in places(entry.folder, entry.model_id))
    return _read(entry.folder, entry.model_id, stamps) if any(stamps) else {}


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _read(folder: Path, model_id: str, stamps: tuple[Stamp | None, ...]) -> Report:
    return read_report(folder, model_id)


def lines_of(part: Mapping[str, Any]) -> tuple[Line, ...]:
    """A kept suite as lines to read: as the measurement said them itself, else every figure by its name.

    A line is its cells: a name and a value, or a row of a table; or a single one, a remark.
    """
    said = part.get("lines")
    if isinstance(said, list) and said:
        return tuple(tuple(_GAP.split(signed(str(each)).strip())) for each in said)
    return tuple((name, signed(value)) for name, value in _told(part, "") if name.partition(" ")[0] not in UNSAID)


def signed(text: str) -> str:
    """Numbers with a minus sign, which a hyphen is not; nothing is below zero by nothing: "−141.8", "0.00"."""
    return _BELOW.sub("−", _NONE.sub("", text))


def _told(value: Any, name: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        if {"value", "low", "high"} <= value.keys():
            yield name, f"{number(value['value'])} ({number(value['low'])} to {number(value['high'])})"
            return
        for key, each in value.items():
            yield from _told(each, f"{name} {key}".replace("_", " ").strip() if name or key not in UNSAID else key)
    elif isinstance(value, list):
        if len(value) <= MANY and not any(isinstance(each, Mapping | list) for each in value):
            yield name, ", ".join(number(each) for each in value)
        elif all(isinstance(each, Mapping) for each in value):
            for place, each in enumerate(value, start=1):
                yield from _told(each, f"{name} {place}")
    elif value is not None:
        yield name, number(value)


def number(value: Any) -> str:
    """A figure in four digits; words as they are."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def find(where: Any, *path: str) -> Any:
    """What lies at a path of a report or a card, None where nothing does: `find(report, "likelihood", "nll")`."""
    here = where
    for name in path:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


# ---- claims --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """Something that is said of VAEs, and the figure that tells.

    Attributes:
        suite: what measures it; "" where the card or the page itself has it.
    """

    name: str
    title: str
    words: str
    suite: str = ""


CLAIMS = (
    Claim("sharpness", "Sharpness", "of samples; 1 is as sharp as real images", "samples"),
    Claim(
        "frechet", "Samples like real ones", "Fréchet distance in a classifier’s features; lower is better", "samples"
    ),
    Claim("recall", "Variety", "share of real images that lie where samples do (recall)", "samples"),
    Claim("stability", "Stability", "how far that distance goes up and down with the seed", "samples"),
    Claim("structure", "Latent structure", "kinds that draws of N(0, I) are spread over"),
    Claim("classes", "Classes apart", "test images that 5 nearest codes name rightly"),
    Claim("speed", "Speed of sampling", "pictures a second", "samples"),
    Claim("likelihood", "Likelihood", "−log p(x) of test images, nats per image", "likelihood"),
)
DRAWS, TRAININGS = ("draw", "draws from one training"), ("training", "trainings")  # what another seed makes anew
FAMILY = Path(__file__).resolve().parent.parent / "benchmarks" / "family" / "rows"
WITHOUT = dict.fromkeys(("structure", "classes"), "no code of an image") | {"likelihood": "has none"}  # of rivals
STANDARD = "N(0, I)"
HEAD = ("", "Beta", "Latents", "ELBO", "KL", "Squared error", "−log p(x)", "Nearest codes", "Fréchet", "Counts by")


@dataclass(frozen=True, eq=False)
class Rival:
    """What VAEs are compared with: a GAN, a diffusion model. `claims`: in words, by the name of a claim."""

    title: str
    claims: Mapping[str, str]


def claims(kept: Report, card: Mapping[str, Any], structure: str = "") -> dict[str, str]:
    """What is known of a model on each claim, in words; what is not measured is left out."""
    found = _of_samples(_source(kept), DRAWS)
    if structure:
        found["structure"] = structure
    if isinstance(accuracy := find(card, "figures", "knn_accuracy"), int | float):
        found["classes"] = f"{accuracy:.1%}"
    if said := _nll(kept):
        found["likelihood"] = f"{said} ({find(kept, 'likelihood', 'likelihood')})"
    return found


def _nll(kept: Report) -> str:
    nll, error = find(kept, "likelihood", "nll"), find(kept, "likelihood", "nll_error")
    if not isinstance(nll, int | float):
        return ""
    return signed(f"{nll:.2f}") + (f" ± {error:.2f}" if isinstance(error, int | float) else "")


def _source(kept: Report) -> Mapping[str, Any]:
    """What was measured of samples from the prior."""
    sources = find(kept, "samples", "sources")
    whole = sources if isinstance(sources, list) else []
    return next((one for one in whole if isinstance(one, Mapping) and one.get("name") == STANDARD), {})


def _of_samples(source: Mapping[str, Any], seeds: tuple[str, str]) -> dict[str, str]:
    """Claims about samples. `seeds`: what another seed made anew, one of it and several."""
    found = {}
    for claim, name, form in (
        ("sharpness", "sharpness", ".2f"),
        ("frechet", "frechet", ".2f"),
        ("recall", "recall", ".3f"),
        ("speed", "images_per_second", ",.0f"),
    ):
        if said := _spread(source.get(name), form):
            found[claim] = said
    sd, values = find(source, "frechet", "sd"), find(source, "frechet", "values")
    if isinstance(sd, int | float) and isinstance(values, list):
        one, many = seeds
        spread = f"± {sd:.2f} over {len(values)} {many}"
        found["stability"] = spread if len(values) > 1 else f"one {one}: no spread known"
    return found


def _spread(value: Any, form: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(value, form)
    mean, sd = find(value, "mean"), find(value, "sd")
    if not isinstance(mean, int | float):
        return ""
    return f"{mean:{form}}" + (f" ± {sd:{form}}" if isinstance(sd, int | float) and sd else "")


def rivals(name: str) -> tuple[Rival, ...]:
    """The comparisons that were measured on a data set (`python -m benchmarks.family rivals`); () before that."""
    found = []
    for path in sorted(FAMILY.glob("*.json")):
        try:
            told = json.loads(path.read_bytes())
        except (OSError, ValueError):  # a table of comparisons is no reason to close the page
            continue
        samples = find(told, "samples")
        if find(told, "data") == name and isinstance(samples, Mapping):
            found.append(Rival(str(find(told, "title") or path.stem), WITHOUT | _of_samples(samples, TRAININGS)))
    return tuple(found)


def beta(card: Mapping[str, Any], point: bool) -> float:
    """What a model's KL weighed, for the order of a table: nothing for a plain autoencoder, last where nobody knows."""
    value = 0 if point else find(card, "effective_beta")
    return float(value) if isinstance(value, int | float) else float("inf")


def row(kept: Report, title: str, card: Mapping[str, Any], point: bool) -> tuple[str, ...]:
    """A model's line in the table of all: see HEAD."""
    figures = card.get("figures")

    def shown(name: str, form: str) -> str:
        value = find(figures, name) if isinstance(figures, Mapping) else None
        return signed(format(value, form)) if isinstance(value, int | float) else "–"

    return (
        title,
        "none" if point else number(found) if math.isfinite(found := beta(card, point)) else "–",
        f"{shown('active_units', 'd')} of {shown('latent_dim', 'd')}",
        "no KL" if point else shown("elbo", ".1f"),
        "none" if point else shown("kl", ".1f"),
        shown("recon_mse", ".4f"),
        _nll(kept) or "–",
        shown("knn_accuracy", ".1%"),
        _spread(_source(kept).get("frechet"), ".2f") or "–",
        str(find(figures, "likelihood") or "–") if isinstance(figures, Mapping) else "–",
    )
