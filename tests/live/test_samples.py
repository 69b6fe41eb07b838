"""Codes of samples: the same wish, the same codes; of a kind; from priors that were fitted, and fitted again."""

import csv
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from live import parcel
from live.samples import STANDARD, Samples
from live.wire import Sample
from vae.errors import VAEError
from vae.explore import latents
from vae.explore.directions.named import belongs
from vae.explore.neighbours import nearest
from vae.home import priors_folder
from vae.priors import Mixture, save_prior

LATENT = 3
PLAIN = Sample(6, 7, 1.0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))


@pytest.fixture
def samples(engine, home):
    return Samples(engine)


@pytest.fixture
def entry(entries):
    return entries["digits"]


def mixture(*means, scale=0.1):
    centres = torch.tensor(means)
    return Mixture(
        torch.full((len(means),), 1 / len(means)), centres, scale * torch.eye(LATENT).expand(len(means), -1, -1)
    )


def fit(entry, prior):
    save_prior(priors_folder(entry.model_id), entry.model_id, prior)


def test_n_0_i_is_what_every_other_page_draws(samples, entry):
    drawn = latents.prior(6, LATENT, 0.7, generator=np.random.default_rng(7))
    assert np.array_equal(samples.codes(entry, Sample(6, 7, 0.7)), drawn)
    assert np.array_equal(samples.codes(entry, Sample(3, 7, 0.7)), drawn[:3])


def test_temperature_and_limit_act_on_the_same_noise(samples, entry):
    fit(entry, mixture([5.0, 0, 0], [-5.0, 0, 0]))
    for prior, middle in ((STANDARD, 0.0), ("mixture", 5.0)):
        wish = replace(PLAIN, prior=prior, count=64)
        ends = samples.codes(entry, replace(wish, temperature=0.0))
        assert np.allclose(np.abs(ends), [middle, 0, 0])
        plain, cold, tight = (
            samples.codes(entry, each) - ends
            for each in (wish, replace(wish, temperature=0.5), replace(wish, limit=0.5))
        )
        assert np.allclose(cold, plain / 2, atol=1e-5)  # the component stays
        reach = 0.1 if prior == "mixture" else 1.0
        assert np.abs(tight).max() <= 0.5 * reach + 1e-5 and np.abs(plain).max() > reach
        assert (np.sign(tight) == np.sign(plain)).all() and np.abs(tight).std() > 0


def test_a_mixture_draws_from_all_its_components_and_more_samples_leave_the_first(samples, entry):
    fit(entry, mixture([5.0, 0, 0], [-5.0, 0, 0]))
    many = samples.codes(entry, Sample(64, 1, 1.0, prior="mixture"))
    assert 16 < (many[:, 0] > 0).sum() < 48
    assert np.array_equal(many[:9], samples.codes(entry, Sample(9, 1, 1.0, prior="mixture")))
    assert not np.array_equal(many, samples.codes(entry, Sample(64, 2, 1.0, prior="mixture")))


def test_a_prior_that_is_fitted_again_draws_other_codes(samples, entry):
    wish = Sample(4, 1, 0.0, prior="mixture")
    assert not samples.has(entry, "mixture") and samples.has(entry, STANDARD)
    with pytest.raises(VAEError, match="No mixture was fitted"):
        samples.codes(entry, wish)
    for centre in (2.0, 30.0):
        fit(entry, mixture([centre, 0, 0]) if centre < 9 else mixture([centre, 0, 0], [centre, 0, 0]))
        assert np.allclose(samples.codes(entry, wish), [centre, 0, 0])
    assert samples.has(entry, "mixture") and samples.ready(entry.model_id, wish)
    assert not samples.ready(entry.model_id, replace(wish, seed=2)) and samples.ready(entry.model_id, PLAIN)


@pytest.mark.parametrize("of", ["label:a", "label:c"])
def test_only_a_kind_is_drawn_where_its_images_are(samples, engine, entry, of, monkeypatch):
    """The vote is taken as it is written here: most of the nearest encodings are of that kind."""
    monkeypatch.setattr("vae.explore.wanted.NEAR", 3)
    known = engine.encodings(entry)
    wish = Sample(20, 3, 1.0, of=of)
    codes = samples.codes(entry, wish)
    votes = belongs(known, of)[nearest(known.mu, codes, 3).rows]
    assert (votes.sum(axis=1) >= 2).all() and len(np.unique(codes[:, 0])) == 20
    stream = np.random.default_rng(3).standard_normal((512, LATENT), dtype=np.float32)
    taken = [code for code in stream if belongs(known, of)[nearest(known.mu, code, 3).rows].sum() >= 2][:20]
    assert np.array_equal(codes, taken)
    warm = samples.codes(entry, replace(wish, temperature=0.5))
    assert np.allclose(warm, codes / 2, atol=1e-6)  # the same noise, though it may lead elsewhere


def test_a_kind_that_never_comes_is_a_plain_line(samples, entry, monkeypatch):
    monkeypatch.setattr("live.samples.belongs", lambda known, of: np.zeros(len(known), bool))
    with pytest.raises(VAEError, match="hardly ever fall among images of “b”"):
        samples.codes(entry, Sample(4, 1, 1.0, of="label:b"))


@pytest.mark.parametrize(
    "wish",
    [
        replace(PLAIN, prior="flow"),
        replace(PLAIN, of="label:z"),
        replace(PLAIN, of="nonsense"),
        replace(PLAIN, limit=float("nan")),
        replace(PLAIN, limit=-1.0),
        replace(PLAIN, temperature=float("inf")),
    ],
)
def test_what_cannot_be_drawn_is_a_plain_line(samples, entry, wish):
    with pytest.raises(VAEError) as caught:
        samples.codes(entry, wish)
    assert "\n" not in str(caught.value)


def test_the_gap_is_at_least_what_a_mixture_sees(samples, engine, entry):
    """Against N(0, I) itself nothing is gained; the mixture that the codes came from gains the true divergence."""
    assert samples.least_gap(entry) is None
    fit(entry, mixture([0.0, 0, 0], scale=1.0))
    assert samples.least_gap(entry) == pytest.approx(0, abs=1e-4)


# ---- the parcel ------------------------------------------------------------------------------------------------------


def unpacked(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        rows = list(csv.DictReader(io.StringIO(file.read("samples.csv").decode())))
        pictures = {name: np.array(Image.open(file.open(name))) for name in file.namelist() if name.endswith(".png")}
    return rows, pictures


def test_a_parcel_holds_the_pictures_of_the_page_and_says_what_they_are(samples, engine, entry):
    rows, pictures = unpacked(parcel.parcel(engine, samples, entry, Sample(5, 7, 0.5, 2.0)))
    wanted = engine.decode(entry, samples.codes(entry, Sample(5, 7, 0.5, 2.0)))
    assert [row["file"] for row in rows] == sorted(pictures)
    for row, picture in zip(rows, wanted, strict=True):
        assert np.array_equal(pictures[row["file"]], picture[:, :, 0])
    assert (rows[4]["sample"], rows[4]["draw"], rows[4]["temperature"], rows[4]["limit"]) == ("5", "7", "0.5", "2")
    assert {row["label"] for row in rows} == {""}


def test_a_parcel_of_every_label_is_even_and_its_pictures_are_of_their_label(samples, engine, entry, monkeypatch):
    monkeypatch.setattr("vae.explore.wanted.NEAR", 3)
    kinds = ("label:a", "label:b", "label:c")
    packed = parcel.parcel(engine, samples, entry, Sample(8, 7, 1.0), kinds)
    rows, pictures = unpacked(packed)
    assert [row["label"] for row in rows] == ["a"] * 3 + ["b"] * 3 + ["c"] * 2
    wanted = engine.decode(entry, samples.codes(entry, Sample(3, 7, 1.0, of="label:b")))
    assert np.array_equal(pictures[rows[4]["file"]], wanted[1][:, :, 0])
    assert packed == parcel.parcel(engine, samples, entry, Sample(8, 7, 1.0), kinds)  # the same bytes


def test_a_parcel_has_a_largest_size(samples, engine, entries, monkeypatch):
    monkeypatch.setattr(parcel, "MOST_BYTES", 3 * 64 * 64 * 3 + 1)
    assert parcel.most(entries["faces"]) == 3
    for count in (0, 4):
        with pytest.raises(VAEError, match="1 to 3 pictures"):
            parcel.parcel(engine, samples, entries["faces"], Sample(count, 1, 1.0))
