import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from vae.errors import VAEError
from vae.explore import density
from vae.explore.density import Density, fit_density, unusual


def shell(count=6000, dim=8, seed=0):
    """Codes as a model of images gives them: (mu (N, L), split (N,)), every third held out."""
    mu = np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32)
    return mu, (np.arange(count) % 3 == 0).astype(np.uint8)


def fit(mu, split, seed=0):
    return fit_density(mu, split, generator=np.random.default_rng(seed))


def read(known, z):
    """(percentile (B,), usual (B,)) of what is said of codes."""
    said = unusual(known, z)
    return np.array([each.percentile for each in said]), np.array([each.usual for each in said])


def line(count, strange=False, plain=False):
    """A density of one number, made by hand: images at 1, 2, ..., count from the reference, or from the average."""
    steps = np.arange(1, count + 1, dtype=np.float32)
    return Density(
        reference=np.zeros((2, 1), np.float32),
        mean=np.zeros(1, np.float32),
        active=np.ones(1, bool),
        calibration=steps if strange else np.full(count, 1e6, np.float32),
        lengths=steps if plain else np.zeros(count, np.float32),
    )


# ---- what is measured ----------------------------------------------------------------------------------------------


def test_the_percentile_is_the_share_of_held_out_images_nearer_to_their_second_nearest():
    mu, split = shell(600)
    train, held_out = mu[split == 0].astype(np.float64), mu[split == 1].astype(np.float64)
    codes = np.random.default_rng(1).standard_normal((90, 8)) * 1.3  # more than are asked about at once

    def second(z):
        return np.sort(cdist(z, train), axis=1)[:, 1]

    strange = 100 * (second(held_out) < second(codes)[:, None]).mean(axis=1)
    reach = np.linalg.norm(codes - train.mean(axis=0), axis=1)
    plain = 100 * (np.linalg.norm(held_out - train.mean(axis=0), axis=1) <= reach[:, None]).mean(axis=1)

    percentile, usual = read(fit(mu, split), codes)
    too_plain = (plain < 2.5) & (strange <= 97.5)
    assert 0 < too_plain.sum() < 10 < (strange > 97.5).sum() < 80  # all three kinds are among them
    np.testing.assert_allclose(percentile, np.where(too_plain, plain, np.maximum(strange, 2.5)), atol=1e-9)
    np.testing.assert_array_equal(usual, (percentile >= 2.5) & (percentile <= 97.5))


def test_95_of_100_images_that_were_never_seen_read_as_usual():
    mu, split = shell()
    others = np.random.default_rng(1).standard_normal((4000, 8))
    _, usual = read(fit(mu, split), others)
    assert 0.93 <= usual.mean() <= 0.97


def test_long_codes_are_strange_and_the_average_reads_as_what_it_is():
    mu, split = shell()
    known = fit(mu, split)
    percentile, usual = read(known, 3 * mu[split == 1])
    assert usual.mean() < 0.03 and np.median(percentile) == 100
    (zero,) = unusual(known, np.zeros((1, 8)))
    assert not zero.usual and zero.percentile < 2.5 and "average" in zero.sentence
    _, halfway = read(known, 0.2 * mu[split == 1])
    assert halfway.mean() < 0.1


def test_an_image_of_the_training_set_reads_as_its_neighbours_see_it():
    mu, split = shell()
    hermit = np.full(8, 4, np.float32)
    mu[1], split[1] = hermit, 0
    known = fit(mu, split)
    (said,) = unusual(known, hermit[None])
    assert not said.usual and said.percentile > 97.5  # its own encoding lies at no distance at all
    percentile, usual = read(known, mu[split == 0][1:])
    assert 20 < np.median(percentile) < 50 and usual.mean() > 0.93


def test_what_the_decoder_ignores_changes_nothing():
    mu, split = shell()
    dead = np.random.default_rng(2).normal(scale=0.01, size=(len(mu), 3)).astype(np.float32)
    codes = np.random.default_rng(1).standard_normal((50, 8))
    for far in (0, 5):
        asked = np.concatenate([codes, np.full((50, 3), far)], axis=1)
        assert unusual(fit(np.concatenate([mu, dead], axis=1), split), asked) == unusual(fit(mu, split), codes)


def test_a_model_that_tells_nothing_apart_finds_nothing_unusual():
    known = fit(np.zeros((100, 4)), np.arange(100) % 2)
    assert {(each.percentile, each.usual) for each in unusual(known, [[0, 0, 0, 0], [9, 9, 9, 9]])} == {(2.5, True)}


def test_where_the_codes_lie_does_not_matter():
    mu, split = shell()
    codes = np.random.default_rng(1).standard_normal((200, 8), dtype=np.float32)
    here, _ = read(fit(mu, split), codes)
    there, _ = read(fit(mu + 1000, split), codes + 1000)
    np.testing.assert_allclose(here, there, atol=0.3)  # a thousand away, float32 keeps four decimals


def test_codes_beyond_all_bounds_are_strange():
    percentile, usual = read(fit(*shell(600)), np.float32([[3e38] * 8, [-3e38] * 8, [1e20] * 8]))
    assert (percentile == 100).all() and not usual.any()


def test_one_answer_does_not_hang_on_the_others():
    known = fit(*shell(600))
    codes = np.random.default_rng(1).standard_normal((130, 8))
    assert unusual(known, codes) == tuple(unusual(known, code[None])[0] for code in codes)


# ---- what it is fitted on ------------------------------------------------------------------------------------------


def test_the_same_generator_gives_the_same_answers_and_both_sides_are_bounded(monkeypatch):
    monkeypatch.setattr(density, "REFERENCE", 500)
    monkeypatch.setattr(density, "CALIBRATION", 300)
    mu, split = shell()
    known, again, other = fit(mu, split), fit(mu, split), fit(mu, split, seed=1)
    assert known.reference.shape == (500, 8) and known.calibration.shape == known.lengths.shape == (300,)
    assert known.reference.tobytes() == again.reference.tobytes() != other.reference.tobytes()
    assert known.calibration.tobytes() == again.calibration.tobytes() != other.calibration.tobytes()
    _, usual = read(known, np.random.default_rng(1).standard_normal((2000, 8)))
    assert 0.9 < usual.mean() < 0.99


@pytest.mark.parametrize(("count", "held_out", "left_out"), [(600, 0, 120), (600, 39, 120), (100, 0, 40), (20, 3, 10)])
def test_without_enough_held_out_images_some_of_the_others_are_left_out(count, held_out, left_out):
    mu, _ = shell(count)
    known = fit(mu, np.arange(count) < held_out)
    assert len(known.calibration) == left_out and len(known.reference) == count - left_out
    assert f"{left_out} images" in known.compared


def test_held_out_images_are_no_reference():
    mu, split = shell(600)
    known = fit(mu, split)
    assert len(known.reference) == 400 and len(known.calibration) == 200
    assert (cdist(known.reference + known.mean, mu[split == 1]) > 1e-4).all()


# ---- what is said --------------------------------------------------------------------------------------------------


@given(count=st.integers(1, 3000), share=st.floats(0, 1))
def test_the_words_agree_with_the_numbers(count, share):
    place = round(share * count) + 0.5
    for known in (line(count, strange=True), line(count, plain=True)):
        (said,) = unusual(known, [[place]])
        assert 0 <= said.percentile <= 100 and said.usual == (2.5 <= said.percentile <= 97.5)
        assert "100 of 100" not in said.sentence and " 0 of 100" not in said.sentence
        if said.usual:
            assert "usual" in said.sentence
        elif said.percentile > 50:
            assert said.sentence.startswith("Stranger than ")
        else:
            assert said.sentence.startswith("Closer to the average than ")
        if said.percentile in (0, 100):
            assert f"all of the {count:,} real images" in said.sentence


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (3.5, "About as usual as most real images."),
        (749.5, "About as usual as most real images."),
        (750.5, "Stranger than 75 of 100 real images, which is still usual."),
        (975.5, "Stranger than 97 of 100 real images, which is still usual."),
        (976.5, "Stranger than 97 of 100 real images."),
        (999.5, "Stranger than 99 of 100 real images."),
        (1000.5, "Stranger than all of the 1,000 real images it was compared with."),
    ],
)
def test_far_from_the_known_images(place, sentence):
    (said,) = unusual(line(1000, strange=True), [[place]])
    assert said.sentence == sentence
    assert said.usual == (place < 976)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (
            0.5,
            "Closer to the average than all of the 1,000 real images it was compared with: none looks quite like this.",
        ),
        (1.5, "Closer to the average than 99 of 100 real images: few look like this."),
        (24.5, "Closer to the average than 97 of 100 real images: few look like this."),
        (25.5, "About as usual as most real images."),
        (999.5, "About as usual as most real images."),
    ],
)
def test_close_to_the_average(place, sentence):
    (said,) = unusual(line(1000, plain=True), [[place]])
    assert said.sentence == sentence
    assert said.usual == (place > 25)


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_codes_of_another_model_and_too_few_images_are_refused():
    known = fit(*shell(600))
    for bad in (np.zeros((1, 9)), np.zeros(8), [[np.nan] * 8]):
        with pytest.raises(VAEError):
            unusual(known, bad)
    with pytest.raises(VAEError, match="one split each"):
        fit(np.zeros((6, 2)), np.zeros(5))
    with pytest.raises(VAEError, match="too few"):
        fit(np.zeros((4, 2)), np.zeros(4))
    with pytest.raises(VAEError, match="compare"):
        Density(np.zeros((2, 1), "f4"), np.zeros(1, "f4"), np.ones(1, bool), np.zeros(0, "f4"), np.zeros(0, "f4"))
    with pytest.raises(VAEError, match="does not go"):
        Density(np.zeros((2, 2), "f4"), np.zeros(1, "f4"), np.ones(1, bool), np.zeros(1, "f4"), np.zeros(1, "f4"))
