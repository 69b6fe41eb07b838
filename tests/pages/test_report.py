"""Report: figures as the card has them, what collapsed, and measurements that go on while pages change."""

import re
import sys

import numpy as np
import pytest

from live import measurable, measures
from live.measures import Measures
from pages.ui import cache, judged
from tests.pages.conftest import KINDS, serve_others, sound, visit, words_on
from vae.checkpoint import read_card, save_card
from vae.evaluate.suites import SUITES
from vae.reports import keep_suite

FIGURES = {
    "elbo": -101.5,
    "kl": 21.25,
    "recon_nll": 80.25,
    "recon_mse": 0.01234,
    "active_units": 2,
    "latent_dim": 3,
    "knn_accuracy": 0.913,
    "trustworthiness": None,
    "likelihood": "Bernoulli on grey pixels (a pseudo-likelihood)",
    "binarisation": "none",
    "images": 60,
}


def table(app, key):
    """The rows of a table on the page, as lists of cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", html_of(app, key))
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def html_of(app, key):
    """What the page shows under that handle; the style sheet only speaks of it."""
    (found,) = [each.proto.body for each in app.get("html") if f' data-muscope="{key}"' in each.proto.body]
    return found


def with_figures(place, name, **more):
    _, card, model_id = read_card(place / name)
    save_card(place / name, card | {"figures": FIGURES | more, "effective_beta": 1.0})
    return model_id


@pytest.fixture
def queue(monkeypatch):
    """Measurements that are `python -c`: `queue(body)`."""
    made = []

    def make(body):
        def command(folder, suite, events):
            return [sys.executable, "-c", f"import sys, time, json\n{body}", str(folder), str(events), suite]

        made.append(Measures(command))
        monkeypatch.setattr(measures, "shared", lambda: made[-1])
        return made[-1]

    yield make
    for each in made:
        each.stop()


def test_the_figures_are_the_cards_with_their_units(own):
    place = own("digits")
    with_figures(place, "digits")
    app = sound(visit("report.py", model="digits"))
    rows = {row[0]: row[1] for row in table(app, "figures")}
    assert rows["ELBO"] == "−101.5 nats per image" and rows["KL (rate)"] == "21.2 nats per image"
    assert rows["Squared error"] == "0.0123 per pixel" and rows["Active latents"] == "2 of 3"
    assert rows["Nearest codes"] == "91.3%" and "Map" not in rows  # not measured
    assert "(a pseudo" in words_on(app).replace("\\", "") and "60 test images" in words_on(app)
    assert "21.2 nats for its code and 80.2" in html_of(app, "rate-distortion")


def test_an_autoencoder_is_said_to_have_no_kl_and_none_is_shown(own):
    place = own("autoencoder")
    with_figures(place, "autoencoder")
    app = sound(visit("report.py", model="autoencoder"))
    rows = {row[0] for row in table(app, "figures")}
    assert not rows & {"ELBO", "KL (rate)"}
    assert any("plain autoencoder" in info.value for info in app.info)
    assert not any("rate-distortion" in each.proto.body for each in app.get("html"))
    assert "variance of mu" in html_of(app, "spectrum")
    assert app.button(key="report.do.measure.likelihood").disabled


def test_a_model_that_was_never_measured_says_so(home):
    assert any("no figures" in info.value for info in sound(visit("report.py", model="many")).info)


@pytest.mark.parametrize("model", KINDS)
def test_every_latent_has_a_bar_and_the_tallest_stands_first(home, model):
    app = sound(visit("report.py", model=model))
    bars = re.findall(r'height:([\d.]+)%"></i><span>(\d+)</span>', html_of(app, "spectrum"))
    entry = cache.entry(model)
    assert sorted(int(name) for _, name in bars) == list(range(entry.latent_dim))
    heights = [float(height) for height, _ in bars]
    full = judged.latents(entry.model_id, judged.is_point(entry)).full
    assert heights == sorted(heights, reverse=True) and (full >= 1 or judged.is_point(entry))
    largest = cache.encodings(entry.model_id).carried().max()
    assert max(heights) == pytest.approx(100 * largest / full, abs=0.1)
    if not judged.is_point(entry):
        kl = cache.encodings(entry.model_id).kl_per_dim().mean(axis=0)
        assert int(bars[0][1]) == int(np.argmax(kl))


def test_collapsed_latents_are_named_with_what_to_do(home):
    app = sound(visit("report.py", model="collapsed"))
    assert "posterior collapse" in app.warning[0].value and "free bits" in app.warning[0].value


def test_a_model_that_was_trained_without_being_measured_shows_what_is_known(own):
    place = own("digits")
    _, card, model_id = read_card(place / "digits")
    short = {name: FIGURES[name] for name in ("elbo", "kl", "recon_nll")}
    more = {"likelihood": "Bernoulli on grey pixels", "binarisation": "static", "figures": short}
    save_card(place / "digits", card | more)
    app = sound(visit("report.py", model="digits"))
    rows = {row[0]: row[1:] for row in table(app, "figures")}
    free = judged.free(model_id)
    assert rows["Squared error"][0] == f"{free.recon_mse:.4f} per pixel" and "60 kept" in rows["Squared error"][1]
    assert rows["Active latents"][0] == f"{free.active_units} of 3" and "Nearest codes" not in rows
    said = words_on(app).replace("\\", "")
    assert "Bernoulli on grey pixels; binarisation static, 60 test images" in said
    assert "Not measured when it was trained: nearest codes and the map" in said and "--evaluate" in said


def test_neighbours_are_told_with_how_many_vote_and_what_a_guess_reaches(own):
    place = own("digits")
    model_id = with_figures(place, "digits", active_units=0, knn_accuracy=0.5)
    rows = {row[0]: row[-1] for row in table(sound(visit("report.py", model="digits")), "figures")}
    told = rows["Nearest codes"]
    assert "of 300 training images" in told and f"commonest class: {judged.free(model_id).chance:.1%}" in told
    assert "tiny amounts" in told
    with_figures(place, "digits", active_units=2, knn_accuracy=0.5)
    rows = {row[0]: row[-1] for row in table(sound(visit("report.py", model="digits")), "figures")}
    assert "tiny" not in rows["Nearest codes"]


def test_a_model_that_collapsed_after_two_epochs_is_told_to_train_longer(own):
    place = own("collapsed")
    _, card, _ = read_card(place / "collapsed")
    data = card["data"] | {"train": 300}
    save_card(place / "collapsed", card | {"data": data, "epochs": 2, "settings": {"batch_size": 128}})
    app = sound(visit("report.py", model="collapsed"))
    assert "barely been trained (2 epochs, 6 steps)" in app.warning[0].value
    assert "beta" not in app.warning[0].value
    app = sound(visit("sliders.py", model="collapsed"))
    assert "No latent is in use" in app.info[0].value and "barely been trained" in app.info[0].value


def test_a_likelihood_says_before_the_press_what_it_takes(home):
    for model, images, draws in (("digits", 60, 5000), ("faces", 20, 500)):
        entry = cache.entry(model)
        assert measurable.amount(entry) == (images, draws)
        assert measurable.options_of(entry, "likelihood") == ("--images", str(images), "--k", str(draws))
        assert measurable.options_of(entry, "probes") == ()
        said = words_on(sound(visit("report.py", model=model)))
        assert f"{images} test images, {draws:,} draws each" in said and "“Measure” takes about" in said
        assert "Measure again" not in said


def test_a_likelihood_measured_again_is_on_as_many_images_and_both_elbos_say_of_how_many(own):
    place = own("digits")
    with_figures(place, "digits", elbo=-101.5, images=60)
    lines = ["ELBO  -100.70 ± 1.63 nats per image", "effective draws  40.0 of 70", "codes against prior  -0.00 nats"]
    part = {"lines": lines, "images": 50, "draws": 70, "seconds": 65}
    keep_suite(place / "digits", read_card(place / "digits")[2], "likelihood", part)
    app = sound(visit("report.py", model="digits"))
    rows = {row[0]: row[1:] for row in table(app, "figures")}
    assert rows["ELBO"][0] == "−101.5 nats per image" and "of 60 test images" in rows["ELBO"][1]
    measured = {row[0]: row[1] for row in table(app, "suite-likelihood")}
    assert measured["ELBO"] == "−100.70 ± 1.63 nats per image, of 50 test images"
    assert measured["codes against prior"] == "0.00 nats"
    said = words_on(app)
    assert "“Measure again” takes about 1 min: 50 test images, 70 draws each" in said
    assert "Effective draws: " in said and "Codes against prior: " in said and "Information: " not in said


def test_a_kept_suite_is_shown_with_when_and_how(own):
    place = own("digits")
    lines = ["NLL         86.40 nats per image (± 0.10 over images)", "one remark"]
    part = {"nll": 86.4, "lines": lines, "seconds": 65, "command": "python -m vae evaluate digits --suite likelihood"}
    keep_suite(place / "digits", read_card(place / "digits")[2], "likelihood", part)
    app = sound(visit("report.py", model="digits"))
    assert table(app, "suite-likelihood") == [["NLL", "86.40 nats per image (± 0.10 over images)"]]
    assert "one remark" in words_on(app) and "in 1 min" in words_on(app)
    assert app.button(key="report.do.measure.likelihood").label == "Measure again"


def test_what_cannot_be_measured_is_grey_with_its_reason(home):
    app = sound(visit("report.py", model="digits"))
    assert app.button(key="report.do.measure.disentanglement").disabled
    assert measurable.unfit(cache.entry("digits"))["disentanglement"] in words_on(app)
    assert not app.button(key="report.do.measure.probes").disabled


def test_a_measurement_goes_on_while_pages_change_and_can_be_cancelled(home, queue):
    ours = queue(
        "open(sys.argv[2], 'a').write(json.dumps({'what': 'importance weights', 'done': 1, 'total': 4}) + chr(10))\n"
        "time.sleep(60)"
    )
    app = sound(visit("report.py", model="digits"))
    sound(app.button(key="report.do.measure.probes").click().run())
    sound(app.button(key="report.do.measure.likelihood").click().run())
    model_id = cache.entry("digits").model_id
    while not ours.of(model_id, "probes").what:
        pass
    sound(app.switch_page("start.py").run())
    sound(app.switch_page("report.py").run())
    assert [bar.proto.text for bar in app.get("progress")] == ["Waiting: 1 before it.", "Importance weights"]
    sound(visit("report.py", model="digits"))  # a refresh, or another visitor
    sound(app.button(key="report.do.cancel.probes").click().run())
    sound(app.button(key="report.do.cancel.likelihood").click().run())
    assert ours.of(model_id, "probes") is None and ours.of(model_id, "likelihood") is None
    assert "report.do.cancel.probes" not in {button.key for button in app.button}
    assert [each.value for each in app.caption].count("Cancelled.") == 2
    sound(app.button(key="report.do.measure.probes").click().run())
    assert [each.value for each in app.caption].count("Cancelled.") == 1


def test_only_who_asked_may_cancel_where_others_are_answered(home, queue, monkeypatch):
    queue("time.sleep(60)")
    serve_others(monkeypatch)
    app = sound(visit("report.py", model="digits"))
    sound(app.button(key="report.do.measure.probes").click().run())
    assert "report.do.cancel.probes" in {button.key for button in app.button}
    other = sound(visit("report.py", model="digits"))
    assert "report.do.cancel.probes" not in {button.key for button in other.button}
    assert "report.do.measure.probes" not in {button.key for button in other.button}


def test_a_measurement_that_fails_is_one_plain_line_and_can_be_asked_for_again(home, queue):
    ours = queue("print('There are no labels.', file=sys.stderr); sys.exit(2)")
    app = visit("report.py", model="digits")
    app.button(key="report.do.measure.probes").click().run()
    while ours.busy:
        pass
    app.run()
    assert [each.value for each in app.error] == ["There are no labels."]
    assert not app.button(key="report.do.measure.probes").disabled


def test_every_suite_has_its_words():
    from pages.ui.report_suites import WORDS

    assert list(WORDS) == list(SUITES)


def test_a_suite_that_is_a_table_has_its_head_and_one_that_is_a_list_has_none(own):
    place = own("digits")
    model_id = read_card(place / "digits")[2]
    keep_suite(
        place / "digits", model_id, "samples", {"lines": ["samples from   Frechet   sharp", "N(0, I)   5.2   0.8"]}
    )
    keep_suite(place / "digits", model_id, "probes", {"lines": ["label   linear   0.66 of 2", "images   10"]})
    app = sound(visit("report.py", model="digits"))
    assert "<thead>" in html_of(app, "suite-samples") and "<thead>" not in html_of(app, "suite-probes")
    assert table(app, "suite-samples") == [["samples from", "Frechet", "sharp"], ["N(0, I)", "5.2", "0.8"]]
    assert 'colspan="2">10<' in html_of(app, "suite-probes")


def test_the_levels_of_a_hierarchical_model_are_told_apart(home):
    app = sound(visit("report.py", model="levels"))
    assert "Level by level" in words_on(app) and "level 2, latent" in html_of(app, "spectrum")
    assert "At the most probable code of each level" in words_on(app) and "360 kept images" in words_on(app)


# ---- what the codes know, and PCA ----------------------------------------------------------------------------------


def knows_part(**more):
    from vae.evaluate.codes.knows import Knows, Told
    from vae.evaluate.estimate import Estimate

    sure, none = Estimate(0.95, 0.94, 0.96), Estimate(-0.02, -0.05, 0.01)
    told = (
        Told("label", "label", "accuracy", sure, sure, 1, Estimate(0.3, 0.28, 0.32), 0.1, 300, 60),
        Told("<b>weight</b>", "column", "R2", none, none, 2, none, 0.01, 290, 58),
    )
    found = Knows(told, (("site", "the same for all images"),), 3, 300, 60)
    return found.to_json() | {"lines": found.lines(), "seconds": 7.0} | more


def test_what_the_codes_know_is_told_in_words_and_as_a_table(own):
    place = own("digits")
    model_id = read_card(place / "digits")[2]
    keep_suite(place / "digits", model_id, "columns", knows_part())
    app = sound(visit("report.py", model="digits"))
    words = words_on(app).replace("\\", "")
    assert "These codes tell the label well." in words and "site (the same for all images)" in words
    head, label, weight = table(app, "suite-columns")
    assert head[4] == "Best single dimension"
    assert label[:3] == ["label", "well", "95.0% (94.0 to 96.0)"] and label[4].endswith("dimension 1")
    assert (
        weight[0] == "&lt;b&gt;weight&lt;/b&gt;" and weight[2] == "−0.02 (−0.05 to 0.01)"
    )  # her own words, as they are


def test_a_part_that_cannot_be_read_shows_its_own_lines(own):
    place = own("digits")
    model_id = read_card(place / "digits")[2]
    keep_suite(place / "digits", model_id, "columns", {"lines": ["label   0.9"], "told": "of another version"})
    assert table(sound(visit("report.py", model="digits")), "suite-columns") == [["label", "0.9"]]


def test_whether_pca_does_better_stands_with_the_figures(own):
    from vae.evaluate.against_pca import AgainstPCA
    from vae.evaluate.estimate import Estimate

    def beside(mine, theirs):
        lead = Estimate(theirs - mine, theirs - mine - 0.001, theirs - mine + 0.001)
        one, other = (Estimate(value, value, value) for value in (mine, theirs))
        return AgainstPCA(one, other, lead, 3, 3, 340, 60).to_json()

    place = own("digits")
    model_id = with_figures(place, "digits", epochs=9)
    assert "PCA with as many numbers does" not in words_on(visit("report.py", model="digits"))
    card = read_card(place / "digits")[1]
    save_card(place / "digits", card | {"against_pca": beside(0.03, 0.02)})
    app = sound(visit("report.py", model="digits"))
    assert "there are too few images \\(340\\)" in app.warning[0].value
    keep_suite(place / "digits", model_id, "pca", beside(0.01, 0.02))  # what was measured since counts
    words = words_on(sound(visit("report.py", model="digits"))).replace("\\", "")
    assert "redraws test images better than PCA with as many numbers" in words and "too few" not in words
