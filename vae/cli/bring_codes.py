"""What every model that is brought needs: images that its owner may see, their codes, and a word on whose it is."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from vae import data
from vae.checkpoint import ENCODINGS, OWNER, Owner, owner_bytes
from vae.cli.card import said_channels
from vae.cli.encode import choose_rows, load_data
from vae.cli.progress import Reporter
from vae.cli.project import draw_map
from vae.data import Images, brought, describe, sized
from vae.encodings import encode, join, save_encodings
from vae.errors import VAEError
from vae.foreign.known import Understood, fits


def may_see(name: str, owner: str) -> bool:
    """Whether data may be looked at: what comes with Muscope by all, what was brought by its owner and, shared, by all.

    Args:
        owner: who asks, as the books know people; "" for whoever works on this machine.
    """
    name = data.source_of(name)
    if name in data.NAMES:
        return True
    if not name.startswith("brought:"):
        return False
    try:
        found = brought.get(name.partition(":")[2])
    except VAEError:
        return False
    return found.shared or not owner or found.owner == owner


def images_for(
    arguments: argparse.Namespace, name: str | None, found: Understood, reporter: Reporter
) -> tuple[Images, Images]:
    """Training and test images to look at the model with, as many as were asked for.

    Raises:
        VAEError: none were named, they are another's, or do not suit the model.
    """
    if not name:
        raise VAEError("It needs images to be looked at with: add --data NAME.")
    if arguments.owner and not may_see(name, arguments.owner):
        raise VAEError("These data are not yours and not shared: choose others.")
    if why := fits(found, describe(name).shape):
        raise VAEError(f"These data do not suit the model: {why}. Choose others, or bring some of its size.")
    if arguments.images < 20:
        raise VAEError(f"--images {arguments.images}: give at least 20, or there is nothing to see on a map.")
    other = sized.parts(name)
    train, test = load_data(name if other is None else other[0], None, reporter)
    part = arguments.images // 6
    kept = (min(len(train), arguments.images - part), min(len(test), max(part, 1)))
    rows = choose_rows(kept, train, test, arguments.seed)
    train, test = train.take(rows[0]), test.take(rows[1])
    if other is None:
        return train, test
    paint = data.paint_of(other[0])  # only those that were chosen are resized
    return sized.images(train, name, other[1], paint), sized.images(test, name, other[1], paint)


def encoded(vae: Any, train: Images, test: Images, reporter: Reporter) -> bytes:
    """What its encodings.safetensors holds: codes of both splits, and a PCA map."""
    size = 64 if max(vae.config.shape[-2:]) > 32 else 256
    parts = [
        encode(vae, split, batch_size=size, progress=reporter.stage(f"encoding {split.split} images"))
        for split in (train, test)
    ]
    with tempfile.TemporaryDirectory(prefix="muscope-bring-") as scratch:
        save_encodings(Path(scratch), draw_map(join(*parts), "pca", 0, reporter))
        return (Path(scratch) / ENCODINGS).read_bytes()


def data_of(train: Images, test: Images) -> dict[str, Any]:
    """What the card says of them."""
    counts = {"train": len(train), "test": len(test)}
    about = {"name": train.name, "title": describe(train.name).title, "credit": train.credit}
    return about | counts | said_channels(train.name)


def owned(arguments: argparse.Namespace) -> dict[str, bytes]:
    """The file that says whose the model is, where it is somebody's."""
    if not arguments.owner:
        return {}
    return {OWNER: owner_bytes(Owner(arguments.owner, shared=False, expires=arguments.expires))}
