"""Prior models beside their model: there again, never another's, and damage is one plain line."""

import json

import numpy as np
import pytest
import torch

from vae.checkpoint import MODEL_FILES, save
from vae.cli import main
from vae.config import Config
from vae.encodings import Encodings, save_encodings
from vae.errors import VAEError
from vae.home import priors_folder
from vae.model import VAE
from vae.priors import KINDS, codes_for_prior, find_prior, fit_prior, load_prior, prior_stamp, save_prior
from vae.priors.diffusion import fit_diffusion
from vae.priors.mixture import fit_mixture


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def codes(generator):
    return torch.randn(60, 3, generator=generator) + torch.tensor([1.0, 0, 0])


def encodings(split):
    count = len(split)
    mu = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    nothing = np.zeros(count, np.float32)
    return Encodings(mu, np.full((count, 2), -4, np.float32), nothing, np.array(split, np.uint8), np.arange(count))


def quick(kind, codes, generator):
    if kind == "mixture":
        return fit_mixture(codes, generator, sizes=(2,))
    return fit_diffusion(codes, generator, steps=2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prior_is_there_again(kind, codes, generator, tmp_path):
    prior = quick(kind, codes, generator)
    save_prior(tmp_path, "a" * 16, prior)
    found = load_prior(tmp_path, "a" * 16, kind)
    assert found.kind == kind and found.latent_dim == 3
    draws = [each.sample(7, torch.Generator().manual_seed(5)) for each in (prior, found)]
    assert torch.equal(*draws) and draws[0].shape == (7, 3)
    assert [path.name for path in tmp_path.iterdir()] == [f"prior-{kind}.safetensors"]
    assert {path.name for path in tmp_path.iterdir()} <= MODEL_FILES


@pytest.mark.parametrize("kind", KINDS)
def test_another_models_prior_is_none_and_neither_is_a_missing_one(kind, codes, generator, tmp_path):
    assert load_prior(tmp_path, "a" * 16, kind) is None
    save_prior(tmp_path, "b" * 16, quick(kind, codes, generator))
    assert load_prior(tmp_path, "a" * 16, kind) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", ["cut", "noise", "swapped", "nan"])
def test_damage_is_a_plain_line(kind, harm, codes, generator, tmp_path):
    other = next(each for each in KINDS if each != kind)
    prior = quick(kind, codes, generator)
    path = tmp_path / f"prior-{kind}.safetensors"
    if harm == "nan":
        next(iter(prior.tensors().values())).fill_(torch.nan)
    save_prior(tmp_path, "a" * 16, prior)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    if harm == "noise":
        path.write_bytes(b"\x05" * 300)
    if harm == "swapped":
        save_prior(tmp_path, "a" * 16, quick(other, codes, generator))
        (tmp_path / f"prior-{other}.safetensors").replace(path)
    with pytest.raises(VAEError, match="damaged") as caught:
        load_prior(tmp_path, "a" * 16, kind)
    assert "python -m vae prior" in str(caught.value)


def test_an_unknown_kind_is_refused(codes, generator, tmp_path):
    with pytest.raises(VAEError, match="choose mixture or diffusion"):
        fit_prior("flow", codes, generator)
    with pytest.raises(VAEError, match="choose mixture or diffusion"):
        load_prior(tmp_path, "a" * 16, "flow")


def test_codes_are_draws_of_the_training_images():
    found = codes_for_prior(encodings([0] * 900 + [1] * 100), torch.Generator().manual_seed(1))
    noise = found - torch.arange(1800.0).reshape(900, 2)
    assert found.shape == (900, 2)
    assert noise.std().item() == pytest.approx(np.exp(-2), rel=0.05)
    assert len(codes_for_prior(encodings([1] * 10), torch.Generator())) == 10


def test_the_verb_fits_and_keeps(tmp_path, capsys, monkeypatch):
    """On this machine, so that a folder under version control stays as it is; in the folder where that is asked for."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    folder, events = tmp_path / "model", tmp_path / "events.jsonl"
    model_id = save(folder, VAE(Config(shape=(4,), latent_dim=2, encoder_sizes=(4,), decoder_sizes=(4,))), {})
    fit = ["prior", str(folder), "--kind", "mixture", "--events", str(events)]
    assert main(fit) == 2
    assert "no encodings yet" in capsys.readouterr().err
    assert json.loads(events.read_text().splitlines()[-1])["kind"] == "failed"
    save_encodings(folder, encodings([0] * 50))
    assert prior_stamp(folder, model_id, "mixture") == ((0, 0), (0, 0))
    assert main([*fit, "--json"]) == 0
    assert '"codes": 50' in capsys.readouterr().out
    told = [json.loads(line) for line in events.read_text().splitlines()]
    assert told[-1]["kind"] == "done" and any("fitting a mixture" in line.get("what", "") for line in told)
    assert load_prior(folder, model_id, "mixture") is None and not list(folder.glob("prior-*"))
    assert find_prior(folder, model_id, "mixture").sample(3, torch.Generator()).shape == (3, 2)
    assert main([*fit, "--keep-here", "--seed", "3"]) == 0
    assert load_prior(folder, model_id, "mixture") is not None
    assert (0, 0) not in prior_stamp(folder, model_id, "mixture")


def test_what_was_fitted_here_goes_before_what_came_along(codes, generator, tmp_path, monkeypatch):
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    came, fitted = (quick("mixture", codes + shift, generator) for shift in (0, 9))
    save_prior(tmp_path, "a" * 16, came)
    assert torch.equal(find_prior(tmp_path, "a" * 16, "mixture").means, came.means)
    save_prior(priors_folder("a" * 16), "a" * 16, fitted)
    assert torch.equal(find_prior(tmp_path, "a" * 16, "mixture").means, fitted.means)
    assert find_prior(tmp_path, "b" * 16, "mixture") is None
