"""`python -m vae bring`: models from elsewhere as folders that everything else opens unchanged."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.foreign.conftest import kl, pythae  # noqa: F401
from vae import checkpoint, data
from vae.checkpoint import Owner, read_owner
from vae.cli import main
from vae.cli.bring_ours import clean_card
from vae.data.images import Images
from vae.encodings import encode, load_encodings, save_encodings
from vae.foreign.allow import VARIABLE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`bring(what, ...)`: the folder that came of it."""
    monkeypatch.setenv(VARIABLE, f"{ROOT}/examples/adapter.py:Waves")

    def run(what: str | Path, *words: str, status: int = 0) -> Path:
        out = tmp_path / "models" / "new"
        assert main(["bring", str(what), "--out", str(out), *words]) == status
        return out

    return run


def held(folder: Path, images: Images) -> None:
    """The kept codes are those that the opened model gives for the images they are said to be of."""
    model, kept = checkpoint.load(folder), load_encodings(folder)
    rows = np.flatnonzero(kept.split == 1)[:8]
    again = encode(model.vae, images.take(kept.index[rows]))
    np.testing.assert_allclose(again.mu, kept.mu[rows], atol=2e-2)
    assert kept.latent_dim == model.config.latent_dim and set(kept.maps) == {"pca"}
    z = torch.from_numpy(kept.mu[rows])
    whole = model.vae.decode(z)
    assert whole.shape == (8, *model.config.shape) and float(whole.min()) >= 0 and float(whole.max()) <= 1
    torch.testing.assert_close(model.vae.decode(z[3:4]), whole[3:4], atol=1e-5, rtol=0)  # alone or in a batch


def test_an_adapter(bring) -> None:
    folder = bring("adapter:Waves", "--images", "60")
    held(folder, data.load("digits", "test"))
    assert checkpoint.load(folder).card["title"] == "Twelve waves"
    assert read_owner(folder) == Owner()


def test_an_autoencoder_of_diffusers_through_its_axes(bring, kl: Path) -> None:  # noqa: F811
    folder = bring(kl, "--data", "digits", "--images", "60", "--axes", "7", "--title", "KL", "--owner", "ada")
    model = checkpoint.load(folder)
    assert model.config.shape == (1, 8, 8) and model.config.latent_dim == 7  # grey images in three colours
    held(folder, data.load("digits", "test"))
    kept = load_encodings(folder)
    train = kept.mu[kept.split == 0]
    np.testing.assert_allclose(train.std(axis=0), 1, atol=0.02)
    assert read_owner(folder) == Owner("ada", shared=False)


def test_the_axes_of_a_spatial_code_lead_back_to_its_pictures(bring, kl: Path) -> None:  # noqa: F811
    """With as many axes as images, the reconstruction along them is the network's own."""
    folder = bring(kl, "--data", "digits", "--images", "24", "--axes", "64")
    vae = checkpoint.load(folder).vae
    kept = load_encodings(folder)
    rows = kept.index[kept.split == 0]
    x = torch.from_numpy(data.load("digits", "train").pixels[rows]).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        own = vae.core.draw(vae.core.read(x.expand(-1, 3, -1, -1))[0]).mean(1, keepdim=True)
        torch.testing.assert_close(vae.decode(vae.encode(x).mu), own, atol=2e-4, rtol=0)


def test_a_model_of_pythae(bring, pythae: Path) -> None:  # noqa: F811
    held(bring(pythae, "--data", "digits", "--images", "60"), data.load("digits", "test"))


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A small model of our own, with codes, as another machine kept it."""
    from vae.config import Config
    from vae.model import VAE

    vae = VAE(Config((1, 8, 8), 3, encoder_sizes=(5,), decoder_sizes=(5,))).eval()
    folder = tmp_path / "theirs"
    said = {"name": "folder:/home/ada/private", "title": "Cells", "train": 5, "test": 3}
    checkpoint.save(folder, vae, {"title": "<script>alert(1)</script>", "data": said, "settings": {"a": 1}})
    save_encodings(folder, encode(vae, data.load("digits", "test", limit=30)))
    return folder


def test_a_model_of_our_own_stays_the_same_model(bring, ours: Path) -> None:
    folder = bring(ours)
    new, old = checkpoint.load(folder), checkpoint.load(ours)
    assert new.model_id == old.model_id
    for name in (checkpoint.CONFIG, checkpoint.WEIGHTS, checkpoint.ENCODINGS):
        assert (folder / name).read_bytes() == (ours / name).read_bytes()
    assert new.card == {"title": "<script>alert(1)</script>", "data": {"title": "Cells", "train": 5, "test": 3}}


@pytest.mark.parametrize("what", ["a folder", "an adapter"])
def test_what_two_people_bring_is_not_one_model(bring, ours: Path, what: str) -> None:
    given = ours if what == "a folder" else "adapter:Waves"
    folder = bring(given, "--images", "60", "--data", "digits", "--owner", "ada")
    hers = folder.rename(folder.with_name("hers"))
    his = bring(given, "--images", "30", "--data", "digits", "--owner", "bob")
    one, other = checkpoint.load(hers), checkpoint.load(his)
    assert one.model_id != other.model_id  # or his pages would be given her codes and her images
    z = torch.zeros(1, one.config.latent_dim)
    torch.testing.assert_close(one.vae.decode(z), other.vae.decode(z), atol=0, rtol=0)
    assert len(load_encodings(hers)) == 60 and len(load_encodings(his)) == 30


SPOILED = {
    "codes that are not finite": lambda e: e.mu.__setitem__((0, 0), np.nan),
    "rows below zero": lambda e: e.index.__setitem__(0, -1),
    "a third split": lambda e: e.split.__setitem__(0, 7),
    "labels beyond their names": lambda e: e.labels.__setitem__(0, 99),
    "a map of other things": lambda e: e.maps.update({"../../x": np.zeros((len(e), 2), np.float32)}),
}


@pytest.mark.parametrize("what", SPOILED)
def test_codes_that_cannot_be_shown_are_made_anew(what: str, bring, ours: Path, capsys) -> None:
    kept = load_encodings(ours)
    SPOILED[what](kept)
    save_encodings(ours, kept)
    bring(ours, status=2)  # its own data are not here
    assert "add --data NAME" in capsys.readouterr().err
    folder = bring(ours, "--data", "digits", "--images", "40")
    assert len(load_encodings(folder)) == 40
    assert checkpoint.load(folder).card["data"]["name"] == "digits"


def test_of_a_card_only_what_can_be_shown_is_kept() -> None:
    card = {
        "sentence": "x" * 9000,
        "epochs": 3,
        "seconds": float("nan"),
        "command": "rm -rf /",
        "figures": {"elbo": -90.5, "deep": {"a": [1]}, "n" * 99: 1, "likelihood": "Bernoulli"},
        "data": {"name": "mnist", "train": True, "credit": ["no"]},
        "seed": "seven",
    }
    kept = clean_card(card, "T", "")
    assert kept == {
        "title": "T",
        "sentence": "x" * 300,
        "epochs": 3,
        "figures": {"elbo": -90.5, "likelihood": "Bernoulli"},
        "data": {"name": "mnist"},
    }
    for name in ("table:/etc/passwd", "folder:/", "brought:0123456789abcdef", "brought:../../x", 3):
        assert "name" not in clean_card({"data": {"name": name}}, "T", "ada")["data"]
    assert clean_card([], "T", "") == {"title": "T"}
    channels = [{"name": "DNA", "colour": "#ff8800"}, {"name": "n" * 999, "colour": "#00FF00"}]
    said = clean_card({"data": {"channels": [one | {"more": 1} for one in channels]}}, "T", "")["data"]["channels"]
    assert said == [channels[0], {"name": "n" * 60, "colour": "#00ff00"}]
    assert "channels" not in clean_card({"data": {"channels": ["<script>"]}}, "T", "")["data"]


def test_a_model_that_was_brought_is_refused_where_its_files_were_changed(bring, kl: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = bring(kl, "--data", "digits", "--images", "24", "--axes", "3")
    for name, change in {
        "adapter.json": {"axes": 4},
        "config.json": {"latent_dim": 4},
    }.items():
        other = tmp_path / name
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(folder, other)
        said = json.loads((other / name).read_text())
        (other / name).write_text(json.dumps(said | change))
        with pytest.raises(checkpoint.VAEError, match="do(es)? not fit"):
            checkpoint.load(other)
    (folder / "adapter.json").unlink()
    with pytest.raises(checkpoint.VAEError, match=r"has no adapter\.json"):
        checkpoint.load(folder)


def test_what_cannot_be_brought_is_one_line_and_leaves_nothing(bring, pythae: Path, capsys) -> None:  # noqa: F811
    for words, line in {
        ("--data", "mnist"): "28 by 28 pixels, not 8 by 8",
        (): "add --data NAME",
        ("--data", "digits", "--images", "3"): "at least 20",
        ("--data", "brought:0123456789abcdef", "--owner", "ada"): "not yours",
    }.items():
        folder = bring(pythae, *words, status=2)
        said = capsys.readouterr().err.strip()
        assert line in said and "\n" not in said
        assert not folder.exists()


def test_a_refused_file_prints_the_lines_that_convert_it(bring, tmp_path: Path, capsys) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.pt").write_bytes(b"\x80\x04.")
    bring(tmp_path / "m", status=2)
    said = capsys.readouterr()
    assert "never opens those" in said.err and "save_file(weights" in said.out


def test_what_it_is_can_be_asked_alone(bring, pythae: Path, capsys) -> None:  # noqa: F811
    folder = bring(pythae, "--look", "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == "pythae" and not folder.exists()
