"""Directions between two groups of pictures: where the groups come from, what is said of them, what is kept."""

import numpy as np

from pages.ui import cache
from pages.ui.state import Group, KeptDirection
from tests.pages.conftest import parts, sound, visit
from vae.explore.directions.found import difference
from vae.explore.directions.lock import locked

PAGE = "attributes.py"


def said(app):
    """Everything that the page says in words."""
    return " ".join(each.value for each in [*app.markdown, *app.caption, *app.info, *app.error])


def source(app, name):
    return sound(app.segmented_control(key="attributes.source").set_value(name).run())


def strength_vector(app):
    return np.array(parts(app, "console")[0]["knobs"][0]["vector"])


def pick(app, model_id, wanted):
    """Press offered pictures until each tray holds what is wanted; `wanted`: side to the rows that may go there."""
    known = cache.encodings(model_id)
    for side, rows in wanted.items():
        app.segmented_control(key=f"attributes.pick.side.{model_id}").set_value(side).run()
        for _ in range(40):
            trays = app.session_state[f"attributes.picks.{model_id}"]
            if len(trays[side]) == 5:
                break
            offers = [each for each in app.button if each.key and "-tap-offer-" in each.key]
            turn = app.session_state["muscope.turns"].get(f"attributes.picks.{model_id}", 0)
            taken = {*trays["with"], *trays["without"]}
            names = cache.some_images(model_id, 18, turn)
            good = [place for place, name in enumerate(names) if rows[known.row_of(name)] and name not in taken]
            (offers[good[0]] if good else app.button(key="attributes.pick.do.more")).click().run()
    return sound(app)


def test_five_and_five_picked_by_hand_give_a_direction_and_a_cautious_word(home):
    app = source(visit(PAGE, model="faces"), "Picked by hand")
    assert "at least 5 pictures into each tray" in said(app) and "about 20 on each side" in said(app)
    model_id = app.session_state["muscope"].entry.model_id
    known = cache.encodings(model_id)
    smile = known.attributes[:, known.attribute_names.index("smile")] == 1
    sound(app.text_input(key=f"attributes.pick.name.{model_id}").set_value("smile").run())
    pick(app, model_id, {"with": smile, "without": ~smile})
    assert "Weak" in said(app) or "Not distinguishable from chance" in said(app)
    trays = app.session_state[f"attributes.picks.{model_id}"]
    rows = [[known.row_of(name) for name in trays[side]] for side in ("with", "without")]
    step = known.mu[rows[0]].mean(axis=0) - known.mu[rows[1]].mean(axis=0)
    np.testing.assert_allclose(strength_vector(app), step, rtol=1e-3, atol=1e-7)
    assert "These groups differ in: smile" in said(app) and "whatever these 10 happen to differ in" in said(app)
    assert "have “smile”" not in said(app)
    sound(app.button(key="attributes.pick.do.empty").click().run())
    assert "at least 5 pictures into each tray" in said(app)
    sound(app.button(key="attributes.pick.do.back").click().run())
    np.testing.assert_allclose(strength_vector(app), step, rtol=1e-3, atol=1e-7)


def test_a_picked_picture_keeps_its_place_and_can_change_sides(home):
    app = source(visit(PAGE, model="faces"), "Picked by hand")
    model_id = app.session_state["muscope"].entry.model_id

    def press(handle):
        (key,) = [each.key for each in app.button if each.key and each.key.endswith(f"-tap-{handle}")]
        sound(app.button(key=key).click().run())
        trays = app.session_state[f"attributes.picks.{model_id}"]
        return trays["with"], trays["without"]

    first, second = cache.some_images(model_id, 18, 0)[:2]
    sides = app.segmented_control(key=f"attributes.pick.side.{model_id}")
    assert list(sides.options) == ["with the attribute", "without the attribute"]
    assert press("offer-0") == ([first], [])
    assert press("offer-1") == ([first, second], [])
    sound(app.text_input(key=f"attributes.pick.name.{model_id}").set_value("big smile").run())
    assert "2 with big smile" in said(app) and "0 without big smile" in said(app)
    app.segmented_control(key=f"attributes.pick.does.{model_id}").set_value("moves it to the other side").run()
    assert press("with-1") == ([first], [second])
    assert press("offer-0") == ([], [second])  # a second press takes it out
    app.segmented_control(key=f"attributes.pick.does.{model_id}").set_value("takes it out").run()
    assert press("without-0") == ([], [])


def test_a_typed_condition_makes_the_groups_and_a_wrong_one_is_one_line(home):
    app = source(visit(PAGE, model="faces"), "A condition")
    model_id = app.session_state["muscope"].entry.model_id
    known = cache.encodings(model_id)
    values = dict(zip(known.attribute_names, known.attributes.T, strict=True))
    box = app.text_input(key=f"attributes.where.{model_id}")
    sound(box.set_value("smile and not hat").run())
    mine = (values["smile"] == 1) & (values["hat"] == 0)
    step = known.mu[mine].mean(axis=0) - known.mu[~mine].mean(axis=0)
    np.testing.assert_allclose(strength_vector(app), step, rtol=1e-3, atol=1e-7)
    assert "These groups differ in: " in said(app)
    assert "have “smile”" not in said(app) and "have “hat”" not in said(app)
    app.text_input(key=f"attributes.where.{model_id}").set_value("moustache").run()
    assert [each.value for each in app.error] == [
        f"Nothing called “moustache” is known of these images: choose among {', '.join(known.attribute_names[:12])}"
        + (" and others." if len(known.attribute_names) > 12 else ".")
    ]
    app.text_input(key=f"attributes.where.{model_id}").set_value("smile > 7").run()
    assert "holds for no image" in app.error[0].value


def test_groups_of_the_map_make_a_direction_and_overlapping_ones_are_refused(home):
    app = source(visit(PAGE, model="faces"), "Groups of the map")
    assert "No group has been gathered yet" in said(app)
    state = app.session_state["muscope"]
    known = cache.encodings(state.entry.model_id)
    state.gather(Group("left", np.arange(10), "umap", ()))
    state.gather(Group("right", np.arange(8, 20), "umap", ()))
    sound(app.run())
    others = np.arange(len(known)) >= 0
    others[8:20] = False
    step = known.mu[8:20].mean(axis=0) - known.mu[others].mean(axis=0)
    np.testing.assert_allclose(strength_vector(app), step, rtol=1e-3, atol=1e-7)
    app.selectbox(key=f"attributes.rest.{state.entry.model_id}").select("left").run()
    assert "The two groups share 2 images" in app.error[0].value


def test_a_lock_keeps_an_attribute_fixed_and_says_what_it_changed(home):
    app = visit(PAGE, model="faces")
    model_id = app.session_state["muscope"].entry.model_id
    sound(app.selectbox(key=f"attributes.kind.{model_id}").select("attribute:smile").run())
    known, groups = cache.encodings(model_id), cache.groups(model_id, "attribute:smile")
    np.testing.assert_allclose(strength_vector(app), difference(known.mu, groups).step, rtol=1e-3, atol=1e-7)
    box = app.multiselect(key=f"attributes.fixed.{model_id}.attribute:smile")
    assert "smile" not in box.options and "hat" in box.options
    sound(box.set_value(["hat"]).run())
    wanted = locked(known.mu, groups, known.attributes, known.attribute_names, ("hat",))
    np.testing.assert_allclose(strength_vector(app), wanted.step, rtol=1e-3, atol=1e-7)
    assert np.abs(wanted.step - difference(known.mu, groups).step).max() > 1e-4
    names = [each.value for each in app.text_input if each.key and each.key.startswith("attributes.name.")]
    assert names == ["smile, hat fixed"] and "Hat is kept as it is" in said(app)
    sound(app.multiselect(key=f"attributes.fixed.{model_id}.attribute:smile").set_value(["hat", "glasses"]).run())
    names = [each.value for each in app.text_input if each.key and each.key.startswith("attributes.name.")]
    assert names == ["smile, hat and glasses fixed"]


def test_a_direction_is_kept_under_its_name_and_used_again(home):
    app = visit(PAGE, model="faces")
    state = app.session_state["muscope"]
    vector = strength_vector(app)
    (name,) = [each for each in app.text_input if each.key and each.key.startswith("attributes.name.")]
    name.set_value("  my own ").run()
    sound(app.button(key="attributes.do.keep_direction").click().run())
    (kept,) = state.directions["faces"]
    assert isinstance(kept, KeptDirection) and kept.name == "my own" and "images of" in kept.words
    np.testing.assert_allclose(kept.gap * np.array(kept.vector), vector, rtol=1e-3, atol=1e-7)
    source(app, "Kept")
    np.testing.assert_allclose(strength_vector(app), vector, rtol=1e-3, atol=1e-7)
    state.ids["faces"] = "another model"
    app.run()
    assert state.directions == {}
