"""A model as two programs of torch's own (`torch.export`), encoder and decoder, which need no code of Muscope's."""

import io

import torch

from vae.checkpoint import Checkpoint
from vae.out.halves import halves, quiet, traced


def program_files(model: Checkpoint) -> dict[str, bytes]:
    """`encoder.pt2` and `decoder.pt2`: JSON and plain numbers in a zip, to be read with `torch.export.load`.

    VAEError: the network cannot be traced.
    """
    files = {}
    for half in halves(model):
        program = traced(half)
        program.example_inputs = None  # these would be kept as a pickle: without them there is none in the file
        file = io.BytesIO()
        with quiet():
            torch.export.save(program, file)
        files[f"{half.name}.pt2"] = file.getvalue()
    return files
