"""A model with what is known of its images: their codes, directions between groups of them, what codes look like."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import ArrayLike

from vae.checkpoint import Checkpoint
from vae.data.paint import Paint
from vae.encodings import Encodings, encode, load_encodings
from vae.errors import VAEError
from vae.explore import paths, render
from vae.explore.choose import rows_in_turn
from vae.explore.codes import Floats, many_codes, one_code
from vae.explore.directions import unlabelled
from vae.explore.directions.found import Direction
from vae.explore.directions.groups import Groups, picked_groups
from vae.explore.directions.named import belongs, kind_groups, rows_where
from vae.explore.directions.unlabelled import Axis
from vae.explore.gathered import gathered
from vae.explore.paths import Roads
from vae.explore.regions import inside
from vae.explore.render import Pixels
from vae.explore.views import view_xy
from vae.explore.visible import pulled_back
from vae.explore.wanted import Noise, noise_of_kind
from vae.history import History, load_history
from vae.notebook import directions
from vae.notebook.pictures import Picture, images
from vae.priors import Prior, Standard, find_prior, tightened

EVERYWHERE = 12  # images at which the decoder is asked, for what it shows everywhere
FEW = 16  # pictures that one thread draws


class Model:
    """A model with what is known of its images. See `open_model`.

    Attributes:
        vae: the network. config, card, model_id, folder: see `vae.checkpoint.Checkpoint`.
        paint: in which colours its channels are shown; None where they are grey, or red, green and blue.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.vae, self.card, self.config = checkpoint.vae, checkpoint.card, checkpoint.config
        self.model_id, self.folder = checkpoint.model_id, checkpoint.folder
        self.paint = Paint.of_card(self.card, self.config.shape)

    def __repr__(self) -> str:
        return f"<Model {self.folder.name}: {self.config.latent_dim} latents, images of {self.config.shape}>"

    @cached_property
    def encodings(self) -> Encodings:
        """The codes of its images, with labels, attributes and maps. VAEError: they were not kept."""
        return load_encodings(self.folder)

    @cached_property
    def history(self) -> History:
        """How it came to be. VAEError: that was not kept."""
        return load_history(self.folder)

    # ---- codes ----

    def code(self, image_id: str) -> Floats:
        """mu (L,) of one of its images: "test/17"."""
        return self.codes([image_id])[0]

    def codes(self, image_ids: Iterable[str]) -> Floats:
        """mu (n, L) of its images."""
        return self.encodings.mu[self.rows(image_ids)]

    def rows(self, image_ids: Iterable[str]) -> np.ndarray:
        """The rows (n,) of images in its encodings. VAEError: it does not know one of them."""
        found = []
        for image_id in image_ids:
            row = self.encodings.row_of(image_id)
            if row is None:
                raise VAEError(f"This model knows no image called {image_id[:40]}: choose another.")
            found.append(row)
        return np.array(found, np.int64)

    def encode(self, name: str, *image_ids: str) -> Floats:
        """mu (n, L) of images of any data set of the model's shape: `model.encode("fashion-mnist", "test/3")`."""
        return encode(self.vae, images(name, image_ids)).mu

    def samples(
        self, count: int, seed: int, temperature: float = 1.0, limit: float = 0.0, prior: str = "standard", of: str = ""
    ) -> Floats:
        """Codes (count, L) drawn from a prior: "standard", or one that was fitted, "mixture" or "diffusion".

        Args:
            seed: the same seed, the same codes; a longer draw begins with the shorter one.
            temperature: the spread of the noise, 1 the prior's own. Less: more typical, less variety.
            limit: how far out the noise may lie, in standard deviations; 0 for no limit.
            of: only such as fall among images of a kind, "label:3"; "" for anything.

        Raises:
            VAEError: that prior was not fitted to this model's codes, or hardly ever draws that kind.
        """
        found = self._prior(prior)
        if of:
            known, what = self.encodings, of.partition(":")[2]
            noise, choice = noise_of_kind(partial(self._placed, found), known.mu, belongs(known, of), what, count, seed)
        else:
            noise, choice = Noise(seed).draw(count, self.config.latent_dim)
        return self._placed(found, tightened(torch.from_numpy(noise), temperature, limit).numpy(), choice)

    def _prior(self, kind: str) -> Prior:
        if kind == Standard.kind:
            return Standard(self.config.latent_dim)
        found = find_prior(self.folder, self.model_id, kind)
        if found is None:
            raise VAEError(f"No {kind} was fitted to this model's codes: run `python -m vae prior` first.")
        return found

    def _placed(self, prior: Prior, noise: Floats, choice: Floats) -> Floats:
        with _one_thread():
            codes = prior.place(torch.from_numpy(noise), torch.from_numpy(choice))
        return np.asarray(codes.numpy().astype(np.float32))

    def average(self) -> Floats:
        """(L,): the mean code of all its images."""
        return gathered(self.encodings.mu, np.arange(len(self.encodings))).mean

    def path(
        self, keyframes: ArrayLike, frames: int, way: str = "slerp", *, closed: bool = False, even: bool = False
    ) -> Floats:
        """The codes (F, L) of a path through keyframes (K, L); see `vae.explore.paths.through`.

        Args:
            frames: from one keyframe to the next.
            even: frames are spaced so that each changes the picture by the same amount.
        """
        codes = paths.through(keyframes, frames, way, closed=closed, roads=self._roads if way == "follow" else None)
        return paths.even_pace(codes, self.pixels(codes))[0] if even else codes

    @cached_property
    def _roads(self) -> Roads:
        return paths.lay_roads(self.encodings.mu, self.encodings.split, generator=np.random.default_rng(0))

    # ---- directions ----

    def direction(
        self,
        kind: str,
        estimator: str = "difference",
        fixed: Sequence[str] = (),
        alike: Sequence[str] = (),
        apart: Sequence[Direction | ArrayLike] = (),
    ) -> Direction:
        """From the other images to those of a kind: "label:3", "attribute:smile".

        Args:
            estimator: a name of `vae.explore.directions.found.ESTIMATORS`; or "regression", along all values of an
                attribute that is a number.
            fixed: attributes to keep fixed: what they do to the codes is taken out first.
            alike: attributes, or "class": each kind of them counts the same.
            apart: directions to stay at right angles to, as the codes spread.
        """
        groups = kind_groups(self.encodings, kind)
        make = directions.estimator(self.encodings, groups, estimator, kind, alike)
        return directions.between(self.encodings, groups, make, fixed, apart)

    def direction_between(
        self,
        ours: Sequence[str],
        others: Sequence[str] | None = None,
        estimator: str = "difference",
        fixed: Sequence[str] = (),
        alike: Sequence[str] = (),
        apart: Sequence[Direction | ArrayLike] = (),
    ) -> Direction:
        """From the second group of images to the first one, by their names: ["test/3", ...]; None for all others."""
        known = self.encodings
        mine = self.rows(ours)
        rest = np.setdiff1d(np.arange(len(known)), mine) if others is None else self.rows(others)
        groups = picked_groups(mine, rest, len(known), ("these", "the others"))
        make = directions.estimator(known, groups, estimator, "", alike)
        return directions.between(known, groups, make, fixed, apart)

    def groups(self, kind: str) -> Groups:
        """The images of a kind, "label:3" or "attribute:smile", against the rest."""
        return kind_groups(self.encodings, kind)

    def where(self, condition: str) -> list[str]:
        """Names of the images for which a condition holds: `model.where("smile > 0.7 and not hat")`."""
        return self._names(rows_where(self.encodings, condition))

    def inside(self, view: str, polygon: ArrayLike) -> list[str]:
        """Names of the images inside a line on a map.

        Args:
            view: "umap", "pca", or two dimensions of the codes as "3,0".
            polygon: (P, 2), the corners of the line, in the units of the map.
        """
        known = self.encodings
        return self._names(inside(view_xy(known.mu, known.maps, view), polygon))

    def _names(self, rows: np.ndarray) -> list[str]:
        return [self.encodings.image_id(int(row)) for row in rows]

    def axes(self, way: str = "principal", z: ArrayLike | None = None) -> tuple[Axis, ...]:
        """Directions that nobody named, the strongest first.

        Args:
            way: "principal", where codes differ most; "dimensions", the numbers one by one; "here", what changes the
                picture of `z` most; "everywhere", the same averaged over 12 images.
        """
        known, count = self.encodings, self.config.latent_dim
        if way == "principal":
            return unlabelled.principal_axes(known.mu, count)
        if way == "dimensions":
            return unlabelled.kl_axes(known.mu, known.carried(), count)
        if way not in ("here", "everywhere") or (way == "here" and z is None):
            raise VAEError(
                f"There is no way {way[:40]!r}: choose principal, dimensions, everywhere; or here, with a code."
            )
        anywhere = known.mu[rows_in_turn(np.ones(len(known), bool), EVERYWHERE)]
        where = anywhere if z is None or way == "everywhere" else one_code(z)[None]
        return unlabelled.visible_axes(known.mu, pulled_back(self.decode, where), count)

    # ---- pictures ----

    def decode(self, z: ArrayLike) -> Floats:
        """x (B, *shape) of codes (B, L): the mean of p(x|z), in [0, 1] unless the output is linear."""
        codes = np.array(z, np.float32)
        with torch.inference_mode(), _as_the_app(len(codes)):
            return np.asarray(self.vae.decode(torch.from_numpy(codes).to(self._device)).cpu().numpy())

    def pixels(self, codes: ArrayLike) -> Pixels:
        """Pictures of codes (B, L): (B, H, W, C) uint8, channels in their colours; rows of a table become bars."""
        return render.as_pictures(self.decode(many_codes(codes)), self.paint)

    def picture(self, z: ArrayLike) -> Picture:
        """What the decoder draws for one code (L,)."""
        return self.pictures(one_code(z)[None])[0]

    def pictures(self, codes: ArrayLike) -> list[Picture]:
        """What the decoder draws for codes (B, L)."""
        return [Picture.of(pixels) for pixels in self.pixels(codes)]

    def strip(self, codes: ArrayLike, side: int = 128) -> Picture:
        """The pictures of codes (B, L) side by side, each enlarged to at most `side` pixels."""
        return Picture.of(render.strip(render.enlarge(self.pixels(codes), side)))

    @property
    def _device(self) -> torch.device:
        return next((value.device for value in self.vae.parameters()), torch.device("cpu"))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Numbers are made by one thread, as the app makes them: others would add up in another order."""
    before = torch.get_num_threads()
    if before == 1:  # to set it costs milliseconds
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _as_the_app(count: int) -> AbstractContextManager[None]:
    """A few pictures are drawn by one thread, as the app draws them; many by all there are."""
    return _one_thread() if count <= FEW else nullcontext()
