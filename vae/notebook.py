"""Muscope in a notebook: a model by its name, codes, directions, paths, samples, and pictures to the byte.

    from vae.notebook import open_model

    model = open_model("mnist")
    z = model.code("test/17")
    model.picture(z)

A page's "Copy as Python" is written in these, and makes the picture of the page. All arrays are NumPy; a code is (L,)
float32, in standard deviations of the prior.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from PIL import Image

from vae import data
from vae.batches import as_x
from vae.checkpoint import CONFIG, Checkpoint, load, read_card
from vae.data.images import Images
from vae.device import pick_device
from vae.encodings import Encodings, encode, load_encodings
from vae.errors import VAEError
from vae.explore import paths, render
from vae.explore.choose import rows_in_turn
from vae.explore.codes import Floats, many_codes, one_code
from vae.explore.directions import unlabelled
from vae.explore.directions.found import ESTIMATORS, Direction, regression
from vae.explore.directions.groups import Groups, attribute_groups, label_groups, picked_groups
from vae.explore.directions.lock import locked
from vae.explore.directions.steps import apply
from vae.explore.directions.unlabelled import Axis
from vae.explore.paths import Roads
from vae.explore.render import Pixels
from vae.explore.sums import weighted_sum
from vae.explore.visible import pulled_back
from vae.history import History, history_of_run, load_history
from vae.home import home, runs_folder
from vae.priors import Standard, find_prior, tightened

SHIPPED = Path(__file__).resolve().parent.parent / "checkpoints"
EVERYWHERE = 12  # images at which the decoder is asked, for what it shows everywhere
FEW = 16  # pictures drawn by one thread: the order in which it adds up does not depend on the machine

__all__ = ["Model", "Picture", "add", "move", "open_model", "open_run", "original", "sheet"]


# ---- pictures ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture; a notebook shows it by itself.

    Attributes:
        file: as a file that a browser can show, PNG where Muscope made it.
    """

    file: bytes

    @classmethod
    def of(cls, pixels: Pixels) -> "Picture":
        """Of pixels (H, W, C) uint8, 1 or 3 channels."""
        return cls(render.png(pixels))

    def __repr__(self) -> str:
        return f"<Picture of {len(self.file):,} bytes>"

    def save(self, path: str | Path) -> None:
        """Write the file."""
        Path(path).write_bytes(self.file)

    def _repr_mimebundle_(self, **_: object) -> dict[str, bytes]:
        return {"image/jpeg" if self.file.startswith(b"\xff\xd8") else "image/png": self.file}


def original(name: str, image_id: str) -> Picture:
    """An image of a data set as it is: `original("mnist", "test/17")`. VAEError: it is not on this machine."""
    images = _images(name, [image_id])
    return Picture.of(images.pixels[0] if images.pixels.ndim == 4 else render.profile(images.pixels[0]))


def _images(name: str, image_ids: Iterable[str]) -> Images:
    splits, rows = zip(*(_parted(each) for each in image_ids), strict=True)
    if len(set(splits)) != 1:
        raise VAEError("Take images of one split at a time: all of training, or all of test.")
    pixels = data.originals(name, splits[0], list(rows))
    if pixels is None:
        raise VAEError(f"The images of {data.public_name(name)} are not on this machine: fetch them first.")
    return Images(name, splits[0], pixels, index=np.array(rows, np.int64))


def _parted(image_id: str) -> tuple[str, int]:
    split, _, row = image_id.partition("/")
    if not row.isdecimal():
        raise VAEError(f"There is no image {image_id[:40]!r}: an image is called like test/17.")
    return split, int(row)


def sheet(rows: Sequence[Sequence[Picture]], gap: int = 2) -> Picture:
    """Rows of pictures of one size on one sheet. Read back from their files, so nothing is drawn again."""
    tiles = [np.asarray(Image.open(io.BytesIO(one.file))) for row in rows for one in row]
    if not tiles or len({(tile.shape, len(row)) for row in rows for tile in tiles}) != 1:
        raise VAEError("A sheet has rows of equally many pictures of one size.")
    pixels = np.stack([tile if tile.ndim == 3 else tile[..., None] for tile in tiles])  # (n, H, W, C)
    return Picture.of(render.tile(pixels, len(rows[0]), gap))


# ---- steps and sums ------------------------------------------------------------------------------------------------


def move(z: ArrayLike, along: Direction | Axis | ArrayLike, strength: float) -> Floats:
    """A code (L,) moved along a direction by `strength` whole steps; of an axis spreads, of a vector (L,) lengths."""
    if isinstance(along, Direction):
        return apply(z, along, strength)
    return add([(strength, along)], z)


def add(terms: Sequence[tuple[float, Direction | Axis | ArrayLike]], base: ArrayLike | None = None) -> Floats:
    """The sum of (weight, code or direction), each (L,), starting at `base` (L,) or at the origin."""
    return weighted_sum([_step(vector) for _, vector in terms], [weight for weight, _ in terms], base)


def _step(vector: Direction | Axis | ArrayLike) -> np.ndarray:
    if isinstance(vector, Direction):
        return np.asarray(vector.gap * vector.vector.astype(np.float64))  # rounded once, where it is added
    return np.asarray(vector.step if isinstance(vector, Axis) else vector)


# ---- a model -------------------------------------------------------------------------------------------------------


class Model:
    """A model with what is known of its images. See `open_model`.

    Attributes:
        vae: the network. config, card, model_id, folder: see `vae.checkpoint.Checkpoint`.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.vae, self.card, self.config = checkpoint.vae, checkpoint.card, checkpoint.config
        self.model_id, self.folder = checkpoint.model_id, checkpoint.folder

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
        return encode(self.vae, _images(name, image_ids)).mu

    def encode_pixels(self, pixels: Pixels) -> Floats:
        """mu (n, L) of pixels (n, H, W, C) uint8 of the model's shape. Nothing is drawn."""
        with torch.inference_mode(), _as_the_app(len(pixels)):
            x = as_x(torch.from_numpy(np.moveaxis(pixels, 3, 1).copy()).to(self._device))
            return np.asarray(self.vae.encode(x).mode().cpu().numpy())

    def samples(
        self, count: int, seed: int, temperature: float = 1.0, limit: float = 0.0, prior: str = "standard"
    ) -> Floats:
        """Codes (count, L) drawn from a prior: "standard", or one that was fitted, "mixture" or "diffusion".

        Args:
            seed: the same seed, the same codes; a longer draw begins with the shorter one.
            temperature: the spread of the noise, 1 the prior's own. Less: more typical, less variety.
            limit: how far out the noise may lie, in standard deviations; 0 for no limit.

        Raises:
            VAEError: that prior was not fitted to this model's codes.
        """
        noise = np.random.default_rng(seed).standard_normal((count, self.config.latent_dim), dtype=np.float32)
        choice = np.random.default_rng((seed, 1)).random(count, dtype=np.float32)
        found = find_prior(self.folder, self.model_id, prior) if prior != Standard.kind else None
        if found is None and prior != Standard.kind:
            raise VAEError(f"No {prior} was fitted to this model's codes: run `python -m vae prior` first.")
        tight = tightened(torch.from_numpy(noise), temperature, limit)
        placed = tight if found is None else found.place(tight, torch.from_numpy(choice))
        return np.asarray(placed.numpy().astype(np.float32))

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

    def direction(self, kind: str, estimator: str = "difference", fixed: Sequence[str] = ()) -> Direction:
        """From the other images to those of a kind: "label:3", "attribute:smile".

        Args:
            estimator: a name of `vae.explore.directions.found.ESTIMATORS`; or "regression", along all values of an
                attribute that is a number.
            fixed: attributes to keep fixed: what they do to the codes is taken out first.
        """
        what, _, name = kind.partition(":")
        if estimator == "regression":
            known = self.encodings
            if what != "attribute" or known.attributes is None or name not in known.attribute_names:
                raise VAEError(f"A regression goes along an attribute that is a number, not {kind[:40]!r}.")
            return regression(known.mu, known.attributes[:, known.attribute_names.index(name)], name)
        return self._between(self.groups(kind), estimator, fixed)

    def direction_between(
        self, ours: Sequence[str], others: Sequence[str], estimator: str = "difference", fixed: Sequence[str] = ()
    ) -> Direction:
        """From the second group of images to the first one, by their names: ["test/3", ...]."""
        count = len(self.encodings)
        groups = picked_groups(self.rows(ours), self.rows(others), count, ("these", "the others"))
        return self._between(groups, estimator, fixed)

    def _between(self, groups: Groups, estimator: str, fixed: Sequence[str]) -> Direction:
        known = self.encodings
        if estimator not in ESTIMATORS:
            raise VAEError(f"There is no estimator {estimator[:40]!r}: choose {', '.join(ESTIMATORS)}.")
        if not fixed or known.attributes is None:
            return ESTIMATORS[estimator](known.mu, groups)
        return locked(known.mu, groups, known.attributes, known.attribute_names, tuple(fixed), estimator)

    def groups(self, kind: str) -> Groups:
        """The images of a kind, "label:3" or "attribute:smile", against the rest."""
        known, (what, _, name) = self.encodings, kind.partition(":")
        if what == "label" and known.labels is not None and name in known.label_names:
            return label_groups(known.labels, known.label_names.index(name), name)
        if what == "attribute" and known.attributes is not None and name in known.attribute_names:
            return attribute_groups(known.attributes[:, known.attribute_names.index(name)], name)
        raise VAEError(f"This model's data know nothing called {name[:40]}: choose another.")

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
        """Pictures of codes (B, L): (B, H, W, C) uint8, one or three channels; rows of a table become bars."""
        return render.as_pictures(self.decode(many_codes(codes)))

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
def _as_the_app(count: int) -> Iterator[None]:
    """A few pictures are drawn by one thread, as the app draws them: others would add up in another order."""
    before = torch.get_num_threads()
    if count > FEW or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# ---- finding them --------------------------------------------------------------------------------------------------


def open_model(name: str | Path, model_id: str = "", device: str = "auto") -> Model:
    """A model by its name or its folder.

    Args:
        name: of a model that ships or was made on this machine; or the path of any model's folder.
        model_id: where given, only that very model will do, by its content.
        device: "auto" is what the app uses: a GPU where there is one.

    Raises:
        VAEError: there is none of that name, or it is another one by now.
    """
    path = Path(name)
    places = [path] if path.is_absolute() or len(path.parts) > 1 else [SHIPPED / path, home() / "models" / path, path]
    there = [place for place in places if (place / CONFIG).is_file()]
    if not there:
        raise VAEError(f"There is no model called {path.name}: give its name, or the path of its folder.")
    if model_id:
        there = [place for place in there if read_card(place)[2] == model_id]
        if not there:
            raise VAEError(
                f"The model {path.name} is no longer the one that was asked for ({model_id}): it was replaced."
            )
    return Model(load(there[0], pick_device(device)))


def open_run(run_id: str) -> History:
    """What a training on this machine has shown so far, by its id.

    Raises:
        VAEError: there is no such training, or it has shown nothing yet.
    """
    from vae.train.events import read_events
    from vae.train.watch import standing

    folder = runs_folder() / Path(run_id).name
    if not folder.is_dir():
        raise VAEError(f"There is no training {Path(run_id).name}: it was deleted, or was made on another machine.")
    return history_of_run(folder, standing(read_events(folder / "events.jsonl")[0]))
