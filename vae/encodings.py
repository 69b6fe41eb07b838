"""What a model says of a data set: mu and logvar of every image, with what is known of each.

Kept beside the model as `encodings.safetensors`, float16, so that a map opens without the data and without a pass
through the network. An image is known by its split and its row in it, never by a path.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_arrays

from vae.batches import as_x, stored
from vae.checkpoint import ENCODINGS
from vae.data.images import Images
from vae.errors import VAEError
from vae.files import write_aside
from vae.model import VAE
from vae.posterior import POINT_LOGVAR

SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Encodings:
    """The encodings of N images by one model.

    Attributes:
        mu, logvar: (N, L) float32.
        recon_error: (N,) float32, mean squared error per pixel of the reconstruction at mu.
        split: (N,) uint8, 0 train and 1 test.
        index: (N,) int32, the row within that split of the data set.
        labels: (N,) int64, or None.
        label_names: the classes, in order; empty without labels.
        attributes: (N, A) float32, or None; 0 and 1 for those that are present or absent.
        attribute_names: A names.
        maps: name ("pca", "umap") to xy (N, 2) float32.
    """

    mu: np.ndarray
    logvar: np.ndarray
    recon_error: np.ndarray
    split: np.ndarray
    index: np.ndarray
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] = ()
    attributes: np.ndarray | None = None
    attribute_names: tuple[str, ...] = ()
    maps: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.mu)
        if self.mu.ndim != 2 or self.logvar.shape != self.mu.shape:
            raise VAEError(f"mu {self.mu.shape} and logvar {self.logvar.shape} of the encodings must both be (N, L).")
        columns = [self.recon_error, self.split, self.index, self.labels, self.attributes, *self.maps.values()]
        if any(column is not None and len(column) != count for column in columns):
            raise VAEError(f"Encodings of {count} images need {count} of everything: encode the data again.")
        if any(xy.shape != (count, 2) for xy in self.maps.values()) or self.split.max(initial=0) >= len(SPLITS):
            raise VAEError("The encodings have a map that is not flat, or a split that is none: encode the data again.")
        if not np.isfinite(self.mu).all() or not np.isfinite(self.logvar).all():
            raise VAEError("The encodings hold numbers that are not finite: train the model again with a lower rate.")
        if self.labels is not None and (
            not self.label_names
            or self.labels.min(initial=0) < 0
            or self.labels.max(initial=0) >= len(self.label_names)
        ):
            raise VAEError("The encodings have labels without a name: encode the data again.")
        if self.attributes is not None and self.attributes.shape != (count, len(self.attribute_names)):
            raise VAEError("The encodings have attributes without a name: encode the data again.")

    def __len__(self) -> int:
        return len(self.mu)

    @property
    def latent_dim(self) -> int:
        return self.mu.shape[1]

    @property
    def point(self) -> bool:
        """Whether a plain autoencoder made them: codes without a spread, which have no KL."""
        return bool(self.logvar.size and (self.logvar == POINT_LOGVAR).all())

    def kl_per_dim(self) -> np.ndarray:
        """(N, L) nats: KL(q(z|x) || N(0, I)) of each image and dimension; 0 of a plain autoencoder, which has none."""
        if self.point:
            return np.zeros_like(self.mu)
        return 0.5 * (self.mu**2 + np.exp(self.logvar) - self.logvar - 1)

    def carried(self) -> np.ndarray:
        """(L,) how much each latent tells about an image: its mean KL in nats; of a plain autoencoder, Var(mu)."""
        found: np.ndarray = self.mu.var(axis=0) if self.point else self.kl_per_dim().mean(axis=0)
        return found

    def kl(self) -> np.ndarray:
        """(N,) nats per image."""
        return self.kl_per_dim().sum(axis=1)

    def image_id(self, row: int) -> str:
        """A stable name of one image: "test/17"."""
        return f"{SPLITS[self.split[row]]}/{self.index[row]}"

    def row_of(self, image_id: str) -> int | None:
        """The row of an image_id, or None where these encodings do not hold it."""
        split, _, index = image_id.partition("/")
        if split not in SPLITS or not index.isdecimal() or len(index) > 10:
            return None
        rows = np.flatnonzero((self.split == SPLITS.index(split)) & (self.index == int(index)))
        return int(rows[0]) if len(rows) else None

    def take(self, rows: np.ndarray) -> Self:
        """The encodings of some rows, in that order."""
        return replace(
            self,
            mu=self.mu[rows],
            logvar=self.logvar[rows],
            recon_error=self.recon_error[rows],
            split=self.split[rows],
            index=self.index[rows],
            labels=None if self.labels is None else self.labels[rows],
            attributes=None if self.attributes is None else self.attributes[rows],
            maps={name: xy[rows] for name, xy in self.maps.items()},
        )

    def with_map(self, name: str, xy: np.ndarray) -> Self:
        """The same encodings with one more map, xy (N, 2)."""
        return replace(self, maps=self.maps | {name: np.asarray(xy, np.float32)})


def join(first: Encodings, second: Encodings) -> Encodings:
    """Two sets of encodings of one model and data set, one after the other; maps are left out."""

    def known(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
        return None if a is None or b is None else np.concatenate([a, b])

    return replace(
        first,
        mu=np.concatenate([first.mu, second.mu]),
        logvar=np.concatenate([first.logvar, second.logvar]),
        recon_error=np.concatenate([first.recon_error, second.recon_error]),
        split=np.concatenate([first.split, second.split]),
        index=np.concatenate([first.index, second.index]),
        labels=known(first.labels, second.labels),
        attributes=known(first.attributes, second.attributes),
        maps={},
    )


@torch.inference_mode()
def encode(
    vae: VAE,
    images: Images,
    *,
    batch_size: int = 1024,
    progress: Callable[[int, int], None] | None = None,
) -> Encodings:
    """mu, logvar and the error of the reconstruction at mu of every image. Nothing is drawn, so it repeats.

    Args:
        images: N of them, of the model's shape.
        batch_size: images in one pass. More: faster up to a point, more memory.
        progress: called with (images done, N).
    """
    if not len(images):
        raise VAEError("There are no images to encode: give at least one.")
    device = next(vae.parameters()).device
    pixels = stored(images)  # on the CPU: a map is often made beside a model that fills the device
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start in range(0, len(images), batch_size):
        x = as_x(pixels[start : start + batch_size].to(device))  # (B, *shape)
        q = vae.encode(x)
        error = (vae.decode(q.mode()) - x).square().flatten(1).mean(dim=1)
        parts.append((q.mu.cpu().numpy(), q.logvar.cpu().numpy(), error.cpu().numpy()))
        if progress:
            progress(min(start + batch_size, len(images)), len(images))
    mu, logvar, error_ = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Encodings(
        mu=mu,
        logvar=logvar,
        recon_error=error_,
        split=np.full(len(images), SPLITS.index(images.split), np.uint8),
        index=images.index.astype(np.int32),
        labels=images.labels,
        label_names=images.label_names,
        attributes=images.attributes,
        attribute_names=images.attribute_names,
    )


def save_encodings(folder: Path, encodings: Encodings) -> None:
    """Write `encodings.safetensors` into a model's folder, codes and coordinates as float16, whole or not at all."""
    if max(np.abs(encodings.mu).max(initial=0), np.abs(encodings.logvar).max(initial=0)) > np.finfo(np.float16).max:
        raise VAEError("The codes lie more than 65,504 from zero: the model diverged. Train it with a lower rate.")
    columns: dict[str, np.ndarray] = {
        "mu": encodings.mu.astype(np.float16),
        "logvar": encodings.logvar.astype(np.float16),
        "recon_error": encodings.recon_error.astype(np.float16),
        "split": encodings.split.astype(np.uint8),
        "index": encodings.index.astype(np.int32),
    }
    if encodings.labels is not None:
        narrow = np.uint8 if len(encodings.label_names) <= 256 else np.int32
        columns["labels"] = encodings.labels.astype(narrow)
    if encodings.attributes is not None:
        columns["attributes"] = _narrow(encodings.attributes)
    for name, xy in encodings.maps.items():
        columns[f"map.{name}"] = xy.astype(np.float16)
    names = {"label_names": list(encodings.label_names), "attribute_names": list(encodings.attribute_names)}
    ordered = {name: np.ascontiguousarray(column) for name, column in columns.items()}
    # As bytes first: safetensors' own writer hides a full disk in an error of its own.
    data = save_arrays(ordered, metadata={"names": json.dumps(names)})
    write_aside(Path(folder) / ENCODINGS, data)


def _narrow(values: np.ndarray) -> np.ndarray:
    """float16 where that keeps every whole number, as a year or a count, and all are within its reach."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    whole = values == np.round(values)
    return half if np.isfinite(half).all() and (half[whole] == values[whole]).all() else values


def load_encodings(folder: Path) -> Encodings:
    """The encodings kept in a model's folder.

    Raises:
        VAEError: there are none, or the file is not whole.
    """
    path = Path(folder) / ENCODINGS
    if not path.is_file():
        raise VAEError(f"The model {Path(folder).name} has no encodings yet: run `python -m vae encode` on it.")
    try:
        with safe_open(path, framework="numpy") as file:
            columns = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            names = json.loads((file.metadata() or {}).get("names", "{}"))
        wide = lambda name: columns[name].astype(np.float32)  # noqa: E731
        return Encodings(
            mu=wide("mu"),
            logvar=wide("logvar"),
            recon_error=wide("recon_error"),
            split=columns["split"],
            index=columns["index"].astype(np.int32),
            labels=columns["labels"].astype(np.int64) if "labels" in columns else None,
            label_names=tuple(names["label_names"]),
            attributes=wide("attributes") if "attributes" in columns else None,
            attribute_names=tuple(names["attribute_names"]),
            maps={name[4:]: wide(name) for name in columns if name.startswith("map.")},
        )
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        raise VAEError(
            f"{ENCODINGS} of the model {Path(folder).name} is damaged: run `python -m vae encode` on it again."
        ) from error
