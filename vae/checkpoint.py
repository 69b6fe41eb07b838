"""A model is a folder that can be read by eye.

    config.json           the network, likelihood and loss (`Config`)
    model.safetensors     the weights
    card.json             what it was trained on, licence, measured figures, the command that made it
    encodings.safetensors mu and logvar of its images (`vae.encodings`), if they were made
    history.safetensors   how it came to be: curves and the frames of its map (`vae.history`), if they were kept
    report.json           what was measured of it beyond its card (`vae.reports`), if that goes along with it
    prior-*.safetensors   where its codes really lie (`vae.priors`), if that was fitted
    adapter.json          of a model from elsewhere: how its network is built and read (`vae.foreign`)
    owner.json            whose it is, and whether others see it; none of what is everybody's

Loading is strict, and nothing that could hold a program is ever opened: no pickle, so no `torch.load`.
"""

import hashlib
import json
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save as save_tensors

from vae.config import ADAPTED, Config
from vae.errors import VAEError
from vae.files import finite, write_aside, write_folder, written_aside
from vae.model import VAE
from vae.weights import MAX_BYTES, PICKLES, marked, refuse_pickle
from vae.weights import parse as load_tensors

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "card.json"
ENCODINGS = "encodings.safetensors"
HISTORY = "history.safetensors"
REPORT = "report.json"
PRIOR_FILES = ("prior-mixture.safetensors", "prior-diffusion.safetensors")
ADAPTER, OWNER = "adapter.json", "owner.json"
# All that may lie in a model's folder.
MODEL_FILES = {CONFIG, WEIGHTS, CARD, ENCODINGS, HISTORY, REPORT, *PRIOR_FILES, ADAPTER, OWNER, ".DS_Store"}
MAX_JSON_BYTES = 1_000_000


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model read from its folder.

    Attributes:
        vae: in evaluation mode, its weights frozen: every visitor shares it.
        card: what is known of it.
        model_id: content hash of its config and weights, 16 hexadecimal digits.
    """

    vae: VAE
    card: dict[str, Any]
    model_id: str
    folder: Path

    @property
    def config(self) -> Config:
        return self.vae.config


@dataclass(frozen=True)
class Owner:
    """Whose a model is.

    Attributes:
        owner: the visitor as the books of the server know them; "": everybody's.
        shared: others see it, too.
        expires: when it goes, an ISO time in UTC; "" for never.
    """

    owner: str = ""
    shared: bool = True
    expires: str = ""

    def lets(self, visitor: str) -> bool:
        """Whether this visitor may see the model."""
        return self.shared or not self.owner or self.owner == visitor


def read_owner(folder: Path) -> Owner:
    """Whose a model is; nobody's in particular where nothing says so. A file that cannot be understood hides it."""
    path = Path(folder) / OWNER
    try:
        if path.stat().st_size > 1000:
            return Owner("?", shared=False)
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Owner()
    except (OSError, ValueError, RecursionError):
        return Owner("?", shared=False)
    known = isinstance(said, dict) and isinstance(said.get("owner"), str) and isinstance(said.get("shared"), bool)
    if not known:
        return Owner("?", shared=False)
    return Owner(said["owner"], said["shared"], str(said.get("expires") or ""))


def save_owner(folder: Path, owner: Owner) -> None:
    """Say whose a model is, whole or not at all."""
    write_aside(Path(folder) / OWNER, owner_bytes(owner))


def owner_bytes(owner: Owner) -> bytes:
    """What `owner.json` of a new folder holds."""
    return _json_bytes({"owner": owner.owner, "shared": owner.shared, "expires": owner.expires})


def save(folder: Path, vae: VAE, card: dict[str, Any], *, half: bool = False) -> str:
    """Write a model's folder, whole or not at all; a model already there gives way only when the new one is complete.

    Args:
        card: JSON values; what a person should know of this model.
        half: weights as float16, half the size. What ships does this; figures are measured after it.

    Returns:
        The model_id.

    Raises:
        VAEError: weights that are not finite, a place where something else lies, or a disk that cannot be written.
    """
    folder = check_place(folder)
    tensors = {name: value.detach().cpu().contiguous() for name, value in vae.state_dict().items()}
    if half:
        tensors = {name: value.half() for name, value in tensors.items()}  # 65,504 at most: checked after it
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise VAEError(f"The weights {name} are not finite: this model was not saved. Train with a lower rate.")
    config_bytes, weight_bytes = _json_bytes(vae.config.to_json()), save_tensors(tensors)
    write_folder(folder, {CONFIG: config_bytes, WEIGHTS: weight_bytes, CARD: _json_bytes(card)})
    return _hash(config_bytes, weight_bytes)


def check_place(folder: Path) -> Path:
    """The folder, if a model may be saved there: nothing there yet, an empty folder, or a model to be replaced.

    Raises:
        VAEError: a file, or a folder of other things: saving would take it away. Ask before the training, not after.
    """
    folder = Path(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise VAEError(f"{folder.name} is a file: a model needs a folder, a new one or a model's to be replaced.")
        names = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise VAEError(f"{folder.name} cannot be looked at ({error.strerror}): choose another folder.") from error
    names -= {name for name in names if written_aside(name) in MODEL_FILES}  # left by a process that was killed
    foreign = sorted(names - MODEL_FILES)
    if foreign or (names and CONFIG not in names):
        odd = (foreign or sorted(names))[0]
        raise VAEError(f"The folder {folder.name} holds other things ({odd}) and is no model: choose another.")
    return folder


def save_card(folder: Path, card: dict[str, Any]) -> None:
    """Write the card alone, whole or not at all: figures are often measured after the model is saved."""
    write_aside(Path(folder) / CARD, _json_bytes(card))


def load(folder: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a model's folder.

    Raises:
        VAEError: no such folder, a file missing, damaged or foreign, weights that do not fit the config, or a pickle
            offered in its place. Nothing in the folder is executed, whatever it holds.
    """
    folder = _as_model_folder(folder)
    config_bytes, weight_bytes = _read(folder, CONFIG), _read(folder, WEIGHTS)
    config = Config.from_json(_parse(folder, CONFIG, config_bytes))
    card = _read_card(folder)
    adapter_bytes = _read(folder, ADAPTER) if config.network == ADAPTED else b""
    try:
        tensors = load_tensors(weight_bytes)
    except (SafetensorError, ValueError, KeyError) as error:  # KeyError: a number format that torch does not know
        raise VAEError(
            f"{WEIGHTS} of the model {folder.name} is damaged or not safetensors: copy the folder again."
        ) from error
    model_id = _hash(config_bytes, weight_bytes, adapter_bytes)
    if config.network == ADAPTED:
        from vae.foreign.adapted import build  # it knows this file

        vae: VAE = build(config, _parse(folder, ADAPTER, adapter_bytes), tensors, folder.name)
    else:
        _check_fit(folder, config, tensors)
        vae = VAE(config)
        vae.load_state_dict({name: value.float() for name, value in tensors.items()})
    vae.eval().requires_grad_(False).to(device)
    return Checkpoint(vae, card, model_id, folder)


def read_card(folder: Path) -> tuple[Config, dict[str, Any], str]:
    """Config, card and model_id of a folder, without building the network. Raises as `load` does."""
    folder = _as_model_folder(folder)
    config_bytes, weight_bytes = _read(folder, CONFIG), _read(folder, WEIGHTS)
    config = Config.from_json(_parse(folder, CONFIG, config_bytes))
    adapter_bytes = _read(folder, ADAPTER) if config.network == ADAPTED else b""
    return config, _read_card(folder), _hash(config_bytes, weight_bytes, adapter_bytes)


def _as_model_folder(folder: Path) -> Path:
    folder = Path(folder)
    if folder.suffix.lower() in PICKLES:
        raise refuse_pickle(folder.name)
    try:
        there, is_folder = folder.exists(), folder.is_dir()
    except OSError as error:  # a name too long, or a parent that may not be read
        raise VAEError(f"The model {folder.name[:80]} could not be read ({error.strerror}): check the path.") from error
    if not there:
        raise VAEError(f"There is no model folder called {folder.name}: check the path.")
    if not is_folder:
        raise VAEError(f"{folder.name} is a file: a model is a folder with {CONFIG}, {WEIGHTS} and {CARD}.")
    return folder


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a link to a device would never end
            raise VAEError(f"{name} of the model {folder.name} is no file: copy the folder again.")
        if found.st_size > (MAX_BYTES if name == WEIGHTS else MAX_JSON_BYTES):
            raise VAEError(f"{name} of the model {folder.name} is too large to be one: it was not read.")
        return path.read_bytes()
    except FileNotFoundError as error:
        strangers = [file.name for file in folder.iterdir() if file.suffix.lower() in PICKLES]
        hint = f" ({strangers[0]} may hold a program and is never opened)" if strangers else ""
        raise VAEError(
            f"The folder {folder.name} has no {name}{hint}: a model has {CONFIG}, {WEIGHTS} and {CARD}."
        ) from error
    except OSError as error:
        raise VAEError(f"{name} of the model {folder.name} could not be read ({error.strerror}).") from error


def _read_card(folder: Path) -> dict[str, Any]:
    card = _parse(folder, CARD, _read(folder, CARD))
    if not isinstance(card, dict):
        raise VAEError(f"{CARD} of the model {folder.name} holds no object: copy the folder again.")
    return card


def _parse(folder: Path, name: str, data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise VAEError(f"{name} of the model {folder.name} is not JSON: copy the folder again.") from error


def _check_fit(folder: Path, config: Config, tensors: dict[str, torch.Tensor]) -> None:
    with torch.device("meta"):  # shapes without memory: a config that asks for billions of weights costs nothing here
        wanted = {name: tuple(value.shape) for name, value in VAE(config).state_dict().items()}
    given = {name: tuple(value.shape) for name, value in tensors.items()}
    if wanted != given:
        odd = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
        raise VAEError(
            f"The weights of the model {folder.name} do not fit its config (look at {odd[0]}): "
            "both files must come from the same model."
        )
    for name, value in tensors.items():
        if not value.is_floating_point() or not torch.isfinite(value.float()).all():
            raise VAEError(f"The weights {name} of the model {folder.name} are not finite numbers: train it again.")


def told_apart(files: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    """The files of a new model, which has a model_id of its own even where the same network is here already.

    Codes, maps and originals are found by model_id: under one that two people share, one would be shown the other's.

    Args:
        files: by name. folder: where it will be; models beside it and those that ship are looked at, deleted ones too.
    """
    own = _hash(files[CONFIG], files[WEIGHTS], files.get(ADAPTER, b""))
    for place in (folder.parent, Path(__file__).resolve().parent.parent / "checkpoints"):
        for other in place.iterdir() if place.is_dir() else ():
            with suppress(VAEError):
                if other != folder and (other / CONFIG).is_file() and read_card(other)[2] == own:
                    return files | {WEIGHTS: marked(files[WEIGHTS], secrets.token_hex(8))}
    return files


def _hash(config_bytes: bytes, weight_bytes: bytes, adapter_bytes: bytes = b"") -> str:
    digest = hashlib.sha256(config_bytes)
    digest.update(weight_bytes)
    digest.update(adapter_bytes)
    return digest.hexdigest()[:16]


def _json_bytes(value: dict[str, Any]) -> bytes:
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode(errors="backslashreplace")  # half a character, from an odd file name, becomes JSON's own escape
