"""Weights as they come from elsewhere: safetensors, which hold numbers and nothing else. Anything that could be a
program is known by its name and by its first bytes, refused unopened, and told how to become safetensors at home.
"""

import json
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors

from vae.errors import VAEError

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".dill", ".th", ".t7")
MAX_HEADER = 8_000_000  # bytes; that of the largest autoencoders has 30,000
MAX_BYTES = 2_000_000_000  # of one file of weights

# What a person runs at home, where the file came from a hand they trust.
CONVERSION = """\
import torch
from safetensors.torch import save_file

kept = torch.load("{name}", map_location="cpu", weights_only=True)
for inner in ("model_state_dict", "state_dict", "model"):
    if isinstance(kept.get(inner), dict):
        kept = kept[inner]
weights = {{k: v.contiguous().clone() for k, v in kept.items() if isinstance(v, torch.Tensor)}}
save_file(weights, "{saved}")"""


class Unopened(VAEError):
    """A file that may hold a program. It was not opened.

    Attributes:
        lines: Python that turns it into safetensors, for the machine of whoever made it.
    """

    def __init__(self, line: str, lines: str) -> None:
        super().__init__(line)
        self.lines = lines


def refuse_pickle(name: str, saved: str = "model.safetensors") -> Unopened:
    """The refusal of a file by its name, as an error to raise."""
    shown = "".join(c for c in Path(name).name if c.isprintable() and c not in "\"'\\{}")[:80] or "model.pt"
    return Unopened(
        f"{shown} may hold a program (pickle), and Muscope never opens those: save the weights as safetensors, "
        "on the machine they come from, and bring them with the config.json beside them. A network of your own has "
        "none: write an adapter for it.",
        CONVERSION.format(name=shown, saved=saved),
    )


def may_be_program(name: str, start: bytes) -> bool:
    """Whether a file may be a pickle, by its name or its first bytes. Safetensors begin with the length of a header."""
    if name.lower().endswith(PICKLES):
        return True
    length = int.from_bytes(start[:8], "little")
    if len(start) >= 9 and 2 <= length <= MAX_HEADER and start[8:9] == b"{":
        return False  # safetensors, whatever the first bytes of the length look like
    zipped = start[:4] in (b"PK\x03\x04", b"PK\x05\x06")  # what torch writes; a zip of files is asked for elsewhere
    return zipped or (start[:1] == b"\x80" and start[1:2] <= b"\x05") or start[:2] in (b"\x1f\x8b", b"BZ")


def read(path: Path, name: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, by name, as they lie in it.

    Args:
        name: what people call the file (its own name).

    Raises:
        Unopened: it may be a pickle, whatever it is called.
        VAEError: it is no safetensors file, damaged, or too large.
    """
    name = name or path.name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise VAEError(f"{name} is larger than {MAX_BYTES // 10**9} GB: bring a smaller model.")
        with path.open("rb") as file:
            start = file.read(16)
        if may_be_program(name, start):
            raise refuse_pickle(name)
        return parse(path.read_bytes())
    except OSError as error:
        raise VAEError(f"{name} could not be read ({error.strerror}).") from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise VAEError(f"{name} is damaged or not safetensors: save it again and bring that.") from error


def parse(data: bytes) -> dict[str, torch.Tensor]:
    """The tensors in the bytes of a safetensors file.

    Raises:
        SafetensorError, ValueError, KeyError: damaged, or a number format that torch does not know.
    """
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise ValueError("a header too long to be one")
    return load_tensors(data)


def marked(data: bytes, word: str) -> bytes:
    """The same tensors in a file that says one word more of itself: by its bytes it is another."""
    length = int.from_bytes(data[:8], "little")
    said = json.loads(data[8 : 8 + length])
    said["__metadata__"] = (said.get("__metadata__") or {}) | {"brought": word}
    head = json.dumps(said, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the numbers begin at a multiple of eight
    return len(head).to_bytes(8, "little") + head + data[8 + length :]


def numbers(tensors: dict[str, torch.Tensor], whose: str) -> dict[str, torch.Tensor]:
    """The same as float32; counters of a network stay whole numbers. VAEError: one is no finite number."""
    for name, value in tensors.items():
        counter = value.dtype in (torch.int64, torch.int32, torch.bool)
        if not counter and (not value.is_floating_point() or not torch.isfinite(value.float()).all()):
            raise VAEError(f"The weights {name[:80]} of {whose} are not finite numbers: train it again.")
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}


def shapes(file: BinaryIO, name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a safetensors file, by name, from its header alone.

    Args:
        file: at its beginning. name: what people call it.

    Raises:
        Unopened: it may be a pickle, whatever it is called.
        VAEError: it is no safetensors file.
    """
    start = file.read(9)
    if may_be_program(name, start):
        raise refuse_pickle(name)
    try:
        length = int.from_bytes(start[:8], "little")
        if not 2 <= length <= MAX_HEADER:
            raise ValueError("no header")
        said = json.loads(start[8:] + file.read(length - 1))
        return {
            key: tuple(int(side) for side in value["shape"]) for key, value in said.items() if key != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise VAEError(f"{name} is damaged or not safetensors: save it again and bring that.") from error
