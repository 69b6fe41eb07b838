"""What a run draws of itself while it learns: the same images, codes and dots, moment after moment."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae import frames, history
from vae.batches import as_x, stored
from vae.data import paint_of
from vae.data.images import Images
from vae.data.paint import Paint
from vae.explore import render
from vae.explore.choose import mixed_rows
from vae.explore.unfold import unfolded
from vae.frames import ACROSS, SAMPLES, Dots, Frame
from vae.model import VAE
from vae.train.events import read_events
from vae.train.settings import Settings
from vae.train.watch import standing

PICTURES = 10  # originals above their reconstructions
SAMPLE_SEED = 0  # of those codes: the same in every run, so that two runs can be compared
DOTS, LARGE_DOTS = 2000, 600  # of the map; fewer where each image is large and the encoder convolves
SMALL = 32  # pixels of a side up to which a picture is kept without loss
LEVELS = 64  # of grey in those: no eye misses the others, and a history is a third smaller
FIRST = 5  # steps to the first frame after noise; then 10, 20, 40, ... within the first epoch
PARTS, ROUND = 8, 20  # of a first epoch of many steps, one frame each; steps that its length is a multiple of
EACH = 20  # epochs that have a frame each
MOST = 70  # frames at epoch ends, about
OCTAVE = 8  # frames while the epochs double, where nobody knows how many there will be


class Recorder:
    """Draws and keeps the frames of one run. It draws no random number of the training and changes no weight.

    Args:
        vae: the model that is trained.
        train, test: its data; only test images are shown.
        folder: of the run.
        settings: how long it trains, which spaces the frames.

    Raises:
        VAEError: the folder cannot be written.
    """

    def __init__(self, vae: VAE, train: Images, test: Images, folder: Path, settings: Settings) -> None:
        self.vae, self.folder, self.settings = vae, Path(folder), settings
        everything = np.ones(len(test), bool)
        self._paint = paint_of(train.name)
        self._shown = stored(test.take(mixed_rows(test.labels, everything, PICTURES)))
        shown = test.take(_spread_out(len(test), _dots_for(vae)))
        self._dotted = stored(shown)
        self._z = torch.randn(SAMPLES, vae.config.latent_dim, generator=torch.Generator().manual_seed(SAMPLE_SEED))
        self._last: tuple[int, np.ndarray] | None = None  # step and map of the frame before
        dots = replace(dots_of(shown), shown=len(self._shown))
        frames.write_dots(self.folder, dots, "codes" if vae.config.latent_dim == 2 else "pca")

    def due(self, step: int, steps: int, at: float) -> bool:
        """Whether this moment is one to keep: noise; ever longer steps, or an eighth of the first epoch; epoch ends.

        Args:
            step: since the start of the run. steps: of an epoch.
            at: the same in epochs; it is the step that decides.
        """
        if step < steps:
            part = ROUND * -(-steps // (PARTS * ROUND))
            return step % part == 0 or (step % FIRST == 0 and _power_of_two(step // FIRST))
        if step % steps:
            return False
        epoch, epochs = step // steps, self.settings.epochs
        if epoch <= EACH or (epoch == epochs and self.settings.minutes is None):
            return True
        if self.settings.minutes is None and epochs <= 10 * MOST:
            stride = -(-(epochs - EACH) // (MOST - EACH))
        else:
            stride = 1 << ((epoch - 1) // OCTAVE).bit_length() - 1  # `OCTAVE` frames while the epochs double
        return epoch % stride == 0

    def record(self, vae: VAE, step: int, at: float) -> dict[str, Any]:
        """Draw this moment and keep it in the run's folder.

        Done again for the same step with the same weights it leaves the same files: a run that was resumed may repeat.

        Args:
            step: since the start of the run. at: the same in epochs.

        Returns:
            The fields of the run's "frame" event: step, at, pictures, samples, frame (file names), tag.

        Raises:
            VAEError: the disk is full or cannot be written.
        """
        training = vae.training
        vae.eval()
        try:
            frame = self._frame(vae, step, at)
        finally:
            vae.train(training)
        self._last = (step, frame.xy)
        return frames.write_frame(self.folder, frame)

    def recorded(self, step: int) -> bool:
        """Whether the newest frame is of this very step: an end need not be drawn twice."""
        return self._last is not None and self._last[0] == step

    def keep(self, model_folder: Path) -> None:
        """Leave the whole history, as the run has told it, beside the model that was kept.

        Raises:
            VAEError: no frame stands, or the disk cannot be written.
        """
        events, _ = read_events(self.folder / "events.jsonl")
        history.save_history(model_folder, history.history_of_run(self.folder, standing(events)))

    @torch.inference_mode()
    def _frame(self, vae: VAE, step: int, at: float) -> Frame:
        device = next(vae.parameters()).device
        x = as_x(self._shown.to(device))  # (B, *shape)
        both = torch.cat([x, vae.decode(vae.encode(x).mode())])  # (2B, *shape)
        drawn = vae.decode(self._z.to(device))  # (32, *shape)
        mu = np.concatenate([_tame(vae.encode(as_x(part.to(device))).mode()) for part in self._dotted.split(1000)])
        xy = unfolded(mu, self._before(step))
        return Frame(
            step=step,
            at=at,
            xy=np.clip(xy, -60_000, 60_000).astype(np.float16),
            spread=mu.std(axis=0, dtype=np.float64).astype(np.float32),
            pictures=_picture(both, len(x), self._paint),
            samples=_picture(drawn, ACROSS, self._paint),
        )

    def _before(self, step: int) -> np.ndarray | None:
        """The map before this step: this process's own, or, after a resume, the one on the disk."""
        if self._last is not None and self._last[0] < step:
            return self._last[1]
        return frames.map_before(self.folder, step, len(self._dotted))


def dots_of(images: Images) -> Dots:
    """What is known of the images that are the dots: their labels, or the attribute that parts them most evenly."""
    index = images.index.astype(np.int32)
    if images.labels is not None:
        return Dots(index, images.labels.astype(np.int32), images.label_names)
    if images.attributes is not None:
        present = np.isin(images.attributes, (0, 1)).all(axis=0)  # (A,) those that are yes or no
        if present.any():
            unevenness = np.where(present, np.abs(images.attributes.mean(axis=0) - 0.5), np.inf)
            chosen = int(unevenness.argmin())
            name = images.attribute_names[chosen].replace("_", " ")
            return Dots(index, images.attributes[:, chosen].astype(np.int32), (f"no {name}", name), name)
    return Dots(index, np.zeros(len(index), np.int32), ("test images",), "image")


def _dots_for(vae: VAE) -> int:
    return LARGE_DOTS if vae.config.network == "conv" and max(vae.config.shape) > SMALL else DOTS


def _spread_out(count: int, most: int) -> np.ndarray:
    """At most so many rows of `count`, evenly over all of them: data often come sorted by class."""
    chosen = min(count, most)
    return np.arange(chosen) * count // max(chosen, 1)


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def _tame(values: Tensor) -> np.ndarray:
    """As float32 without NaN or infinity: a picture of a model that broke must not end its training."""
    return np.asarray(torch.nan_to_num(values.float(), 0.0, 6e4, -6e4).clamp(-6e4, 6e4).cpu().numpy())


def _picture(x: Tensor, columns: int, paint: Paint | None) -> bytes:
    """Pictures x (B, *shape) in rows, as a file: PNG where they are small, JPEG where it would be ten times larger."""
    values = _tame(x)
    pixels = render.as_pictures(values, paint)
    page = render.tile(pixels, columns)
    if max(pixels.shape[1:3]) > SMALL and values.ndim > 2:
        return render.jpeg(page)
    return render.png((np.rint(page / 255 * (LEVELS - 1)) * (255 / (LEVELS - 1))).round().astype(np.uint8))
