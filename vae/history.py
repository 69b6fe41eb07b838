"""What a training leaves to look back on: its curves, and the frames of its unfolding map (`vae.frames`).

When the model is kept all of it goes into one file beside it, `history.safetensors`: arrays and JSON, nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from vae.checkpoint import HISTORY
from vae.errors import VAEError
from vae.files import write_aside
from vae.frames import DAMAGED, Dots, Frame, as_dots, facts_of, packed, read_dots, read_frame, shots, unpacked

# ---- what there is -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curves:
    """The figures of E epochs, nats per image.

    Attributes:
        at: (E,) float32, epochs done.
        train_recon, train_kl: (E,) mean over the epoch's own steps. test_recon, test_kl: (E,) on test images.
        kl_per_dim: (E, L) test.
        active_units: (E,) latents with Var(mu) > 0.01 over the test images (Burda 2015).
        beta, rate: (E,) as they were at the end of the epoch. seconds: (E,) of training since the start.
    """

    at: np.ndarray
    train_recon: np.ndarray
    train_kl: np.ndarray
    test_recon: np.ndarray
    test_kl: np.ndarray
    kl_per_dim: np.ndarray
    active_units: np.ndarray
    beta: np.ndarray
    rate: np.ndarray
    seconds: np.ndarray

    def __post_init__(self) -> None:
        if self.kl_per_dim.ndim != 2 or {len(getattr(self, one.name)) for one in fields(self)} != {len(self.at)}:
            raise VAEError("The curves of a history must have one figure for each epoch: train the model again.")

    def __len__(self) -> int:
        return len(self.at)

    def strongest(self, most: int) -> list[int]:
        """The latents that carried the most KL at any epoch, the strongest at the end first: `most` of them at most."""
        if not len(self):
            return []
        peak = np.nan_to_num(self.kl_per_dim).max(axis=0)  # (L,)
        kept = np.sort(np.argsort(-peak, kind="stable")[:most])
        return [int(dim) for dim in kept[np.argsort(-np.nan_to_num(self.kl_per_dim[-1, kept]), kind="stable")]]


@dataclass(frozen=True, eq=False)
class History:
    """A whole training, to be looked at again.

    Attributes:
        flat: "codes", the dots are the two latents themselves; or "pca", the plane in which they spread most.
    """

    curves: Curves
    dots: Dots
    frames: tuple[Frame, ...]
    flat: str

    def __post_init__(self) -> None:
        if any(len(frame.xy) != len(self.dots) for frame in self.frames):
            raise VAEError("The frames of a history must have the same dots throughout: train the model again.")
        steps = [frame.step for frame in self.frames]
        if steps != sorted(set(steps)):
            raise VAEError("The frames of a history must follow each other: train the model again.")


# ---- from what was said --------------------------------------------------------------------------------------------


def curves_of(events: Sequence[dict[str, Any]]) -> Curves:
    """The figures of a run's epochs, from its events that stand (`vae.train.watch.standing`)."""
    ends = [event for event in events if event["kind"] == "epoch"]

    def column(name: str) -> np.ndarray:
        return np.array([_figure(event.get(name)) for event in ends], np.float32)

    wide = max((len(event.get("kl_per_dim") or ()) for event in ends), default=0)
    rows = [event.get("kl_per_dim") or [None] * wide for event in ends]
    return Curves(
        at=column("at") if all("at" in event for event in ends) else column("epoch"),
        train_recon=column("train_recon_nll"),
        train_kl=column("train_kl"),
        test_recon=column("recon_nll"),
        test_kl=column("kl"),
        kl_per_dim=np.array([[_figure(value) for value in row] for row in rows], np.float32).reshape(len(ends), wide),
        active_units=column("active_units"),
        beta=column("beta"),
        rate=column("rate"),
        seconds=column("seconds"),
    )


def _figure(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")  # JSON has null for what is not finite


def training_of(events: Sequence[dict[str, Any]], most: int = 300) -> np.ndarray:
    """Epochs done, reconstruction and KL in nats over training batches, (3, S): a run that stands in its first epochs.

    Args:
        events: those that stand. most: columns; of more steps than that every so many-th is taken, and the last.
    """
    steps = [event for event in events if event["kind"] == "step"]
    stride = -(-len(steps) // most) or 1
    rows = [[_figure(step.get(name)) for name in ("at", "recon_nll", "kl")] for step in steps[::-stride][::-1]]
    return np.array(rows, np.float32).reshape(len(rows), 3).T


def history_of_run(folder: Path, events: Sequence[dict[str, Any]]) -> History:
    """The history of a run from its folder and its events. A frame that cannot be read is left out.

    Args:
        events: those that stand (`vae.train.watch.standing`).

    Raises:
        VAEError: the run has no frames.
    """
    frames = []
    for shot in shots(events):
        try:
            frames.append(read_frame(folder, shot))
        except VAEError:
            continue  # a power cut may leave an empty file: the others are as good as before
    dots, flat = read_dots(folder)
    return History(curves_of(events), dots, tuple(frames), flat)


# ---- one file beside the model -------------------------------------------------------------------------------------


def save_history(folder: Path, history: History) -> None:
    """Write `history.safetensors` into a model's folder, whole or not at all.

    Raises:
        VAEError: no frame, or the disk cannot be written.
    """
    frames, curves = history.frames, history.curves
    if not frames:
        raise VAEError("A history without a single frame was not saved: there is nothing to see.")
    columns: dict[str, np.ndarray] = {f"curves.{one.name}": getattr(curves, one.name) for one in fields(curves)}
    columns |= {"dots.index": history.dots.index, "dots.labels": history.dots.labels}
    if len(history.dots.names) <= 256:
        columns["dots.labels"] = history.dots.labels.astype(np.uint8)
    columns["frames.step"] = np.array([frame.step for frame in frames], np.int64)
    columns["frames.at"] = np.array([frame.at for frame in frames], np.float64)
    columns["frames.xy"] = np.stack([frame.xy for frame in frames])  # (F, N, 2)
    columns["frames.spread"] = np.stack([frame.spread for frame in frames])  # (F, L)
    for what in ("pictures", "samples"):
        files = [getattr(frame, what) for frame in frames]
        columns[f"frames.{what}"] = np.frombuffer(b"".join(files), np.uint8)
        columns[f"frames.{what}.ends"] = np.cumsum([len(file) for file in files]).astype(np.int64)
    data = packed(columns, facts_of(history.dots, history.flat))
    write_aside(Path(folder) / HISTORY, data)


def load_history(folder: Path) -> History:
    """The history kept in a model's folder.

    Raises:
        VAEError: there is none, or the file is not whole.
    """
    path = Path(folder) / HISTORY
    if not path.is_file():
        raise VAEError(f"The model {path.parent.name} has no history: it was trained before there was one.")
    try:
        columns, facts = unpacked(path)
        curves = Curves(**{one.name: columns[f"curves.{one.name}"] for one in fields(Curves)})
        dots = as_dots(columns["dots.index"], columns["dots.labels"], facts)
        parts = [columns[f"frames.{name}"] for name in ("step", "at", "xy", "spread")]
        files = [_cut(columns[f"frames.{what}"], columns[f"frames.{what}.ends"]) for what in ("pictures", "samples")]
        frames = [
            Frame(int(step), float(at), xy, spread, *pair)
            for step, at, xy, spread, *pair in zip(*parts, *files, strict=True)
        ]
        return History(curves, dots, tuple(frames), str(facts["flat"]))
    except (*DAMAGED, VAEError) as error:
        raise VAEError(f"{HISTORY} of the model {path.parent.name} is damaged: copy the folder again.") from error


def _cut(joined: np.ndarray, ends: np.ndarray) -> list[bytes]:
    if len(joined) != (ends[-1] if len(ends) else 0) or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError
    return [part.tobytes() for part in np.split(joined, ends[:-1])]
