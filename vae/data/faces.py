"""Which cartoon faces exist: the joint distribution behind `faces` and `faces-fair`. How one looks is in `faces_art`.

Faces nobody photographed, with the habits of real data built in on purpose and known to the last decimal:

* `hat` and `glasses` go together: their correlation (phi) is 0.6.
* `smile` and `eyes` (how open they are) go together: their correlation (point-biserial) is 0.6.
* Every other pair of attributes is independent.
* Yet nobody smiles under a hat with long hair. The triple (smile, hat, long hair) = (1, 1, 1) never occurs, though each
  two of the three are independent: no table of pairs can tell.

`faces-fair` has the same share of everything, drawn independently: no correlation, and all triples occur.

**The triple.** For three binary attributes with P = a, b, c and a hole at (1, 1, 1), pairwise independence leaves one
table: P(110) = ab, P(100) = a(1 - b - c), P(000) = 1 - a - b - c + ab + ac + bc, and likewise for the others. It is a
distribution when no two of a, b, c sum to more than one. Here a = b = c = 0.4:

    smile hat long    P     |   smile hat long    P
      0    0    0    0.28   |     1    1    0    0.16
      1    0    0    0.08   |     1    0    1    0.16
      0    1    0    0.08   |     0    1    1    0.16
      0    0    1    0.08   |     1    1    1    0

**The pairs.** Glasses look at the hat alone: P(glasses | hat) = 0.4 + 0.6 * 0.6 = 0.76 and P(glasses | no hat) =
0.4 - 0.6 * 0.4 = 0.16, which gives P(glasses) = 0.4 and phi = 0.6. Eyes look at the smile alone: they are uniform on
[0, w] without a smile and on [1 - w, 1] with one. The means are d = 1 - w apart, so
r^2 = 0.24 d^2 / (0.24 d^2 + w^2 / 12), and r = 0.6 needs d / w = sqrt(0.36 / (0.64 * 0.24 * 12)). Because each of the
two looks at one attribute only, whatever is independent of that attribute stays independent of them.

Face `index` of a split reads row `index` of one fixed random table, so it can be drawn without drawing any other.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np

from vae.data.faces_art import MOUTH_BOX, FaceFactors, draw, draw_many
from vae.data.faces_pen import SIZE
from vae.errors import VAEError

__all__ = [
    "ATTRIBUTE_NAMES",
    "FACTORS",
    "MOUTH_BOX",
    "SIZE",
    "TEST_SIZE",
    "TRAIN_SIZE",
    "FaceFactors",
    "attributes",
    "draw",
    "draw_many",
    "factors",
]

SEED = 0
TRAIN_SIZE = 12_000
TEST_SIZE = 2_000
SPLITS = {"train": TRAIN_SIZE, "test": TEST_SIZE}

# Every field of a face and its kind. Binary: 0 or 1. Continuous: [0, 1]. Signed: [-1, 1]. All uniform save `eyes`.
FACTORS: dict[str, str] = {
    "smile": "binary",
    "glasses": "binary",
    "hat": "binary",
    "long_hair": "binary",
    "dark_hair": "binary",
    "eyes": "continuous",  # how open: 0 nearly asleep, 1 wide
    "turn": "signed",  # of the head: -1 to the viewer's left, 1 to the viewer's right
    "light": "signed",  # where it comes from: -1 the viewer's left, 1 the viewer's right, always a little from above
    "skin": "continuous",  # 0 light, 1 deep
    "hair_shade": "continuous",  # within dark or fair hair: 0 darkest, 1 lightest
    "hair_length": "continuous",  # within short or long hair
    "smile_width": "continuous",  # within a smile or a straight face
    "brim": "binary",  # the hat, where there is one: 0 a beanie, 1 a brimmed hat
    "outfit": "continuous",  # colour of shirt and hat
    "backdrop": "continuous",  # colour behind
}

_ATTRIBUTES = {
    "smile": "smile",
    "glasses": "glasses",
    "hat": "hat",
    "long hair": "long_hair",
    "dark hair": "dark_hair",
    "eye openness": "eyes",
    "turn": "turn",
    "light": "light",
    "skin depth": "skin",
}
ATTRIBUTE_NAMES: tuple[str, ...] = tuple(_ATTRIBUTES)  # the binary ones first

SHARE = 0.4  # of smiles, hats, long hair and glasses
CORRELATION = 0.6  # of hat with glasses, and of smile with open eyes
_VARIANCE = SHARE * (1 - SHARE)
_GAP = sqrt(CORRELATION**2 / ((1 - CORRELATION**2) * _VARIANCE * 12))  # d / w in the docstring
EYES_WIDTH = 1 / (1 + _GAP)  # w in the docstring

# P(long hair | smile, hat), the table of the docstring read by rows: 0.08 / 0.36, 0.16 / 0.24, 0.16 / 0.24, none.
_LONG_GIVEN = np.array([[2 / 9, 2 / 3], [2 / 3, 0.0]])
_GLASSES_GIVEN = np.array([SHARE - CORRELATION * SHARE, SHARE + CORRELATION * (1 - SHARE)])  # (no hat, hat)

_COLUMNS = len(FACTORS) + 1  # one random number for each factor, and one more for whose eyes they are


def factors(split: str, indices: Sequence[int] | np.ndarray | int, fair: bool = False) -> list[FaceFactors]:
    """The faces at `indices` of a split, in that order; each depends on (fair, split, index) alone.

    Args:
        split: "train" (12,000 faces) or "test" (2,000).
        indices: whole numbers from 0, in any order, repeats allowed; or one of them.
        fair: True for `faces-fair`, where everything is independent.

    Raises:
        VAEError: no such split, or no such face in it.
    """
    rows = np.atleast_1d(np.asarray(indices))
    if split not in SPLITS:
        raise VAEError(f"Faces have no split called {split!r}: ask for 'train' or 'test'.")
    if rows.size == 0:
        return []
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise VAEError("Faces are asked for by whole numbers: give one index or a flat list of them.")
    outside = rows[(rows < 0) | (rows >= SPLITS[split])]
    if outside.size:
        raise VAEError(f"There is no {split} face {outside[0]}: ask for 0 to {SPLITS[split] - 1}.")
    columns = _sample(_uniforms(split, bool(fair))[rows], bool(fair))
    kinds = [float if kind != "binary" else int for kind in FACTORS.values()]
    values = zip(*(columns[name].astype(kind).tolist() for name, kind in zip(FACTORS, kinds, strict=True)), strict=True)
    return [FaceFactors(*row) for row in values]


def attributes(faces: Sequence[FaceFactors]) -> np.ndarray:
    """float32 (N, A), columns as in ATTRIBUTE_NAMES: the binary ones 0 or 1, the others in the units of FACTORS."""
    fields = tuple(_ATTRIBUTES.values())
    rows = [[getattr(face, field) for field in fields] for face in faces]
    return np.array(rows, dtype=np.float32).reshape(len(faces), len(fields))


@lru_cache(maxsize=4)
def _uniforms(split: str, fair: bool) -> np.ndarray:
    """float64 (N, _COLUMNS) in [0, 1): row i is all the chance there is in face i."""
    # Philox is a counter: row i starts at a fixed place in the stream, however many rows follow it.
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence([SEED, int(fair), list(SPLITS).index(split)])))
    table = stream.random((SPLITS[split], _COLUMNS))
    table.setflags(write=False)  # shared by every caller
    return table


def _sample(uniforms: np.ndarray, fair: bool) -> dict[str, np.ndarray]:
    """Turn chance (N, _COLUMNS) into factors, each (N,), following the docstring of this module."""
    u = dict(zip((*FACTORS, "whose_eyes"), uniforms.T, strict=True))
    smile = (u["smile"] < SHARE).astype(np.int8)
    hat = (u["hat"] < SHARE).astype(np.int8)
    long_hair = u["long_hair"] < (SHARE if fair else _LONG_GIVEN[smile, hat])
    glasses = u["glasses"] < (SHARE if fair else _GLASSES_GIVEN[hat])
    # The fair eyes follow the smile of somebody else: the same spread of eyes, and no correlation.
    wide = u["whose_eyes"] < SHARE if fair else smile
    return {
        "smile": smile,
        "glasses": glasses,
        "hat": hat,
        "long_hair": long_hair,
        "dark_hair": u["dark_hair"] < 0.5,
        "eyes": (1 - EYES_WIDTH) * wide + EYES_WIDTH * u["eyes"],
        "turn": 2 * u["turn"] - 1,
        "light": 2 * u["light"] - 1,
        "skin": u["skin"],
        "hair_shade": u["hair_shade"],
        "hair_length": u["hair_length"],
        "smile_width": u["smile_width"],
        "brim": u["brim"] < 0.5,
        "outfit": u["outfit"],
        "backdrop": u["backdrop"],
    }
