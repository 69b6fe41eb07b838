"""The other verbs, and the command line as a whole."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from vae import checkpoint, data
from vae.cli import VERBS
from vae.encodings import load_encodings
from vae.explore import projection


@pytest.fixture
def model(trained, tmp_path):
    """A copy of the trained model that a test may change."""
    return shutil.copytree(trained[0], tmp_path / "model")


# ---- encode and project --------------------------------------------------------------------------------------------


def test_encode_makes_the_same_codes_again(vae, model):
    before = load_encodings(model)
    (model / "encodings.safetensors").unlink()
    assert vae("encode", model, "--device", "cpu", "--json").json["images"] == 1797
    after = load_encodings(model)
    assert (after.mu == before.mu).all() and (after.index == before.index).all()
    assert (after.maps["pca"] == before.maps["pca"]).all()


def test_encode_keeps_as_many_as_asked_for_and_other_data_of_that_shape(vae, model, tmp_path):
    assert vae("encode", model, "--keep-images", "20:10", "--json").json["images"] == 30
    assert len(load_encodings(model)) == 30
    said = vae("encode", model, "--data", "sprites")
    assert said.status == 2 and "shape" in said.err
    assert len(load_encodings(model)) == 30


def test_project_adds_a_map_and_keeps_the_rest(vae, model, monkeypatch):
    monkeypatch.setattr(projection, "umap", lambda mu, *, seed, progress: mu[:, 1:] * seed)
    assert vae("project", model, "--method", "umap", "--seed", "2", "--json").json["maps"] == ["pca", "umap"]
    codes = load_encodings(model)
    assert np.allclose(codes.maps["umap"], 2 * codes.mu[:, 1:], atol=0.01)
    assert vae("project", model).out.startswith("Mapped 1,797 images by PCA")


def test_project_needs_codes_and_a_model(vae, model, tmp_path):
    (model / "encodings.safetensors").unlink()
    said = vae("project", model)
    assert said.status == 2 and "no encodings yet" in said.err
    said = vae("project", tmp_path / "gone")
    assert said.status == 2 and "no model folder called gone" in said.err


# ---- evaluate ------------------------------------------------------------------------------------------------------


def test_evaluate_says_every_figure(vae, model, monkeypatch):
    monkeypatch.setattr(projection, "umap", lambda mu, *, seed, progress: mu[:, :2])
    said = vae("evaluate", model, "--json").json
    wanted = {"recon_nll", "kl", "elbo", "recon_mse", "active_units", "knn_accuracy", "trustworthiness", "test_loss"}
    assert set(said) >= wanted | {"likelihood", "binarisation", "images", "model_id"}
    card = checkpoint.load(model).card["figures"]
    assert {name: said[name] for name in card} == card
    words = vae("evaluate", model).out
    assert f"{said['knn_accuracy']:.2%}" in words and "of 3" in words


def test_what_cannot_be_had_is_null(vae, tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(60, 5)))
    table = f"table:{tmp_path / 'rows.npy'}"
    assert vae("train", "--data", table, "--model", "mlp", "--epochs", 1, "--out", tmp_path / "model").status == 0
    said = vae("evaluate", tmp_path / "model", "--json").json
    assert said["knn_accuracy"] is None and said["trustworthiness"] is None
    assert "5-NN accuracy        -" in vae("evaluate", tmp_path / "model").out


def test_a_limit_on_the_card_is_kept_to(vae, tmp_path, monkeypatch):
    monkeypatch.setattr(projection, "umap", lambda mu, *, seed, progress: mu[:, :2])
    words = ("--data", "digits", "--recipe", "pytorch", "--epochs", 1, "--limit", 50, "--out", tmp_path / "model")
    assert vae("train", *words, "--evaluate").status == 0
    said = vae("evaluate", tmp_path / "model", "--json").json
    assert said.pop("model_id") and said == checkpoint.load(tmp_path / "model").card["figures"]
    assert said["images"] == 50


def test_a_card_that_names_no_data_asks_for_them(vae, model):
    card = json.loads((model / "card.json").read_text())
    for data_part in ({}, [], "digits"):
        (model / "card.json").write_text(json.dumps(card | {"data": data_part}))
        said = vae("evaluate", model)
        assert said.status == 2 and "add --data NAME" in said.err
    assert vae("encode", model, "--data", "digits", "--json").json["images"] == 1797


@pytest.mark.parametrize("verb", ["encode", "evaluate"])
def test_a_pickle_is_refused(vae, tmp_path, verb):
    (tmp_path / "model.pt").write_bytes(b"\x80\x04")
    said = vae(verb, tmp_path / "model.pt")
    assert said.status == 2 and "pickle" in said.err and said.err.count("\n") == 1


# ---- data ----------------------------------------------------------------------------------------------------------


def test_data_list_names_them_all(vae):
    assert [row["name"] for row in vae("data", "list", "--json").json] == list(data.NAMES)
    lines = vae("data", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == list(data.NAMES)


def test_data_show_tells_sizes_and_credit(vae):
    facts = vae("data", "show", "digits", "--json").json
    assert facts["train_size"] == 1437 and facts["shape"] == [1, 8, 8] and facts["on_machine"]
    assert "UCI" in vae("data", "show", "digits").out
    said = vae("data", "show", "mnits")
    assert said.status == 2 and "mnits" in said.err


def test_data_fetch_fetches(vae, monkeypatch):
    asked = []

    def fetch(name, progress):
        asked.append(name)
        progress(5, 10)
        progress(10, 10)

    monkeypatch.setattr(data, "fetch", fetch)
    said = vae("data", "fetch", "kmnist", "--progress", "--json")
    assert asked == ["kmnist"] and said.json["name"] == "kmnist"
    assert "fetching kmnist" in said.err


# ---- the whole -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("nonsense",), ("data",), ("train",), ("evaluate",), ("data", "show")])
def test_half_a_command_is_one_line_and_status_two(vae, words):
    said = vae(*words)
    assert said.status == 2 and said.out == ""
    assert said.err.count("\n") == 1 and "--help" in said.err and "usage" not in said.err


@pytest.mark.parametrize("verb", [None, *(verb.NAME for verb in VERBS)])
def test_help_is_there(vae, verb):
    said = vae(*([verb] if verb else []), "--help")
    assert said.status == 0 and "python -m vae" in said.out and said.err == ""


def test_a_line_break_in_a_name_is_no_line_break_in_an_error(vae, tmp_path):
    said = vae("evaluate", tmp_path / "a\nb")
    assert said.status == 2 and said.err.count("\n") == 1


def test_as_a_process_of_its_own(root):
    """`python -m vae`: the exit status and both streams, and no torch for what needs none."""

    def run(*words):
        return subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True)

    bad = run("-m", "vae", "train", "--data", "digits", "--model", "mlp", "--latent-dim", "0")
    assert (bad.returncode, bad.stdout) == (2, "") and bad.stderr.startswith("latent_dim is 0")
    assert bad.stderr.count("\n") == 1
    look = "import sys; from vae.cli import main; main(['train', '--help']); print('torch' in sys.modules)"
    assert run("-c", look).stdout.endswith("False\n")
    listed = run("-m", "vae", "data", "list", "--json")
    assert listed.returncode == 0 and len(json.loads(listed.stdout)) == len(data.NAMES)
