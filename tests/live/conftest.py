"""Small models to ask: made once, tiny, and of every kind that the answers tell apart."""

from pathlib import Path

import numpy as np
import pytest

from live.engine import Engine, ModelEntry
from vae.checkpoint import save
from vae.config import Config
from vae.data.images import Images
from vae.encodings import Encodings, encode, save_encodings
from vae.model import VAE

LATENT = 3


def build(folder: Path, data: str, shape: tuple[int, ...], count: int = 40, seed: int = 1) -> None:
    """A model with random weights, and its encodings with a map, labels and both splits."""
    vae = VAE(Config(shape=shape, latent_dim=LATENT, encoder_sizes=(8,), decoder_sizes=(8,)), seed=seed)
    vae.eval()
    save(folder, vae, {"title": folder.name.title(), "data": {"name": data}})
    generator = np.random.default_rng(seed)
    if len(shape) == 1:
        pixels = generator.random((count, *shape), dtype=np.float32)
    else:
        pixels = generator.integers(0, 256, (count, *shape[1:], shape[0]), dtype=np.uint8)
    labels = np.arange(count) % 3
    known = encode(vae, Images(data, "test", pixels, labels, ("a", "b", "c"), index=np.arange(count)))
    split = (np.arange(count) % 2).astype(np.uint8)
    # Spread out as real encodings are: an untrained network puts every image in one place.
    mu = generator.standard_normal((count, LATENT)).astype(np.float16).astype(np.float32)
    xy = generator.standard_normal((count, 2)).astype(np.float16).astype(np.float32)
    columns = {name: getattr(known, name) for name in ("logvar", "recon_error", "index", "labels", "label_names")}
    save_encodings(folder, Encodings(mu=mu, split=split, maps={"umap": xy}, **columns))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: grey squares, drawn faces, flat vectors."""
    place = tmp_path_factory.mktemp("models")
    build(place / "digits", "noise", (1, 12, 12), seed=1)
    build(place / "more-digits", "noise", (1, 12, 12), seed=2)
    build(place / "faces", "faces", (3, 64, 64), seed=3)
    build(place / "table", "noise", (5,), seed=4)
    return place


@pytest.fixture
def engine(models: Path) -> Engine:
    return Engine((models,))


@pytest.fixture
def entries(engine: Engine) -> dict[str, ModelEntry]:
    return {entry.name: entry for entry in engine.models()}
