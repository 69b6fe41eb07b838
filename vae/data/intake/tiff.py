"""One TIFF: 8 or 16 bits, floats, 1 to 8 channels, as microscopes write it. Its head is read first, and no strip is
unpacked to more than the head promises."""

import io
import math
import zlib
from typing import Any

import numpy as np

from vae.data.intake.given import Unreadable
from vae.data.intake.limits import MAX_CHANNELS
from vae.data.intake.pictures import FORMATS, Picture, _pillow, as_picture, check_size

_NONE, _DEFLATE = (1,), (8, 32946)
_OTHER_COLOURS = (3, 5, 6, 8)  # a palette, inks, Y'CbCr, Lab


def decode(data: bytes) -> Picture:
    """One TIFF.

    Raises:
        Unreadable: damaged, too large, a stack or a film.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pages = [file.pages[at] for at in range(min(len(file.pages), MAX_CHANNELS + 1))]
            if len(pages) > MAX_CHANNELS:
                raise Unreadable(f"it holds {len(file.pages)} pictures: save one image in each file")
            read = [_page(page, data) for page in pages]
    except Unreadable:
        raise
    except Exception:  # noqa: BLE001  # the reader raises nearly everything on broken files
        raise Unreadable("it is damaged or cut short") from None
    if not read:
        raise Unreadable("it holds no picture")
    if any(one is None for one in read):  # packed in a way that only Pillow's library knows
        if len(pages) > 1:
            raise Unreadable("it is packed in a way that is not read here: save it without compression")
        return _pillow(data, (*FORMATS, "TIFF"))
    whole = [one for one in read if one is not None]
    if len(whole) > 1:
        if len({one.shape for one in whole}) > 1 or whole[0].ndim > 2:
            raise Unreadable("its pictures differ in size: save one image in each file")
        return as_picture(np.stack(whole, axis=-1))
    return as_picture(whole[0])


def _page(page: Any, data: bytes) -> np.ndarray | None:
    """The numbers of one page; None where they are packed in another way."""
    shape = tuple(int(side) for side in page.shape)
    flat = tuple(side for side in shape if side != 1)
    if not 2 <= len(flat) <= 3:
        raise Unreadable(f"it is an array of {' x '.join(str(side) for side in shape)}, no image")
    channels = 1 if len(flat) == 2 else min(flat[0], flat[2])
    sides = flat if len(flat) == 2 else (flat[1:] if flat[0] == channels else flat[:2])
    check_size(int(sides[1]), int(sides[0]), int(channels))
    dtype = page.dtype
    if dtype is None or dtype.kind not in "uifb" or dtype.itemsize > 8:
        raise Unreadable("its numbers are of a kind that is not read here")
    if int(page.compression) not in (*_NONE, *_DEFLATE) or int(page.photometric) in (
        3,
        5,
        6,
        8,
    ):  # palette, inks, Y'CbCr, Lab
        return None
    most = math.prod(shape) * dtype.itemsize
    if int(page.compression) in _DEFLATE:
        _check_strips(page, data, most)
    elif sum(int(count) for count in page.databytecounts) > 2 * most + len(data):
        raise Unreadable("it promises more than it holds")
    array = np.asarray(page.asarray(maxworkers=1))
    if array.nbytes > 2 * most:
        raise Unreadable("it holds more than it promises")
    array = np.squeeze(array)
    if int(page.photometric) == 0 and array.dtype.kind == "u":  # white is zero
        array = np.iinfo(array.dtype).max - array
    return array


def _check_strips(page: Any, data: bytes, most: int) -> None:
    """Unpack each strip once under a limit: the library itself would unpack whatever comes."""
    total = 0
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        unpacker = zlib.decompressobj()
        strip = data[int(offset) : int(offset) + int(count)]
        total += len(unpacker.decompress(strip, most + 1))
        if total > 2 * most + 4096 or unpacker.unconsumed_tail:
            raise Unreadable("it unpacks to more than it promises")
