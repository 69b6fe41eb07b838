"""The history of a training as a page and a browser take it, read once for a whole class that watches.

A reel belongs to a run, and grows while the run goes on, or to a model that was kept with its history. Its frames are
told apart by step and tag, a name of the content: what a browser has it need never ask for again.

A frame is sent as a head and columns, as a map's points are (`live.points`), then its two pictures:

    {"count", "low", "high", "step", "at", "reach", "pictures", "samples", "type"}    x u16, y u16    bytes, bytes

`reach` is how far from the middle all but a few dots lie, `pictures` and `samples` are lengths in bytes.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from live.engine import ModelEntry
from live.points import CLASS_COLOURS, RAMP, packed, steps
from vae import frames, history
from vae.checkpoint import HISTORY, read_card
from vae.errors import VAEError
from vae.explore import unfold
from vae.frames import Dots, Frame
from vae.history import Curves, History
from vae.train.events import read_events
from vae.train.watch import standing

REACH = 0.995  # of the dots lie within it: one that lies far out must not make all others small
ROWS = 64  # latents in the picture of the KL; those that never carried any are left out first
EPOCHS = 3  # from so many on, a curve of the training has a point for each
FRAMES_HELD = 256  # 25 KB each for digits, 120 for faces
RUNS_HELD = 64  # runs whose events are kept, the one not asked for longest given up first


@dataclass(frozen=True)
class Shot:
    """One frame of a reel, before its pictures are fetched."""

    step: int
    at: float
    tag: str

    @property
    def name(self) -> str:
        """What a browser asks for it by: "120-3f855a8a6bade910"."""
        return f"{self.step}-{self.tag}"


@dataclass(frozen=True)
class Reel:
    """A history that can be asked for piece by piece.

    Attributes:
        kind: "run" or "model". name: the run's id, or the model_id.
        folder: of the run or of the model.
        version: changes when there is more.
    """

    kind: str
    name: str
    folder: Path
    version: int

    @property
    def address(self) -> str:
        """Below which its dots and frames are fetched."""
        return f"reels/{self.kind}/{self.name}"

    @property
    def shots(self) -> tuple[Shot, ...]:
        return _shots(self)

    @property
    def curves(self) -> Curves:
        return _curves(self)

    @property
    def drawn(self) -> str:
        """A name of its curves as far as they have come: another when there is more to draw; "" before that."""
        at = self.training[0]
        return f"{len(self.curves)}-{at[-1]:.3f}-{len(self.changes)}" if len(at) else ""

    @property
    def training(self) -> np.ndarray:
        """Epochs, reconstruction and KL over training batches, (3, S): step by step until some epochs are done."""
        return _training(self)

    @property
    def changes(self) -> tuple[tuple[float, str], ...]:
        """Where a person changed beta or the rate on the way: epochs done then, and what was set, as "beta 4"."""
        return _changes(self)

    @property
    def dots(self) -> Dots:
        """VAEError: there are none yet."""
        return self.whole.dots if self.kind == "model" else _dots_of_run(self.folder)[0]

    @property
    def flat(self) -> str:
        """What the plane of the dots is: see `History`."""
        return self.whole.flat if self.kind == "model" else _dots_of_run(self.folder)[1]

    @property
    def named(self) -> bool:
        """Whether the dots have classes of their own: labels, or an attribute."""
        return len(self.dots.names) > 1

    @property
    def whole(self) -> History:
        """All of it at once. VAEError: it cannot be read, or nothing is there yet."""
        if self.kind == "model":
            return _kept(self.folder, self.version)
        return history.history_of_run(self.folder, told(self.folder)[0])


def of_run(folder: Path) -> Reel:
    """The reel of a run, as far as it has come."""
    return Reel("run", folder.name, folder, told(folder)[1])


def of_model(entry: ModelEntry) -> Reel | None:
    """The reel that was kept with a model; None where it was trained without."""
    try:
        stamp = (entry.folder / HISTORY).stat().st_mtime_ns
    except OSError:
        return None
    return Reel("model", entry.model_id, entry.folder, stamp)


# ---- read once for all ---------------------------------------------------------------------------------------------

Events = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Heard:
    """What a run has said: all of it, what still stands of it, and how far its file was read."""

    said: Events = ()
    stands: Events = ()
    read: int = 0


_heard: "OrderedDict[Path, Heard]" = OrderedDict()
_lock = Lock()


def heard(folder: Path) -> Heard:
    """The events of a run; only what is new since the last time anybody asked is read."""
    path = folder / "events.jsonl"
    with _lock:
        known = _heard.get(folder, Heard())
        if known.read and not (path.exists() and path.stat().st_size >= known.read):
            known = Heard()  # deleted, or another in its place
        more, read = read_events(path, known.read)
        stands = tuple(standing((*known.stands, *more))) if more else known.stands
        known = Heard((*known.said, *more), stands, read)
        _heard[folder] = known
        _heard.move_to_end(folder)
        while len(_heard) > RUNS_HELD:
            _heard.popitem(last=False)
        return known


def told(folder: Path) -> tuple[Events, int]:
    """The events of a run that stand, and how far its file was read."""
    known = heard(folder)
    return known.stands, known.read


@lru_cache(maxsize=64)
def _shots(reel: Reel) -> tuple[Shot, ...]:
    if reel.kind == "model":
        return tuple(Shot(frame.step, frame.at, frame.tag) for frame in reel.whole.frames)
    found = frames.shots(told(reel.folder)[0])
    return tuple(Shot(int(shot["step"]), float(shot["at"]), str(shot["tag"])) for shot in found)


@lru_cache(maxsize=64)
def _curves(reel: Reel) -> Curves:
    return reel.whole.curves if reel.kind == "model" else history.curves_of(told(reel.folder)[0])


@lru_cache(maxsize=64)
def _training(reel: Reel) -> np.ndarray:
    curves = reel.curves
    steps = history.training_of(told(reel.folder)[0]) if reel.kind == "run" and len(curves) < EPOCHS else None
    if steps is not None and steps.size:
        return steps
    return np.stack([curves.at, curves.train_recon, curves.train_kl])


@lru_cache(maxsize=64)
def _changes(reel: Reel) -> tuple[tuple[float, str], ...]:
    if reel.kind == "model":
        config, card, _ = read_card(reel.folder)
        changes, last = card.get("changes") or (), reel.shots[-1]
        beta: float | None = config.beta
        rate = (card.get("settings") or {}).get("rate")
        steps = last.step / last.at if last.at else 0.0
    else:
        events = told(reel.folder)[0]
        start = next((event for event in events if event["kind"] == "start"), {})
        changes = [event for event in events if event["kind"] == "change"]
        beta, rate, steps = start.get("beta"), start.get("rate"), float(start.get("steps") or 0)
    found = []
    for change in changes:
        words = [f"beta {change['beta']:.3g}"] if change["beta"] != beta else []
        words += [f"rate {change['rate']:.2g}"] if change["rate"] != rate else []
        beta, rate = change["beta"], change["rate"]
        if steps and words:
            found.append((round(change["step"] / steps, 4), ", ".join(words)))
    return tuple(found)


@lru_cache(maxsize=64)
def _dots_of_run(folder: Path) -> tuple[Dots, str]:
    return frames.read_dots(folder)


@lru_cache(maxsize=8)
def _kept(folder: Path, stamp: int) -> History:
    return history.load_history(folder)


# ---- what is sent --------------------------------------------------------------------------------------------------


def dots_payload(reel: Reel) -> bytes:
    """What colours each dot, as `live.points.colours_payload` has classes, and how a frame's pictures are laid out.

    Beside a colour's own fields the head says "grids": how many stand across and down in "pictures" and in "samples".

    Raises:
        VAEError: there are no dots yet.
    """
    dots = reel.dots
    width = 1 if len(dots.names) <= 256 else 2
    colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(len(dots.names))]
    head = {"count": len(dots), "kind": "classes", "title": dots.title, "names": dots.names, "colours": colours}
    grids = {"pictures": [dots.shown, 2], "samples": [frames.ACROSS, frames.SAMPLES // frames.ACROSS]}
    return packed(head | {"bytes": width, "grids": grids}, [dots.labels.astype(np.uint8 if width == 1 else np.uint16)])


def curves_payload(reel: Reel) -> bytes:
    """The figures of the epochs so far, for drawing: JSON, null for what was not finite.

    {"training": [at, reconstruction, KL], "at", "recon", "kl", "active", "beta", "rate", "latents",
    "dims": {"names", "kl": a row for each}, "changes": [[at, words], ...], "colours", "ramp"}; nats per image, `at` in
    epochs; see `Curves` and `Reel.changes`.
    """
    curves = reel.curves
    names = curves.strongest(ROWS)
    data = {
        "training": reel.training,
        "at": curves.at,
        "recon": curves.test_recon,
        "kl": curves.test_kl,
        "active": curves.active_units,
        "beta": curves.beta,
        "rate": curves.rate,
        "latents": curves.kl_per_dim.shape[1],
        "dims": {"names": names, "kl": curves.kl_per_dim[:, names].T},
        "changes": reel.changes,
        "colours": CLASS_COLOURS,
        "ramp": RAMP,
    }
    return json.dumps(data, default=_short, separators=(",", ":"), allow_nan=False).encode()


@lru_cache(maxsize=8)
def film_of(reel: Reel) -> bytes:
    """The unfolding map as a GIF file, to keep. VAEError: there is no frame yet."""
    return unfold.film(reel.whole, CLASS_COLOURS)


def _short(figures: np.ndarray) -> Any:
    """Numbers to five digits, as lists."""
    if figures.ndim > 1:
        return [_short(row) for row in figures]
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in figures.tolist()]


def frames_payload(reel: Reel, names: Sequence[str]) -> tuple[bytes, bool]:
    """Frames one after the other, each behind its length (u32, little-endian), and whether all of them are there.

    The length is 0 for one that is there no more.
    """
    there = {shot.name: shot for shot in reel.shots}
    parts = [_once(reel, there[name]) if name in there else b"" for name in names]
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts), all(parts)


_made: "OrderedDict[tuple[str, Shot], bytes]" = OrderedDict()


def _once(reel: Reel, shot: Shot) -> bytes:
    """A frame's bytes, made at the first call and kept for all who watch."""
    key = (reel.address, shot)
    with _lock:
        if key in _made:
            _made.move_to_end(key)
            return _made[key]
    try:
        made = _frame_payload(_frame(reel, shot))
    except VAEError:
        return b""
    with _lock:
        _made[key] = made
        while len(_made) > FRAMES_HELD:
            _made.popitem(last=False)
    return made


def _frame_payload(frame: Frame) -> bytes:
    xy = frame.xy.astype(np.float32)
    low, high = xy.min(axis=0), xy.max(axis=0)
    head = {
        "count": len(xy),
        "low": low.tolist(),
        "high": high.tolist(),
        "step": frame.step,
        "at": frame.at,
        "reach": float(np.quantile(np.hypot(*xy.T), REACH)),
        "pictures": len(frame.pictures),
        "samples": len(frame.samples),
        "type": "image/jpeg" if frame.pictures.startswith(b"\xff\xd8") else "image/png",
    }
    return packed(head, steps(xy, low, high)) + frame.pictures + frame.samples


def _frame(reel: Reel, shot: Shot) -> Frame:
    if reel.kind == "model":
        return next(frame for frame in reel.whole.frames if frame.step == shot.step)
    event = next(one for one in frames.shots(told(reel.folder)[0]) if one["step"] == shot.step)
    frame = frames.read_frame(reel.folder, event)
    if frame.tag != shot.tag:
        raise VAEError("That picture was drawn again a moment ago: wait for the next.")
    return frame
