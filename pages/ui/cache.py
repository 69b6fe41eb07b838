"""What pages ask for again and again, kept by names and numbers: results only, never a model.

A model is named by its model_id, the hash of its content, so nothing here can outlive what it was computed from. Every
result is frozen or read-only: all visitors share it.
"""

from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from live import points
from live.desk import shared_desk
from live.engine import ModelEntry, shared
from live.known import caption
from pages.ui import seen
from vae import data
from vae.data.images import worded
from vae.encodings import Encodings
from vae.errors import VAEError
from vae.explore import latents, render
from vae.explore.anywhere import Ground
from vae.explore.choose import mixed_rows, rows_in_turn
from vae.explore.density import Density
from vae.explore.density import unusual as unusualness
from vae.explore.directions.found import ESTIMATORS, Direction
from vae.explore.directions.groups import Groups
from vae.explore.directions.named import kind_groups
from vae.explore.directions.steps import apply
from vae.explore.neighbours import nearest
from vae.train.suited import Suited
from vae.train.suited import suited as find_suited

Code = tuple[float, ...]
NAMED = 80  # characters of a file's name that are shown, the last

# ---- models --------------------------------------------------------------------------------------------------------


def entry(name: str) -> ModelEntry:
    """The model of that name. VAEError: it is gone."""
    for found in shared().models():
        if found.name == name:
            return found
    raise VAEError(f"The model {name} is no longer there: choose another in the list.")


def by_id(model_id: str) -> ModelEntry:
    """The model of that content. VAEError: it is gone."""
    for found in shared().models():
        if found.model_id == model_id:
            return found
    raise VAEError("That model is no longer there: choose another in the list.")


def encodings(model_id: str) -> Encodings:
    """The encodings kept with a model (the engine holds them)."""
    return shared().encodings(by_id(model_id))


# ---- pictures ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def pictures(model_id: str, codes: tuple[Code, ...]) -> tuple[bytes, ...]:
    """What the decoder draws for each code, as PNG files."""
    decoded = shared().decode(by_id(model_id), np.array(codes, np.float32))
    return tuple(render.png(pixels) for pixels in decoded)


@lru_cache(maxsize=64)
def strip(model_id: str, codes: tuple[Code, ...], side: int = 128) -> bytes:
    """A path as one PNG, its frames side by side, each enlarged to at most `side` pixels."""
    decoded = shared().decode(by_id(model_id), np.array(codes, np.float32))
    return render.png(render.strip(render.enlarge(decoded, side)))


def picture(model_id: str, code: Code) -> bytes:
    """What the decoder draws for one code, as a PNG file."""
    return pictures(model_id, (code,))[0]


@lru_cache(maxsize=256)
def channels(model_id: str, code: Code) -> tuple[bytes, ...]:
    """Each channel of what the decoder draws for one code, alone and in grey, as PNG files."""
    chosen = by_id(model_id)
    x = shared().x_of(chosen, np.array([code], np.float32))
    return tuple(render.png(render.as_pictures(x, channel=at)[0]) for at in range(chosen.shape[0]))


@lru_cache(maxsize=4096)
def _original(name: str, image_id: str) -> bytes:
    split, _, index = image_id.partition("/")
    found = data.originals(name, split, [int(index)])
    if found is None:
        raise LookupError  # not kept: it may be fetched a moment later
    return render.png(render.shown(found, data.paint_of(name))[0])


def original(name: str, image_id: str) -> bytes | None:
    """The image itself as a PNG file, or None when the data are not on this machine, or not this visitor's to see."""
    if not seen.may_use(name):
        return None
    try:
        return _original(name, image_id)
    except (LookupError, VAEError):
        return None


def forget_originals() -> None:
    """A data set was deleted: nothing of it stays in memory."""
    _original.cache_clear()


@lru_cache(maxsize=64)
def train_size(name: str) -> int:
    """Training images of a data set; a person's own folder is read for it once."""
    return data.describe(name).train_size


@lru_cache(maxsize=64)
def suited(name: str) -> Suited:
    """Settings that suit data that were brought."""
    return find_suited(name)


# ---- images and their codes ----------------------------------------------------------------------------------------


def has_image(model_id: str, image_id: str) -> bool:
    return encodings(model_id).row_of(image_id) is not None


def row_of(model_id: str, image_id: str) -> int:
    row = encodings(model_id).row_of(image_id)
    if row is None:
        raise VAEError(f"This model knows no image called {image_id}: choose another.")
    return row


@lru_cache(maxsize=4096)
def code_of(model_id: str, image_id: str) -> Code:
    """mu of one image."""
    return tuple(encodings(model_id).mu[row_of(model_id, image_id)].tolist())


def caption_of(model_id: str, image_id: str) -> str:
    """A few words for one image: "test image 17: 3"; "cell0042.tif: control" where whoever looks may see its name."""
    return _caption(model_id, image_id, seen.has_files(by_id(model_id).data))


@lru_cache(maxsize=4096)
def _caption(model_id: str, image_id: str, named: bool) -> str:
    known, row = encodings(model_id), row_of(model_id, image_id)
    if named and (file := _file(model_id, image_id)):
        return caption(known, row, file)
    return _worded(model_id, caption(known, row))


def _worded(model_id: str, words: str) -> str:
    """Of a model of tables the same about rows."""
    return worded(words, by_id(model_id).shape)


def _file(model_id: str, image_id: str) -> str:
    """What whoever brought an image calls it, "" where that is not known any more."""
    split, _, index = image_id.partition("/")
    try:
        names = data.file_names(by_id(model_id).data, split) or ()
    except VAEError:
        return ""
    return names[int(index)][-NAMED:] if int(index) < len(names) else ""


@lru_cache(maxsize=4096)
def figures_of(model_id: str, image_id: str) -> str:
    """What the model measured on one image, in a sentence."""
    known, row = encodings(model_id), row_of(model_id, image_id)
    kl, error = known.kl()[row], known.recon_error[row]
    spent = "" if known.point else f"KL {kl:.1f} nats. "
    return _worded(model_id, f"{spent}Reconstruction error {error:.4f} (mean squared difference per pixel, at mu).")


@lru_cache(maxsize=64)
def kept_words(model_id: str) -> str:
    """How many of the data's images the encodings hold, where it is not all of them."""
    known, card = encodings(model_id), by_id(model_id).card.get("data", {})
    whole = card.get("train", 0) + card.get("test", 0)
    return f" They were chosen at random from {whole:,}." if whole > len(known) else ""


def another_kind(model_id: str, image_id: str | None) -> str | None:
    """A label that this image does not have, to walk to; None where no other has images enough."""
    known = encodings(model_id)
    row = None if image_id is None else known.row_of(image_id)
    own = "" if row is None or known.labels is None else known.label_names[known.labels[row]]
    others = [kind for kind in kinds(model_id) if kind.startswith("label:") and kind != f"label:{own}"]
    return others[-1] if others else None


def first_image(model_id: str) -> str:
    """The image a model opens with: the first one it was tested on."""
    known = encodings(model_id)
    return known.image_id(int(np.lexsort((known.index, 1 - known.split.astype(int)))[0]))


@lru_cache(maxsize=256)
def some_images(model_id: str, count: int, turn: int) -> tuple[str, ...]:
    """A mixed dozen of test images; another `turn`, another dozen."""
    known = encodings(model_id)
    tested = known.split == 1 if (known.split == 1).any() else known.split == 0
    return tuple(known.image_id(row) for row in mixed_rows(known.labels, tested, count, turn))


@lru_cache(maxsize=256)
def image_of_kind(model_id: str, kind: str, turn: int) -> str:
    """One image of a kind (see `kinds`); another `turn`, another one. "" is any image."""
    known = encodings(model_id)
    mask = np.ones(len(known), bool) if not kind else groups(model_id, kind).positive
    return known.image_id(int(rows_in_turn(mask, 1, turn)[0]))


@lru_cache(maxsize=512)
def neighbours(model_id: str, code: Code, count: int, without: str | None) -> tuple[tuple[str, float], ...]:
    """The images whose mu lie nearest to a code: (image_id, distance in prior standard deviations), nearest first."""
    known = encodings(model_id)
    left_out = () if without is None else (row_of(model_id, without),)
    found = nearest(known.mu, np.array(code, np.float32), count, exclude=left_out)
    return tuple((known.image_id(row), float(d)) for row, d in zip(found.rows, found.distances, strict=True))


def density(model_id: str) -> Density:
    """Where the images of a model live (the wire asks the same one)."""
    return shared_desk().answers.known(model_id).density()


@lru_cache(maxsize=4096)
def unusual(model_id: str, code: Code) -> dict[str, Any]:
    """How unusual a code is, as the wire says it: percentile, whether it is usual, and the words for it."""
    (found,) = unusualness(density(model_id), np.array([code], np.float32))
    words = {"words": found.sentence, "compared": density(model_id).compared}
    return {"percentile": found.percentile, "usual": found.usual} | words


# ---- latents, maps, directions -------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def knobs(model_id: str) -> tuple[latents.Knob, ...]:
    """The latent dimensions as knobs, the one that carries most first: KL, or Var(mu) of a plain autoencoder.

    Of principal axes the order is their own: images differ most along the first, and the KL does not know that.
    """
    known = encodings(model_id)
    found = latents.knob_ranges(known.mu, known.carried())
    return tuple(sorted(found, key=lambda knob: knob.dim)) if by_id(model_id).axes else found


def turned(model_id: str, code: Code, count: int = 5) -> tuple[Code, ...]:
    """A code with its strongest dimension turned from the low to the high end of its range."""
    knob = knobs(model_id)[0]
    ends = [tuple(value if dim == knob.dim else z for dim, z in enumerate(code)) for value in (knob.low, knob.high)]
    return path(ends[0], ends[1], count, "lerp")


@lru_cache(maxsize=256)
def random_codes(model_id: str, count: int, temperature: float, seed: int) -> tuple[Code, ...]:
    """Codes drawn from N(0, temperature^2 I); the same seed, the same codes."""
    generator = np.random.default_rng(seed)
    drawn = latents.prior(count, by_id(model_id).latent_dim, temperature, generator=generator)
    return tuple(tuple(z) for z in drawn.tolist())


def xy(model_id: str, view: str) -> np.ndarray:
    """Map coordinates (N, 2): "umap", "pca", or two dimensions as "3,0" (kept beside the encodings)."""
    return points.xy(shared(), by_id(model_id), view)


def ground(model_id: str, view: str) -> Ground:
    """A map, ready to be asked what code lies where."""
    return points.ground(shared(), by_id(model_id), view)


@lru_cache(maxsize=32)
def kinds(model_id: str) -> tuple[str, ...]:
    """What a choice of images can be about: "label:3", "attribute:glasses", where there are enough on both sides."""
    known = encodings(model_id)
    names = [f"attribute:{name}" for name in known.attribute_names] + [f"label:{name}" for name in known.label_names]
    found = []
    for kind in names:
        with suppress(VAEError):
            groups(model_id, kind)
            found.append(kind)
    return tuple(found)


@lru_cache(maxsize=32)
def directions(model_id: str) -> tuple[str, ...]:
    """The kinds whose codes differ from the rest: none where the codes collapsed."""
    found = []
    for kind in kinds(model_id):
        with suppress(VAEError):
            direction(model_id, kind)
            found.append(kind)
    return tuple(found)


@lru_cache(maxsize=256)
def groups(model_id: str, kind: str) -> Groups:
    """The images of a kind against the rest."""
    return kind_groups(encodings(model_id), kind)


@lru_cache(maxsize=1024)
def stepped(model_id: str, code: Code, kind: str, strength: float) -> Code:
    """A code moved along the direction of a kind; strength 1 is the whole step between the groups' means."""
    return tuple(apply(np.array(code, np.float32), direction(model_id, kind), strength).tolist())


def path(code_a: Code, code_b: Code, steps: int, way: str) -> tuple[Code, ...]:
    """The codes on the way from one to another: "slerp" or "lerp"."""
    walk = latents.slerp if way == "slerp" else latents.lerp
    return tuple(tuple(z) for z in walk(np.array(code_a), np.array(code_b), steps).tolist())


@lru_cache(maxsize=256)
def direction(model_id: str, kind: str, estimator: str = "difference") -> Direction:
    """The direction from the rest to the images of a kind."""
    return ESTIMATORS[estimator](encodings(model_id).mu, groups(model_id, kind))
