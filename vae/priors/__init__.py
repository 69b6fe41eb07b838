"""Prior models: where the codes of a model really lie, learned after its training, so that samples come from there.

A VAE is trained as if its codes came from N(0, I), and they never quite do: a draw from N(0, I) may fall where no image
lies. A prior model is fitted on the codes and draws others like them; the decoder stays as it is.
"""

from vae.priors.kept import (
    KINDS,
    Prior,
    codes_for_prior,
    find_prior,
    fit_prior,
    held_out_codes,
    load_prior,
    prior_stamp,
    save_prior,
)
from vae.priors.mixture import Mixture
from vae.priors.noise import Standard, tightened

__all__ = [
    "KINDS",
    "Mixture",
    "Prior",
    "Standard",
    "codes_for_prior",
    "find_prior",
    "fit_prior",
    "held_out_codes",
    "load_prior",
    "prior_stamp",
    "save_prior",
    "tightened",
]
