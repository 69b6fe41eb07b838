"""What a training says of itself: one small frozen object for each kind of news, `kind` its name in the event log."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Step:
    """Where the run is within an epoch, said every few steps. Terms in nats per image, mean since the last one.

    Attributes:
        epoch: the one under way, from 1.
        step, steps: within the epoch.
        seconds_left: for the whole run, at the pace so far, tests and saves included.
        step_total: steps since the start of the run.
        at: epochs done, the one under way as a fraction.
        beta: weight of the KL in this step, before the recipe's reductions.
        rate: of Adam in this step.
    """

    kind: ClassVar[str] = "step"
    epoch: int
    step: int
    steps: int
    recon_nll: float
    kl: float
    images_per_second: float
    seconds_left: float
    step_total: int
    at: float
    beta: float
    rate: float


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to. Test figures use z drawn from q by a fixed generator.

    Attributes:
        loss: on test data, per image, with the recipe's own reductions over pixels and latents, at the config's beta.
        recon_nll, kl: test, nats per image.
        kl_per_dim: L values, test, nats.
        train_recon_nll, train_kl: mean over the epoch's own steps.
        seconds: training alone since the start of the run, test passes left out.
        active_units: latents whose mu varies over the test images by more than 0.01 (Burda 2015).
        step: steps since the start of the run.
        at: epochs done; a fraction where the run was stopped, or its minutes were over, within one.
        beta, rate: of the last step.
    """

    kind: ClassVar[str] = "epoch"
    epoch: int
    epochs: int
    loss: float
    recon_nll: float
    kl: float
    kl_per_dim: tuple[float, ...]
    train_recon_nll: float
    train_kl: float
    images_per_second: float
    seconds: float
    seconds_left: float
    log_std: float | None
    active_units: int
    step: int
    at: float
    beta: float
    rate: float


@dataclass(frozen=True)
class Skipped:
    """Steps whose loss or gradient was no number: the weights stayed as they were.

    Attributes:
        term: "reconstruction", "KL", or "gradient of decoder.out.weight".
        count: steps skipped since the last such news; more than one only where a GPU is asked every few steps.
    """

    kind: ClassVar[str] = "skipped"
    step: int
    epoch: int
    term: str
    count: int


@dataclass(frozen=True)
class Halved:
    """The memory of the device was full: from here on a batch has `batch_size` images."""

    kind: ClassVar[str] = "memory"
    step: int
    batch_size: int


@dataclass(frozen=True)
class Changed:
    """Somebody set another beta or rate; the schedule of the objective and the fall of the rate bend them as before."""

    kind: ClassVar[str] = "change"
    step: int
    epoch: int
    beta: float
    rate: float


@dataclass(frozen=True)
class Planned:
    """The minutes were counted out: the run ends after `steps` steps in all."""

    kind: ClassVar[str] = "plan"
    steps: int


@dataclass(frozen=True)
class RolledBack:
    """Training had gone wrong: the weights are those of `step` again, and `line` says what to change."""

    kind: ClassVar[str] = "rolled_back"
    step: int
    epoch: int
    line: str


Event = Step | Epoch | Skipped | Halved | Changed | Planned | RolledBack
