"""`python -m vae export`: what it writes, and that it takes nothing away."""

import csv
import io
import zipfile

import numpy as np
import pytest

from vae.encodings import load_encodings
from vae.explore.density import fit_density, unusual
from vae.out import EXPORTS


@pytest.mark.parametrize("to", [kind for kind in EXPORTS if kind not in ("onnx", "npz")])
def test_a_model_is_written_as_what_was_asked_for(vae, trained, tmp_path, monkeypatch, to):
    monkeypatch.chdir(tmp_path)
    folder, _, _ = trained
    said = vae("export", folder, "--to", to, "--json").json
    (file,) = tmp_path.iterdir()
    assert file.name == EXPORTS[to].format(name="small") == said["out"] and file.stat().st_size == said["bytes"]
    if to in ("torch", "folder"):
        with zipfile.ZipFile(file) as parcel:
            assert {name.split("/")[0] for name in parcel.namelist()} == {"small"}
            assert ("small/README.md" in parcel.namelist()) == (to == "torch")


def test_the_table_has_a_row_for_each_image_and_says_how_unusual_it_is(vae, trained, tmp_path):
    folder, _, _ = trained
    known = load_encodings(folder)
    vae("export", folder, "--to", "csv", "--out", tmp_path / "a.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [row["image"] for row in rows] == [known.image_id(row) for row in range(len(known))]
    density = fit_density(known.mu, known.split, generator=np.random.default_rng(0))
    wanted = [one.percentile for one in unusual(density, known.mu[-5:])]
    assert np.allclose([float(row["unusual_percentile"]) for row in rows[-5:]], wanted)


def test_what_is_there_already_stays(vae, trained, tmp_path):
    folder, _, _ = trained
    (tmp_path / "mine.zip").write_text("mine")
    said = vae("export", folder, "--to", "folder", "--out", tmp_path / "mine.zip")
    assert said.status == 2 and "mine.zip is there already" in said.err
    assert (tmp_path / "mine.zip").read_text() == "mine"
    said = vae("export", folder, "--to", "folder", "--out", tmp_path)
    assert said.status == 2 and "is a folder" in said.err


def test_a_model_without_codes_says_what_to_do(vae, trained, tmp_path):
    (tmp_path / "bare").mkdir()
    for name in ("config.json", "model.safetensors", "card.json"):
        (tmp_path / "bare" / name).write_bytes((trained[0] / name).read_bytes())
    said = vae("export", tmp_path / "bare", "--to", "csv", "--out", tmp_path / "a.csv")
    assert said.status == 2 and "python -m vae encode" in said.err and not (tmp_path / "a.csv").exists()
