"""How strange images are to a model, scored once for all visitors, and where each of them is drawn wrong.

Scoring runs a network of its own, read from the model's folder, so that nobody who follows a hand waits for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import torch

from live.engine import ModelEntry
from live.points import RAMP
from vae import data
from vae.batches import as_x
from vae.checkpoint import Checkpoint, load
from vae.data.images import Images
from vae.encodings import SPLITS, Encodings, encode
from vae.errors import VAEError
from vae.evaluate.pictures.judge import load_judge
from vae.evaluate.strange.anomaly import error_maps, scores
from vae.explore import render
from vae.explore.one_image import heat
from vae.explore.render import Pixels

OWN, OTHERS = 2000, 500  # test images of the model's own data, and of another set, that are scored at most
FEWEST = 250  # of large pictures, which take longer
NUMBERS = 28 * 28  # in a picture that is small
ERROR = "recon"  # the score that encodings hold already, for every image
TEST = SPLITS.index("test")

_lock = Lock()  # one scoring at a time: each uses all cores


@dataclass(frozen=True, eq=False)
class Scored:
    """N images and what was found of them.

    Attributes:
        data: name of the data set they are of.
        names: (N,) their ids within it: "test/17".
        values: (N,) of each score by its name; more is stranger.
    """

    data: str
    names: tuple[str, ...]
    values: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        if any(len(column) != len(self.names) for column in self.values.values()):
            raise VAEError(f"{len(self.names)} images need as many of every score.")


def kept(entry: ModelEntry, known: Encodings) -> Scored:
    """What the encodings know without any work: the reconstruction error of every test image."""
    rows = _test_rows(known)
    return Scored(entry.data, tuple(known.image_id(row) for row in rows), {ERROR: known.recon_error[rows]})


def own(entry: ModelEntry, known: Encodings) -> Scored:
    """Every score of some test images of the model's own data, chosen once. Seconds the first time.

    Raises:
        VAEError: the images are not on this machine, or the model cannot be read.
    """
    rows = _some(_test_rows(known), _most(entry, OWN))
    return _score(entry, images(entry.data, known.index[rows]))


def other(entry: ModelEntry, name: str) -> Scored:
    """The same of test images of another data set. Raises as `own`."""
    count = data.describe(name).test_size
    return _score(entry, images(name, _some(np.arange(count), _most(entry, OTHERS))))


@lru_cache(maxsize=64)
def mixable(own_data: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Data sets that are on this machine and that a model of that shape reads, without its own."""
    names = [name for name in data.NAMES if name != own_data and data.on_machine(name)]
    return tuple(name for name in names if data.describe(name).shape == shape)


def images(name: str, index: np.ndarray) -> Images:
    """Test images by their rows. VAEError: they are not on this machine."""
    pixels = data.originals(name, "test", index)
    if pixels is None:
        raise VAEError("These images are not on this machine, so they cannot be scored: fetch them first.")
    return Images(name, "test", pixels, index=np.asarray(index, np.int64))


def error_map(entry: ModelEntry, name: str, row: int) -> tuple[bytes, float]:
    """Where the reconstruction of a test image is off, as a PNG file, and by how much at most (0 to 1).

    Blue: right. Yellow: off by the most of this picture.

    Raises:
        VAEError: a row of a table, which has no map, or images that are not on this machine.
    """
    (off,) = error_maps(_opened(entry), images(name, np.array([row])))  # (H, W)
    most = float(off.max())
    return render.png(heat(off, RAMP)), most


def code_of(entry: ModelEntry, name: str, row: int) -> tuple[float, ...]:
    """mu of a test image of any data set that the model reads."""
    return tuple(encode(_opened(entry).vae, images(name, np.array([row]))).mu[0].tolist())


def picture_of(name: str, row: int) -> bytes:
    """A test image of any data set as a PNG file."""
    return render.png(render.shown(images(name, np.array([row])).pixels, data.paint_of(name))[0])


def look(name: str, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """What the judge of a data set says of pictures (N, H, W, C): recognised (N,) bool, likeliest class (N,).

    VAEError: none ships for these data.
    """
    seen = load_judge(name).look(as_x(torch.from_numpy(np.moveaxis(pixels, 3, 1).copy())))
    return seen.recognised.numpy(), seen.label.numpy()


def worst_first(values: np.ndarray) -> np.ndarray:
    """The order of scores (N,), the strangest first; of equals the earlier first."""
    return np.argsort(-np.asarray(values, np.float64), kind="stable")


def _test_rows(known: Encodings) -> np.ndarray:
    rows = np.flatnonzero(known.split == TEST)
    if not len(rows):
        raise VAEError("This model's encodings hold no test images, and only those tell what is unusual: encode again.")
    return rows


def _most(entry: ModelEntry, most: int) -> int:
    """As many images as take about as long as `most` small ones; never fewer than a threshold needs."""
    return max(min(most, FEWEST), most * NUMBERS // max(NUMBERS, entry.config.pixels))


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _score(entry: ModelEntry, asked: Images) -> Scored:
    with _lock:
        found = scores(_opened(entry), asked)
    return Scored(asked.name, tuple(f"test/{row}" for row in asked.index.tolist()), found.known())


def _opened(entry: ModelEntry) -> Checkpoint:
    found = _read(entry.folder, entry.model_id)
    if found.model_id != entry.model_id:
        raise VAEError(f"The model {entry.name} was replaced a moment ago: choose it again in the list.")
    return found


@lru_cache(maxsize=4)
def _read(folder: Path, model_id: str) -> Checkpoint:
    return load(folder)
