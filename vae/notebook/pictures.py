"""Pictures as files, and images of data sets as they are."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vae import data
from vae.data.images import Images
from vae.errors import VAEError
from vae.explore import render
from vae.explore.render import Pixels


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture; a notebook shows it by itself.

    Attributes:
        file: as a file that a browser can show, PNG where Muscope made it.
    """

    file: bytes

    @classmethod
    def of(cls, pixels: Pixels) -> "Picture":
        """Of pixels (H, W, C) uint8, 1 or 3 channels."""
        return cls(render.png(pixels))

    def __repr__(self) -> str:
        return f"<Picture of {len(self.file):,} bytes>"

    def save(self, path: str | Path) -> None:
        """Write the file."""
        Path(path).write_bytes(self.file)

    def _repr_mimebundle_(self, **_: object) -> dict[str, bytes]:
        return {"image/jpeg" if self.file.startswith(b"\xff\xd8") else "image/png": self.file}


def original(name: str, image_id: str) -> Picture:
    """An image of a data set as it is: `original("mnist", "test/17")`. VAEError: it is not on this machine."""
    found = images(name, [image_id])
    return Picture.of(render.shown(found.pixels, data.paint_of(name))[0])


def images(name: str, image_ids: Iterable[str]) -> Images:
    """Images of one split of a data set, by their names. VAEError: they are not on this machine."""
    named = [_parted(each) for each in image_ids]
    if not named:
        raise VAEError("Name at least one image, such as test/17.")
    splits, rows = zip(*named, strict=True)
    if len(set(splits)) != 1:
        raise VAEError("Take images of one split at a time: all of training, or all of test.")
    pixels = data.originals(name, splits[0], list(rows))
    if pixels is None:
        raise VAEError(f"The images of {data.public_name(name)} are not on this machine: fetch them first.")
    return Images(name, splits[0], pixels, index=np.array(rows, np.int64))


def _parted(image_id: str) -> tuple[str, int]:
    split, _, row = image_id.partition("/")
    if not row.isdecimal():
        raise VAEError(f"There is no image {image_id[:40]!r}: an image is called like test/17.")
    return split, int(row)


def sheet(rows: Sequence[Sequence[Picture]], gap: int = 2) -> Picture:
    """Rows of pictures of one size on one sheet. Read back from their files, so nothing is drawn again."""
    tiles = [np.asarray(Image.open(io.BytesIO(one.file))) for row in rows for one in row]
    if not tiles or len({(tile.shape, len(row)) for row in rows for tile in tiles}) != 1:
        raise VAEError("A sheet has rows of equally many pictures of one size.")
    pixels = np.stack([tile if tile.ndim == 3 else tile[..., None] for tile in tiles])  # (n, H, W, C)
    return Picture.of(render.tile(pixels, len(rows[0]), gap))
