"""The variational autoencoder: an encoder, a decoder, and the draw between them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae.config import Config
from vae.errors import VAEError
from vae.nets import build_decoder, build_encoder
from vae.posterior import Posterior, Source, kl_divergence, reparameterize

__all__ = ["VAE", "Output", "Posterior", "kl_divergence", "reparameterize"]


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
        self.encoder = build_encoder(config, seed)
        self.decoder = build_decoder(config, seed + 1)
        if config.likelihood == "gaussian":
            # One standard deviation for all pixels, learned with the network (Rybkin et al. 2021). It starts at 0.14,
            # half the spread of natural pixels: from 1.0 Adam needs thousands of steps, and the codes die meanwhile.
            self.log_std = nn.Parameter(torch.tensor(-2.0))

    def encode(self, x: Tensor) -> Posterior:
        """q(z|x) of a batch. x (B, *shape) float32 in [0, 1]; returns mu and logvar (B, L). Draws nothing."""
        if tuple(x.shape[1:]) != self.config.shape:
            raise VAEError(
                f"This model reads images of shape {self.config.shape} and was given {tuple(x.shape[1:])}: "
                "choose data of that size, or train a model on this data."
            )
        mu, logvar = self.encoder(x)
        return Posterior(mu, logvar)

    def decode_params(self, z: Tensor) -> Tensor:
        """z (B, L) to what the likelihood eats (B, *shape): x_logits of a Bernoulli, the mean otherwise."""
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim:
            raise VAEError(f"A code of this model has {self.config.latent_dim} numbers: got shape {tuple(z.shape)}.")
        params = self.decoder(z)
        squash = self.config.likelihood != "bernoulli" and self.config.output == "sigmoid"
        return torch.sigmoid(params) if squash else params

    def decode(self, z: Tensor) -> Tensor:
        """z (B, L) to the picture (B, *shape): the mean of p(x|z), in [0, 1] unless the output is linear."""
        params = self.decode_params(z)
        return torch.sigmoid(params) if self.config.likelihood == "bernoulli" else params

    def forward(self, x: Tensor, generator: Source) -> Output:
        """Encode, draw z from q with `generator`, decode."""
        posterior = self.encode(x)
        z = posterior.sample(generator)
        return Output(posterior, z, self.decode_params(z))
