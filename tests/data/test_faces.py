"""The faces have the joint distribution their docstring states, and the picture shows what the factors say."""

from dataclasses import astuple, fields, replace
from itertools import combinations, product

import numpy as np
import pytest

from vae.data import faces
from vae.data.faces import MOUTH_BOX, FaceFactors, draw, draw_many, factors
from vae.errors import VAEError

MANY = 200_000
SIGMAS = 4  # standard errors; the seeds are fixed, so what passes once passes always


def sample(fair: bool, seed: int = 1) -> dict[str, np.ndarray]:
    """Far more faces than are shipped, by the same rule."""
    uniforms = np.random.default_rng(seed).random((MANY, faces._COLUMNS))
    return {name: column.astype(float) for name, column in faces._sample(uniforms, fair).items()}


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


@pytest.mark.parametrize(("one", "other"), [("hat", "glasses"), ("smile", "eyes")])
def test_the_two_pairs_correlate_at_six_tenths(one: str, other: str) -> None:
    tied, free = sample(fair=False), sample(fair=True)
    assert correlation(tied[one], tied[other]) == pytest.approx(0.6, abs=SIGMAS / np.sqrt(MANY))
    assert correlation(free[one], free[other]) == pytest.approx(0.0, abs=SIGMAS / np.sqrt(MANY))


@pytest.mark.parametrize("fair", [False, True])
def test_all_other_pairs_are_independent(fair: bool) -> None:
    columns = sample(fair)
    tied = set() if fair else {frozenset(("hat", "glasses")), frozenset(("smile", "eyes"))}
    # Independent means that no function of one follows a function of the other: also try how far from the middle it is.
    spread = {
        name: (column - column.mean()) ** 2 for name, column in columns.items() if faces.FACTORS[name] != "binary"
    }
    for one, other in combinations(columns, 2):
        if frozenset((one, other)) in tied:
            continue
        for a, b in product([columns, spread], repeat=2):
            if one in a and other in b:
                assert abs(correlation(a[one], b[other])) < SIGMAS / np.sqrt(MANY), (one, other)


@pytest.mark.parametrize("fair", [False, True])
def test_every_table_of_a_pair_of_the_triple_is_a_product_and_the_triple_is_not(fair: bool) -> None:
    columns = sample(fair)
    smile, hat, long_hair = (columns[name] for name in ("smile", "hat", "long_hair"))
    for a, b in combinations((smile, hat, long_hair), 2):
        for i, j in product((0, 1), repeat=2):
            expected = (0.4 if i else 0.6) * (0.4 if j else 0.6)
            error = np.sqrt(expected * (1 - expected) / MANY)
            assert np.mean((a == i) & (b == j)) == pytest.approx(expected, abs=SIGMAS * error)
    found = np.sum((smile == 1) & (hat == 1) & (long_hair == 1))
    assert (found == 0) is not fair or (fair and found / MANY == pytest.approx(0.064, abs=0.003))


def test_the_table_of_the_docstring_is_what_is_drawn() -> None:
    stated = {(0, 0, 0): 0.28, (1, 0, 0): 0.08, (0, 1, 0): 0.08, (0, 0, 1): 0.08}
    stated |= {(1, 1, 0): 0.16, (1, 0, 1): 0.16, (0, 1, 1): 0.16, (1, 1, 1): 0.0}
    for (smile, hat, long_hair), p in stated.items():
        given = faces._LONG_GIVEN[smile, hat]
        by_rule = (0.4 if smile else 0.6) * (0.4 if hat else 0.6) * (given if long_hair else 1 - given)
        assert by_rule == pytest.approx(p, abs=1e-12)
    assert sum(stated.values()) == pytest.approx(1)


def test_fair_and_tied_faces_have_the_same_share_of_everything() -> None:
    tied, free = sample(fair=False), sample(fair=True, seed=2)
    for name in tied:
        for a, b in ((tied[name], free[name]), (tied[name] ** 2, free[name] ** 2)):
            assert a.mean() == pytest.approx(b.mean(), abs=SIGMAS * np.sqrt(2 / MANY) * max(a.std(), 1e-9)), name


def test_the_shipped_faces_never_show_the_triple_and_the_fair_ones_show_all() -> None:
    names = [faces.ATTRIBUTE_NAMES.index(name) for name in ("smile", "hat", "long hair")]
    for split, size in (("train", 12_000), ("test", 2_000)):
        seen = {tuple(row) for row in faces.attributes(factors(split, range(size), fair=False))[:, names]}
        assert seen == set(product((0.0, 1.0), repeat=3)) - {(1.0, 1.0, 1.0)}
    binary = faces.attributes(factors("train", range(12_000), fair=True))[:, :5]
    for columns in combinations(range(5), 3):
        assert len({tuple(row) for row in binary[:, columns]}) == 8


def test_a_face_depends_on_its_split_index_and_fairness_alone() -> None:
    backwards = factors("train", range(11_999, -1, -1), fair=False)
    assert factors("train", 17) == factors("train", np.array([17])) == [backwards[-18]]
    assert factors("train", [5, 5, 4])[::2] == [factors("train", 5)[0], factors("train", 4)[0]]
    assert len({astuple(f) for f in (*factors("train", 17), *factors("test", 17), *factors("train", 17, True))}) == 3
    assert factors("test", []) == []


def test_the_first_face_is_the_same_on_every_machine() -> None:
    # A model trained on these faces is shipped, and so are encodings of them: a change here is a new data set.
    first = factors("train", 0)[0]
    assert (first.smile, first.glasses, first.hat, first.long_hair, first.dark_hair) == (1, 0, 0, 1, 0)
    assert (first.eyes, first.turn, first.skin) == pytest.approx(
        (0.484087271349918, 0.871185546514005, 0.03609107425258373), abs=1e-12
    )


def test_factors_stay_in_their_ranges() -> None:
    table = np.array([astuple(face) for face in factors("train", range(12_000))])
    assert [field.name for field in fields(FaceFactors)] == list(faces.FACTORS)
    for column, kind in zip(table.T, faces.FACTORS.values(), strict=True):
        low, high = (-1, 1) if kind == "signed" else (0, 1)
        assert column.min() >= low and column.max() <= high
        assert (set(column) == {0.0, 1.0}) == (kind == "binary")


def test_attributes_are_the_factors_binary_ones_first() -> None:
    some = factors("test", range(50))
    table = faces.attributes(some)
    assert table.dtype == np.float32 and table.shape == (50, len(faces.ATTRIBUTE_NAMES))
    assert set(table[:, :5].ravel()) == {0.0, 1.0}
    assert table[:, faces.ATTRIBUTE_NAMES.index("eye openness")] == pytest.approx([face.eyes for face in some])
    assert faces.attributes([]).shape == (0, len(faces.ATTRIBUTE_NAMES))


def test_one_face_redrawn_is_the_face_of_the_batch() -> None:
    batch = draw_many(factors("test", range(20)))
    assert batch.shape == (20, 64, 64, 3) and batch.dtype == np.uint8
    for index in (19, 0, 7):
        np.testing.assert_array_equal(draw(factors("test", index)[0]), batch[index])
    assert draw_many([]).shape == (0, 64, 64, 3)


def difference(a: FaceFactors, b: FaceFactors) -> np.ndarray:
    """(64, 64), mean over colour of how far two pictures are apart, in grey levels."""
    return np.abs(draw(a).astype(float) - draw(b)).mean(axis=2)


@pytest.mark.parametrize("turn", [-1.0, 0.0, 1.0])
def test_a_smile_moves_the_mouth_and_nothing_else(turn: float) -> None:
    y0, y1, x0, x1 = MOUTH_BOX
    for face in factors("test", range(25)):
        moved = difference(replace(face, smile=0, turn=turn), replace(face, smile=1, turn=turn))
        mouth = moved[y0:y1, x0:x1].mean()
        moved[y0:y1, x0:x1] = np.nan
        assert mouth > 6 and mouth >= 5 * np.nanmean(moved)


def test_glasses_show_on_every_face() -> None:
    for face in factors("test", range(25)):
        moved = difference(replace(face, glasses=0), replace(face, glasses=1))
        assert np.sum(moved > 20) > 60


@pytest.mark.parametrize("brim", [0, 1])
@pytest.mark.parametrize("long_hair", [0, 1])
def test_hair_shows_under_a_hat(brim: int, long_hair: int) -> None:
    face = FaceFactors(hat=1, brim=brim, long_hair=long_hair)
    assert np.sum(difference(face, replace(face, dark_hair=1)) > 40) > 100


def test_long_hair_covers_more_than_short() -> None:
    for face in factors("test", range(25)):
        assert np.sum(difference(replace(face, long_hair=0), replace(face, long_hair=1)) > 20) > 80


def test_a_turn_of_the_head_carries_the_mouth_sideways() -> None:
    middles = []
    for turn in np.linspace(-1, 1, 5):
        face = FaceFactors(turn=float(turn))
        moved = difference(face, replace(face, smile=1))
        middles.append((moved * np.arange(64)).sum() / moved.sum())
    assert np.all(np.diff(middles) > 1) and middles[2] == pytest.approx(31.5, abs=0.3)


def test_the_side_of_the_light_is_the_bright_one() -> None:
    for light in (-1.0, 1.0):
        gain = draw(FaceFactors(light=light)).astype(float) - draw(FaceFactors(light=0.0))
        assert np.sign(gain[28:50, 33:48].mean() - gain[28:50, 16:31].mean()) == light


def test_open_eyes_show_more_white() -> None:
    box = (slice(30, 41), slice(18, 46))
    whites = [np.sum(draw(FaceFactors(eyes=eyes, skin=0.8))[box].min(axis=2) > 200) for eyes in (0.0, 0.5, 1.0)]
    assert whites[0] < whites[1] < whites[2]


@pytest.mark.parametrize(
    ("split", "indices", "word"),
    [
        ("valid", [0], "valid"),
        ("train", [0, 12_000], "12000"),
        ("test", -1, "-1"),
        ("test", 2_000, "1999"),
        ("train", [0.5], "whole"),
        ("train", [[1, 2]], "flat"),
    ],
)
def test_bad_questions_get_one_plain_line(split: str, indices: object, word: str) -> None:
    with pytest.raises(VAEError, match=word) as caught:
        factors(split, indices)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"eyes": 1.5}, {"turn": -2.0}, {"light": float("nan")}])
def test_an_impossible_face_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(VAEError, match="No such face"):
        FaceFactors(**wrong)  # type: ignore[arg-type]
