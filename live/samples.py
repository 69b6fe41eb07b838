"""Codes drawn from a prior, for the wire and for pages alike: the same wish, the same codes, to the last bit.

A sample is noise with a number: the seed's first, its second, ... Where only some kind of picture is wanted, the noise
whose codes fall among images of that kind is taken, in its order, at temperature 1 and without a limit; these come
after. So a picture keeps its noise while a hand moves the temperature, and when more pictures are asked for.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import RLock
from typing import TypeVar

import numpy as np
import torch

from live.engine import Engine, ModelEntry
from live.wire import Sample
from vae.errors import VAEError
from vae.explore.codes import Floats
from vae.explore.directions.named import belongs
from vae.explore.wanted import Noise, noise_of_kind
from vae.posterior import log_normal
from vae.priors import KINDS, Mixture, Prior, Standard, find_prior, held_out_codes, prior_stamp, tightened

T = TypeVar("T")
Stamp = tuple[tuple[int, int], ...]

STANDARD = Standard.kind
PRIORS = (STANDARD, *KINDS)
HELD = 256  # draws kept
PRIORS_HELD = 16
NEVER = ((0, 0), (0, 0))  # the stamp of a prior that was not fitted


class Samples:
    """What is drawn from the priors of all models. Any thread may ask.

    Args:
        engine: owns the models' encodings.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = RLock()
        self._codes: OrderedDict[Hashable, Floats] = OrderedDict()
        self._noise: OrderedDict[Hashable, tuple[Floats, Floats]] = OrderedDict()
        self._gaps: OrderedDict[Hashable, float] = OrderedDict()
        self._priors: OrderedDict[Hashable, tuple[Prior, Stamp]] = OrderedDict()

    def codes(self, entry: ModelEntry, ask: Sample) -> Floats:
        """The codes (count, L) of a wish.

        Raises:
            VAEError: no such prior, one that was not fitted, a kind of picture that the data do not know or that these
                samples hardly ever show, numbers that cannot be.
        """
        prior, stamp = self._prior(entry, ask.prior)
        key = (entry.model_id, stamp, ask)  # fitted again, a prior draws other codes
        with self._lock:
            if (found := self._codes.get(key)) is not None:
                return found
        noise, choice = self._chosen(entry, prior, stamp, ask)
        tight = tightened(torch.from_numpy(noise), ask.temperature, ask.limit)
        codes = prior.place(tight, torch.from_numpy(choice)).numpy().astype(np.float32)
        codes.setflags(write=False)
        return self._keep(self._codes, key, codes)

    def ready(self, model_id: str, ask: Sample) -> bool:
        """Whether the codes cost nothing: N(0, I), or drawn before. Never waits."""
        if ask.prior == STANDARD and not ask.of:
            return True
        held = self._priors.get((model_id, ask.prior))
        return (model_id, held[1] if held else (), ask) in self._codes

    def has(self, entry: ModelEntry, kind: str) -> bool:
        """Whether a prior can be drawn from; of one that was fitted, a look for its file. VAEError: no such kind."""
        return kind == STANDARD or prior_stamp(entry.folder, entry.model_id, kind) != NEVER

    def least_gap(self, entry: ModelEntry) -> float | None:
        """At least so many nats lie between the codes of all images and N(0, I); None where no mixture was fitted.

        What the mixture says of codes that it was not fitted on, less what N(0, I) says: in the mean that is at most
        KL(q(z) || p(z)), whatever the mixture is.
        """
        if not self.has(entry, "mixture"):
            return None
        prior, stamp = self._prior(entry, "mixture")
        assert isinstance(prior, Mixture)
        key = (entry.model_id, stamp, "gap")
        with self._lock:
            if (found := self._gaps.get(key)) is not None:
                return found
        z = held_out_codes(self._engine.encodings(entry), torch.Generator().manual_seed(0))
        zero = torch.zeros(())
        gap = (prior.log_prob(z) - log_normal(z, zero, zero).sum(dim=1)).mean()
        return self._keep(self._gaps, key, float(gap))

    def _prior(self, entry: ModelEntry, kind: str) -> tuple[Prior, Stamp]:
        if kind == STANDARD:
            return Standard(entry.latent_dim), ()
        stamp = prior_stamp(entry.folder, entry.model_id, kind)
        held = self._priors.get((entry.model_id, kind))
        if held is not None and held[1] == stamp:
            return held
        found = find_prior(entry.folder, entry.model_id, kind)
        if found is None:
            raise VAEError(f"No {kind} was fitted to the codes of {entry.title} yet: fit it on the Sample page.")
        if found.latent_dim != entry.latent_dim:
            raise VAEError(f"The {kind} of {entry.title} draws codes of another length: fit it again.")
        return self._keep(self._priors, (entry.model_id, kind), (found, stamp), PRIORS_HELD)

    def _keep(self, place: "OrderedDict[Hashable, T]", key: Hashable, value: T, most: int = HELD) -> T:
        with self._lock:
            place[key] = value
            while len(place) > most:
                place.popitem(last=False)
        return value

    def _chosen(self, entry: ModelEntry, prior: Prior, stamp: Stamp, ask: Sample) -> tuple[Floats, Floats]:
        """The noise (count, L) and the choices (count,) of the samples that are wanted."""
        key = (entry.model_id, ask.prior, stamp, ask.seed, ask.count, ask.of)
        with self._lock:
            if (found := self._noise.get(key)) is not None:
                return found
        if not ask.of:
            return Noise(ask.seed).draw(ask.count, entry.latent_dim)
        known = self._engine.encodings(entry)

        def place(noise: Floats, choice: Floats) -> Floats:
            return np.asarray(prior.place(torch.from_numpy(noise), torch.from_numpy(choice)).numpy())

        what = ask.of.partition(":")[2]
        found = noise_of_kind(place, known.mu, belongs(known, ask.of), what, ask.count, ask.seed)
        return self._keep(self._noise, key, found)
