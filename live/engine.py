"""The only owner of models in the server. Whoever wants a picture asks here; nobody else holds a network.

Models are found in two places: `checkpoints/`, which ships, and the folder where training puts its own. They are known
by content (`model_id`), so a model that is trained again is another model, and no picture of the old one is shown.
"""

import json
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import torch

from live.recent import Recent
from vae.batches import as_x
from vae.checkpoint import ADAPTER, CARD, CONFIG, ENCODINGS, OWNER, WEIGHTS, Checkpoint, Owner, load, read_card
from vae.checkpoint import read_owner as owner_of
from vae.config import ADAPTED, Config
from vae.data.paint import Paint
from vae.device import pick_device
from vae.encodings import Encodings, load_encodings
from vae.errors import VAEError
from vae.explore.render import Pixels, as_pictures
from vae.foreign.adapted import read_plan
from vae.home import home

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"
TWINS = ("mnist-2d-autoencoder", "mnist-2d-beta-025", "mnist-2d-beta-4", "mnist-2d-collapsed")  # of mnist-2d
FIRST = ("faces", "mnist", "mnist-2d", *TWINS, "fashion-mnist", "faces-fair")  # the order of the picker
MODELS_HELD = 32  # those that ship and one of each visitor's of a class; each is a few megabytes
ENCODINGS_HELD = 8  # 10 MB for 70,000 images
MODELS_ROOM, ENCODINGS_ROOM = 4 << 30, 1 << 30  # bytes of those held: what people bring may be a thousand times larger


@dataclass(frozen=True)
class ModelEntry:
    """What the picker shows of a model, and what the pages need to know of it.

    Attributes:
        name: of its folder; what a link carries.
        model_id: content hash; what pictures are kept under.
        data: the data set it was trained on.
        card: everything else that is known of it.
        shipped: it came with Muscope.
        owner: whose it is, and whether others see it.
        axes: principal axes that its code is turned along, that of the widest spread first; 0 of other models.
    """

    name: str
    title: str
    sentence: str
    folder: Path
    model_id: str
    config: Config
    data: str
    card: dict[str, Any]
    shipped: bool
    owner: Owner = Owner()
    axes: int = 0

    @property
    def latent_dim(self) -> int:
        return self.config.latent_dim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.config.shape

    @cached_property
    def paint(self) -> Paint | None:
        """In which colours its channels are shown; None where they are grey, or red, green and blue."""
        return Paint.of_card(self.card, self.shape)


class Engine:
    """Models and their encodings, the least recently used put away first. One lock around whatever a network does; a
    model is read from the disk outside it, once, so that only those who asked for that one wait.

    Args:
        places: folders of model folders. Of two models with one name the earlier place wins.
        capacity: models held in memory.
    """

    def __init__(self, places: Iterable[Path], capacity: int = MODELS_HELD, device: str = "auto") -> None:
        self._places = tuple(places)
        self._device = pick_device(device)
        self._lock = RLock()
        self._models = Recent(capacity, MODELS_ROOM)
        self._encodings = Recent(ENCODINGS_HELD, ENCODINGS_ROOM)
        self._entries: dict[Path, tuple[Hashable, ModelEntry | str]] = {}

    @property
    def device(self) -> torch.device:
        """Where it decodes."""
        return self._device

    def models(self) -> tuple[ModelEntry, ...]:
        """Every model that can be opened: those that ship in their order, then the newest first.

        Whoever shows them to a visitor leaves out those whose `owner` does not let them see it.
        """
        found = {entry.name: entry for entry in reversed(self._scan()) if isinstance(entry, ModelEntry)}
        order = {name: place for place, name in enumerate(FIRST)}
        return tuple(sorted(found.values(), key=lambda e: (not e.shipped, order.get(e.name, 99), -_age(e.folder))))

    def broken(self) -> tuple[str, ...]:
        """One plain line for each folder that looks like a model and cannot be opened."""
        return tuple(entry for entry in self._scan() if isinstance(entry, str))

    def encodings(self, entry: ModelEntry) -> Encodings:
        """The encodings kept with a model; the arrays are shared by all visitors and read-only."""
        key = (entry.model_id, self.encoded(entry))
        size = _stamp(entry.folder / ENCODINGS)[1]
        return self._encodings.get(key, lambda: _frozen(load_encodings(entry.folder)), size)

    def has_encodings(self, entry: ModelEntry) -> bool:
        """Whether a model's images were encoded."""
        return (entry.folder / ENCODINGS).is_file()

    def encoded(self, entry: ModelEntry) -> Hashable:
        """Something that changes when a model's encodings are made again. Waits for nobody."""
        return _stamp(entry.folder / ENCODINGS)

    def is_open(self, model_id: str) -> bool:
        """Whether a model is in memory. Never waits."""
        return model_id in self._models

    def open(self, entry: ModelEntry) -> None:
        """Have a model in memory: seconds for a large one. VAEError: it cannot be opened, or is another by now."""
        self._model(entry)

    def decode(self, entry: ModelEntry, z: np.ndarray) -> Pixels:
        """Pictures of codes as they are shown: z (B, L) to pixels (B, H, W, 1 or 3), channels in their colours."""
        return as_pictures(self.x_of(entry, z), entry.paint)

    def encode(self, entry: ModelEntry, pixels: Pixels) -> np.ndarray:
        """mu (B, L) float32 of pictures: pixels (B, H, W, C) uint8, of the model's own shape. Draws nothing."""
        vae = self._model(entry).vae
        with self._lock, torch.inference_mode():
            x = as_x(torch.from_numpy(np.moveaxis(pixels, 3, 1).copy()).to(self._device))  # (B, C, H, W)
            return np.asarray(vae.encode(x).mode().cpu().numpy())

    def drawn(self, entry: ModelEntry, x: np.ndarray, count: int, seed: int) -> np.ndarray:
        """`count` codes (count, L) float32 from q(z|x) of one image x (1, *shape): to the model all are that image.

        The same seed gives the same codes. Of a plain autoencoder all of them are mu.
        """
        vae = self._model(entry).vae
        with self._lock, torch.inference_mode():
            generator = torch.Generator().manual_seed(seed)
            seen = torch.from_numpy(np.array(x, np.float32)).to(self._device)
            return np.asarray(vae.draw(seen, generator, count)[1].cpu().numpy())

    def mu_of(self, entry: ModelEntry, x: np.ndarray) -> np.ndarray:
        """mu (B, L) float32 of x (B, *shape) in [0, 1], such as rows of numbers. Draws nothing."""
        vae = self._model(entry).vae
        with self._lock, torch.inference_mode():
            seen = torch.from_numpy(np.array(x, np.float32)).to(self._device)
            return np.asarray(vae.encode(seen).mode().cpu().numpy())

    def x_of(self, entry: ModelEntry, z: np.ndarray) -> np.ndarray:
        """What `decode` makes pictures of: z (B, L) to x (B, *shape) float32, not rounded to grey levels."""
        vae = self._model(entry).vae
        with self._lock, torch.inference_mode():
            codes = torch.from_numpy(np.array(z, np.float32)).to(self._device)
            return np.asarray(vae.decode(codes).cpu().numpy())

    def warm(self) -> None:
        """Have the first model ready before anybody asks. A model that cannot be opened is told about on its page."""
        with suppress(VAEError):
            for entry in self.models()[:1]:
                self.decode(entry, self.encodings(entry).mu[:1])

    def _model(self, entry: ModelEntry) -> Checkpoint:
        def open_folder() -> Checkpoint:
            checkpoint = load(entry.folder, self._device)
            if checkpoint.model_id != entry.model_id:
                raise VAEError(f"The model {entry.name} was replaced a moment ago: choose it again in the list.")
            return checkpoint

        return self._models.get(entry.model_id, open_folder, _stamp(entry.folder / WEIGHTS)[1])

    def _scan(self) -> list[ModelEntry | str]:
        with self._lock:
            return [self._entry(folder) for place in self._places for folder in _model_folders(place)]

    def _entry(self, folder: Path) -> ModelEntry | str:
        stamp = tuple(_stamp(folder / name) for name in (CONFIG, WEIGHTS, CARD, ADAPTER, OWNER))
        known = self._entries.get(folder)
        if known is None or known[0] != stamp:
            known = self._entries[folder] = (stamp, _read_entry(folder))
        return known[1]


@lru_cache(maxsize=1)
def shared() -> Engine:
    """The engine of this server."""
    return Engine((SHIPPED, home() / "models"))


def _read_entry(folder: Path) -> ModelEntry | str:
    try:
        config, card, model_id = read_card(folder)
        axes = read_plan(json.loads((folder / ADAPTER).read_bytes())).axes if config.network == ADAPTED else 0
    except VAEError as error:
        return str(error)
    except (OSError, ValueError, RecursionError):
        return f"The {ADAPTER} of {folder.name} cannot be read: bring the model again."
    data = card.get("data")
    return ModelEntry(
        name=folder.name,
        title=str(card.get("title") or folder.name),
        sentence=str(card.get("sentence") or ""),
        folder=folder,
        model_id=model_id,
        config=config,
        data=str(data.get("name", "") if isinstance(data, dict) else ""),
        card=card,
        shipped=folder.parent == SHIPPED,
        owner=owner_of(folder),
        axes=axes,
    )


def _model_folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(f for f in place.iterdir() if f.is_dir() and not f.name.startswith(".") and (f / CONFIG).is_file())


def _frozen(encodings: Encodings) -> Encodings:
    for column in (encodings.mu, encodings.logvar, encodings.recon_error, encodings.split, encodings.index):
        column.setflags(write=False)
    for extra in (encodings.labels, encodings.attributes, *encodings.maps.values()):
        if extra is not None:
            extra.setflags(write=False)
    return encodings


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _age(folder: Path) -> float:
    try:
        return (folder / WEIGHTS).stat().st_mtime
    except OSError:
        return 0.0
