"""Every page opens with every kind of model."""

import pytest

from pages.ui import cache
from pages.ui.chart import VIEW_WORDS
from tests.pages.conftest import KINDS, PAGES, pictures, sound, stage, visit

PICTURELESS = {"bring.py", "models.py", "train.py", "compare.py"}  # nothing brought yet; two have no one picture
VIEWS = {words: view for view, words in VIEW_WORDS.items()}
NO_DIRECTION = {"table", "collapsed"}  # no labels and no attributes; codes that do not differ


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("model", KINDS)
def test_a_page_opens_with_a_model(home, models, model, page):
    app = sound(visit(page, model=model))
    assert app.selectbox(key="frame.model").value == model
    if page in PICTURELESS:
        assert pictures(app, "stage") == []
    elif page == "attributes.py" and model in NO_DIRECTION:
        assert "no two groups of images whose codes differ" in app.info[0].value
    else:
        assert len(stage(app)) > 60


@pytest.mark.parametrize("model", KINDS)
def test_every_colour_and_view_of_a_map_can_be_drawn(home, model):
    app = visit("map.py", model=model)
    for view in app.segmented_control(key=f"map.view.{model}").options:
        sound(app.segmented_control(key=f"map.view.{model}").set_value(VIEWS[view]).run())
    known = cache.encodings(cache.entry(model).model_id)
    colours = ["kl"] * (not known.point) + ["error", "split", *(f"attribute:{name}" for name in known.attribute_names)]
    assert len(app.selectbox(key=f"map.colour.{model}").options) == len(colours) + (known.labels is not None)
    for colour in colours:
        sound(app.selectbox(key=f"map.colour.{model}").select(colour).run())


@pytest.mark.parametrize("page", ["map.py", "sliders.py"])
def test_distances_are_not_told_in_units_of_a_prior_that_a_plain_autoencoder_does_not_have(home, page):
    closest = {
        model: next(each.value for each in visit(page, model=model).caption if "The closest is" in each.value)
        for model in ("digits", "autoencoder")
    }
    assert "standard deviations of the prior away" in closest["digits"]
    assert "prior" not in closest["autoencoder"] and closest["autoencoder"].endswith(" away.")
