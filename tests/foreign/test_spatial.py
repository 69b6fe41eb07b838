"""The autoencoder of latent diffusion, held to what diffusers itself answered."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vae.foreign.spatial import Spatial, modern, settings

HERE = Path(__file__).parent / "kl"
SAID = json.loads((HERE / "config.json").read_text())


@pytest.fixture(scope="module")
def model() -> Spatial:
    made = Spatial(settings(SAID), (12, 16)).eval()
    made.load_state_dict(load_file(HERE / "diffusion_pytorch_model.safetensors"))
    return made


@pytest.fixture(scope="module")
def answers() -> dict[str, torch.Tensor]:
    """x, and mu, logvar of it; z, and what was decoded of it, as diffusers 0.42 gave them."""
    return load_file(HERE / "answers.safetensors")


@torch.inference_mode()
def test_it_encodes_and_decodes_as_diffusers_does(model: Spatial, answers: dict[str, torch.Tensor]) -> None:
    mu, logvar = model.read(answers["x"])
    assert model.latent_shape == (2, 6, 8)
    torch.testing.assert_close(mu, answers["mu"].flatten(1), atol=2e-6, rtol=0)
    torch.testing.assert_close(logvar, answers["logvar"].flatten(1), atol=2e-6, rtol=0)
    x = model.draw(answers["z"].flatten(1))
    torch.testing.assert_close(x, (answers["decoded"] / 2 + 0.5).clamp(0, 1), atol=2e-6, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("side", [(8, 8), (13, 9), (28, 28)])
def test_pictures_of_any_size_come_back_in_their_size(side: tuple[int, int]) -> None:
    made = Spatial(settings(SAID), side).eval()
    x = torch.rand(2, 3, *side, generator=torch.Generator().manual_seed(0))
    mu, logvar = made.read(x)
    assert mu.shape == logvar.shape == (2, made.latents)
    assert made.draw(mu).shape == x.shape


def test_old_names_of_attention_are_todays() -> None:
    weights = load_file(HERE / "diffusion_pytorch_model.safetensors")
    olden = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    old = {}
    for name, value in weights.items():
        new = name
        for today, before in olden.items():
            if f"attentions.0.{today}." in name:
                new = name.replace(today, before)
                value = value[:, :, None, None] if value.ndim == 2 else value
        old[new] = value
    assert old.keys() != weights.keys()
    back = modern(old)
    assert back.keys() == weights.keys() and all(torch.equal(back[name], weights[name]) for name in weights)


def test_names_of_any_kind_are_only_names() -> None:
    odd = {
        name: torch.zeros(1) for name in ("", "a", "query", "a.query", ".attentions.", "mid.attentions.query", "é.b")
    }
    assert modern(odd).keys() == odd.keys()


WRONG = {
    "another class": ({"_class_name": "UNet2DModel"}, "AutoencoderKL"),
    "a field that is not known": ({"time_embedding": 3}, "time_embedding"),
    "a giant": ({"block_out_channels": [10**9]}, "block_out_channels"),
    "widths that are no numbers": ({"block_out_channels": "many"}, "block_out_channels"),
    "a thousand blocks": ({"block_out_channels": [2] * 1000}, "block_out_channels"),
    "layers without end": ({"layers_per_block": 10**6}, "layers_per_block"),
    "groups that do not divide": ({"norm_num_groups": 3}, "norm_num_groups"),
    "other blocks": ({"down_block_types": ["AttnDownEncoderBlock2D"] * 2}, "down_block_types"),
    "other channels out than in": ({"out_channels": 4}, "draw what they read"),
    "another activation": ({"act_fn": "relu"}, "act_fn"),
    "a switch that is a word": ({"use_quant_conv": "yes"}, "use_quant_conv"),
    "true for a number": ({"latent_channels": True}, "latent_channels"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_config_that_cannot_be_built_is_one_plain_line(what: str, refused) -> None:
    change, words = WRONG[what]
    with refused(words):
        settings(SAID | change)
