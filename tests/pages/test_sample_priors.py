"""Sample: where codes come from, what they rest on, and taking them home."""

import io
import zipfile

import numpy as np
import pytest
import torch

from live import copies, measures
from live.samples import STANDARD
from pages.ui import cache, sample_gap
from tests.pages.conftest import sound, stage, visit
from tests.pages.hands import Hand, told_in_one_line
from vae.home import priors_folder
from vae.priors import Mixture, save_prior


@pytest.fixture
def shower(home, hands):
    return Hand("shower", hands)


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the queue of measurements, which does nothing here."""
    seen = []
    monkeypatch.setattr(measures.Measures, "ask", lambda self, folder, model_id, name, owner: seen.append(name))
    return seen


def fit(centre):
    model_id = cache.entry("digits").model_id
    one = Mixture(torch.ones(1), torch.full((1, 3), centre), 0.01 * torch.eye(3)[None])
    save_prior(priors_folder(model_id), model_id, one)


def captions(app):
    return " ".join(each.value for each in app.caption)


def test_a_prior_that_is_not_there_can_be_fitted_and_is_then_drawn_from(shower, asked):
    app = visit("sample.py", model="digits")
    app = sound(app.segmented_control(key="sample.prior").set_value("mixture").run())
    assert shower.data["prior"] == STANDARD and "not fitted to this model yet" in captions(app)
    sound(app.button(key="sample.do.fit").click().run())
    assert asked == ["prior mixture"]
    fit(1.0)
    app = sound(app.run())
    assert shower.data["prior"] == "mixture" and "aggregate posterior" in captions(app)
    shower.send(app, "keep", draw=1, count=4, temperature=0.0, limit=0.0, prior="mixture", of="", pace=2.0, live=False,
                **{"from": 1}, index=0, at=0.0, within=0.0)  # fmt: skip
    (kept,) = app.session_state["muscope"].shelf
    assert kept.place.code == (1.0, 1.0, 1.0) and "by mixture" in kept.place.caption
    assert stage(app) == cache.picture(shower.data["model"], (1.0, 1.0, 1.0))


def test_only_one_label_is_drawn_and_said(shower):
    """Of a 4: the tiny model tells other digits apart badly."""
    app = visit("sample.py", model="digits")
    model_id = shower.data["model"]
    app = sound(app.selectbox(key=f"sample.of.{model_id}").set_value("label:4").run())
    assert shower.data["of"] == "label:4"
    assert len(shower.data["pictures"]) == shower.data["count"]
    shower.send(app, "settled", draw=1, count=4, temperature=1.0, limit=1.5, prior=STANDARD, of="", pace=2.0, live=True)
    assert (shower.data["of"], shower.data["limit"]) == ("label:4", 1.5)  # what Python chose stays


def test_a_prior_or_a_kind_that_is_not_there_changes_nothing(shower):
    app = visit("sample.py", model="digits")
    told = dict(
        draw=1, count=4, temperature=1.0, limit=0.0, prior=STANDARD, of="", pace=2.0, live=True, index=0, at=1.0
    )
    for wrong in ({"prior": "mixture"}, {"prior": "flow"}, {"of": "label:none"}, {"of": "x" * 999}):
        shower.send(app, "keep", **told | wrong, **{"from": 1})
        told_in_one_line(app)
        assert not app.session_state["muscope"].shelf


@pytest.mark.parametrize("model", ["digits", "line", "many"])
def test_where_samples_fall_and_how_far_the_prior_is(home, hands, model):
    """What the two folds hold, drawn as the page draws them."""
    visit("sample.py", model=model)
    model_id = cache.entry(model).model_id
    codes = cache.random_codes(model_id, 4, 1.0, 1)
    spots = sample_gap._ground(model_id).shares(sample_gap._spots(model_id, codes))
    assert spots.shape == (4, 2) and (spots >= 0).all() and (spots <= 1).all()
    far, lengths = sample_gap._gap(model_id)
    assert far.marginal_kl >= sum(far.marginal_kl_per_dim) - 0.3  # a sum of the parts is at most the whole
    assert "svg+xml" in sample_gap._curves(lengths) and sample_gap._worst(far).count("nats") == 2


def test_copies_are_looked_for_when_asked(shower, monkeypatch):
    looked = []

    class Copyist:
        def look(self, entry, codes):
            looked.append(len(codes))
            return tuple(copies.Copy("train/5", 0.1, 0.2, place == 0) for place in range(len(codes)))

        def line(self, entry):
            return 0.5

    sample_gap._copies.cache_clear()
    monkeypatch.setattr(sample_gap, "copyists", Copyist)
    app = visit("sample.py", model="digits")
    assert not looked
    app = sound(app.toggle(key="sample.copies").set_value(True).run())
    assert looked == [1, 36]
    assert "training image 5" in captions(app) and "20 %" in captions(app)
    assert ["large picture" in each.value for each in app.warning] == [True, False]
    assert "1 of the 36 samples" in app.warning[1].value
    sample_gap._copies.cache_clear()


def test_a_data_set_is_made_and_downloaded(shower):
    app = visit("sample.py", model="digits")
    app.number_input(key="sample.export.count").set_value(7).run()
    assert "muscope.sample.parcel" not in app.session_state
    app = sound(app.button(key="sample.do.export").click().run())
    with zipfile.ZipFile(io.BytesIO(app.session_state["muscope.sample.parcel"][1])) as packed:
        assert len(packed.namelist()) == 8
    assert np.frombuffer(app.session_state["muscope.sample.parcel"][1][:2], np.uint8).tolist() == [80, 75]
