"""What a run's events come to for somebody who watches: how far it is, what is left, and the curves so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLLAPSED = 2  # epochs after which latents that still sleep are spoken of
FEW_EPOCHS, FEW_STEPS = 3, 1000  # up to so many, or below: a model has barely been trained


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
        state: how it learns at the moment, in words: beta, rate, latents in use; "" before the first step.
        notes: what a person should know of this run, a sentence each: skipped steps, a smaller batch, a resumption.
        ready: the model is kept and can be opened; only a better map may still be to come.
        recon, kl: over training batches. test_recon, test_kl: after each epoch, on test images.
        beta, rate: in the newest step, None before it.
        active_units: latents whose mu varies over the test images (Var(mu) > 0.01), None before the first epoch's end.
    """

    fraction: float
    line: str
    state: str
    notes: tuple[str, ...]
    ready: bool
    recon: Curve
    kl: Curve
    test_recon: Curve
    test_kl: Curve
    beta: float | None
    rate: float | None
    active_units: int | None


def standing(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a run that still hold: after a resumption, what lay behind the save is said again."""
    kept: list[dict[str, Any]] = []
    for event in events:
        if event.get("kind") == "resumed":
            kept = [one for one in kept if step_of(one) <= int(event.get("step", 0))]
        kept.append(event)
    return kept


def resumptions(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The "resumed" events after which training went on: a run that was resumed to be ended at once learned no more.

    Args:
        events: all of them, also those that a resumption made void.
    """
    found: list[dict[str, Any]] = []
    begun: dict[str, Any] | None = None
    for event in events:
        if event["kind"] == "resumed":
            begun = event
        elif begun is not None and event["kind"] in _LEARNING and step_of(event) > step_of(begun):
            found.append(begun)
            begun = None
    return found


_LEARNING = ("step", "epoch", "frame", "paused")  # what tells how far it learned


def step_of(event: Mapping[str, Any]) -> int:
    """Steps since the start of the run when this was said; 0 for what belongs to no step."""
    return int(event.get("step_total", event.get("step", 0)) or 0)


def watch(events: Sequence[dict[str, Any]]) -> Watch:
    """Sum up the events of one run, in the order they were written."""
    resumed = resumptions(events)
    events = standing(events)
    start = _last(events, "start")
    steps = [event for event in events if event["kind"] == "step"]
    ends = [event for event in events if event["kind"] == "epoch"]
    newest = max((*steps[-1:], *ends[-1:]), key=step_of, default={})
    active = ends[-1].get("active_units") if ends else None
    return Watch(
        fraction=_fraction(events, start, newest),
        line=_line(events, start),
        state=_state(newest, start.get("posterior") == "point", active, start.get("latent_dim")),
        notes=_notes(events, start, resumed),
        ready=bool(events) and bool(events[-1].get("ready")),
        recon=_curve(steps, "recon_nll"),
        kl=_curve(steps, "kl"),
        test_recon=_curve(ends, "recon_nll"),
        test_kl=_curve(ends, "kl"),
        beta=newest.get("beta"),
        rate=newest.get("rate"),
        active_units=active,
    )


def barely_trained(epoch: float, steps: int) -> str:
    """What to do about a model that has hardly begun to learn, in words; "" of one that has learned for a while."""
    if epoch > FEW_EPOCHS and steps >= FEW_STEPS:
        return ""
    much = f"{epoch:g} epoch{'' if epoch == 1 else 's'}, {steps:,} step{'' if steps == 1 else 's'}"
    return f"It has barely been trained ({much}): train it longer first."


def barely_trained_by(card: Mapping[str, Any]) -> str:
    """The same of a model's card; "" where it does not say how long it was trained."""
    data, settings, epoch = card.get("data"), card.get("settings"), card.get("epochs")
    images = data.get("train") if isinstance(data, dict) else None
    batch = settings.get("batch_size") if isinstance(settings, dict) else None
    known = all(isinstance(one, int | float) and one > 0 for one in (images, batch, epoch))
    return barely_trained(epoch, round(epoch * -(-images // batch))) if known else ""  # type: ignore[operator,arg-type]


def duration(seconds: float) -> str:
    """A time left, as precise as a guess deserves: "8 s", "3 min", "2 h"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def epochs(count: float) -> str:
    """A number of epochs as people say it, everywhere in the same form: "4", "0.3", "605.9"."""
    return f"{round(count, 1):g}" if count >= 0.05 else f"{count:.1g}"


def _fraction(events: Sequence[dict[str, Any]], start: Mapping[str, Any], newest: Mapping[str, Any]) -> float:
    planned = _last(events, "plan").get("steps")  # minutes that were counted out
    if planned:
        return min(1.0, step_of(newest) / planned)
    if start.get("minutes"):
        return 0.0  # not counted out yet, and the epochs are only the most there may be
    return min(1.0, _at(newest) / int(start.get("epochs") or 1))


def _line(events: Sequence[dict[str, Any]], start: Mapping[str, Any]) -> str:
    last = events[-1] if events else {}
    kind = last.get("kind", "")
    if kind in ("", "queued"):
        return "Starting: the program loads and the images are read. This takes a few seconds."
    if kind in ("done", "stopped"):
        how = "Finished" if kind == "done" else "Stopped, and the model kept,"
        return f"{how} after {_epochs_words(last['epochs'])} in {duration(last['seconds'])} of training."
    if kind == "paused":
        return f"Paused after {_epochs_words(_at(last))}. It goes on from that very step."
    if kind == "cancelled":
        return "Cancelled: nothing was kept."
    if kind == "failed":
        return "It broke off."
    if kind == "encoding":
        how = "It broke off, and is kept as it was before" if _broke_off(events) else "Trained"
        return f"{how}. {'You can open it; a better map is being drawn.' if last.get('ready') else _ENCODED}"
    told = next((event for event in reversed(events) if event["kind"] in ("step", "epoch")), None)
    if told is None:
        return "The first step is under way."
    counted = bool(start.get("minutes") or _last(events, "plan"))  # then nobody knows how many epochs there will be
    epoch = f"Epoch {told['epoch']}" + ("" if counted else f" of {int(start.get('epochs') or 1)}")
    from vae.data.images import worded

    pace = worded(f"{told['images_per_second']:,.0f} images a second", tuple(start.get("shape") or ()))
    return f"{epoch}, {pace}, about {duration(told['seconds_left'])} left."


_ENCODED = "Its images are encoded."


def _broke_off(events: Sequence[dict[str, Any]]) -> bool:
    """Whether training went wrong and ended there: its last good weights are kept then, and encoded."""
    kinds = (event["kind"] for event in reversed(events))
    return next((kind for kind in kinds if kind in ("rolled_back", "resumed", "start")), "") == "rolled_back"


def _epochs_words(count: float) -> str:
    said = epochs(count)
    return f"{said} epoch{'' if said == '1' else 's'}"


def _state(newest: Mapping[str, Any], point: bool, active: int | None, latents: int | None) -> str:
    parts = []
    if newest.get("beta") is not None and not point:  # a plain autoencoder has no KL to weigh
        parts.append(f"beta {newest['beta']:.3g}")
    if newest.get("rate") is not None:
        parts.append(f"learning rate {newest['rate']:.2g}")
    if active is not None:
        parts.append(f"{active} of {latents} latents in use" if latents else f"{active} latents in use")
    line = ", ".join(parts)
    return f"{line[0].upper()}{line[1:]}." if line else ""


def _notes(
    events: Sequence[dict[str, Any]], start: Mapping[str, Any], resumed: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    notes = []
    skipped = [event for event in events if event["kind"] == "skipped"]
    if count := sum(int(event.get("count") or 1) for event in skipped):
        what = "One step was" if count == 1 else f"{count} steps were"
        notes.append(
            f"{what} left out: the {skipped[-1].get('term')} was not a number. The weights stayed as they were."
        )
    if halved := _last(events, "memory"):
        before = f" in place of {start['batch_size']}" if start.get("batch_size") else ""
        size = halved["batch_size"]
        notes.append(f"The memory was full, so a step now takes {size} image{'' if size == 1 else 's'}{before}.")
    for event in events:
        if event["kind"] == "change":
            notes.append(
                f"From epoch {event['epoch']} on: beta {event['beta']:.3g}, learning rate {event['rate']:.2g}."
            )
        elif event["kind"] in ("bad_save", "rolled_back"):
            notes.append(str(event.get("line", "")))
    if resumed:
        times = "" if len(resumed) == 1 else f" {len(resumed)} times, last"
        notes.append(
            f"It was resumed{times} from step {int(resumed[-1].get('step', 0)):,}, as if it had never stopped."
        )
    newest = _last(events, "epoch")
    if newest.get("active_units") == 0 and int(newest["epoch"]) >= COLLAPSED:
        few = barely_trained(newest["epoch"], step_of(newest))
        notes.append(
            f"No latent is in use yet. {few} If that does not help, lower beta."
            if few
            else "No latent is in use: the codes collapsed, and every image has the same one. Train again with a "
            "smaller beta, a warm-up or free bits."
        )
    ended = _last(events, "done") or _last(events, "stopped")
    notes.append(str(ended.get("note", "")))  # such as that PCA does better
    broke = events[-1].get("line") if events and events[-1]["kind"] == "failed" else None  # told by itself
    return tuple(dict.fromkeys(note for note in notes if note and note != broke))


def _last(events: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next((event for event in reversed(events) if event["kind"] == kind), {})


def _at(event: Mapping[str, Any]) -> float:
    """Epochs done when this was said."""
    return float(event.get("at") or 0.0)


def _curve(events: Sequence[dict[str, Any]], term: str) -> Curve:
    known = [(_at(event), event[term]) for event in events if event[term] is not None]
    return Curve(tuple(at for at, _ in known), tuple(float(nats) for _, nats in known))
