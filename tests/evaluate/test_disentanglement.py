"""DCI, the FactorVAE score, the factors themselves, and the suite as a whole."""

import json
from dataclasses import replace

import numpy as np
import pytest

from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data import load
from vae.errors import VAEError
from vae.evaluate.codes import dci as dci_module
from vae.evaluate.codes import votes
from vae.evaluate.codes.dci import completeness_of, dci, disentanglement_of
from vae.evaluate.codes.disentanglement import NAMES, measure_disentanglement, of_codes
from vae.evaluate.codes.factors import as_factors, known_factors
from vae.evaluate.codes.votes import factor_vae_score
from vae.evaluate.suites import measure_suite
from vae.model import VAE

N = 1_000
HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


@pytest.fixture(scope="module")
def factors():
    places = np.stack([np.random.default_rng(k).integers(0, 3 + k, N) for k in range(4)], axis=1)
    return as_factors(("shape", "scale", "x", "y"), places, np.array([True, False, False, False]))


@pytest.fixture(scope="module")
def perfect(factors):
    mu = (factors.values - factors.values.mean(axis=0)) / factors.values.std(axis=0)
    return np.concatenate([0.01 * np.random.default_rng(9).normal(size=(N, 1)), mu], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(dci_module, "TREES", 4)
    monkeypatch.setattr(votes, "VOTES", 200)


# ---- DCI -----------------------------------------------------------------------------------------------------------


def test_the_sums_of_dci_are_the_papers():
    """Worked by hand: rows (1, 0), (1, 1), weights 1/3 and 2/3: D = 1/3. Columns (1, 1), (0, 1) of shares: C."""
    importance = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert disentanglement_of(importance) == pytest.approx(1 / 3)
    assert completeness_of(importance) == pytest.approx((0 + 1) / 2)
    assert disentanglement_of(np.eye(3)) == completeness_of(np.eye(3)) == 1
    assert disentanglement_of(np.ones((3, 4))) == pytest.approx(0)
    assert disentanglement_of(np.zeros((2, 2))) == completeness_of(np.zeros((2, 2))) == 0
    # A latent for both of two factors is complete and entangled; two latents for one factor the other way round.
    assert (disentanglement_of(np.ones((1, 2))), completeness_of(np.ones((1, 2)))) == pytest.approx((0, 1))
    assert (disentanglement_of(np.ones((2, 1))), completeness_of(np.ones((2, 1)))) == pytest.approx((1, 0))


def test_dci_of_perfect_rotated_and_random_codes(factors, perfect):
    found = dci(perfect, factors)
    for score in (found.disentanglement, found.completeness, found.informativeness):
        assert 0.97 < score.value <= 1 + 1e-9
    assert (found.importance.argmax(axis=0) == [1, 2, 3, 4]).all()
    rotated = dci((perfect[:, 1:] @ HADAMARD).astype(np.float32), factors)
    assert rotated.disentanglement.value < 0.15 and rotated.completeness.value < 0.15
    noise = dci(np.random.default_rng(1).normal(size=perfect.shape).astype(np.float32), factors)
    assert max(noise.disentanglement.value, noise.completeness.value, noise.informativeness.value) < 0.05


def test_informativeness_is_of_images_not_seen(factors):
    """A code that is another number for each image lets trees learn by heart, and tells nothing."""
    mu = np.random.default_rng(0).permutation(N)[:, None].astype(np.float32)
    assert dci(mu, factors).informativeness.value < 0.02


# ---- the FactorVAE score -------------------------------------------------------------------------------------------


def test_votes_of_perfect_and_of_random_codes(factors, perfect):
    active = perfect.var(axis=0) > 0.01
    assert factor_vae_score(perfect, factors, active).value > 0.99
    noise = np.random.default_rng(1).normal(size=perfect.shape)
    assert factor_vae_score(noise, factors, np.ones(5, bool)).value < 0.4  # a guess is 0.25
    assert factor_vae_score(perfect, factors, np.zeros(5, bool)).value == 0.25


def test_order_sign_and_scale_change_no_vote(factors, perfect):
    blurred = perfect + np.random.default_rng(2).normal(size=perfect.shape).astype(np.float32)
    moved = blurred * np.array([1, -2, 0.5, -1, 32], np.float32)  # powers of two: no rounding
    one, *others = (
        factor_vae_score(z, factors, np.ones(5, bool)) for z in (blurred, moved, blurred[:, [4, 2, 0, 1, 3]])
    )
    assert others == [one, one]


def test_a_latent_that_is_dead_would_take_every_vote(factors, perfect):
    """Constant but for rounding: its variance relative to itself is the same everywhere, so it must be left out."""
    still = perfect.copy()
    still[:, 0] = 1e-3 * (np.arange(N) < 5)
    assert factor_vae_score(still, factors, still.var(axis=0) > 0.01).value > 0.99
    assert factor_vae_score(still, factors, np.ones(5, bool)).value < 0.6


# ---- factors -------------------------------------------------------------------------------------------------------


def test_sprites_have_five_factors_and_the_shape_is_a_kind():
    images = load("sprites", "test", limit=400)
    found = known_factors(images)
    assert found.names == ("shape", "scale", "angle", "x", "y")
    assert found.ordered.tolist() == [False, True, True, True, True]
    assert found.counts.tolist() == [3, 6, 40, 32, 32]
    again = found.take(np.arange(50))
    assert (again.values == found.values[:50]).all() and again.counts.max() <= 40


def test_fair_faces_have_nine_and_those_that_flow_are_cut_in_twenty():
    found = known_factors(load("faces-fair", "test", limit=600))
    assert len(found.names) == 9
    assert found.ordered.tolist() == [False] * 5 + [True] * 4
    assert found.counts.tolist() == [2] * 5 + [20] * 4
    assert np.bincount(found.classes[:, 6]).tolist() == [30] * 20
    assert found.entropy[6] == pytest.approx(np.log(20))


def test_data_without_known_factors_are_refused_in_a_line(digits_model):
    for images in (load("digits", "train"), load("faces", "test", limit=3)):
        with pytest.raises(VAEError, match="train on sprites or faces-fair"):
            known_factors(images)
    digits = load("digits", "train")
    with pytest.raises(VAEError, match="factors"):
        measure_suite("disentanglement", digits_model, digits, digits)
    with pytest.raises(VAEError, match="one value"):
        as_factors(("a",), np.ones((5, 1)))


# ---- all of it -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits_model(tmp_path_factory):
    vae = VAE(Config(shape=(1, 8, 8), latent_dim=2, encoder_sizes=(4,), decoder_sizes=(4,)))
    return Checkpoint(vae.eval(), {}, "0" * 16, tmp_path_factory.mktemp("model"))


def test_the_suite_says_every_score_and_repeats(tmp_path):
    vae = VAE(Config(shape=(1, 32, 32), latent_dim=3, encoder_sizes=(8,), decoder_sizes=(8,)), seed=1)
    model = Checkpoint(vae.eval().requires_grad_(False), {}, "0" * 16, tmp_path)
    train = load("sprites", "test", limit=700)
    found = measure_suite("disentanglement", model, train, train, seed=3, images=600)
    assert set(found.scores) == set(NAMES)
    assert np.array(found.knows).shape == np.array(found.importance).shape == (3, 5)
    assert found.images == 600 and len(found.gap) == 5
    assert json.loads(json.dumps(found.to_json()))["scores"]["sap"]["value"] == found.scores["sap"].value
    text = "\n".join(found.lines())
    assert "MIG from samples (Chen 2018)" in text and "20 bins (Locatello 2019)" in text and "angle" in text
    assert measure_disentanglement(model, train, train, seed=3, images=600) == found
    assert measure_disentanglement(model, train, train, seed=4, images=600) != found
    with pytest.raises(VAEError, match="at least 500"):
        measure_disentanglement(model, train, train, images=100)


def test_codes_without_a_spread_have_no_mig_from_samples(factors, perfect):
    found = of_codes(perfect, None, factors)
    assert set(NAMES) - set(found.scores) == {"mig_samples"}
    assert found.gap == pytest.approx((1, 1, 1, 1), abs=0.03)  # from means then
    assert replace(found, images=3).lines()[-1].endswith(" 3")


def test_a_latent_is_named_by_the_number_that_sliders_and_bars_give_it(factors, perfect):
    """Latent 0 of these codes is noise, and the next four are the factors in their order."""
    lines = of_codes(perfect, None, factors).lines()
    told = [line.partition(" known best by") for line in lines if "known best by" in line]
    assert [(name, rest.split(",")[0].split()) for name, _, rest in told] == [
        (name, ["latent", str(number)]) for number, name in enumerate(factors.names, start=1)
    ]
