"""Compare: the same images for both, maps that belong to their models, and figures that are the cards'."""

import base64
import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from live import measurable
from pages.ui import cache, compare_maps, compare_table, judged, places, turns
from pages.ui.state import State
from tests.pages.conftest import parts, pictures, sound, visit, words_on
from tests.pages.test_report import html_of, table, with_figures
from vae.errors import VAEError
from vae.evaluate.estimate import share
from vae.evaluate.pictures.between import Between
from vae.reports import keep_suite


def test_a_model_alone_says_what_to_do(home):
    app = sound(visit("compare.py", model="faces"))
    assert "No other model of these images" in app.info[0].value
    assert table(app, "models")[1][0] == "Tiny faces"


def test_the_autoencoder_twin_of_the_same_code_is_offered_first(home):
    entry = cache.entry("digits")
    names = [other.name for other in judged.partners(entry)]
    assert names[0] == "autoencoder" and "digits" not in names
    assert {cache.entry(name).data for name in names} == {"digits"} and "faces" not in names


def test_both_models_draw_the_same_images(home):
    app = sound(visit("compare.py", model="digits"))
    shown = pictures(app, "same")
    names = judged.same_images(cache.entry("digits").model_id, cache.entry("autoencoder").model_id, 12, 0)
    assert len(shown) == 3 * len(names) == 36
    for place, name in enumerate(names):
        truth, *drawn = shown[3 * place : 3 * place + 3]
        assert truth[1] == cache.original("digits", name)
        for (alt, png), model in zip(drawn, ("digits", "autoencoder"), strict=True):
            model_id = cache.entry(model).model_id
            assert png == cache.picture(model_id, cache.code_of(model_id, name)) and f"Tiny {model}" in alt
    sound(app.button(key="compare.do.images").click().run())
    assert pictures(app, "same")[0] != shown[0]


def test_a_link_names_the_other_model(home):
    app = sound(visit("compare.py", model="digits", **{"with": "flat"}))
    assert app.selectbox(key="compare.with.digits").value == "flat"
    assert app.query_params["with"] in ("flat", ["flat"])
    app = sound(visit("compare.py", model="digits", **{"with": "faces"}))
    assert app.selectbox(key="compare.with.digits").value == "autoencoder"


def test_each_map_is_its_own_models_and_marks_the_image_that_the_tools_stand_on(home):
    app = sound(visit("compare.py", model="digits", image="test/7", **{"with": "flat"}))
    first, second = parts(app, "map")
    for data, name in ((first, "digits"), (second, "flat")):
        entry = cache.entry(name)
        known = cache.encodings(entry.model_id)
        assert data["model"] == entry.model_id and data["linked"] and data["row"] == known.row_of("test/7")
        assert data["view"] == ("0,1" if entry.latent_dim == 2 else "pca")
        assert np.allclose(data["marks"][0]["xy"], cache.xy(entry.model_id, data["view"])[data["row"]])
        assert len(data["code"]) == entry.latent_dim


@pytest.fixture
def state(home, monkeypatch):
    fake = SimpleNamespace(session_state={})
    for module in (places, turns):
        monkeypatch.setattr(module, "st", fake)
    return State("digits")


def told(state, other, **value):
    entry = cache.entry(other)
    heard = {"turn": 1, "model": entry.model_id, "view": "pca", **value}
    turns.heard(state, "x", partial(compare_maps.go, state, entry), entry.model_id)(heard)


def test_a_press_on_the_other_map_goes_to_the_same_image_of_the_chosen_model(state):
    known = cache.encodings(cache.entry("flat").model_id)
    told(state, "flat", row=41, xy=[0, 0])
    assert state.place == state.of_image(known.image_id(41)) and state.model == "digits"
    told(state, "digits", row=None, xy=[0.1, 0.2])
    assert state.place.image_id is None and len(state.place.code) == 3


@pytest.mark.parametrize("value", [{"row": None}, {"row": -1}, {"row": 10**6}, {"row": True}, {"model": "x", "row": 1}])
def test_a_press_that_means_nothing_changes_nothing(state, value):
    before = state.place
    with pytest.raises(VAEError):
        told(state, "flat", **{"xy": [0, 0], **value})
    assert state.place == before


def test_the_hole_between_the_clusters_is_a_figure_for_both(home, monkeypatch):
    found = {"digits": share(800, 1000), "autoencoder": share(250, 1000)}
    by_id = {cache.entry(name).model_id: each for name, each in found.items()}
    monkeypatch.setattr(
        judged, "between", lambda model_id: Between(by_id[model_id], share(9, 20), share(900, 1000), 9.15, 10, 1000)
    )
    app = sound(visit("compare.py", model="digits"))
    head, first, second = table(app, "between")
    assert first[:2] == ["Tiny digits", "80.0% (77.4% to 82.4%)"] and first[3] == "9.2 of 10"
    assert (
        second[0] == "Tiny autoencoder"
        and second[1].startswith("25.0%")
        and second[2].startswith("45.0%")
        and second[4].startswith("90.0%")
    )
    assert len(pictures(app, "crossing")) == 2 * 2 * 9
    said = words_on(app)
    assert "Half way, what “Tiny digits” draws is recognised more often: 80.0% against 25.0%." in said
    assert "From N(0, I), neither is clearly ahead: 45.0% and 45.0% are recognised" in said
    assert "From a 0 to a 5" in said and "Above: Tiny digits. Below: Tiny autoencoder" in said


def test_the_ways_between_classes_are_between_the_same_two_images(home):
    first, second = (cache.entry(name).model_id for name in ("digits", "flat"))
    found = judged.crossing(first, second, 1)
    assert found.kinds == ("1", "6")
    for model_id, way in zip((first, second), found.ways, strict=True):
        known = cache.encodings(model_id)
        for name, code, kind in zip(found.images, (way[0], way[-1]), found.kinds, strict=True):
            assert np.allclose(code, known.mu[known.row_of(name)])
            assert known.label_names[known.labels[known.row_of(name)]] == kind
    assert judged.crossing(cache.entry("faces").model_id, first, 0) is None


@pytest.fixture
def fewer(monkeypatch):
    """As if "flat" kept the test images only."""
    flat, whole = cache.entry("flat").model_id, cache.encodings
    kept = whole(flat).take(np.flatnonzero(whole(flat).split == 1))
    monkeypatch.setattr(cache, "encodings", lambda model_id: kept if model_id == flat else whole(model_id))
    for held in (judged.in_common, judged.crossing):
        held.cache_clear()
    cache.code_of.cache_clear()
    cache._caption.cache_clear()
    yield kept
    for held in (judged.in_common, judged.crossing, cache.code_of, cache._caption):
        held.cache_clear()


def test_a_map_shows_the_images_that_the_other_has_and_says_how_many_and_that_the_chosen_one_is_not(home, fewer):
    app = sound(visit("compare.py", model="digits", image="train/7", **{"with": "flat"}))
    words, known = words_on(app), cache.encodings(cache.entry("digits").model_id)
    assert f"It keeps {len(known):,} images; shown are the {len(fewer):,} that are on the other map, too." in words
    assert f"of {len(fewer):,} images: all that it keeps, and all are on the other map, too." in words
    assert words.count("is not on this map") == 1
    first, second = parts(app, "map")
    bits = np.unpackbits(np.frombuffer(base64.b64decode(first["only"]), np.uint8), bitorder="little")[: len(known)]
    assert [known.image_id(row) for row in np.flatnonzero(bits)] == [
        name for row in range(len(known)) if fewer.row_of(name := known.image_id(row)) is not None
    ]
    assert second["only"] is None and f"Map of {len(fewer):,} images" in first["alt"]
    found = judged.crossing(cache.entry("digits").model_id, cache.entry("flat").model_id, 0)
    assert all(name.startswith("test/") for name in found.images)


def test_an_image_that_the_chosen_model_does_not_keep_is_told_by_its_name(home, fewer):
    fake = State("flat")
    entry = cache.entry("digits")
    row = cache.encodings(entry.model_id).row_of("train/7")
    with pytest.raises(VAEError, match="does not keep training image 7"):
        compare_maps.go(fake, entry, {"row": row, "xy": [0, 0], "view": "pca"})


def test_the_table_of_all_is_in_the_order_of_beta(own):
    place = own("digits", "flat", "autoencoder")
    for name, value in (("digits", 4.0), ("flat", 0.25), ("autoencoder", None)):
        path = place / name / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"effective_beta": value}))
    head, *rows = table(sound(visit("compare.py", model="digits")), "models")
    assert head[1] == "Beta"
    assert [row[:2] for row in rows] == [["Tiny autoencoder", "none"], ["Tiny flat", "0.25"], ["Tiny digits", "4"]]


def test_where_no_judge_ships_that_is_said(home):
    app = sound(visit("compare.py", model="digits"))
    assert "a classifier of them ships" in words_on(app)
    assert judged.between(cache.entry("digits").model_id) is None


def test_the_plane_holds_models_that_count_alike_and_the_table_all(own):
    place = own("digits", "flat", "many", "autoencoder")
    for name, more in {
        "digits": {},
        "flat": {"kl": 5.0, "recon_nll": 120.0},
        "many": {"likelihood": "Gaussian"},
        "autoencoder": {},
    }.items():
        with_figures(place, name, **more)
    app = sound(visit("compare.py", model="digits", **{"with": "flat"}))
    plane = html_of(app, "plane")
    assert "Tiny digits: 21.2, 80.2" in plane and "Tiny flat: 5.0, 120.0" in plane
    assert "Tiny many" not in plane and "Tiny autoencoder" not in plane
    names = [row[0] for row in table(app, "models")[1:]]
    assert sorted(names) == ["Tiny autoencoder", "Tiny digits", "Tiny flat", "Tiny many"]
    assert "redraws images as well as" in html_words(app)


def html_words(app):
    return " ".join(each.proto.body for each in app.get("html"))


def test_claims_say_what_is_not_measured(home):
    app = sound(visit("compare.py", model="digits"))
    rows = table(app, "claims")
    assert rows[0][1:3] == ["Tiny digits", "Tiny autoencoder"]
    told = {row[0].partition(":")[0]: row[1:3] for row in rows[1:]}
    assert told["Likelihood"] == [compare_table.UNKNOWN, compare_table.CANNOT]
    assert told["Sharpness"] == [compare_table.CANNOT] * 2  # no classifier of these images ships
    words = words_on(app)
    assert measurable.unfit(cache.entry("digits"))["samples"] in words
    assert "Tiny digits: press “Measure” beside “Likelihood” on Report." in words
    assert {"compare.do.report.autoencoder"}.isdisjoint(button.key for button in app.button)


def test_from_a_claim_that_is_not_measured_a_press_leads_to_the_report_that_measures_it(home):
    app = sound(visit("compare.py", model="digits", **{"with": "flat"}))
    sound(app.button(key="compare.do.report.flat").click().run())
    assert app.title[0].value == "Report" and app.selectbox(key="frame.model").value == "flat"


def test_a_spread_over_draws_is_not_called_one_over_trainings(own):
    place = own("digits", "flat")
    values = {"mean": 5.25, "sd": 0.5, "values": [4.75, 5.75]}
    keep_suite(None, cache.entry("digits").model_id, "samples", {"sources": [{"name": "N(0, I)", "frechet": values}]})
    app = sound(visit("compare.py", model="digits"))
    told = {row[0].partition(":")[0]: row[1] for row in table(app, "claims")[1:]}
    assert told["Stability"] == "± 0.50 over 2 draws from one training" and place
    assert "Whether another training comes out alike is another question" in words_on(app)


def test_a_broken_report_breaks_one_page_and_not_the_table_of_all(own):
    place = own("digits", "flat")
    (place / "flat" / "report.json").write_text("[]")
    assert len(table(sound(visit("compare.py", model="digits")), "models")) == 3
    app = visit("report.py", model="flat")
    assert not app.exception and "is no report: delete it" in app.error[0].value
