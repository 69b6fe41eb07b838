"""Each kind of request against the model asked directly."""

import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from live import answers as live
from live import known as parts
from live import wire
from live.answers import Answers
from live.engine import Engine
from live.known import caption
from live.wire import Request, read_reply
from tests.live.conftest import LATENT, build
from vae.checkpoint import load
from vae.data.faces import FACTORS, FaceFactors, draw
from vae.encodings import load_encodings, save_encodings
from vae.errors import VAEError
from vae.explore import anywhere, density, drawing, latents, projection
from vae.explore.neighbours import nearest


@pytest.fixture
def answers(engine):
    return Answers(engine)


def ask(answers, wish, entry, unusual=False):
    """The reply to a request, as the queue makes it."""
    job = answers.job(Request(wish, entry.model_id, 2, 17, unusual))
    found, codes = job.prepare()
    assert found.model_id == entry.model_id and len(codes) == job.size
    pixels = answers.engine.decode(found, codes) if len(codes) else np.zeros((0, 0, 0, 0), np.uint8)
    reply = read_reply(job.finish(pixels))
    assert (reply.kind, reply.lane, reply.number) == (wish.kind, 2, 17)
    return reply


def codes(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, LATENT)).astype(np.float32)


# ---- pictures of codes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", "faces", "table"])
@pytest.mark.parametrize("count", [1, 5])
def test_codes_are_answered_with_what_the_decoder_draws(answers, engine, entries, name, count):
    reply = ask(answers, wire.Decode(codes(count)), entries[name])
    assert np.array_equal(reply.pixels, engine.decode(entries[name], codes(count))) and reply.notes == {}


def test_samples_are_the_codes_that_the_prior_gives_that_seed(answers, engine, entries):
    reply = ask(answers, wire.Sample(5, 123, 0.7), entries["digits"])
    drawn = latents.prior(5, LATENT, 0.7, generator=np.random.default_rng(123))
    assert np.array_equal(reply.pixels, engine.decode(entries["digits"], drawn))


def test_rows_are_answered_with_their_reconstructions(answers, engine, entries):
    rows = np.array([7, 0, 39])
    reply = ask(answers, wire.RowsOf(rows), entries["digits"])
    mu = engine.encodings(entries["digits"]).mu[rows]
    assert np.array_equal(reply.pixels, engine.decode(entries["digits"], mu))


# ---- the map -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["umap", "pca", "2,0"])
def test_a_point_of_the_map_has_the_code_of_those_around_it(answers, engine, entries, view):
    entry = entries["digits"]
    known = engine.encodings(entry)
    xy = {"umap": known.maps["umap"], "pca": projection.pca(known.mu).xy, "2,0": known.mu[:, [2, 0]]}[view]
    at = anywhere.code_at(anywhere.ground(known.mu, xy), np.array([[0.25, -0.5]], np.float32))
    reply = ask(answers, wire.Point(0.25, -0.5, view), entry)
    assert np.allclose(reply.notes["code"], at.codes[0], atol=1e-6)
    assert reply.notes["reach"] == pytest.approx(float(at.reach[0]), rel=1e-5)
    assert np.array_equal(reply.pixels, engine.decode(entry, at.codes))


def test_a_view_that_is_not_there_is_refused(answers, entries):
    for view in ("tsne", "9,0", "0", "0,1,2", "-1,0", "", "a,b"):
        with pytest.raises(VAEError, match="no view"):
            ask(answers, wire.Point(0, 0, view), entries["digits"])


# ---- how unusual, and what is near ---------------------------------------------------------------------------------


def test_a_code_is_measured_as_the_density_says_and_no_picture_is_sent(answers, engine, entries):
    entry, code = entries["digits"], codes(1)[0]
    known = engine.encodings(entry)
    fitted = density.fit_density(known.mu, known.split, generator=np.random.default_rng(0))
    (wanted,) = density.unusual(fitted, code[None])
    reply = ask(answers, wire.Measure(code), entry)
    assert len(reply.pixels) == 0
    said = {"percentile": round(wanted.percentile, 1), "usual": wanted.usual, "words": wanted.sentence}
    assert reply.notes["unusual"] == said
    found = nearest(known.mu, code, parts.NEAR)
    assert [near[0] for near in reply.notes["near"]] == [known.image_id(row) for row in found.rows]
    assert np.allclose([near[1] for near in reply.notes["near"]], found.distances, atol=1e-4)
    assert [near[2] for near in reply.notes["near"]] == [caption(known, row) for row in found.rows]


def test_the_nearest_are_the_exact_ones_among_many(monkeypatch, answers, entries):
    monkeypatch.setattr(parts, "AROUND", 8)  # fewer candidates than images
    known = answers.known(entries["digits"].model_id)
    for code in codes(20, seed=5):
        found = nearest(known.encodings.mu, code, parts.NEAR)
        assert [near[0] for near in known.near(code)] == [known.encodings.image_id(row) for row in found.rows]


def test_any_request_can_ask_how_unusual_its_first_code_is(answers, engine, entries):
    entry = entries["digits"]
    alone = ask(answers, wire.Measure(codes(1)[0]), entry).notes["unusual"]
    assert ask(answers, wire.Decode(codes(1)), entry, unusual=True).notes["unusual"] == alone
    assert ask(answers, wire.Decode(codes(4)), entry, unusual=True).notes["unusual"] == alone
    assert "unusual" in ask(answers, wire.Point(0, 0, "umap"), entry, unusual=True).notes
    assert "unusual" not in ask(answers, wire.Point(0, 0, "umap"), entry).notes


def test_a_caption_names_the_split_the_row_and_the_class(engine, entries):
    known = engine.encodings(entries["digits"])
    assert caption(known, 1) == "test image 1: b"
    assert caption(known, 2) == "training image 2: c"
    assert caption(replace(known, labels=None, label_names=()), 2) == "training image 2"


# ---- drawings and faces --------------------------------------------------------------------------------------------


def ink():
    pad = np.zeros((60, 50), np.uint8)
    pad[10:50, 20:26] = 255
    return pad


def test_a_drawing_is_centred_encoded_placed_and_drawn_again(answers, engine, entries):
    entry = entries["digits"]
    known, seen = engine.encodings(entry), drawing.centred(ink(), 12)
    mu = engine.encode(entry, seen[None, :, :, None])
    reply = ask(answers, wire.Drawing(ink(), "umap"), entry)
    assert np.array_equal(reply.pixels[0, :, :, 0], seen)
    assert np.array_equal(reply.pixels[1], engine.decode(entry, mu)[0])
    assert np.allclose(reply.notes["code"], mu[0], atol=1e-6)
    assert np.allclose(reply.notes["xy"], projection.place(mu, known.mu, known.maps["umap"])[0], atol=1e-5)
    assert reply.notes["near"][0][0] == known.image_id(int(nearest(known.mu, mu[0], 1).rows[0]))


def test_without_a_map_a_drawing_has_no_place_and_in_two_dimensions_its_own(answers, entries):
    assert ask(answers, wire.Drawing(ink(), ""), entries["digits"]).notes["xy"] is None
    notes = ask(answers, wire.Drawing(ink(), "2,0"), entries["digits"]).notes
    assert notes["xy"] == [notes["code"][2], notes["code"][0]]


def test_a_picture_is_given_to_the_model_as_it_is_encoded_placed_and_drawn_again(answers, engine, entries):
    for name in ("digits", "faces"):
        entry = entries[name]
        channels, height, width = entry.shape
        given = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
        known, mu = engine.encodings(entry), engine.encode(entry, given[None])
        reply = ask(answers, wire.Picture(given, "pca"), entry)
        assert np.array_equal(reply.pixels[0], given)
        assert np.array_equal(reply.pixels[1], engine.decode(entry, mu)[0])
        assert np.allclose(reply.notes["code"], mu[0], atol=1e-6) and len(reply.notes["xy"]) == 2
        assert reply.notes["near"][0][0] == known.image_id(int(nearest(known.mu, mu[0], 1).rows[0]))


def test_a_picture_of_another_shape_than_the_models_is_refused(answers, entries):
    for name, shape in (("digits", (12, 12, 3)), ("digits", (8, 8, 1)), ("faces", (64, 64, 1)), ("table", (5, 1, 1))):
        with pytest.raises(VAEError, match="does not read pictures"):
            ask(answers, wire.Picture(np.zeros(shape, np.uint8), ""), entries[name])


def test_models_that_do_not_read_ink_say_so(answers, entries):
    for name in ("faces", "table"):
        with pytest.raises(VAEError, match="does not read drawings"):
            ask(answers, wire.Drawing(ink(), ""), entries[name])
    with pytest.raises(VAEError, match="Nothing is drawn"):
        ask(answers, wire.Drawing(np.zeros((9, 9), np.uint8), ""), entries["digits"])


def factors(**changes):
    given = asdict(FaceFactors()) | changes
    return np.array([given[name] for name in FACTORS], np.float32)


def test_a_face_is_drawn_by_the_program_and_by_the_model(answers, engine, entries):
    entry = entries["faces"]
    drawn = draw(FaceFactors(smile=1, hat=1, turn=-0.5, eyes=0.25))
    mu = engine.encode(entry, drawn[None])
    reply = ask(answers, wire.Face(factors(smile=1, hat=1, turn=-0.5, eyes=0.25), "umap"), entry)
    assert np.abs(reply.pixels[0].astype(int) - drawn).max() <= 1  # the factors came as float32
    assert np.allclose(reply.notes["code"], mu[0], atol=1e-2)
    assert reply.pixels.shape == (2, 64, 64, 3) and len(reply.notes["xy"]) == 2


@pytest.mark.parametrize("changes", [{"smile": 2}, {"eyes": -0.1}, {"turn": 1.5}, {"skin": np.inf}, {"hat": np.nan}])
def test_a_face_that_cannot_be_is_refused(answers, entries, changes):
    with pytest.raises(VAEError):
        ask(answers, wire.Face(factors(**changes), ""), entries["faces"])


def test_only_models_of_faces_draw_faces(answers, entries):
    with pytest.raises(VAEError, match="not trained on the drawn faces"):
        ask(answers, wire.Face(factors(), ""), entries["digits"])


# ---- encoding ------------------------------------------------------------------------------------------------------


def test_the_engine_encodes_as_the_model_does(engine, entries):
    entry = entries["faces"]
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        wanted = load(entry.folder).vae.encode(x).mode().numpy()
    mu = engine.encode(entry, pixels)
    assert mu.dtype == np.float32 and mu.shape == (3, LATENT) and np.allclose(mu, wanted, atol=1e-6)


def test_pictures_of_another_size_are_refused(engine, entries):
    with pytest.raises(VAEError, match="reads images of shape"):
        engine.encode(entries["faces"], np.zeros((1, 12, 12, 1), np.uint8))


# ---- limits and refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        wire.Decode(np.zeros((1, LATENT + 1), np.float32)),
        wire.Decode(np.full((1, LATENT), np.nan, np.float32)),
        wire.Decode(np.full((1, LATENT), np.inf, np.float32)),
        wire.Measure(np.zeros(LATENT - 1, np.float32)),
        wire.Measure(np.full(LATENT, np.nan, np.float32)),
        wire.Point(np.nan, 0.0, "umap"),
        wire.Sample(4, 1, -1.0),
        wire.Sample(4, 1, float("nan")),
        wire.RowsOf(np.array([40])),
    ],
    ids=lambda wish: type(wish).__name__,
)
@pytest.mark.parametrize("unusual", [False, True])
def test_what_cannot_be_is_refused_in_one_plain_line(answers, entries, wish, unusual):
    with pytest.raises(VAEError) as caught:
        ask(answers, wish, entries["digits"], unusual)
    assert "\n" not in str(caught.value)


def test_replies_have_a_largest_size(answers, entries):
    for wish, name in (
        (wire.Sample(live.PICTURES + 1, 1, 1.0), "digits"),
        (wire.Decode(np.zeros((live.PICTURES + 1, LATENT), np.float32)), "digits"),
        (wire.Sample(60_000, 1, 1.0), "table"),
    ):
        with pytest.raises(VAEError, match="too many"):
            ask(answers, wish, entries[name])
    assert len(ask(answers, wire.Sample(live.PICTURES, 1, 1.0), entries["digits"]).pixels) == live.PICTURES


def test_large_pictures_have_a_smaller_number(answers, entries, monkeypatch):
    monkeypatch.setattr(live, "BYTES", 4 * 64 * 64 * 3)
    assert len(ask(answers, wire.Sample(4, 1, 1.0), entries["faces"]).pixels) == 4
    with pytest.raises(VAEError, match="too many"):
        ask(answers, wire.Sample(5, 1, 1.0), entries["faces"])


def test_a_model_that_is_gone_or_lacks_encodings_where_they_are_needed_is_refused(tmp_path):
    build(tmp_path / "bare", "noise", (1, 8, 8))
    (tmp_path / "bare" / "encodings.safetensors").unlink()
    answers = Answers(Engine((tmp_path,)))
    (entry,) = answers.engine.models()
    for wish in (wire.RowsOf(np.array([0])), wire.Measure(codes(1)[0]), wire.Point(0, 0, "umap")):
        with pytest.raises(VAEError, match="no encodings yet"):
            ask(answers, wish, entry)
    assert len(ask(answers, wire.Decode(codes(1)), entry).pixels) == 1  # a code needs none
    with pytest.raises(VAEError, match="no longer there"):
        ask(answers, wire.Decode(codes(1)), replace(entry, model_id="0" * 16))


def test_a_model_that_is_encoded_again_is_known_anew(tmp_path):
    build(tmp_path / "a", "noise", (1, 8, 8))
    answers = Answers(Engine((tmp_path,)))
    (entry,) = answers.engine.models()
    first = answers.known(entry.model_id)
    assert answers.known(entry.model_id) is first
    with pytest.raises(VAEError, match="no view"):
        ask(answers, wire.Point(0, 0, "other"), entry)
    known = load_encodings(tmp_path / "a")
    save_encodings(tmp_path / "a", known.with_map("other", known.mu[:, :2] * 2))
    ask(answers, wire.Point(0, 0, "other"), entry)
    assert answers.known(entry.model_id) is not first


# ---- what is made once ---------------------------------------------------------------------------------------------


def test_what_takes_long_is_made_before_and_once(answers, entries, monkeypatch):
    made = []
    fit, lay = density.fit_density, anywhere.ground
    monkeypatch.setattr(density, "fit_density", lambda *a, **k: made.append("density") or fit(*a, **k))
    monkeypatch.setattr(anywhere, "ground", lambda *a: made.append("ground") or lay(*a))
    entry = entries["digits"]
    wishes = [
        Request(wire.Measure(codes(1)[0]), entry.model_id, 0, 1),
        Request(wire.Point(0, 0, "umap"), entry.model_id, 0, 1, True),
        Request(wire.RowsOf(np.array([1])), entry.model_id, 0, 1),
        Request(wire.Decode(codes(1)), entry.model_id, 0, 1),
    ]
    answers.engine.open(entry)
    assert [answers.ready(wish) for wish in wishes] == [False, False, False, True]
    for wish in wishes:
        answers.get_ready(wish)
        assert answers.ready(wish)
    for wish in wishes * 2:
        answers.job(wish).prepare()
    assert made == ["density", "ground"]


def test_a_model_is_read_before_the_queue_meets_it(answers, entries, monkeypatch):
    wish = Request(wire.Decode(codes(1)), entries["digits"].model_id, 0, 1)
    assert not answers.ready(wish)
    answers.get_ready(wish)
    assert answers.ready(wish) and answers.engine.is_open(entries["digits"].model_id)
    nobody = Request(wire.Decode(codes(1)), "0" * 16, 0, 1)
    with pytest.raises(VAEError, match="no longer there"):
        answers.get_ready(nobody)


def test_only_so_much_is_kept(answers, entries, monkeypatch):
    monkeypatch.setattr(parts, "PARTS", 2)
    monkeypatch.setattr(live, "MODELS_KNOWN", 2)
    point = [Request(wire.Point(0, 0, view), entries["digits"].model_id, 0, 1) for view in ("umap", "pca", "0,1")]
    for wish in point:
        answers.get_ready(wish)
    assert [answers.ready(wish) for wish in point] == [False, True, True]
    for name in ("table", "faces"):
        answers.known(entries[name].model_id)
    assert not answers.ready(point[1])


def test_a_model_that_comes_is_found_at_once_and_one_that_went_soon(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(live, "monotonic", lambda: clock[0])
    build(tmp_path / "a", "noise", (1, 8, 8))
    answers = Answers(Engine((tmp_path,)))
    (first,) = answers.engine.models()
    assert answers.entry(first.model_id) == first
    build(tmp_path / "b", "noise", (1, 8, 8), seed=2)
    second = next(entry for entry in answers.engine.models() if entry.name == "b")
    assert answers.entry(second.model_id) == second
    shutil.rmtree(tmp_path / "a")
    clock[0] += live.LOOK + 1
    with pytest.raises(VAEError, match="no longer there"):
        answers.entry(first.model_id)


def test_samples_that_are_too_many_are_not_drawn_ahead(answers, entries, monkeypatch):
    """What makes a request ready runs before its size is looked at in the queue."""
    drawn = []
    monkeypatch.setattr(answers.samples, "codes", lambda entry, wish: drawn.append(wish))
    for count in (live.PICTURES, live.PICTURES + 1, 60_000):
        wish = wire.Sample(count, 1, 1.0, 0.0, "standard", "label:a")
        request = wire.Request(wish, entries["digits"].model_id, 0, 1)
        assert not answers.ready(request)
        answers.get_ready(request)
    assert [wish.count for wish in drawn] == [live.PICTURES]
