"""What a run's events come to for somebody who watches: how far it is, what is left, and the curves so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Curve:
    """One term over the run: `epochs` (fractions of one count) and `nats` per image, of equal length."""

    epochs: tuple[float, ...]
    nats: tuple[float, ...]


@dataclass(frozen=True)
class Watch:
    """A run as it looks now.

    Attributes:
        fraction: of the training done, 0 to 1.
        line: where it is, in words a person reads.
        picture: file of the newest originals above their reconstructions, in the run's folder, or "".
        picture_epoch: the epoch it was made after; 0 is before training.
        ready: the model is kept and can be opened; only a better map may still be to come.
        recon, kl: over training batches. test_recon, test_kl: after each epoch, on test images.
    """

    fraction: float
    line: str
    picture: str
    picture_epoch: int
    ready: bool
    recon: Curve
    kl: Curve
    test_recon: Curve
    test_kl: Curve


def watch(events: Sequence[dict[str, Any]]) -> Watch:
    """Sum up the events of one run, in the order they were written."""
    start = _last(events, "start")
    epochs = int(start.get("epochs") or 1)
    steps = [event for event in events if event["kind"] == "step"]
    ends = [event for event in events if event["kind"] == "epoch"]
    at = [event["epoch"] - 1 + event["step"] / event["steps"] for event in steps]
    picture = _last(events, "pictures")
    done = max([0.0, *at, *(event["epoch"] for event in ends)])
    return Watch(
        fraction=min(1.0, done / epochs),
        line=_line(events, epochs),
        picture=str(picture.get("file", "")),
        picture_epoch=int(picture.get("epoch", 0)),
        ready=bool(events) and bool(events[-1].get("ready")),
        recon=_curve(at, steps, "recon_nll"),
        kl=_curve(at, steps, "kl"),
        test_recon=_curve([event["epoch"] for event in ends], ends, "recon_nll"),
        test_kl=_curve([event["epoch"] for event in ends], ends, "kl"),
    )


def duration(seconds: float) -> str:
    """A time left, as precise as a guess deserves: "8 s", "3 min", "2 h"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _line(events: Sequence[dict[str, Any]], epochs: int) -> str:
    if not events:
        return "Starting: the program loads and the images are read. This takes a few seconds."
    kind = events[-1]["kind"]
    if kind in ("done", "stopped"):
        last = events[-1]
        count = f"{last['epochs']:g}"
        how = "Finished" if kind == "done" else "Stopped, and the model kept,"
        return f"{how} after {count} epoch{'' if count == '1' else 's'} in {duration(last['seconds'])} of training."
    if kind == "failed":
        return "It broke off."
    if kind == "encoding":
        ready = (
            "You can open it; a better map is being drawn." if events[-1].get("ready") else "Its images are encoded."
        )
        return f"Trained. {ready}"
    told = next((event for event in reversed(events) if event["kind"] in ("step", "epoch")), None)
    if told is None:
        return "The first step is under way."
    pace = f"{told['images_per_second']:,.0f} images a second"
    return f"Epoch {told['epoch']} of {epochs}, {pace}, about {duration(told['seconds_left'])} left."


def _last(events: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next((event for event in reversed(events) if event["kind"] == kind), {})


def _curve(at: Sequence[float], events: Sequence[dict[str, Any]], term: str) -> Curve:
    known = [(epoch, event[term]) for epoch, event in zip(at, events, strict=True) if event[term] is not None]
    return Curve(tuple(float(e) for e, _ in known), tuple(float(nats) for _, nats in known))
