"""Models beside each other: what differs between two, in words, and where any number of them lie on a plane."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vae.errors import VAEError

SAME = 0.005  # of a figure: two that differ by less are called alike
ROOM = 0.06  # of a plane's width, between its outermost points and its edge
TICKS = 5  # on an axis, about
TINY = 1e-9  # a single value nearer to 0 is 0 on an axis


@dataclass(frozen=True)
class Standings:
    """The figures of one model that a comparison needs; None where a card does not have one.

    Attributes:
        recon_nll, kl: nats per image. recon_mse: per pixel, at mu.
        knn_accuracy: 0 to 1.
        measure: likelihood and binarisation in words: nats compare only where it is the same.
        point: a plain autoencoder.
    """

    name: str
    measure: str
    point: bool = False
    recon_nll: float | None = None
    kl: float | None = None
    recon_mse: float | None = None
    knn_accuracy: float | None = None
    active_units: int | None = None
    latent_dim: int | None = None


def standings(name: str, card: dict[str, Any], point: bool = False) -> Standings:
    """Read a card. What is not a number there counts as not known."""
    found = card.get("figures")
    figures: dict[str, Any] = found if isinstance(found, dict) else {}
    fields = ("recon_nll", "kl", "recon_mse", "knn_accuracy", "active_units", "latent_dim")
    known = {field: figures[field] for field in fields if _is_number(figures.get(field))}
    if point:
        known.pop("kl", None)
    words = [str(figures.get("likelihood", "")), f"binarisation {figures.get('binarisation', 'none')}"]
    return Standings(name, ", ".join(word for word in words if word), point, **known)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def differences(a: Standings, b: Standings) -> tuple[str, ...]:
    """What differs between two models, a sentence for each thing; nats only where both count the same way."""
    said = []
    for one in (a, b):
        if one.point:
            said.append(
                f"{one.name} is a plain autoencoder: a code is one point, without a spread and without a KL, and "
                "nothing holds its codes near N(0, I)."
            )
    if a.recon_mse is not None and b.recon_mse is not None:
        said.append(_less("redraws images", "closer", a, b, a.recon_mse, b.recon_mse, ".4f", "squared error per pixel"))
    if a.recon_nll is not None and b.recon_nll is not None:
        if a.measure == b.measure:
            said.append(_less("explains pixels", "better", a, b, a.recon_nll, b.recon_nll, ".1f", "nats per image"))
        else:
            said.append(f"Their nats do not compare: {a.name} counts by {a.measure}, {b.name} by {b.measure}.")
    if a.kl is not None and b.kl is not None:
        more, less = (a, b) if a.kl >= b.kl else (b, a)
        if _alike(a.kl, b.kl):
            said.append(f"Their codes carry as much: {a.kl:.1f} and {b.kl:.1f} nats per image (KL).")
        else:
            said.append(
                f"The codes of {more.name} carry more: {more.kl:.1f} nats per image (KL) against {less.kl:.1f}."
            )
    if a.knn_accuracy is not None and b.knn_accuracy is not None:
        more, less = (a, b) if a.knn_accuracy >= b.knn_accuracy else (b, a)
        said.append(
            f"Classes lie further apart in {more.name}: the nearest codes name {more.knn_accuracy:.1%} of test images "
            f"rightly, against {less.knn_accuracy:.1%}."
            if not _alike(a.knn_accuracy, b.knn_accuracy)
            else "Nearest codes name as many test images rightly in both: "
            f"{a.knn_accuracy:.1%} and {b.knn_accuracy:.1%}."
        )
    for one in (a, b):
        if one.active_units is not None and one.latent_dim is not None and one.active_units < one.latent_dim:
            said.append(f"{one.name} uses {one.active_units} of its {one.latent_dim} latents.")
    return tuple(said)


def _less(what: str, how: str, a: Standings, b: Standings, value_a: float, value_b: float, form: str, unit: str) -> str:
    """A sentence on a figure of which less is better."""
    if _alike(value_a, value_b):
        return f"{a.name} {what} as well as {b.name}: {value_a:{form}} and {value_b:{form}} {unit}."
    (best, low), (_, high) = sorted([(a, value_a), (b, value_b)], key=lambda pair: pair[1])
    return f"{best.name} {what} {how}: {low:{form}} {unit} against {high:{form}}."


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(abs(one), abs(other))


# ---- a plane --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """One direction of a plane: its ends, and round numbers between them."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def axis(values: Sequence[float]) -> Axis:
    """An axis with room around the values, and about five ticks at 1, 2 or 5 times a power of ten (Heckbert 1990).

    Raises:
        VAEError: nothing to show, or a number that is not finite.
    """
    if not values or not all(math.isfinite(value) for value in values):
        raise VAEError("There is nothing to draw: give finite numbers.")
    low, high = min(values), max(values)
    room = ROOM * (high - low) or (0.1 * abs(high) if abs(high) > TINY else 1.0)
    low, high = low - room, high + room
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Axis(low, high, tuple(round(k * step, 12) for k in range(first, last + 1)))


def names_apart(places: Sequence[tuple[float, float]], wide: float, high: float) -> tuple[float, ...]:
    """How far each name is moved up so that names beside points that lie close do not cover each other.

    Args:
        places: (x, y) of each point, 0 to 1 of the plane.
        wide, high: of a name, likewise.

    Returns:
        Of each, 0 or less: the upper of two stays, the lower gives way downwards.
    """
    moved = [0.0] * len(places)
    taken: list[tuple[float, float]] = []
    for row in sorted(range(len(places)), key=lambda row: -places[row][1]):
        x, y = places[row]
        above = sorted((other for place, other in taken if abs(place - x) < wide), reverse=True)
        at = y
        for other in above:
            if abs(other - at) < high:
                at = other - high
        taken.append((x, at))
        moved[row] = at - y
    return tuple(moved)
