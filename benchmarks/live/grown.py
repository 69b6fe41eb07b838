"""A model with more images than any that ships: encodings drawn from those of `mnist-2d`, each moved a little."""

import json
import shutil
from pathlib import Path

import numpy as np

from live.engine import SHIPPED
from vae.checkpoint import CARD, CONFIG, WEIGHTS
from vae.encodings import Encodings, load_encodings, save_encodings


def grow(home: Path, count: int) -> str:
    """A model with so many images in a home's models folder; its name."""
    name = f"grown-{count}"
    folder = home / "models" / name
    folder.mkdir(parents=True)
    source = SHIPPED / "mnist-2d"
    shutil.copy(source / WEIGHTS, folder)
    config, card = (json.loads((source / file).read_text()) for file in (CONFIG, CARD))
    (folder / CONFIG).write_text(json.dumps(config | {"recipe": name}))  # other content: another model_id
    (folder / CARD).write_text(json.dumps(card | {"title": name}))
    save_encodings(folder, grown(load_encodings(source), count, np.random.default_rng(0)))
    return name


def grown(known: Encodings, count: int, generator: np.random.Generator) -> Encodings:
    """So many rows, drawn from these encodings and each moved a little."""
    many = known.take(generator.integers(0, len(known), count))
    moved = {name: xy + generator.normal(scale=0.1, size=xy.shape) for name, xy in many.maps.items()}
    return Encodings(
        mu=many.mu + generator.normal(scale=0.03, size=many.mu.shape),
        logvar=many.logvar,
        recon_error=many.recon_error,
        split=np.zeros(count, np.uint8),
        index=np.arange(count, dtype=np.int32),
        labels=many.labels,
        label_names=many.label_names,
        maps=moved,
    )
