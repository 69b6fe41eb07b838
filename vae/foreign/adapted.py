"""A network from elsewhere as a `VAE`: every page, chart and measurement works on it unchanged.

What it keeps beside config, weights and card is `adapter.json`: which kind of network it is, what that needs to be
built, and how its pictures and codes are brought to ours.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from vae.checkpoint import ADAPTER, CARD, CONFIG, WEIGHTS, check_place, told_apart
from vae.checkpoint import _json_bytes as json_bytes
from vae.config import ADAPTED, Config
from vae.errors import VAEError
from vae.files import write_folder
from vae.foreign import dense, spatial
from vae.foreign.adapter import Own, find_adapter, open_adapter
from vae.foreign.axes import Axes
from vae.model import VAE
from vae.weights import numbers

SCHEMA = 1
KINDS = ("diffusers", "pythae", "own")


@dataclass(frozen=True)
class Plan:
    """How a network from elsewhere is built and read; what `adapter.json` holds.

    Attributes:
        kind: one of KINDS.
        network: what its kind needs to be built (`spatial.settings`, `dense.settings`); of an adapter
            {"name", "where"}: its class, and the file or package that had it.
        axes: principal axes of its codes; 0 where codes are as the network has them.
        grey: it sees colours and is shown grey images: each is given three times, and what it draws is averaged.
    """

    kind: str
    network: dict[str, Any]
    axes: int = 0
    grey: bool = False


class Reader(nn.Module):
    """x (B, *shape) to mu and logvar (B, L)."""

    def __init__(self, core: Any, axes: Axes | None, grey: bool) -> None:
        super().__init__()
        self.core, self.axes, self.grey = core, axes, grey

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.core.read(x.expand(-1, 3, -1, -1) if self.grey else x)
        return (mu, logvar) if self.axes is None else self.axes.short(mu, logvar)


class Drawer(nn.Module):
    """z (B, L) to x (B, *shape)."""

    def __init__(self, core: Any, axes: Axes | None, grey: bool) -> None:
        super().__init__()
        self.core, self.axes, self.grey = core, axes, grey

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.core.draw(z if self.axes is None else self.axes.long(z))
        return x.mean(dim=1, keepdim=True) if self.grey else x


class AdaptedVAE(VAE):
    """A `VAE` whose encoder and decoder come from elsewhere.

    Args:
        core: has `read(x)` and `draw(z)`, in the network's own channels and its own length of code.
        axes: of its codes, or None.
        grey: as in `Plan`.
    """

    def __init__(self, config: Config, core: Any, axes: Axes | None = None, grey: bool = False) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.core, self.axes = core, axes
        self.encoder, self.decoder = Reader(core, axes, grey), Drawer(core, axes, grey)
        # Whoever asks where a model lies looks at its first parameter, and an adapter may have none.
        self.place = nn.Parameter(torch.zeros(()), requires_grad=False)

    def kept(self) -> dict[str, Tensor]:
        """Its weights, each once, as the folder holds them."""
        found = {f"core.{name}": value for name, value in self.core.state_dict().items()}
        if self.axes is not None:
            found |= {f"axes.{name}": value for name, value in self.axes.state_dict().items()}
        return found


def adapted_config(shape: tuple[int, ...], latent_dim: int, *, point: bool = False) -> Config:
    """The config of a network from elsewhere: its loss is not known, so it has no likelihood."""
    return Config(
        shape,
        latent_dim,
        ADAPTED,
        encoder_sizes=(),
        decoder_sizes=(),
        likelihood="mse",
        output="linear",
        posterior="point" if point else "gaussian",
    )


def core_of(plan: Plan, shape: tuple[int, ...]) -> Any:
    """The network itself, its weights not yet loaded.

    Args:
        shape: of the images that Muscope shows it.
    """
    if plan.kind == "own":
        name, where = (str(plan.network.get(key, "")) for key in ("name", "where"))
        return Own(name, open_adapter(name, where))
    if plan.kind == "pythae":
        return dense.DensePair(dense.checked(plan.network))
    said = spatial.settings(_with_types(plan.network))
    if len(shape) != 3:
        raise VAEError("This model reads pictures: choose a data set of images.")
    return spatial.Spatial(said, (shape[1], shape[2]))


def build(config: Config, data: object, tensors: dict[str, Tensor], whose: str) -> AdaptedVAE:
    """The model of a folder.

    Args:
        data: what its adapter.json says. tensors: of its weights. whose: the folder's name.

    Raises:
        VAEError: what is said does not fit the weights or the config, or there is no such adapter.
    """
    plan = read_plan(data)
    parts: dict[str, dict[str, Tensor]] = {"core": {}, "axes": {}}
    for name, value in tensors.items():
        part, _, inner = name.partition(".")
        if part not in parts or not inner:
            raise VAEError(f"The weights {name[:80]} of the model {whose} belong to nothing: copy the folder again.")
        parts[part][inner] = value
    core = network(plan, config.shape, parts["core"], whose)
    axes = _axes(plan.axes, core.latents, parts["axes"], whose)
    if config.latent_dim != (plan.axes or core.latents) or config.shape != own_shape(plan, core, config.shape):
        raise VAEError(f"The config of the model {whose} does not fit its adapter.json: bring the model again.")
    return AdaptedVAE(config, core, axes, plan.grey)


def network(plan: Plan, shape: tuple[int, ...], tensors: dict[str, Tensor], whose: str) -> Any:
    """The network itself with its weights, in evaluation mode.

    Args:
        shape: of the images that Muscope shows it. tensors: under the network's own names.

    Raises:
        VAEError: the weights do not fit; found out without memory, so one of billions of weights costs nothing.
    """
    with torch.device("cpu" if plan.kind == "own" else "meta"):  # a person's code makes what it makes
        core = core_of(plan, shape)
    wanted = {name: tuple(value.shape) for name, value in core.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in tensors.items()}
    if wanted != given:
        odd = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
        if plan.kind == "own":
            raise VAEError(_other_adapter(plan, whose))
        raise VAEError(
            f"The weights of the model {whose} do not fit what is said of its network (look at {odd[0][:80]}): "
            "both must come from the same model."
        )
    core = core if plan.kind == "own" else core_of(plan, shape)
    core.load_state_dict(numbers(tensors, f"the model {whose}"))
    core.eval().requires_grad_(False)
    return core


def _other_adapter(plan: Plan, whose: str) -> str:
    """That the code of a model's adapter is not what it was, for people."""
    name, where = (str(plan.network.get(key, ""))[:60] for key in ("name", "where"))
    here = find_adapter(name, where).where
    was = f", and was kept with that of {where}" if where and where != here else ""
    cure = f"start the server with the class as it was{f' in {where}' if was else ''}, or open the model again"
    return f"The model {whose} does not fit the adapter {name} of {here} as it is now{was}: {cure} (Your models)."


def _axes(count: int, length: int, tensors: dict[str, Tensor], whose: str) -> Axes | None:
    wanted = {"mean": (length,), "across": (count, length), "spread": (count,)} if count else {}
    if wanted != {name: tuple(value.shape) for name, value in tensors.items()}:
        raise VAEError(f"The axes of the model {whose} do not fit its adapter.json: bring the model again.")
    if not count:
        return None
    axes = Axes(length, count)
    axes.load_state_dict(numbers(tensors, f"the model {whose}"))
    return axes


def own_shape(plan: Plan, core: Any, asked: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the images it is shown: its own, with one channel where it is shown grey ones.

    Args:
        asked: what the config says; a network of convolutions takes any size.
    """
    own = (plan.network["in_channels"], *asked[1:]) if plan.kind == "diffusers" else tuple(core.shape)
    if plan.grey:
        if len(own) != 3 or own[0] != 3:
            raise VAEError("Only a network of three colours can be shown grey images: bring the model again.")
        own = (1, *own[1:])
    return own


def read_plan(data: object) -> Plan:
    """What adapter.json says, checked. VAEError: a field missing, unknown or of another kind."""
    names = {"schema", "kind", "network", "axes", "grey"}
    if not isinstance(data, dict) or data.keys() != names or data["schema"] != SCHEMA:
        raise VAEError("adapter.json was not written by this version of Muscope: bring the model again.")
    axes, network = data["axes"], data["network"]
    good = data["kind"] in KINDS and isinstance(network, dict) and isinstance(data["grey"], bool)
    if not good or isinstance(axes, bool) or not isinstance(axes, int) or not 0 <= axes <= 4096:
        raise VAEError("adapter.json holds values that Muscope never writes: bring the model again.")
    return Plan(data["kind"], network, axes, data["grey"])


def save_adapted(folder: Path, vae: AdaptedVAE, plan: Plan, card: dict[str, Any], more: dict[str, bytes]) -> None:
    """Write the model's folder, whole or not at all.

    Args:
        more: other files of it, such as its encodings and its owner, by name.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in vae.kept().items()}
    files = {
        CONFIG: json_bytes(vae.config.to_json()),
        WEIGHTS: save_tensors(tensors),
        CARD: json_bytes(card),
        ADAPTER: json_bytes({"schema": SCHEMA} | asdict(plan)),
    }
    write_folder(check_place(folder), told_apart(files, folder) | more, name="the model")


def _with_types(network: dict[str, Any]) -> dict[str, Any]:
    """The settings that were kept, as a config.json that says them: checked by the same function."""
    return {"_class_name": spatial.NAME} | network
