"""pythae's dense networks: built from their weights, and what is none is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.foreign.conftest import dense_weights
from vae.foreign.dense import DensePair, checked, needed, settings
from vae.posterior import POINT_LOGVAR

CONFIG = {"name": "VAEConfig", "input_dim": [1, 8, 8], "latent_dim": 3}


def plain(h: torch.Tensor, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    return h @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


@torch.inference_mode()
def test_it_is_that_network_written_out(pythae: Path) -> None:
    weights = load_file(pythae / "model.safetensors")
    model = DensePair(checked(settings(json.loads((pythae / "model_config.json").read_text()), weights)))
    model.load_state_dict(weights)
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    mu, logvar = model.read(x)
    hidden = plain(x.reshape(4, 64), weights, "encoder.layers.0.0").relu()
    torch.testing.assert_close(mu, plain(hidden, weights, "encoder.embedding"))
    torch.testing.assert_close(logvar, plain(hidden, weights, "encoder.log_var").clamp(-20, 20))
    wanted = plain(plain(mu, weights, "decoder.layers.0.0").relu(), weights, "decoder.layers.1.0").sigmoid()
    torch.testing.assert_close(model.draw(mu), wanted.reshape(4, 1, 8, 8))


def test_a_plain_autoencoder_has_codes_without_a_spread() -> None:
    weights = {name: value for name, value in dense_weights(64, 3).items() if "log_var" not in name}
    model = DensePair(settings(CONFIG, weights))
    model.load_state_dict(weights)
    assert bool((model.read(torch.rand(2, 1, 8, 8))[1] == POINT_LOGVAR).all())


def test_what_was_learned_beside_it_is_left_out_and_what_changes_it_refused(refused) -> None:
    weights = dense_weights(64, 3)
    assert needed(weights | {"discriminator.layers.0.0.weight": torch.zeros(2, 2)}).keys() == weights.keys()
    with refused("iaf_flow"):
        needed(weights | {"iaf_flow.net.0.weight": torch.zeros(2, 2)})


WRONG = {
    "a network of its own": (CONFIG | {"uses_default_encoder": False}, {}, "adapter"),
    "no shape": (CONFIG | {"input_dim": None}, {}, "input_dim"),
    "another shape": (CONFIG | {"input_dim": [1, 9, 8]}, {}, "do not fit"),
    "endless codes": (CONFIG | {"latent_dim": 10**9}, {}, "latent_dim"),
    "no object": ([], {}, "model_config.json"),
    "layers that do not meet": (CONFIG, {"decoder.layers.1.0.weight": torch.zeros(64, 5)}, "fit"),
    "convolutions": (CONFIG, {"encoder.layers.0.0.weight": torch.zeros(8, 1, 4, 4)}, "dense"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_built_is_one_plain_line(what: str, refused) -> None:
    config, change, words = WRONG[what]
    with refused(words):
        settings(config, dense_weights(64, 3) | change)
