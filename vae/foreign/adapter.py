"""Your own network by a small adapter: any object that encodes and decodes.

Code of a person's own runs only where whoever starts the server says so, in one of two ways:

    streamlit run app.py -- --adapter mine.py:MyModel       a class in a file (for `python -m vae`: MUSCOPE_ADAPTER)
    [project.entry-points."muscope.adapters"]               a class of an installed package
    mine = "my_package:MyModel"

Nothing that a visitor brings is ever imported.
"""

import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vae.config import MAX_LATENT_DIM
from vae.errors import VAEError
from vae.foreign.allow import places, split
from vae.posterior import POINT_LOGVAR

GROUP = "muscope.adapters"
# What an adapter may be called in a list.
_NAME = re.compile(r"[A-Za-z0-9_. -]{1,60}", re.ASCII)


class Adapter(Protocol):
    """What Muscope asks of a model of your own. An `nn.Module` may be one: its weights are then kept with the model.

    Attributes:
        shape: (C, H, W) of its images, or (D,) of its vectors.
        latent_dim: L, numbers in a code.
        title: optional; what people call it.
        data: optional; the data set to look at it with, such as "mnist".
    """

    shape: tuple[int, ...]
    latent_dim: int

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """x (B, *shape) float32 in [0, 1] to mu and logvar, (B, L) each; None for logvar: codes without a spread."""

    def decode(self, z: Tensor) -> Tensor:
        """z (B, L) to x (B, *shape) in [0, 1], row by row: no code changes the picture of another."""


@dataclass(frozen=True)
class Found:
    """An adapter that can be opened.

    Attributes:
        name: in a list; another for each.
        where: the file, or the package.
        make: makes one; no arguments.
        own: what it is called where it is written: two files may each have a class of one name.
    """

    name: str
    where: str
    make: Callable[[], Any]
    own: str = ""


def adapters() -> tuple[Found, ...]:
    """Those of this server, the first of a name by that name, others by their file as well. Imports none of them."""
    files = list(dict.fromkeys(map(split, places())))
    alike = Counter((file.name, name) for file, name in files)
    found = [_of_file(file, name, folder=alike[file.name, name] > 1) for file, name in files]
    for point in entry_points(group=GROUP):
        found.append(Found(point.name, point.value, partial(_of_package, point), point.name))
    return tuple(_told_apart(found).values())


def _told_apart(found: list[Found]) -> dict[str, Found]:
    named: dict[str, Found] = {}
    for each in found:
        plain = each.name if each.name not in named else f"{each.name} of {re.sub(r'[^A-Za-z0-9_.-]', '-', each.where)}"
        tries = (plain, *(f"{plain} {number}" for number in range(2, len(found) + 2)))
        name = next(name for name in tries if name not in named)
        if _NAME.fullmatch(name):
            named[name] = replace(each, name=name)
    return named


def find_adapter(name: str, where: str = "") -> Found:
    """The adapter of a name in the list, or that a model's folder names.

    Args:
        where: the file or package it had when the model was kept: another one of its name may come first by now.

    Raises:
        VAEError: this server has none of that name.
    """
    there = adapters()
    kept = [each for each in there if where and (each.own, each.where) == (name, where)]
    for each in kept + [each for each in there if each.name == name]:
        return each
    of = f" of {where[:60]}" if where else ""
    raise VAEError(
        f"This server has no adapter {name[:60]!r}{of}: whoever starts it adds `-- --adapter file.py:Class`, "
        "or installs the package that has it."
    )


def open_adapter(name: str, where: str = "") -> Any:
    """A new one, checked; found as `find_adapter` does.

    Raises:
        VAEError: this server has no such adapter, its code fails, or it is not what `Adapter` says.
    """
    try:
        made = find_adapter(name, where).make()
    except VAEError:
        raise
    except Exception as error:
        raise VAEError(f"The adapter {name} could not be made: {_said(error)}") from error
    return _checked(name, made)


class Own(nn.Module):
    """A person's adapter as a network of ours, its answers checked each time: it may do anything."""

    def __init__(self, name: str, made: Any) -> None:
        super().__init__()
        self.name, self.made = name, made  # an nn.Module becomes a part of this one, and moves with it
        self.shape, self.latents = tuple(made.shape), int(made.latent_dim)

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, *shape) to mu and logvar, (B, L) each."""
        said = self._ask(self.made.encode, x)
        mu, logvar = said if isinstance(said, tuple) and len(said) == 2 else (said, None)
        mu = self._whole("encode", mu, (len(x), self.latents))
        if logvar is None:
            return mu, torch.full_like(mu, POINT_LOGVAR)
        return mu, self._whole("encode", logvar, (len(x), self.latents)).clamp(POINT_LOGVAR, 20.0)

    def draw(self, z: Tensor) -> Tensor:
        """z (B, L) to x (B, *shape), in [0, 1]."""
        return self._whole("decode", self._ask(self.made.decode, z), (len(z), *self.shape)).clamp(0, 1)

    def _ask(self, method: Callable[[Tensor], Any], given: Tensor) -> Any:
        try:
            return method(given)
        except Exception as error:
            raise VAEError(f"The adapter {self.name} broke off: {_said(error)}") from error

    def _whole(self, method: str, found: Any, shape: tuple[int, ...]) -> Tensor:
        if not isinstance(found, Tensor) or tuple(found.shape) != shape:
            came = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise VAEError(f"{method} of the adapter {self.name} gave {came}: it must give a tensor of shape {shape}.")
        return found.float()


def is_point(made: Any) -> bool:
    """Whether an adapter gives codes without a spread: asked with one grey image."""
    said = Own("", made)
    with torch.inference_mode():
        _, logvar = said.read(torch.full((1, *said.shape), 0.5))
    return bool((logvar == POINT_LOGVAR).all())


# ---- finding them --------------------------------------------------------------------------------------------------


def _of_file(file: Path, name: str, folder: bool) -> Found:
    where = f"{file.parent.name}/{file.name}" if folder else file.name
    return Found(name, where, lambda: getattr(_module(file), name)(), name)


def _of_package(point: EntryPoint) -> Any:
    return point.load()()


@lru_cache(maxsize=32)
def _module(file: Path) -> Any:
    """The module in a file, imported once; files beside it are not found by its imports."""
    # Two files may have one name: each is a module of its own.
    name = f"muscope_adapter_{file.stem}_{blake2b(str(file).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise VAEError(f"{file.name} could not be imported: give a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and the like look their own module up there
    spec.loader.exec_module(module)
    return module


def _checked(name: str, made: Any) -> Any:
    shape, latents = getattr(made, "shape", None), getattr(made, "latent_dim", None)
    if not isinstance(shape, tuple | list) or len(shape) not in (1, 3) or not all(type(s) is int for s in shape):
        raise VAEError(f"The adapter {name} has no shape: (channels, height, width) or (length,).")
    if type(latents) is not int or not 1 <= latents <= MAX_LATENT_DIM:
        raise VAEError(f"The adapter {name} has no latent_dim: a whole number from 1 to {MAX_LATENT_DIM}.")
    if not callable(getattr(made, "encode", None)) or not callable(getattr(made, "decode", None)):
        raise VAEError(f"The adapter {name} has no encode or no decode: it needs both.")
    if isinstance(made, nn.Module):
        made.eval()
    return made


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
