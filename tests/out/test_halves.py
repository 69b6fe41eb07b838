"""ONNX and torch.export: what a model's halves say elsewhere is what torch says here."""

import io
import sys
import zipfile

import numpy as np
import onnxruntime
import pytest
import torch

from live.engine import SHIPPED
from vae.checkpoint import Checkpoint, load, save
from vae.config import Config
from vae.errors import VAEError
from vae.model import VAE
from vae.out import halves, onnx, program
from vae.out.halves import Half

CLOSE = 1e-5

KINDS = {
    "dense": Config((1, 8, 8), 3, encoder_sizes=(16,), decoder_sizes=(16,)),
    "table": Config((5,), 2, encoder_sizes=(8,), decoder_sizes=(8,), likelihood="gaussian", output="linear"),
    "point": Config((1, 8, 8), 3, posterior="point"),
    "colours": Config((3, 16, 12), 4, network="conv", encoder_sizes=(4, 8), decoder_sizes=(8, 4), likelihood="mse"),
    "levels": Config((1, 8, 8), 5, "gated", (16,), (16,), levels=(2, 3)),
    "linear": Config((1, 8, 8), 3, "linear", (), (), likelihood="gaussian", output="linear"),
}


def a_model(kind: str, folder) -> Checkpoint:
    save(folder / kind, VAE(KINDS[kind], seed=1), {"title": kind})
    return load(folder / kind)


def agree(said, wanted) -> bool:
    return all(np.allclose(a, b.numpy(), rtol=CLOSE, atol=CLOSE) for a, b in zip(said, wanted, strict=True))


def test_what_is_given_away_as_onnx_says_what_the_network_says(tmp_path):
    """Compared with the network itself, not with what the exporter says it compared."""
    model = a_model("levels", tmp_path)
    files, worst = onnx.onnx_files(model)
    encoder, decoder = (onnxruntime.InferenceSession(files[f"{half}.onnx"]) for half in ("encoder", "decoder"))
    for size in (1, 2, 40):
        x = torch.rand((size, *model.config.shape), generator=torch.Generator().manual_seed(size))
        q = model.vae.encode(x)
        assert agree(encoder.run(["mu", "logvar"], {"x": x.numpy()}), (q.mu, q.logvar))
        assert agree(decoder.run(None, {"z": q.mu.numpy()}), (model.vae.decode(q.mu),))
    assert 0 < worst < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_is_a_program_of_torch_without_a_pickle(kind, tmp_path):
    model = a_model(kind, tmp_path)
    files = program.program_files(model)
    for half in halves.halves(model):
        data = files[f"{half.name}.pt2"]
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        assert [name for name, part in parts.items() if part[:2] in (b"PK", b"\x80\x02") or b"ctorch" in part] == []
        run = torch.export.load(io.BytesIO(data)).module()
        batch = torch.rand((40, *half.example.shape[1:]), generator=torch.Generator().manual_seed(0))
        found = run(batch)
        assert agree(
            [each.detach().numpy() for each in (found if isinstance(found, tuple) else (found,))], half.answers(batch)
        )
        assert len(half.gives) == (1 if kind == "point" or half.name == "decoder" else 2)


def test_what_ships_agrees_with_torch_to_five_places():
    """The others are such networks with other weights; `python -m vae export` checks each that it writes."""
    _, worst = onnx.onnx_files(load(SHIPPED / "mnist"))
    assert worst < CLOSE


def test_a_file_that_says_something_else_is_not_given_away(tmp_path, monkeypatch):
    model = a_model("dense", tmp_path)
    monkeypatch.setattr(onnx, "_file", lambda half: b"a file")
    monkeypatch.setattr(onnx, "difference", lambda data, half: 0.01)
    with pytest.raises(VAEError, match=r"encoder\.onnx is off by 1\.0e-02"):
        onnx.onnx_files(model)


def test_a_network_that_cannot_be_traced_is_told_in_a_line(tmp_path):
    class Moody(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    half = Half("encoder", Moody(), torch.ones(3, 2), "x", ("mu",))
    with pytest.raises(VAEError, match="The encoder of this model cannot be traced by torch") as error:
        halves.traced(half)
    assert "\n" not in str(error.value)


def test_without_the_packages_a_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(VAEError, match="ONNX needs onnxscript: install it with"):
        onnx.onnx_files(a_model("dense", tmp_path))
