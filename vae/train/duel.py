"""A step of a training in which a critic learns beside the VAE: each has weights and an optimiser of its own."""

import torch
from torch import Tensor, nn

from vae.batches import as_x
from vae.config import Config
from vae.errors import VAEError
from vae.likelihoods import seen
from vae.model import VAE
from vae.nets import seeded
from vae.objectives import KLTerm, Objective, loss
from vae.picture_critic import PictureCritic, judged
from vae.posterior import Source, uniform
from vae.total_correlation import CodeCritic, code_critic_loss, factor, permuted
from vae.train.adam import Adam
from vae.train.step import Stepper, Terms, hold, norm_of, terms_of

CRITICS = ("factor", "gan")  # objectives in which one has a say
BETAS = {"factor": (0.5, 0.9), "gan": (0.5, 0.999)}  # of its Adam: Kim and Mnih 2018, appendix A; Radford et al. 2016
PACE = {"factor": 1.0, "gan": 0.2}  # its rate in that of the VAE: a critic of pictures learns faster than a decoder


class Duel(Stepper):
    """A `Stepper` whose critic takes its own step after each of the VAE's. Neither is recorded on a GPU.

    Both gradients are taken where both stand before the step, so that a step that is skipped is skipped whole.

    Args:
        objective: its kind is one of CRITICS.
        pixels: all stored images (N, ...), from which the second batch of FactorVAE is drawn.
        seed: of the critic's weights.
    """

    def __init__(self, vae: VAE, rate: float, precision: str, objective: Objective, pixels: Tensor, seed: int) -> None:
        super().__init__(vae, rate, precision)
        self.kind, self.pixels = objective.kind, pixels
        self.critic = make_critic(objective, vae.config, seed).to(self.device)
        self.theirs: list[Tensor] = list(self.critic.parameters())
        self.decoders: list[Tensor] = list(vae.decoder.parameters())
        for weight in (*self.weights, *self.theirs):
            weight.grad = torch.zeros_like(weight)  # places that stay, and lie as the weights do
        names = [name for name, _ in self.critic.named_parameters()]
        self.critic_adam = Adam(names, self.theirs, rate * PACE[self.kind], *BETAS[self.kind])
        self._rests = torch.ones((), dtype=torch.bool, device=self.device)  # whether the critic does in this step

    @property
    def rate(self) -> float:
        """Of the VAE's Adam, now; that of the critic follows it."""
        return self.adam.rate

    @rate.setter
    def rate(self, value: float) -> None:
        self.adam.rate, self.critic_adam.rate = value, value * PACE[self.kind]

    def gradients(self, batch: Tensor, generator: Source, kl_term: KLTerm) -> Terms:
        """The loss of stored pixels (B, ...) and its gradient, held afterwards by the weights; so the critic's."""
        self._norm = None
        self._rests = torch.full_like(self._rests, not kl_term.learns)
        if not kl_term.learns and not kl_term.gamma:
            with self.in_half():
                found = loss(self.vae, as_x(batch), generator, kl_term)
            hold(self.weights, torch.autograd.grad(found.total, self.weights))
            return terms_of(found)
        return (self._by_codes if self.kind == "factor" else self._by_pictures)(batch, generator, kl_term)

    def _by_codes(self, batch: Tensor, generator: Source, kl_term: KLTerm) -> Terms:
        """FactorVAE: the VAE learns from one batch; the critic from its codes, and from those of another, shuffled."""
        with self.in_half():
            found = factor(self.vae, as_x(batch), generator, kl_term, critic=self.critic)
        hold(self.weights, torch.autograd.grad(found.total, self.weights))
        chance = uniform((len(batch),), generator, self.device)
        with torch.no_grad(), self.in_half():
            other = as_x(self.pixels[(chance * len(self.pixels)).long()])
            _, z = self.vae.draw(seen(self.vae.config, other, generator), generator)
        guesses = code_critic_loss(self.critic, found.output.z.detach(), permuted(z, generator))
        hold(self.theirs, torch.autograd.grad(guesses, self.theirs))
        return terms_of(found)

    def _by_pictures(self, batch: Tensor, generator: Source, kl_term: KLTerm) -> Terms:
        """VAE-GAN: encoder, decoder and critic each learn from a loss of their own."""
        with self.in_half():
            found = judged(self.vae, as_x(batch), generator, kl_term, self.critic)
        summed = self.vae.config.batch_reduction == "sum"
        own = found.own.sum() if summed else found.own.mean()
        fooled = kl_term.gamma * found.fooled * (len(batch) if summed else 1)
        hold(self.weights, torch.autograd.grad(own, self.weights, retain_graph=True))
        if kl_term.gamma:
            more = torch.autograd.grad(fooled, self.decoders, retain_graph=True, allow_unused=True)
            for weight, gradient in zip(self.decoders, more, strict=True):
                if gradient is not None and weight.grad is not None:
                    weight.grad += gradient
        hold(self.theirs, torch.autograd.grad(found.critic, self.theirs))
        self._rests |= found.strong
        total = (own + fooled).detach()
        return Terms(total, found.recon_nll.detach().sum(), found.kl_per_dim.detach().sum())

    def apply(self, skip: Tensor | None = None) -> None:
        """Change both by the gradients they hold, but for a critic that rests. See `Adam.apply`."""
        super().apply(skip)
        rests = self._rests | ~norm_of(self.theirs).isfinite()
        self.critic_adam.apply(rests if skip is None else rests | skip)

    def state(self) -> dict[str, Tensor]:
        """What both optimisers remember, that of the critic and its weights under "critic."."""
        weights = {f"net.{name}": value for name, value in self.critic.state_dict().items()}
        copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in weights.items()}
        return super().state() | {
            f"critic.{name}": value for name, value in (copies | self.critic_adam.state()).items()
        }

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave, to the bit. VAEError: it is of another network; then nothing was changed."""
        theirs = {name.removeprefix("critic."): value for name, value in tensors.items() if name.startswith("critic.")}
        ours = {name: value for name, value in tensors.items() if not name.startswith("critic.")}
        net = {name: value for name, value in theirs.items() if name.startswith("net.")}
        kept = {name: value for name, value in theirs.items() if not name.startswith("net.")}
        here = {f"net.{name}": value for name, value in self.critic.state_dict().items()}
        if set(net) != set(here) or any(net[name].shape != value.shape for name, value in here.items()):
            raise VAEError("What was kept of the critic is of another network: go on with the one it belongs to.")
        self.critic_adam.check(kept)
        super().restore(ours)
        self.critic_adam.restore(kept)
        for name, value in here.items():
            value.copy_(net[name])


def make_critic(objective: Objective, config: Config, seed: int) -> nn.Module:
    """The critic of an objective, its weights drawn from `seed`."""
    if objective.kind == "factor":
        return seeded(lambda config: CodeCritic(config.latent_dim, objective.critic), config, seed + 2)
    return seeded(lambda config: PictureCritic(config.shape, objective.critic // 4), config, seed + 2)
