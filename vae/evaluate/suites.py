"""What can be measured of a model beyond its card, by name. Each suite is one function of one module."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from vae.errors import VAEError
from vae.evaluate.figures import Stage

if TYPE_CHECKING:
    from vae.checkpoint import Checkpoint
    from vae.data.images import Images

SUITES = {  # name: module and function
    "likelihood": ("vae.evaluate.likelihood", "measure_likelihood"),
    "disentanglement": ("vae.evaluate.codes.disentanglement", "measure_disentanglement"),
    "probes": ("vae.evaluate.codes.probes", "measure_probes"),
    "anomaly": ("vae.evaluate.strange.anomaly", "measure_anomaly"),
    "samples": ("vae.evaluate.pictures.quality", "measure_samples"),
    "directions": ("vae.evaluate.moves.entangle", "measure_directions"),
    "pca": ("vae.evaluate.against_pca", "measure_pca"),
    "columns": ("vae.evaluate.codes.knows", "measure_columns"),
}


class Measured(Protocol):
    """What a suite found: frozen, checked, and able to say itself."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        ...

    def lines(self) -> list[str]:
        """For a terminal: a name, a value, its unit."""
        ...


def measure_suite(
    name: str,
    model: "Checkpoint",
    train: "Images",
    test: "Images",
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    **options: Any,
) -> Measured:
    """Run one suite.

    Args:
        train, test: images the model reads.
        seed: of every draw. stage: told what begins, gives a progress callback.
        options: of that suite.

    Raises:
        VAEError: no such suite, or data that it cannot be measured on.
    """
    found: Measured = function_of(name)(model, train, test, seed=seed, stage=stage, **options)
    return found


def function_of(name: str) -> Callable[..., Any]:
    """The function behind a suite; its module is imported here. Raises VAEError: no such suite."""
    if name not in SUITES:
        raise VAEError(f"There is no suite {name!r}: choose {', '.join(SUITES)}.")
    module, function = SUITES[name]
    measure: Callable[..., Any] = getattr(import_module(module), function)
    return measure
