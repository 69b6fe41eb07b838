"""Anomalies: worst first, a threshold with its false alarms, another data set mixed in, and the way to the map."""

import numpy as np
import pytest

from live import scored as live_scored
from live.scored import Scored
from pages.ui import anomaly_grid, cache, judged
from tests.pages.conftest import parts, pictures, sound, stage, unpacked, visit, words_on
from vae.evaluate.strange.strangeness import NAMES


@pytest.fixture(autouse=True)
def fresh():
    for kept in (judged.scored, judged.ranking):
        kept.cache_clear()
    yield
    for kept in (judged.scored, judged.ranking):
        kept.cache_clear()


def errors(model):
    known = cache.encodings(cache.entry(model).model_id)
    rows = np.flatnonzero(known.split == 1)
    return rows[np.argsort(-known.recon_error[rows], kind="stable")], known


def taps(app):
    return [button for button in app.button if button.key and button.key.startswith("anomalies-")]


def test_the_worst_comes_first_and_is_shown_large(home):
    app = sound(visit("anomalies.py", model="digits"))
    rows, known = errors("digits")
    entry = cache.entry("digits")
    for place, button in enumerate(taps(app)):
        assert cache.caption_of(entry.model_id, known.image_id(rows[place])) in button.help
    assert stage(app) == cache.picture(entry.model_id, tuple(known.mu[rows[0]].tolist()))
    ((_, original),) = pictures(app, "original")
    assert original == cache.original("digits", known.image_id(rows[0]))
    sound(app.button(key="anomalies.do.next").click().run())
    assert cache.caption_of(entry.model_id, known.image_id(rows[24])) in taps(app)[0].help


def test_the_threshold_lets_through_what_it_says(home):
    app = sound(visit("anomalies.py", model="digits"))
    framed = lambda: sum("above" in button.key for button in taps(app))  # noqa: E731
    assert "5.0% of 60 test images" in words_on(app) and framed() == 3
    sound(app.select_slider(key="anomalies.rate").set_value(0.2).run())
    assert "20.0% of 60 test images" in words_on(app) and framed() == 12


def test_a_press_shows_one_and_the_other_pages_stand_on_it(home):
    app = sound(visit("anomalies.py", model="digits"))
    rows, known = errors("digits")
    sound(taps(app)[4].click().run())
    state = app.session_state["muscope"]
    assert state.place.image_id == known.image_id(rows[4])
    assert stage(app) == cache.picture(state.entry.model_id, state.place.code)
    ((alt, png),) = pictures(app, "error-map")
    assert "yellow" in alt and png == judged.error_map(state.entry.model_id, "digits", int(known.index[rows[4]]))[0]


def test_all_above_the_threshold_go_to_the_map_as_a_group(home):
    app = sound(visit("anomalies.py", model="digits"))
    rows, _ = errors("digits")
    sound(app.button(key="anomalies.do.send.all").click().run())
    (group,) = app.session_state["muscope"].groups["digits"]
    assert group.rows.tolist() == sorted(rows[:3].tolist()) and group.name == "strange by reconstruction error"
    sound(app.switch_page("map.py").run())
    (data,) = parts(app, "map")
    sent = [mark["xy"] for mark in data["marks"] if mark["kind"] == "sent"]
    assert np.allclose(sent, cache.xy(data["model"], data["view"])[group.rows]) and data["groups"] == []
    assert "3 images" in words_on(app)


def test_the_other_scores_are_those_of_the_evaluation(home):
    app = sound(visit("anomalies.py", model="digits"))
    sound(app.selectbox(key="anomalies.score.digits").select("density").run())
    found = judged.scored(cache.entry("digits").model_id, "", True)
    worst = found.names[int(np.argmax(found.values["density"]))]
    assert cache.caption_of(cache.entry("digits").model_id, worst) in taps(app)[0].help


def test_an_autoencoder_and_a_squared_error_offer_no_likelihood(home):
    offered = set(visit("anomalies.py", model="autoencoder").selectbox(key="anomalies.score.autoencoder").options)
    assert {NAMES["recon"], NAMES["density"]} <= offered and not offered & {NAMES["elbo"], NAMES["iwae"]}
    assert NAMES["iwae"] in visit("anomalies.py", model="digits").selectbox(key="anomalies.score.digits").options


def test_a_distance_has_no_unit_of_a_prior_that_an_autoencoder_does_not_have(home):
    told = {
        model: visit("anomalies.py", model=model).selectbox(key=f"anomalies.score.{model}").help
        for model in ("digits", "autoencoder")
    }
    assert "fifth nearest code of a training image, in standard deviations of the prior." in told["digits"]
    assert "fifth nearest code of a training image." in told["autoencoder"] and "prior" not in told["autoencoder"]


def test_another_data_set_is_mixed_in_shown_and_never_sent(home, monkeypatch):
    entry = cache.entry("digits")
    strange = np.zeros((1, 8, 8, 1), np.uint8)
    strange[:, ::2] = 255
    real = live_scored.images
    asked = lambda name, index: real(name, index) if name == "digits" else stripes(index)  # noqa: E731

    def stripes(index):
        return live_scored.Images("kmnist", "test", strange.repeat(len(index), axis=0), index=np.asarray(index))

    monkeypatch.setattr(live_scored, "images", asked)
    monkeypatch.setattr(live_scored, "mixable", lambda data, shape: ("kmnist",))
    monkeypatch.setattr(live_scored, "OTHERS", 5)
    app = sound(visit("anomalies.py", model="digits"))
    sound(app.selectbox(key="anomalies.other.digits").select("kmnist").run())
    ranked = judged.ranking(entry.model_id, "recon", "kmnist", 0.05)
    assert [of for of, _, _ in ranked.found[:5]] == ["kmnist"] * 5 and ranked.caught.value == 1
    assert "100.0% of" in words_on(app)
    assert all("foreign" in button.key for button in taps(app)[:5])
    sound(taps(app)[1].click().run())
    assert app.session_state["muscope"].place.image_id is None
    ((_, original),) = pictures(app, "original")
    assert unpacked_size(original) == (8, 8)
    assert app.button(key="anomalies.do.send.one").disabled
    assert "not on this model’s map" in words_on(app)
    every = app.button(key="anomalies.do.send.all")
    assert every.label == f"Send the {ranked.above - 5} of its own images above the threshold to the map"
    sound(every.click().run())
    (group,) = app.session_state["muscope"].groups["digits"]
    assert len(group.rows) == ranked.above - 5


def unpacked_size(png):
    import io

    from PIL import Image

    return Image.open(io.BytesIO(png)).size


def test_without_the_images_the_reconstructions_stand_in(home, monkeypatch):
    monkeypatch.setattr(cache, "original", lambda name, image_id: None)
    app = sound(visit("anomalies.py", model="digits"))
    assert app.selectbox(key="anomalies.score.digits").options == ["reconstruction error"]
    rows, known = errors("digits")
    model_id = cache.entry("digits").model_id
    png = cache.picture(model_id, tuple(known.mu[rows[0]].tolist()))
    label = taps(app)[0].label
    assert unpacked(label[label.index("data:") :].rstrip(")")) == png


def test_scores_of_images_that_do_not_match_are_refused():
    with pytest.raises(Exception, match="every score"):
        Scored("digits", ("test/1",), {"recon": np.zeros(2)})


def test_a_group_from_nothing_is_one_plain_line(home):
    app = visit("anomalies.py", model="digits")
    state = app.session_state["muscope"]
    with pytest.raises(Exception, match="own data"):
        anomaly_grid.send(state, "x", (anomaly_grid.Pressed("x", "kmnist", "test/1"),))
