"""A model as two ONNX files, encoder and decoder, checked against torch before anybody gets them."""

import importlib.util

import numpy as np
import torch

from vae.checkpoint import Checkpoint
from vae.errors import VAEError
from vae.out.halves import Half, halves, quiet, traced

OPSET = 18
BATCHES = (1, 5, 33)  # one picture, a few, and more than the dense layers' other product begins with
FARTHEST = 1e-3  # from torch: more is no rounding


def onnx_files(model: Checkpoint) -> tuple[dict[str, bytes], float]:
    """`encoder.onnx` and `decoder.onnx` for batches of any size, and how far they are from torch at most.

    The encoder takes x (B, *shape) float32 in [0, 1] and gives mu and logvar (B, L), of a plain autoencoder mu alone;
    the decoder takes z (B, L) and gives x. Both are run by ONNX Runtime on random batches of 1, 5 and 33, and what
    they say is compared with torch, number by number.

    Raises:
        VAEError: the packages for ONNX are not installed, the network cannot be traced, or the files say something
            else than torch does.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise VAEError(f"ONNX needs {package}: install it with `pip install onnx onnxscript onnxruntime`.")
    files, worst = {}, 0.0
    for half in halves(model):
        data = _file(half)
        off = difference(data, half)
        if not off <= FARTHEST:
            raise VAEError(f"{half.name}.onnx is off by {off:.1e} from torch, so it was not kept: take torch.export.")
        files[f"{half.name}.onnx"], worst = data, max(worst, off)
    return files, worst


def _file(half: Half) -> bytes:
    program = traced(half)
    try:
        with quiet():
            made = torch.onnx.export(
                program,
                input_names=[half.takes],
                output_names=list(half.gives),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter's own errors, of which each version has others
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise VAEError(f"The {half.name} holds something that ONNX does not know ({lines[0][:160]}).") from error
    assert made is not None  # with dynamo it is a program
    data: bytes = made.model_proto.SerializeToString()
    return data


def difference(data: bytes, half: Half) -> float:
    """How far what an ONNX file says of random batches is from what torch says, at most."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    generator, worst = torch.Generator().manual_seed(1), 0.0
    for size in BATCHES:
        draw = torch.rand if half.takes == "x" else torch.randn
        batch = draw((size, *half.example.shape[1:]), generator=generator)
        said = session.run(list(half.gives), {half.takes: batch.numpy()})
        for ours, theirs in zip(half.answers(batch), said, strict=True):
            if ours.shape != theirs.shape:
                raise VAEError(f"{half.name}.onnx answers with shape {theirs.shape}, torch with {tuple(ours.shape)}.")
            worst = max(worst, float(np.abs(ours.numpy() - theirs).max()))
    return worst
