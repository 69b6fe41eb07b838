"""From the objective of a run to the function of a batch that its steps minimise."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from vae.bounds import dreg, iwae
from vae.model import VAE
from vae.objectives import KLTerm, Loss, Objective, loss
from vae.posterior import Source
from vae.total_correlation import tc

LossOf = Callable[[VAE, Tensor, Source, KLTerm | None], Loss]


def loss_of(objective: Objective, images: int) -> LossOf:
    """What is minimised: a function of the model, x (B, *shape), the source of every draw, and what the KL costs.

    Where a critic has a say this is what is minimised besides; `vae.train.duel` adds the rest.

    Args:
        images: to train on, in all.
    """
    if objective.kind == "iwae":
        return partial(iwae, samples=objective.samples)
    if objective.kind == "dreg":
        return partial(dreg, samples=objective.samples)
    if objective.kind == "tc":
        return partial(tc, images=images)
    return loss
