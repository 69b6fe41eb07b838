"""The variational autoencoder: an encoder, a decoder, and the draw between them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from vae.config import Config
from vae.errors import VAEError
from vae.linear import marginal_log_prob
from vae.nets import DenseDecoder, build_decoder, build_encoder
from vae.nets_ladder import LadderDecoder, LadderEncoder, build_ladder, infer
from vae.posterior import Posterior, Source, kl_divergence, reparameterize

# A floor under the learned standard deviation: exp(-5) is 1.7 grey levels of 255, finer than a pixel can say.
LOG_STD_FLOOR = -5.0

__all__ = ["LOG_STD_FLOOR", "VAE", "Output", "Posterior", "kl_divergence", "reparameterize"]


@dataclass(frozen=True, eq=False)
class Output:
    """One pass through the network.

    Attributes:
        posterior: q(z|x), mu and logvar (B, L).
        z: (B, L), the codes that were decoded.
        x_params: (B, *shape), what the likelihood eats: logits of a Bernoulli, the mean otherwise.
    """

    posterior: Posterior
    z: Tensor
    x_params: Tensor


class VAE(nn.Module):
    """A variational autoencoder (Kingma and Welling 2013, Rezende et al. 2014).

    Args:
        config: the whole description; see `Config`.
        seed: of the initial weights. The same seed gives the same weights on every machine with this torch.
    """

    def __init__(self, config: Config, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.encoder: nn.Module
        self.decoder: nn.Module
        if config.levels:
            self.encoder, self.decoder = build_ladder(config, seed)
        else:
            self.encoder, self.decoder = build_encoder(config, seed), build_decoder(config, seed + 1)
        if config.likelihood == "gaussian" and config.std is None:
            # One standard deviation for all pixels, learned with the network (Rybkin et al. 2021). It starts at 0.14,
            # half the spread of natural pixels: from 1.0 Adam needs thousands of steps, and the codes die meanwhile.
            self.log_std = nn.Parameter(torch.tensor(-2.0))
        elif config.likelihood == "gaussian":
            self.register_buffer("log_std", torch.tensor(math.log(config.std or 1.0)), persistent=False)
        elif config.likelihood == "logistic":
            # One scale for all pixels (Kingma et al. 2016, appendix), from the same spread: std = scale * pi / sqrt(3).
            self.log_scale = nn.Parameter(torch.tensor(-2.6))

    def encode(self, x: Tensor) -> Posterior:
        """q(z|x) of a batch. x (B, *shape) float32 in [0, 1]; returns mu and logvar (B, L). Draws nothing.

        With levels, of each level given the modes of those above.
        """
        if self.config.levels:
            return self._go_down(x, Posterior.mode)[0]
        self._check(x)
        mu, logvar = self.encoder(x)
        return Posterior(mu, logvar, point=self.config.posterior == "point")

    def _check(self, x: Tensor) -> None:
        if tuple(x.shape[1:]) != self.config.shape:
            raise VAEError(
                f"This model reads images of shape {self.config.shape} and was given {tuple(x.shape[1:])}: "
                "choose data of that size, or train a model on this data."
            )

    def _go_down(
        self, x: Tensor, choose: Callable[[Posterior], Tensor], k: int = 1
    ) -> tuple[Posterior, Tensor, Tensor]:
        self._check(x)
        return infer(cast(LadderEncoder, self.encoder), cast(LadderDecoder, self.decoder), x, choose, k)

    def draw(self, x: Tensor, generator: Source, k: int = 1) -> tuple[Posterior, Tensor]:
        """k codes from q(z|x) for each image, which is read once.

        Returns:
            The posterior that each code was drawn from, and the codes, both (k * B, L): row j * B + i is draw j of
            image i. log q(z|x) of all is `posterior.log_prob(z)`, log p(z) is `log_prior(z)`. With levels, each is
            that given what was drawn above: the sum over levels is log q of the whole code.
        """
        if self.config.levels:
            q, z, _ = self._go_down(x, lambda q: q.sample(generator), k)
            return q, z
        q = self.encode(x)
        q = Posterior(q.mu.repeat(k, 1), q.logvar.repeat(k, 1), q.point) if k > 1 else q
        return q, q.sample(generator)

    def decode_params(self, z: Tensor) -> Tensor:
        """z (B, L) to what the likelihood eats (B, *shape): x_logits of a Bernoulli, the mean otherwise."""
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim:
            raise VAEError(f"A code of this model has {self.config.latent_dim} numbers: got shape {tuple(z.shape)}.")
        return self._mean(self.decoder(z))

    def _mean(self, params: Tensor) -> Tensor:
        squash = self.config.likelihood != "bernoulli" and self.config.output == "sigmoid"
        return torch.sigmoid(params) if squash else params

    def decode(self, z: Tensor) -> Tensor:
        """z (B, L) to the picture (B, *shape): the mean of p(x|z), in [0, 1] unless the output is linear."""
        params = self.decode_params(z)
        return torch.sigmoid(params) if self.config.likelihood == "bernoulli" else params

    def forward(self, x: Tensor, generator: Source, k: int = 1) -> Output:
        """Encode, draw k codes of each image from q with `generator` (rows as in `draw`), decode."""
        if self.config.levels:  # the path that was drawn ends at the picture: it need not be walked again
            posterior, z, end = self._go_down(x, lambda q: q.sample(generator), k)
            return Output(posterior, z, self._mean(cast(LadderDecoder, self.decoder).params(end)))
        posterior, z = self.draw(x, generator, k)
        return Output(posterior, z, self.decode_params(z))

    def log_likelihood_exact(self, x: Tensor) -> Tensor:
        """log p(x) in nats, (B,), of a linear VAE with a Gaussian likelihood; see `vae.linear`.

        Raises:
            VAEError: any other model, whose log p(x) can only be estimated.
        """
        self._check(x)
        config = self.config
        if config.network != "linear" or config.likelihood != "gaussian" or config.output != "linear":
            raise VAEError(
                "Only a linear network with a Gaussian likelihood and a linear output has an exact log-likelihood: "
                "estimate that of this model by importance sampling."
            )
        out = cast(DenseDecoder, self.decoder).out
        return marginal_log_prob(x.flatten(1), out.weight, out.bias, self.log_std.clamp(min=LOG_STD_FLOOR).exp())
