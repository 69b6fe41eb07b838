"""What is minimised: the negative ELBO, its two terms, and the reductions that other people's recipes give it.

Every term is first written per image, in nats, summed over pixels and over latents; the reductions of a config are
applied in one visible place, `reduce_loss`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vae.config import Config
from vae.errors import VAEError
from vae.likelihoods import recon_nll, seen
from vae.model import VAE, Output
from vae.posterior import Source

ALONE = 0.8  # of the time before its word counts, in which the critic of pictures does not learn yet


@dataclass(frozen=True)
class Objective:
    """What is minimised over a run, and what its terms cost. `Config.beta` is the weight that everything below bends.

    Attributes:
        kind: one of OBJECTIVES; the function of that name says what it does.
        rise: part of the run, or of a cycle, in which beta or the capacity grows, 0 to 1. More: a later full weight.
            Of "gan": part of the run that is over when the critic's word begins to count.
        cycles: of "cyclical". More: the codes are opened up more often.
        nats: of "capacity": of the whole code, at the end of the rise; of "free-bits": of each latent, given free.
        samples: of "iwae" and "dreg": draws of z for each image. More: a tighter bound, as many times the work.
        gamma: of "factor" and "gan": weight of what the critic says. More: more independent latents, sharper pictures.
        critic: of the same two: units of each of its layers, or channels of its last. More: a keener eye, slower steps.
    """

    kind: str = "fixed"
    rise: float = 0.5
    cycles: int = 4
    nats: float = 0.5
    samples: int = 5
    gamma: float = 10.0
    critic: int = 256

    def __post_init__(self) -> None:
        if self.kind not in OBJECTIVES:
            raise VAEError(f"The objective is {self.kind!r}: choose {', '.join(OBJECTIVES)}.")
        if not _number(self.rise, 0, 1):
            raise VAEError(f"rise is {self.rise!r}: give the part of the run in which beta grows, 0 to 1.")
        if not isinstance(self.cycles, int) or not _number(self.cycles, 1, 1000):
            raise VAEError(f"cycles is {self.cycles!r}: give a whole number from 1 to 1,000.")
        if not _number(self.nats, 0, 10_000):
            raise VAEError(f"nats is {self.nats!r}: give a number from 0 to 10,000.")
        if not isinstance(self.samples, int) or not _number(self.samples, 1, 1000):
            raise VAEError(f"samples is {self.samples!r}: give the draws of z for each image, 1 to 1,000.")
        if not _number(self.gamma, 0, 1e6):
            raise VAEError(f"gamma is {self.gamma!r}: it weighs what the critic says and is a number from 0 up.")
        if not isinstance(self.critic, int) or not _number(self.critic, 8, 4096):
            raise VAEError(f"critic is {self.critic!r}: give the units of its layers, a whole number from 8 to 4,096.")


def _number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


@dataclass(frozen=True)
class KLTerm:
    """What the KL costs in one step.

    Attributes:
        beta: its weight (Higgins 2017), before the recipe's reductions.
        capacity: nats: the distance |KL - capacity| is charged instead of the KL (Burgess 2018, eq. 8). None: the KL.
        free_bits: nats of each latent that cost nothing, on the mean over the batch (Kingma 2016, eq. 15).
        gamma: of what a critic says of the codes or the pictures. 0: it is not asked.
        learns: whether a critic learns in this step.
        over_all: where a process holds a part of the batch: from its own means (L,) to those of the whole batch.
    """

    beta: float
    capacity: float | None = None
    free_bits: float = 0.0
    gamma: float = 0.0
    learns: bool = False
    over_all: Callable[[Tensor], Tensor] | None = None


def fixed(beta: float, progress: float, objective: Objective) -> KLTerm:
    """beta, from the first step to the last (Higgins et al. 2017, eq. 4)."""
    return KLTerm(beta)


def warmup(beta: float, progress: float, objective: Objective) -> KLTerm:
    """beta rises in a straight line from 0 (Bowman et al. 2016, section 3.1; the line is that of Sonderby et al. 2016).

    The decoder is made to use the codes before they cost anything: latents die less often.
    """
    return KLTerm(beta * _risen(progress, objective.rise))


def cyclical(beta: float, progress: float, objective: Objective) -> KLTerm:
    """beta rises from 0 and stays, again and again (Fu et al. 2019, eq. 6 and 7, with a line for f)."""
    within = progress * objective.cycles % 1.0 if progress < 1 else 1.0  # the paper's tau
    return KLTerm(beta * _risen(within, objective.rise))


def capacity(beta: float, progress: float, objective: Objective) -> KLTerm:
    """beta * |KL - C|, C growing in a straight line from 0 to `nats` (Burgess et al. 2018, eq. 8; beta is their gamma).

    KL is that of the whole code, on the mean over the batch. A large beta holds it to C; at 1 it is hardly held at all.
    """
    return KLTerm(beta, capacity=objective.nats * _risen(progress, objective.rise))


def free_bits(beta: float, progress: float, objective: Objective) -> KLTerm:
    """beta * sum over latents of max(`nats`, mean KL over the batch) (Kingma et al. 2016, eq. 15; `nats` their lambda).

    A latent below its free nats is not pushed down further, so it does not die.
    """
    return KLTerm(beta, free_bits=objective.nats)


def plain(beta: float, progress: float, objective: Objective) -> KLTerm:
    """beta, from the first step to the last, of another function than the ELBO, which says what it weighs:
    `vae.bounds` (iwae, dreg), `vae.total_correlation` (tc).
    """
    return KLTerm(beta)


def factor(beta: float, progress: float, objective: Objective) -> KLTerm:
    """The critic of codes is asked, and learns, from the first step on (Kim and Mnih 2018, algorithm 2)."""
    return KLTerm(beta, gamma=objective.gamma, learns=True)


def gan(beta: float, progress: float, objective: Objective) -> KLTerm:
    """An ELBO until `rise`; a critic learns from somewhat before, and is asked from there on (`vae.picture_critic`).

    A critic that is asked before it can see, of a decoder that cannot draw, teaches both nothing but noise.
    """
    learns = progress >= ALONE * objective.rise
    return KLTerm(beta, gamma=objective.gamma if progress >= objective.rise else 0.0, learns=learns)


SCHEDULES: dict[str, Callable[[float, float, Objective], KLTerm]] = {
    "fixed": fixed,
    "warmup": warmup,
    "cyclical": cyclical,
    "capacity": capacity,
    "free-bits": free_bits,
    "iwae": plain,
    "dreg": plain,
    "tc": plain,
    "factor": factor,
    "gan": gan,
}
OBJECTIVES = tuple(SCHEDULES)
BENDS = OBJECTIVES[:5]  # those that minimise the ELBO and bend what its KL costs


def kl_term_at(objective: Objective, beta: float, progress: float) -> KLTerm:
    """What the KL costs when `progress` of the planned run, 0 to 1, lies behind."""
    return SCHEDULES[objective.kind](beta, progress, objective)


def check_objective(objective: Objective, config: Config, *, alone: bool = True) -> None:
    """Refuse an objective that a model cannot be trained with.

    Args:
        alone: whether one process trains it.

    Raises:
        VAEError: they do not go together; the line says what would.
    """
    kind = objective.kind
    if config.posterior == "point" and kind != "fixed":
        raise VAEError("A plain autoencoder has no spread and no KL to bend: its objective is fixed.")
    if kind in BENDS:
        return
    if not alone:
        raise VAEError(f"The objective {kind} is trained by one process: start it without torchrun.")
    if "mean" in (config.recon_reduction, config.kl_reduction):
        raise VAEError(f"The objective {kind} counts in nats, and this recipe averages them: choose a network instead.")
    if kind in ("iwae", "dreg") and config.likelihood == "mse":
        raise VAEError(
            f"The objective {kind} weighs probabilities, and squared error is none: take likelihood gaussian."
        )
    if kind in ("dreg", "tc") and config.levels:
        instead = "iwae" if kind == "dreg" else "factor"
        raise VAEError(f"The objective {kind} does not know levels: choose {instead}, or a network of one level.")
    if kind == "gan" and len(config.shape) != 3:
        raise VAEError("The critic of a VAE-GAN looks at pictures: choose another objective for flat vectors.")
    if kind == "gan" and config.binarise != "none":
        raise VAEError("A critic tells pixels drawn as 0 or 1 from grey ones at a glance: leave binarise at none.")


def _risen(progress: float, rise: float) -> float:
    return min(progress / rise, 1.0) if rise else 1.0


def charged_kl(kl_per_dim: Tensor, kl_term: KLTerm) -> Tensor:
    """What is weighed by beta, in nats: (B,) the KL of each image; a scalar where their mean is charged."""
    if kl_term.capacity is None and not kl_term.free_bits:
        return kl_per_dim.sum(dim=1)
    mean = kl_per_dim.mean(dim=0)  # (L,)
    if kl_term.over_all:
        # The value is everybody's, the gradient that of the images here: each process adds its own.
        mean = mean + (kl_term.over_all(mean.detach()) - mean.detach())
    if kl_term.free_bits:
        mean = mean.clamp(min=kl_term.free_bits)
    kl = mean.sum()
    return kl if kl_term.capacity is None else (kl - kl_term.capacity).abs()


def reduce_loss(config: Config, recon: Tensor, kl_per_dim: Tensor, kl_term: KLTerm | None = None) -> Tensor:
    """recon (B,) and kl_per_dim (B, L), both in nats, to the scalar that the config's recipe minimises.

    The ELBO sums over pixels and latents and averages over the batch. A mean over pixels divides the first term by
    their number, a mean over latents divides the second by theirs: see `effective_beta` for what that does. Capacity
    and free bits are nats of the code and its latents whatever the recipe: they bend the KL before it is divided.
    """
    kl_term = kl_term or KLTerm(config.beta)
    if config.recon_reduction == "mean":
        recon = recon / config.pixels
    kl = charged_kl(kl_per_dim, kl_term)
    if config.kl_reduction == "mean":
        kl = kl / config.latent_dim
    per_image = recon + kl_term.beta * kl  # (B,)
    return per_image.sum() if config.batch_reduction == "sum" else per_image.mean()


def effective_beta(config: Config) -> float:
    """The beta that gives the same optimum when both terms are in nats per image.

    Means over pixels weigh the KL up by the number of pixels, means over latents weigh it down by latent_dim: the
    `keras` recipe on MNIST says 1 and means 39.2.
    """
    over_pixels = config.pixels if config.recon_reduction == "mean" else 1
    over_latents = config.latent_dim if config.kl_reduction == "mean" else 1
    return config.beta * over_pixels / over_latents


@dataclass(frozen=True, eq=False)
class Loss:
    """The parts of one evaluation of the loss.

    Attributes:
        total: scalar, what is minimised, with the config's own reductions.
        recon_nll: (B,) nats per image.
        kl_per_dim: (B, L) nats.
        output: the pass that it was computed from.
    """

    total: Tensor
    recon_nll: Tensor
    kl_per_dim: Tensor
    output: Output

    @property
    def kl(self) -> Tensor:
        """(B,) nats per image."""
        return self.kl_per_dim.sum(dim=1)

    @property
    def elbo(self) -> Tensor:
        """(B,) nats per image, at beta 1 whatever was trained: -(recon_nll + kl)."""
        return -(self.recon_nll + self.kl)


def loss(vae: VAE, x: Tensor, generator: Source, kl_term: KLTerm | None = None) -> Loss:
    """The negative ELBO of a batch, z drawn from q by `generator` (Kingma and Welling 2013, eq. 7; beta: Higgins 2017).

    Args:
        x: (B, *shape) float32 in [0, 1]. With dynamic binarisation each pixel is drawn afresh here, in test as in
            training, and the encoder sees the draw.
        kl_term: what the KL costs; None: `config.beta`, nothing else.
    """
    x = seen(vae.config, x, generator)
    output = vae(x, generator)
    recon = recon_nll(vae, output.x_params, x)
    kl_per_dim = output.posterior.kl_per_dim()
    return Loss(reduce_loss(vae.config, recon, kl_per_dim, kl_term), recon, kl_per_dim, output)
