"""All that a training needs to go on, as tensors and plain facts: what a save holds."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vae.errors import VAEError
from vae.files import finite
from vae.model import VAE
from vae.train.news import Epoch
from vae.train.settings import Settings
from vae.train.standing import GENERATORS, Standing
from vae.train.step import Stepper

FORMAT = 1  # of what `state` gives
FOREIGN = {  # what must be the same where a run goes on, and what it is otherwise
    "format": "another version",
    "config": "another model",
    "settings": "a training with other settings",
    "data": "other data",
    "device": "another kind of device",
}


@dataclass(frozen=True, eq=False)
class Everything:
    """The parts of a training that change, and what it is a training of.

    Attributes:
        vae, stepper, standing: changed in place.
        images: how many to train and to test on.
    """

    vae: VAE
    settings: Settings
    stepper: Stepper
    standing: Standing
    images: tuple[int, int]

    def state(self, last: Epoch | None) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything as it is now, copied.

        Returns:
            tensors on the CPU: weights under "model.", what Adam remembers under "adam.", a critic and its Adam under
            "critic.", generators, sums; and facts that can be written as JSON, the `last` epoch among them.
        """
        tensors = self._weights() | self.standing.tensors()
        copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
        said = finite(asdict(last)) if last else None
        return copies | self.stepper.state(), self._identity() | self.standing.facts() | {"last": said}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> Epoch | None:
        """Take up what `state` gave.

        Returns:
            The last epoch that was said.

        Raises:
            VAEError: it is of another model, other data, other settings or another kind of device; nothing was changed.
        """
        known = self._identity()
        for name, line in FOREIGN.items():
            if facts.get(name) != known[name]:
                raise VAEError(f"This save is of {line}: go on with what it belongs to, or start another training.")
        adam = {name: value for name, value in tensors.items() if name.startswith(("adam.", "critic."))}
        wanted = self._weights() | self.standing.tensors()
        if set(tensors) - set(adam) != set(wanted) or any(
            tensors[name].shape != value.shape for name, value in wanted.items() if name not in GENERATORS
        ):
            raise VAEError("This save does not have the weights of this network: start another training.")
        self.stepper.restore(adam)
        self.standing.restore(tensors, facts)
        self.stepper.rate = self.standing.rate_now
        for name, value in self._weights().items():
            value.copy_(tensors[name])
        last = facts["last"]
        return Epoch(**(last | {"kl_per_dim": tuple(last["kl_per_dim"])})) if last else None

    def _weights(self) -> dict[str, Tensor]:
        return {f"model.{name}": value for name, value in self.vae.state_dict().items()}

    def _identity(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "config": self.vae.config.to_json(),
            "settings": self.settings.to_json(),
            "data": list(self.images),
            "device": self.stepper.device.type,
        }
