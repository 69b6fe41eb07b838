"""Two models in words, and axes: what is said is true of the figures, whichever model comes first."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vae.encodings import Encodings
from vae.errors import VAEError
from vae.evaluate.codes.spectrum import free_figures, spectrum
from vae.evaluate.compared import Standings, axis, differences, names_apart, standings

numbers = st.floats(0.01, 500)


def model(name, mse=0.04, nll=90.0, kl=20.0, knn=0.9, measure="Bernoulli", **more):
    return Standings(name, measure, recon_mse=mse, recon_nll=nll, kl=kl, knn_accuracy=knn, **more)


@given(numbers, numbers)
def test_who_is_better_does_not_depend_on_who_comes_first(one, other):
    assume(abs(one - other) > 0.02 * max(one, other))
    a, b = model("Ada", mse=one, nll=one, kl=one), model("Bob", mse=other, nll=other, kl=other)
    closer = "Ada" if one < other else "Bob"
    heavier = "Bob" if one < other else "Ada"
    for said in (differences(a, b), differences(b, a)):
        assert said[0].startswith(f"{closer} redraws images closer") and said[1].startswith(f"{closer} explains")
        assert said[2].startswith(f"The codes of {heavier} carry more")


def test_two_figures_that_are_alike_are_both_said():
    said = " ".join(
        differences(model("Ada", mse=0.0367, nll=90.1, kl=20.0), model("Bob", mse=0.0368, nll=90.2, kl=20.1))
    )
    assert "0.0367 and 0.0368" in said and "90.1 and 90.2 nats" in said and "20.0 and 20.1 nats" in said


def test_nats_of_different_likelihoods_are_never_compared():
    said = differences(model("Ada"), model("Bob", nll=50.0, measure="Gaussian"))
    assert not any("nats per image against" in line and "explains" in line for line in said)
    assert any("do not compare" in line for line in said)


def test_an_autoencoder_has_no_kl_whatever_its_card_says():
    card = {"figures": {"kl": 3.0, "recon_mse": 0.01, "likelihood": "Bernoulli", "binarisation": "none"}}
    found = standings("Ada", card, point=True)
    assert found.kl is None and found.recon_mse == 0.01
    said = differences(found, model("Bob"))
    assert "plain autoencoder" in said[0] and not any("carry" in line for line in said)


@pytest.mark.parametrize(
    "card", [{}, {"figures": None}, {"figures": {"kl": "3", "recon_mse": None, "recon_nll": True}}]
)
def test_a_card_without_figures_says_nothing(card):
    assert differences(standings("Ada", card), model("Bob")) == ()


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_an_axis_holds_its_values_and_round_ticks(values):
    assume(max(values) == min(values) or max(values) - min(values) > 1e-6)
    found = axis(values)
    assert all(0 < found.at(value) < 1 for value in values)
    assert all(found.low <= tick <= found.high for tick in found.ticks) and 2 <= len(found.ticks) <= 11


def test_ticks_are_the_round_numbers_between():
    assert axis([80.0, 100.0]).ticks == (80.0, 85.0, 90.0, 95.0, 100.0)
    with pytest.raises(VAEError):
        axis([math.nan])


# ---- the spectrum --------------------------------------------------------------------------------------------------


def test_the_spectrum_names_what_collapsed_and_orders_by_what_is_carried():
    mu = np.zeros((100, 4), np.float32)
    mu[:, 2] = np.tile([-1, 1], 50)
    mu[:, 0] = np.tile([-3, 3], 50)
    mu[:, 3] = np.tile([-0.09, 0.09], 50)  # a variance of 0.0081: below the line of 0.01
    kl = np.abs(mu)
    found = spectrum(mu, kl)
    assert found.collapsed == (1, 3)
    assert [bar[0] for bar in found.bars] == [0, 2, 3, 1] and found.bars[0][1:] == (3.0, 1.0, True)
    assert "Latents 1, 3 say the same" in found.advice(1.0)
    assert found.per_level((0, 0, 1, 1)) == pytest.approx((3.0, 1.09))
    plain = spectrum(mu, None)
    assert plain.kl is None and [bar[1] for bar in plain.bars][:2] == pytest.approx([9.0, 1.0])
    assert "beta" not in plain.advice(1.0)


def test_a_collapse_is_called_one_and_its_reductions_are_blamed_where_they_are_to_blame():
    mu = np.zeros((10, 3), np.float32)
    found = spectrum(mu, mu)
    assert "posterior collapse" in found.advice(1.0) and "averaged" not in found.advice(1.0)
    assert "24.5 times" in found.advice(24.5)
    assert all(bar[2] == 0 for bar in found.bars)


def test_a_model_that_has_barely_been_trained_is_told_that_first():
    mu = np.zeros((10, 3), np.float32)
    said = spectrum(mu, mu).advice(24.5, "It has barely been trained (2 epochs): train it longer first.")
    assert "barely" in said and "posterior collapse" not in said and "24.5" not in said


def test_a_bar_of_little_kl_is_low_and_one_of_little_variance_is_not():
    mu = np.array([[0.0, 0.0], [0.2, 0.1]])
    low = spectrum(mu, np.full((2, 2), [0.25, 1e-6]))
    assert low.full == 1 and [bar[2] for bar in low.bars] == [0.25, 1e-6]
    assert spectrum(mu, np.full((2, 2), [4.0, 1.0])).bars[1][2] == 0.25
    assert spectrum(mu, None).bars[0][2] == 1


def test_what_the_kept_codes_tell_is_of_test_images():
    mu = np.array([[0, 0], [9, 0], [0, 1], [0, 2], [0, 3]], np.float32)
    known = Encodings(
        mu, np.zeros_like(mu), np.array([9, 9, 1, 2, 6], np.float32), np.array([0, 0, 1, 1, 1], np.uint8),
        np.arange(5, dtype=np.int32), np.array([0, 0, 1, 1, 0]), ("a", "b"),
    )  # fmt: skip
    found = free_figures(known)
    assert (found.recon_mse, found.active_units, found.images) == (3, 1, 3)
    assert found.chance == pytest.approx(2 / 3)


def test_few_of_many_is_told_apart_from_a_few_idle():
    mu = np.zeros((10, 8), np.float32)
    mu[:5, :3] = 1
    assert "needs 3 of 8" in spectrum(mu, mu).advice(1.0)
    mu[:5, :7] = 1
    assert "Latent 7 says the same" in spectrum(mu, mu).advice(None)
    mu[:5] = 1
    assert spectrum(mu, mu).advice(None) == "All 8 latents tell images apart."


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12))
def test_names_on_a_plane_do_not_cover_each_other_and_the_upmost_stays(places):
    moved = names_apart(places, 0.4, 0.06)
    boxes = [(x, y + up) for (x, y), up in zip(places, moved, strict=True)]
    for one, (x, y) in enumerate(boxes):
        assert all(abs(x - other) >= 0.4 or abs(y - at) >= 0.06 - 1e-9 for other, at in boxes[one + 1 :])
    assert all(up <= 0 for up in moved)
    if places:
        assert moved[max(range(len(places)), key=lambda row: places[row][1])] == 0


def test_names_far_apart_stay_where_they_are():
    assert names_apart([(0.1, 0.5), (0.9, 0.5), (0.1, 0.2)], 0.4, 0.06) == (0, 0, 0)
