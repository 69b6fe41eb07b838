"""Prior models by kind: fitted, and kept as `prior-KIND.safetensors`, in two places.

What is fitted on this machine lies in `MUSCOPE_HOME/priors`, a folder for each model, so that a model's own folder,
which may be under version control, stays as it is. What shall go where the model goes lies in that folder.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from vae.encodings import Encodings
from vae.errors import VAEError
from vae.files import write_aside
from vae.home import priors_folder
from vae.posterior import Source, normal
from vae.priors.diffusion import LatentDiffusion, fit_diffusion
from vae.priors.mixture import Mixture, fit_mixture

KINDS = ("mixture", "diffusion")  # `vae.checkpoint` has the names of their files
_CLASSES: dict[str, Any] = {"mixture": Mixture, "diffusion": LatentDiffusion}
_FITS: dict[str, Callable[..., Any]] = {"mixture": fit_mixture, "diffusion": fit_diffusion}


class Prior(Protocol):
    """Where codes are drawn from."""

    @property
    def kind(self) -> str: ...

    @property
    def latent_dim(self) -> int: ...

    def sample(self, n: int, generator: Source) -> Tensor:
        """(n, L) float32. The same generator, the same codes."""
        ...

    def place(self, noise: Tensor, choice: Tensor) -> Tensor:
        """The codes (n, L) that noise (n, L) of N(0, I) and choices (n,) in [0, 1) come to. Nothing else is drawn."""
        ...

    def tensors(self) -> dict[str, Tensor]: ...


def codes_for_prior(encodings: Encodings, generator: torch.Generator) -> Tensor:
    """(N, L): one draw of q(z|x) for each training image that is kept (for each image, where none is of training).

    Draws and not mu: what they follow is the aggregate posterior, which is what the decoder was trained on.
    """
    return _drawn(encodings, encodings.split == 0, generator)


def held_out_codes(encodings: Encodings, generator: torch.Generator) -> Tensor:
    """(N, L): one draw of q(z|x) for each test image that is kept (for each image, where none is of testing)."""
    return _drawn(encodings, encodings.split == 1, generator)


def _drawn(encodings: Encodings, rows: np.ndarray, generator: torch.Generator) -> Tensor:
    rows = rows if rows.any() else ~rows
    mu, logvar = torch.from_numpy(encodings.mu[rows]), torch.from_numpy(encodings.logvar[rows])
    return mu + torch.exp(0.5 * logvar) * normal(mu.shape, generator, mu.device)


def fit_prior(
    kind: str, codes: Tensor, generator: torch.Generator, *, progress: Callable[[int, int], None] | None = None
) -> Prior:
    """Fit a prior model on codes (N, L).

    Args:
        kind: one of KINDS.
        progress: called with (done, total).

    Raises:
        VAEError: no such kind, or codes it cannot be fitted on.
    """
    if kind not in _FITS:
        raise VAEError(f"There is no prior {kind!r}: choose {' or '.join(KINDS)}.")
    found: Prior = _FITS[kind](codes, generator, progress=progress)
    return found


def save_prior(folder: Path, model_id: str, prior: Prior) -> None:
    """Keep a prior beside its model, in the place of an older one of its kind.

    Raises:
        VAEError: a disk that cannot be written.
    """
    tensors = {name: value.detach().cpu().float().contiguous() for name, value in prior.tensors().items()}
    write_aside(_place(folder, prior.kind), save_tensors(tensors, metadata={"model": model_id}))


def find_prior(folder: Path, model_id: str, kind: str) -> Prior | None:
    """The prior of that kind of a model: fitted on this machine, else one that came in the model's folder; or None.

    Raises:
        VAEError: as `load_prior`.
    """
    return load_prior(priors_folder(model_id), model_id, kind) or load_prior(folder, model_id, kind)


def prior_stamp(folder: Path, model_id: str, kind: str) -> tuple[tuple[int, int], ...]:
    """Something that changes when a prior is fitted again: time and size of its file in both places, or (0, 0).

    Raises:
        VAEError: no such kind.
    """
    return tuple(_stamp(_place(place, kind)) for place in (priors_folder(model_id), folder))


def load_prior(folder: Path, model_id: str, kind: str) -> Prior | None:
    """The prior of that kind that is kept beside a model; None where none is, or it belongs to other weights.

    Raises:
        VAEError: no such kind, or a file that is damaged.
    """
    path = _place(folder, kind)
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("model") != model_id:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if not all(torch.isfinite(value).all() for value in tensors.values()):
            raise ValueError("not finite")
        found: Prior = _CLASSES[kind].from_tensors(tensors)
        return found
    except (SafetensorError, KeyError, ValueError, IndexError, RuntimeError, TypeError, OSError) as error:
        raise VAEError(
            f"{path.name} of the model {path.parent.name} is damaged: run `python -m vae prior` on it again."
        ) from error


def _place(folder: Path, kind: str) -> Path:
    if kind not in _CLASSES:
        raise VAEError(f"There is no prior {kind!r}: choose {' or '.join(KINDS)}.")
    return Path(folder) / f"prior-{kind}.safetensors"


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
