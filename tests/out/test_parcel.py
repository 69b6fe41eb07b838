"""A model as a zip, and files in a zip: the same bytes each time, nothing that does not belong."""

import io
import zipfile

import pytest

from vae.checkpoint import OWNER, Owner, load, save, save_owner
from vae.config import Config
from vae.errors import VAEError
from vae.model import VAE
from vae.out.parcel import as_zip, model_files


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "tiny"
    save(folder, VAE(Config((1, 8, 8), 2, encoder_sizes=(4,), decoder_sizes=(4,))), {"title": "Tiny"})
    return folder


def test_a_model_comes_back_from_its_zip(model, tmp_path):
    with zipfile.ZipFile(io.BytesIO(as_zip(model_files(model), "tiny"))) as parcel:
        assert all(name.startswith("tiny/") for name in parcel.namelist())
        parcel.extractall(tmp_path / "back")
    assert load(tmp_path / "back" / "tiny").model_id == load(model).model_id


def test_the_same_files_are_the_same_zip(model):
    assert as_zip(model_files(model)) == as_zip(model_files(model))


def test_only_what_makes_a_model_is_taken_and_nobodys_name(model, tmp_path):
    (model / "secret.txt").write_text("mine")
    (tmp_path / "elsewhere").write_text("{}")
    (model / "report.json").symlink_to(tmp_path / "elsewhere")
    save_owner(model, Owner("somebody", shared=False))
    assert set(model_files(model)) == {"config.json", "model.safetensors", "card.json"}
    assert OWNER not in model_files(model)


def test_what_is_no_model_is_told_in_a_line(tmp_path):
    with pytest.raises(VAEError, match="There is no model folder called nothing"):
        model_files(tmp_path / "nothing")
