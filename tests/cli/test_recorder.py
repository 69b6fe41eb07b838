"""What a run draws of itself: at the right moments, the same things each time, and without touching the training."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from vae import data, frames, history
from vae.cli.recorder import Recorder, dots_of
from vae.config import Config
from vae.data.images import Images
from vae.explore.unfold import turn
from vae.model import VAE
from vae.train.settings import Settings


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", "train", limit=120), data.load("digits", "test", limit=60)


def model(latents=3, seed=0, **more):
    wide = {"encoder_sizes": (12,), "decoder_sizes": (12,)} | more
    return VAE(Config(shape=wide.pop("shape", (1, 8, 8)), latent_dim=latents, **wide), seed=seed)


def recorder(vae, digits, folder, **settings):
    return Recorder(vae, *digits, folder, Settings(**settings))


def moments(epochs, steps, minutes=None):
    """The steps of a run that are kept."""
    asked = SimpleNamespace(settings=Settings(epochs=epochs, minutes=minutes))
    return [step for step in range(epochs * steps + 1) if Recorder.due(asked, step, steps, step / steps)]


# ---- when ----------------------------------------------------------------------------------------------------------


def test_noise_first_then_longer_and_longer_steps_then_every_epoch():
    assert moments(3, 100) == [0, 5, 10, 20, 40, 60, 80, 100, 200, 300]
    assert moments(1, 469) == [0, 5, 10, 20, 40, 60, 80, 120, 160, 180, 240, 300, 320, 360, 420, 469]
    assert moments(1, 4000) == [0, 5, 10, 20, 40, 80, 160, 320, 500, 640, 1000, 1280, 1500, 2000, 2500, 2560, 3000,
                                3500, 4000]  # fmt: skip
    assert moments(3, 12) == [0, 5, 10, 12, 24, 36]
    assert moments(3, 1) == [0, 1, 2, 3]


@pytest.mark.parametrize(("epochs", "steps"), [(1, 469), (20, 469), (41, 469), (200, 50), (1000, 12), (4000, 2)])
def test_a_run_has_no_more_frames_than_can_be_looked_at_and_its_end_is_one(epochs, steps):
    kept = moments(epochs, steps)
    assert len(kept) <= 95
    assert kept[0] == 0 and kept[-1] == epochs * steps
    assert set(range(steps, min(20, epochs) * steps + 1, steps)) <= set(kept)


def test_where_minutes_count_the_frames_grow_rarer_as_the_epochs_double():
    kept = moments(2000, 2, minutes=5)
    gaps = np.diff([step for step in kept if step >= 40])
    assert (np.diff(gaps) >= 0).all() and len(kept) < 100


# ---- what ----------------------------------------------------------------------------------------------------------


def test_a_frame_shows_images_samples_and_dots(digits, tmp_path):
    said = recorder(model(), digits, tmp_path).record(model(), 5, 0.5)
    assert {"step", "at", "pictures", "samples", "frame", "tag"} == set(said)
    pictures, samples = (np.asarray(Image.open(tmp_path / said[name])) for name in ("pictures", "samples"))
    assert pictures.shape == (2 * 10 - 2, 10 * 10 - 2)  # ten images of 8 pixels above ten, 2 pixels apart
    assert samples.shape == (4 * 10 - 2, 8 * 10 - 2)
    frame = frames.read_frame(tmp_path, said)
    assert frame.xy.shape == (60, 2) and frame.xy.dtype == np.float16 and frame.spread.shape == (3,)
    dots, flat = frames.read_dots(tmp_path)
    assert (dots.labels == digits[1].labels).all() and (dots.index == digits[1].index).all()
    assert dots.names == digits[1].label_names and flat == "pca" and dots.shown == 10


def test_two_latents_are_shown_as_they_are(digits, tmp_path):
    vae = model(2)
    said = recorder(vae, digits, tmp_path).record(vae, 0, 0.0)
    x = torch.from_numpy(digits[1].pixels.copy()).permute(0, 3, 1, 2).float() / 255
    assert frames.read_frame(tmp_path, said).xy == pytest.approx(vae.encode(x).mu.detach().numpy(), abs=1e-3)
    assert frames.read_dots(tmp_path)[1] == "codes"


def test_the_first_row_is_of_all_classes_and_stays_what_it_is(digits, tmp_path):
    made = recorder(model(), digits, tmp_path)
    files = [tmp_path / made.record(model(seed=seed), seed, 0)["pictures"] for seed in (0, 1)]
    shown = [np.asarray(Image.open(file)).astype(int) for file in files]
    assert (shown[0][:8] == shown[1][:8]).all() and (shown[0][10:] != shown[1][10:]).any()
    above, pixels = [shown[0][:8, left : left + 8] for left in range(0, 98, 10)], digits[1].pixels[..., 0].astype(int)
    rows = [np.flatnonzero(np.abs(pixels - one).max(axis=(1, 2)) <= 2)[0] for one in above]  # of 64 levels of grey
    assert sorted(digits[1].labels[rows]) == list(range(10))


def test_of_many_test_images_the_dots_are_spread_evenly(tmp_path):
    pixels = np.zeros((5000, 8, 8, 1), np.uint8)
    many = Images("sorted", "test", pixels, np.arange(5000) // 500, tuple("abcdefghij"))
    Recorder(model(), many, many, tmp_path, Settings())
    dots, _ = frames.read_dots(tmp_path)
    assert len(dots) == 2000 and np.bincount(dots.labels).tolist() == [200] * 10


def test_without_labels_the_attribute_that_parts_most_evenly_gives_the_colours():
    pixels, chance = np.zeros((40, 8, 8, 1), np.uint8), np.random.default_rng(0)
    yes_or_no = (chance.random((40, 2)) < (0.1, 0.5)).astype(np.float32)
    columns = np.column_stack([chance.random(40), yes_or_no]).astype(np.float32)
    images = Images("x", "test", pixels, attributes=columns, attribute_names=("age", "rare", "long_hair"))
    found = dots_of(images)
    assert found.title == "long hair" and found.names == ("no long hair", "long hair")
    assert (found.labels == columns[:, 2]).all()
    assert dots_of(Images("x", "test", pixels)).names == ("test images",)


@pytest.mark.parametrize("shape", [(3, 40, 40), (2, 8, 8), (5,)])
def test_every_kind_of_data_can_be_recorded(tmp_path, shape):
    chance = np.random.default_rng(0)
    pixels = chance.random((20, 5), np.float32)
    if len(shape) == 3:
        pixels = chance.integers(0, 256, (20, *shape[1:], shape[0]), np.uint8)
    test, vae = Images("own", "test", pixels), model(shape=shape)
    said = Recorder(vae, test, test, tmp_path, Settings()).record(vae, 0, 0)
    large = len(shape) == 3 and shape[1] > 32
    for name in ("pictures", "samples"):
        assert Image.open(io.BytesIO((tmp_path / said[name]).read_bytes())).format == ("JPEG" if large else "PNG")


# ---- and nothing else ----------------------------------------------------------------------------------------------


def test_it_draws_no_random_number_of_the_training_and_changes_nothing(digits, tmp_path):
    vae = model()
    vae.train()
    weights = {name: value.clone() for name, value in vae.state_dict().items()}
    torch.manual_seed(3)
    chance, numpy_chance = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    made = recorder(vae, digits, tmp_path)
    made.record(vae, 0, 0.0)
    assert (torch.get_rng_state() == chance).all()
    assert (np.random.get_state()[1] == numpy_chance).all()  # noqa: NPY002
    assert vae.training and all((vae.state_dict()[name] == value).all() for name, value in weights.items())
    assert all(value.grad is None for value in vae.parameters())


def test_done_again_after_a_resumption_it_leaves_the_same_files(digits, tmp_path):
    """In another process, without its memory, the map lies as it lay: on the frame before."""
    vaes = [model(5, seed) for seed in range(4)]
    first = recorder(vaes[0], digits, tmp_path)
    tags = [first.record(vae, 10 * step, step)["tag"] for step, vae in enumerate(vaes)]
    again = recorder(vaes[2], digits, tmp_path)
    assert [again.record(vaes[step], 10 * step, step)["tag"] for step in (2, 3)] == tags[2:]
    assert again.recorded(30) and not again.recorded(20)


def test_each_map_lies_on_the_one_before_it(digits, tmp_path):
    made = recorder(model(5), digits, tmp_path)
    maps = [frames.read_frame(tmp_path, made.record(model(5, seed), seed, seed)).xy for seed in range(4)]
    for before, now in zip(maps, maps[1:], strict=False):
        assert turn(now, before) == pytest.approx(now.astype(np.float32), abs=1e-2)


def test_a_model_that_broke_is_drawn_all_the_same(digits, tmp_path):
    vae = model()
    with torch.no_grad():
        vae.encoder.get_parameter(next(iter(dict(vae.encoder.named_parameters())))).fill_(float("nan"))
    said = recorder(vae, digits, tmp_path).record(vae, 0, 0.0)
    assert np.isfinite(frames.read_frame(tmp_path, said).xy).all()


def test_the_history_is_kept_beside_the_model(digits, tmp_path):
    from vae.train.events import EventLog

    run, kept = tmp_path / "run", tmp_path / "model"
    log, made = EventLog(run / "events.jsonl"), recorder(model(), digits, run)
    for step in (0, 10, 20):
        log.say("frame", **made.record(model(seed=step), step, step))
    log.say("resumed", step=10)
    log.say("frame", **made.record(model(seed=99), 30, 30))
    made.keep(kept)
    assert [frame.step for frame in history.load_history(kept).frames] == [0, 10, 30]
