"""Whether pictures of a model are copies of images that it learned from; those images, kept ready for a while."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
import torch

from live.engine import Engine, ModelEntry, shared
from vae import data
from vae.batches import as_x
from vae.errors import VAEError
from vae.evaluate.pictures.copies import Copies, find_copies, fit_copies
from vae.explore.codes import Floats
from vae.explore.render import to_pixels

HELD = 2  # models whose training images are kept: 60 MB each


@dataclass(frozen=True)
class Copy:
    """What was found for one picture.

    Attributes:
        image_id: of the nearest training image. distance: to it, per pixel, 0 to 1.
        ratio: of that to the tenth nearest. copied: whether that is so small that it is a copy.
    """

    image_id: str
    distance: float
    ratio: float
    copied: bool


class Copyists:
    """The training images of some models. Any thread may ask; the first of a model waits some seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._known: OrderedDict[str, Copies] = OrderedDict()

    def look(self, entry: ModelEntry, codes: Floats) -> tuple[Copy, ...]:
        """Compare what codes (n, L) decode to with every training image.

        Raises:
            VAEError: the images are not on this machine, or there are too few.
        """
        if len(entry.shape) != 3:
            raise VAEError("Copies are looked for among pictures: this model draws rows of numbers.")
        pixels = to_pixels(self._engine.x_of(entry, codes))  # (n, H, W, C), every channel of its own
        x = as_x(torch.from_numpy(np.moveaxis(pixels, 3, 1).copy()))
        found = find_copies(x, self._of(entry))
        columns = (found.rows.tolist(), found.distance.tolist(), found.ratio.tolist(), found.copy.tolist())
        return tuple(Copy(f"train/{row}", *rest) for row, *rest in zip(*columns, strict=True))

    def line(self, entry: ModelEntry) -> float:
        """The ratio below which a picture is a copy."""
        return self._of(entry).line

    def _of(self, entry: ModelEntry) -> Copies:
        with self._lock:  # nobody fits what another one is fitting
            if entry.model_id not in self._known:
                if not entry.data or not data.on_machine(entry.data):
                    raise VAEError("The training images are not on this machine: fetch them on the Map page first.")
                train, test = (data.load(entry.data, split, download=False) for split in ("train", "test"))
                if tuple(train.shape) != entry.shape:
                    raise VAEError("The images on this machine are of another shape than this model's.")
                self._known[entry.model_id] = fit_copies(train, test, torch.Generator().manual_seed(0))
            self._known.move_to_end(entry.model_id)
            while len(self._known) > HELD:
                self._known.popitem(last=False)
            return self._known[entry.model_id]


@lru_cache(maxsize=1)
def copyists() -> Copyists:
    """Those of this server."""
    return Copyists(shared())
