"""Compare: the same images for both, maps that belong to their models, and figures that are the cards'."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import cache, compare_maps, compare_table, judged, places, turns
from pages.ui.state import State
from tests.pages.conftest import parts, pictures, sound, visit, words_on
from tests.pages.test_report import html_of, table, with_figures
from vae.errors import VAEError
from vae.evaluate.between import Between
from vae.evaluate.estimate import share


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
    assert any(compare_table.UNKNOWN in row for row in rows)


def test_a_broken_report_breaks_one_page_and_not_the_table_of_all(own):
    place = own("digits", "flat")
    (place / "flat" / "report.json").write_text("[]")
    assert len(table(sound(visit("compare.py", model="digits")), "models")) == 3
    app = visit("report.py", model="flat")
    assert not app.exception and "is no report: delete it" in app.error[0].value
