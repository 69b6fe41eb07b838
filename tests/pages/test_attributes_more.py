"""Numbers, kinds that count the same, locks with their figures, and the grid of cosines, on Attributes."""

import re

import numpy as np
import pytest

from pages.ui import cache, direction_asked
from pages.ui.state import KeptDirection
from tests.pages.conftest import parts, sound, visit
from tests.pages.hands import told_in_one_line
from tests.pages.test_attributes import PAGE, said, strength_vector
from vae.explore.directions.angles import chance_cosine, cosines
from vae.explore.directions.balance import kinds_in
from vae.explore.directions.evidence import measure_evidence
from vae.explore.directions.found import Direction, difference, regression
from vae.explore.directions.lock import covariance_of, lock
from vae.explore.directions.number import number_evidence


def faces(*steps):
    """Attributes of the small model of faces, an attribute chosen; the app, the model_id, the encodings."""
    app = visit(PAGE, model="faces")
    model_id = app.session_state["muscope"].entry.model_id
    for kind in steps:
        sound(app.selectbox(key=f"attributes.kind.{model_id}").select(kind).run())
    return app, model_id, cache.encodings(model_id)


def tables(app, handle):
    """Rows of cells of a table by its handle."""
    found = [each.proto.body for each in app.get("html") if f'data-muscope="{handle}"' in each.proto.body]
    rows = re.findall(r"<tr>(.*?)</tr>", found[0])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def knob(app):
    return parts(app, "console")[0]["knobs"][0]


# ---- a number ------------------------------------------------------------------------------------------------------


def test_a_number_goes_along_all_its_values_in_its_own_units(home, hands):
    app, model_id, known = faces("attribute:turn")
    values = known.attributes[:, known.attribute_names.index("turn")]
    found = regression(known.mu, values, "turn")
    np.testing.assert_allclose(np.array(knob(app)["vector"]) * found.reach, found.step, rtol=1e-3, atol=1e-7)
    assert knob(app)["label"] == "More turn" and knob(app)["value"] == pytest.approx(found.reach)
    told = number_evidence(known.mu, values, "turn")
    rows = {row[0]: row[1:] for row in tables(app, "proof")}
    assert rows["Correlation"][0] == f"{told.r:.2f}".replace("-", "−") and rows["Images"][0] == f"{len(values):,}"
    assert told.sentence.partition(": ")[2][:40] in said(app).replace("\\", "")
    half = found.reach / 2
    app = sound(hands.tell(app, "console", "settled", values={"strength": half}))
    assert knob(app)["value"] == pytest.approx(half)
    assert app.session_state["attributes.strength"] == pytest.approx(0.5)
    app = sound(app.radio(key="attributes.estimator.number").set_value("difference").run())
    assert knob(app)["label"] == "Strength" and knob(app)["value"] == pytest.approx(0.5)
    plain = difference(known.mu, cache.groups(model_id, "attribute:turn"))
    np.testing.assert_allclose(strength_vector(app), plain.step, rtol=1e-3, atol=1e-7)


# ---- kinds ---------------------------------------------------------------------------------------------------------


def test_kinds_that_count_the_same_change_direction_evidence_and_figures(home):
    app, model_id, known = faces("attribute:glasses")
    box = app.multiselect(key=f"attributes.kinds.{model_id}.attribute:glasses")
    assert "glasses" not in box.options and "hat" in box.options
    sound(box.set_value(["hat"]).run())
    groups = cache.groups(model_id, "attribute:glasses")
    kinds = kinds_in(groups, {"hat": known.attributes[:, known.attribute_names.index("hat")]})
    wanted = difference(known.mu, kinds.among(groups), kinds.of)
    np.testing.assert_allclose(strength_vector(app), wanted.step, rtol=1e-3, atol=1e-7)
    told = measure_evidence(known.mu, groups, kinds=kinds)
    assert {row[0]: row[1] for row in tables(app, "proof")}["AUC"] == f"{told.auc:.2f}"
    assert "Each kind of hat counts the same" in said(app)
    rows = {row[0]: row[1:] for row in tables(app, "kinds")[1:]}
    assert float(rows["hat"][0]) > 0.5 and rows["hat"][1] == "0.00"
    names = [each.value for each in app.text_input if each.key and each.key.startswith("attributes.name.")]
    assert names == ["glasses, by kinds of hat"]
    assert "hat" not in [one.name for one in direction_asked.comes_along(model_id, direction_asked.Asked(
        kind="attribute:glasses", kinds=("hat",)))]  # fmt: skip
    app.radio(key="attributes.estimator").set_value("whitened").run()
    assert "Each kind of hat" not in said(sound(app))  # only means count kinds


def test_labels_are_kinds_where_the_groups_are_about_something_else(home):
    known = cache.encodings(cache.entry("digits").model_id)
    model_id = cache.entry("digits").model_id
    rows = tuple(direction_asked.as_rows(np.arange(side, 200, 2)) for side in (0, 1))
    asked = direction_asked.Asked(rows=rows, names=("even", "odd"), kinds=("class",))
    assert direction_asked.kinds_offered(model_id, asked) == ("class",)
    assert direction_asked.kinds_offered(model_id, direction_asked.Asked(kind="label:3")) == ()
    found = direction_asked.direction(model_id, asked)
    groups = direction_asked.groups(model_id, asked)
    steps = [
        known.mu[groups.positive & (known.labels == one)].mean(axis=0)
        - known.mu[groups.negative & (known.labels == one)].mean(axis=0)
        for one in range(10)
        if min((side & (known.labels == one)).sum() for side in (groups.positive, groups.negative)) >= 5
    ]
    np.testing.assert_allclose(found.step, np.mean(steps, axis=0), rtol=1e-3, atol=1e-5)


# ---- the lock ------------------------------------------------------------------------------------------------------


def test_the_lock_says_what_the_step_does_before_and_after(home):
    app, model_id, known = faces("attribute:glasses")
    sound(app.multiselect(key=f"attributes.fixed.{model_id}.attribute:glasses").set_value(["hat", "turn"]).run())
    head, *rows = tables(app, "lock")
    assert head == ["effect on", "before", "after"]
    assert [row[0] for row in rows] == ["glasses, itself", "hat", "turn"]
    hat = known.attributes[:, known.attribute_names.index("hat")].astype(np.float64)
    design = np.column_stack([known.mu, np.ones(len(known))]).astype(np.float64)
    slopes = np.linalg.lstsq(design, hat, rcond=None)[0][:-1] / hat.std()
    whole = difference(known.mu, cache.groups(model_id, "attribute:glasses")).step
    shown = [float(cell.strip("()").replace("−", "-")) for cell in rows[1][1:]]
    assert shown[0] == pytest.approx(float(slopes @ whole), abs=0.006)
    assert shown[1] == pytest.approx(float(slopes @ strength_vector(app)), abs=0.006)


def test_the_lock_shows_what_pictures_said_where_that_was_measured(home, monkeypatch):
    app, model_id, known = faces("attribute:glasses")
    names = ("glasses", "hat")
    table = ((1.5, 0.4), (0.3, 1.2))
    kept = {
        "attributes": list(names), "directions": list(names), "gap": [2.0, 2.0], "reliability": [0.9, 0.9],
        "binary": [True, True], "weak": [False, False], "images": 300,
        "steps": {way: [[0.1] * 4, [0.2] * 4] for way in ("effect", "locked", "settled")},
    }  # fmt: skip
    for way, share in (("effect", 1.0), ("locked", 0.5), ("settled", 0.1)):
        for end in ("", "low", "high", "scatter"):
            field = end if way == "effect" and end else "_".join(filter(None, (way, end)))
            kept[field] = [[share * value for value in row] for row in table]
    monkeypatch.setattr("pages.ui.direction_matrix.find", lambda report, name: kept)
    sound(app.multiselect(key=f"attributes.fixed.{model_id}.attribute:glasses").set_value(["hat"]).run())
    head, own, hat = tables(app, "lock")
    assert head[3:] == ["pictures, before", "pictures, all fixed"]
    assert own[3:] == ["1.50", "0.75"] and hat[3:] == ["0.40", "0.20"]
    sound(app.toggle(key=f"attributes.looking.{model_id}").set_value(True).run())
    head, *rows = tables(app, "lock")
    assert head[3:] == ["pictures, before", "pictures, after"]
    assert {row[0]: row[3:] for row in rows}["hat"] == ["0.40", "0.04"]


def test_a_class_or_a_kept_direction_is_held_at_right_angles(home):
    app = visit(PAGE, model="digits")
    state = app.session_state["muscope"]
    known, model_id = cache.encodings(state.entry.model_id), state.entry.model_id
    state.keep_direction(KeptDirection("slant", (0.6, 0.8, 0.0), 2.0, "Some words."))
    sound(app.selectbox(key=f"attributes.kind.{model_id}").select("label:3").run())
    box = app.multiselect(key=f"attributes.fixed.{model_id}.label:3")
    assert "class 3" not in box.options and {"class 8", "slant (kept)"} <= set(box.options)
    sound(box.set_value(["label:8", "kept:slant"]).run())
    three, eight = (difference(known.mu, cache.groups(model_id, f"label:{one}")) for one in (3, 8))
    slant = Direction(np.float32([0.6, 0.8, 0]), 2.0, (0, 0), ("slant", ""), "kept")
    wanted = lock(three, [eight, slant], covariance_of(known.mu))
    np.testing.assert_allclose(strength_vector(app), wanted.step, rtol=1e-3, atol=1e-5)
    assert "Class 8 and slant (kept) are kept as they are" in said(app).replace("\\", "")
    assert [row[0] for row in tables(app, "lock")[1:]] == ["class 3, itself", "class 8"]
    sound(app.segmented_control(key="attributes.source").set_value("Kept").run())
    sound(app.multiselect(key=f"attributes.fixed.{model_id}.kept:").set_value(["label:8"]).run())
    wanted = lock(slant, [eight], covariance_of(known.mu))
    np.testing.assert_allclose(strength_vector(app), wanted.step, rtol=1e-3, atol=1e-5)
    sound(app.button(key="attributes.do.keep_direction").click().run())
    assert state.directions["digits"][-1].name == "slant, class 8 fixed"
    state.directions["digits"] = state.directions["digits"][:1]
    sound(app.run())


# ---- cosines -------------------------------------------------------------------------------------------------------


def grid(app):
    return parts(app, "cosines")[0]


def test_the_grid_holds_all_directions_and_a_press_takes_the_pair_into_hand(home, hands):
    app, model_id, known = faces("attribute:smile")
    state = app.session_state["muscope"]
    state.keep_direction(KeptDirection("slant", (0.6, 0.8, 0.0, 0.0), 2.0, "Some words."))
    app = sound(app.run())
    options = grid(app)["options"]
    assert options == [*cache.directions(model_id), "kept:slant"] and grid(app)["chosen"] is None
    assert grid(app)["chance"] == pytest.approx(chance_cosine(4))
    vectors = [difference(known.mu, cache.groups(model_id, f"attribute:{name}")).vector for name in ("smile", "hat")]
    at = [options.index(f"attribute:{name}") for name in ("smile", "hat")]
    shown = grid(app)["values"]
    assert shown[at[0]][at[1]] == pytest.approx(float(cosines(vectors)[0, 1]), abs=1e-3)
    assert np.allclose(shown, np.transpose(shown)) and np.allclose(np.diag(shown), 1)
    app = sound(hands.tell(app, "cosines", "press", row="attribute:hat", column="attribute:smile"))
    assert app.selectbox(key=f"attributes.kind.{model_id}").value == "attribute:hat"
    assert app.multiselect(key=f"attributes.fixed.{model_id}.attribute:hat").value == ["smile"]
    told = grid(app)
    assert told["options"][0] == "hand" and told["names"][0] == "in hand"
    assert [told["options"][place] for place in told["chosen"]] == ["attribute:hat", "attribute:smile"]
    app = sound(hands.tell(app, "cosines", "press", row="attribute:turn", column="hand"))  # fixed beside the other
    assert app.multiselect(key=f"attributes.fixed.{model_id}.attribute:hat").value == ["smile", "turn"]
    app = sound(hands.tell(app, "cosines", "press", row="attribute:hat", column="attribute:hat"))
    assert app.multiselect(key=f"attributes.fixed.{model_id}.attribute:hat").value == []
    app = sound(hands.tell(app, "cosines", "press", row="kept:slant", column="attribute:hat"))
    assert app.segmented_control(key="attributes.source").value == "Kept"
    assert app.multiselect(key=f"attributes.fixed.{model_id}.kept:").value == ["hat"]
    assert "slant +1, hat fixed" in parts(app, "stage")[0]["caption"]


def test_a_press_on_what_is_not_there_changes_nothing(home, hands):
    app, model_id, _ = faces("attribute:smile")
    for told in ({"row": "attribute:hat"}, {"row": 1, "column": 2}, {"row": "hand", "column": []}):
        app = hands.tell(app, "cosines", "press", **told)
        assert "named no two" in told_in_one_line(app)
    assert app.selectbox(key=f"attributes.kind.{model_id}").value == "attribute:smile"


def test_more_than_forty_directions_leave_some_out_and_say_so(home):
    app = visit(PAGE, model="digits")
    state = app.session_state["muscope"]
    for place in range(40):
        vector = np.random.default_rng(place).standard_normal(3)
        state.keep_direction(KeptDirection(f"d{place}", tuple((vector / np.linalg.norm(vector)).tolist()), 1.0, "w"))
    app = sound(app.run())
    assert len(grid(app)["options"]) == 30 and "20 more directions are not shown" in said(app)
    assert grid(app)["options"][-1] == "kept:d39"
