"""Models of other libraries, made small: as those libraries write them, without asking them."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vae.errors import VAEError

HERE = Path(__file__).parent


@pytest.fixture
def kl(tmp_path: Path) -> Path:
    """An AutoencoderKL with random weights that diffusers 0.42 saved, and nothing beside it."""
    folder = tmp_path / "kl"
    folder.mkdir()
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        shutil.copy(HERE / "kl" / name, folder)
    return folder


def dense_weights(pixels: int, latents: int, hidden: int = 6) -> dict[str, torch.Tensor]:
    """What pythae's usual networks have, under its names."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "encoder.layers.0.0": (hidden, pixels),
        "encoder.embedding": (latents, hidden),
        "encoder.log_var": (latents, hidden),
        "decoder.layers.0.0": (hidden, latents),
        "decoder.layers.1.0": (pixels, hidden),
    }
    made = {f"{name}.weight": torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return made | {f"{name}.bias": torch.randn(shape[0], generator=generator) for name, shape in shapes.items()}


@pytest.fixture
def pythae(tmp_path: Path) -> Path:
    """A VAE of pythae for 8 by 8 grey images, its weights converted."""
    folder = tmp_path / "pythae"
    folder.mkdir()
    config = {"name": "VAEConfig", "input_dim": [1, 8, 8], "latent_dim": 3, "uses_default_encoder": True}
    (folder / "model_config.json").write_text(json.dumps(config))
    (folder / "environment.json").write_text('{"name": "EnvironmentConfig", "python_version": "3.8"}')
    save_file(dense_weights(64, 3), folder / "model.safetensors")
    return folder


@pytest.fixture
def refused() -> Callable[[str], object]:
    """`with refused("words"):` the body raises a VAEError, one plain line that has the words and ends well."""

    @contextmanager
    def check(words: str) -> Iterator[None]:
        with pytest.raises(VAEError) as caught:
            yield
        line = str(caught.value)
        assert words in line, line
        assert "\n" not in line and len(line) < 400 and line.endswith("."), line

    return check
