"""The suite "samples": the judge that ships, and what is measured of samples with it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data import Images
from vae.errors import VAEError
from vae.evaluate.pictures import quality
from vae.evaluate.pictures.judge import JUDGED, has_judge, load_judge
from vae.evaluate.pictures.judge.classifier import FOLDER, Classifier
from vae.evaluate.pictures.quality import decoded, draw_codes, judged, measure_samples, reference
from vae.model import VAE


def strokes(count, split, seed):
    """28x28 pictures of one thick stroke each, upright or level: something to tell apart, and quick to draw."""
    chance = np.random.default_rng(seed)
    pixels = np.zeros((count, 28, 28, 1), np.uint8)
    labels = chance.integers(0, 2, count)
    for picture, label in zip(pixels, labels, strict=True):
        at, start = chance.integers(6, 19, 2)
        part = picture[at : at + 3, start - 4 : start + 6] if label else picture[start - 4 : start + 6, at : at + 3]
        part[:] = chance.integers(128, 255)
    return Images("mnist", split, pixels, labels.astype(np.int64), tuple("0123456789"))


@pytest.fixture(scope="module")
def data():
    return strokes(160, "train", 0), strokes(120, "test", 1)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    """Untrained, but for a decoder that lays strokes over each other."""
    vae = VAE(Config(shape=(1, 28, 28), latent_dim=3, encoder_sizes=(16,), decoder_sizes=(16,)), seed=1)
    vae.eval().requires_grad_(False)
    vae.decoder.out.weight[:] = 20 * torch.tensor(data[0].pixels[:16]).flatten(1).T / 255  # (784, 16)
    vae.decoder.out.bias[:] = -4
    return Checkpoint(vae, {}, "0" * 16, tmp_path_factory.mktemp("model"))


# ---- the judge -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", JUDGED)
def test_each_judge_is_small_and_says_where_it_comes_from(name):
    judge = load_judge(name)
    assert (FOLDER / f"{name}.safetensors").stat().st_size < 300_000
    assert judge.card["accuracy"] > (0.985 if name == "mnist" else 0.885)
    assert judge.card["recognised"] == pytest.approx(0.95, abs=0.02)
    assert judge.card["command"].startswith(f"python -m tools.train_judge {name} ")
    assert judge.card["weights"] == sum(weight.numel() for weight in Classifier().parameters())
    assert "credit" in judge.card and len(judge.card["classes"]) == 10


@pytest.mark.parametrize("name", JUDGED)
def test_a_judge_recognises_nothing_in_noise_or_in_an_empty_picture(name):
    noise = torch.rand(200, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    looks = load_judge(name).look(torch.cat([noise, torch.zeros(1, 1, 28, 28)]))
    assert looks.recognised.float().mean() < 0.05
    assert torch.allclose(looks.probabilities.sum(dim=1), torch.ones(201), atol=1e-5)
    assert looks.features.shape == (201, 64)
    assert torch.pdist(looks.features).min() > 1e-3, "what is none is not all the same to it"


def test_recognised_means_as_sure_as_of_real_images():
    judge = load_judge("mnist")
    looks = judge.look(torch.rand(600, 1, 28, 28, generator=torch.Generator().manual_seed(0)) ** 9)
    best = looks.probabilities.amax(dim=1)
    assert torch.equal(looks.recognised, best >= judge.sure)
    assert torch.equal(looks.probabilities.gather(1, looks.label[:, None])[:, 0], best)


def test_what_it_looks_at_is_clipped_and_batches_change_nothing():
    judge, x = load_judge("mnist"), torch.zeros(3, 1, 28, 28)
    for row in range(3):
        x[row, :, 4:24, 12 + row : 15 + 2 * row] = 1
    looks = judge.look(x)
    assert looks.label[0] == 1 and (looks.features > 0).any(dim=1).all()
    assert torch.equal(judge.look(7 * x - 5 * (1 - x)).features, looks.features)
    many = judge.look(x.repeat(200, 1, 1, 1))  # more than one batch
    assert torch.allclose(many.features[-3:], looks.features, atol=1e-4)


def test_data_without_a_judge_and_pictures_of_another_size_are_refused():
    assert has_judge("mnist") and not has_judge("sprites") and not has_judge("folder:/tmp/mnist")
    for name in ("sprites", "folder:/tmp/mnist"):
        with pytest.raises(VAEError, match="No judge ships for"):
            load_judge(name)
    with pytest.raises(VAEError, match="looks at pictures of shape"):
        load_judge("mnist").look(torch.zeros(2, 1, 8, 8))


@pytest.mark.parametrize("name", JUDGED)
def test_the_card_is_true_of_a_part_of_the_test_set(name):
    from vae.batches import as_x, stored
    from vae.data import load, on_machine

    if not on_machine(name):
        pytest.skip(f"{name} is not on this machine")
    judge, test = load_judge(name), load(name, "test", limit=1000)
    looks = judge.look(as_x(stored(test)))
    assert (looks.label.numpy() == test.labels).mean() == pytest.approx(judge.card["accuracy"], abs=0.02)
    one, two = as_x(stored(test.take(slice(0, 999)))), as_x(stored(test.take(slice(1, 1000))))
    other = torch.tensor(test.labels[:-1] != test.labels[1:])
    blends = judge.look(0.5 * one + 0.5 * two).recognised[other].float().mean()
    assert blends == pytest.approx(judge.card["blends"], abs=0.05)
    assert name != "mnist" or blends < 0.1, "two digits over each other are none"


# ---- what is measured ----------------------------------------------------------------------------------------------


def test_real_images_judged_against_themselves_are_perfect(data):
    train, test = data
    real = reference(train, test, 120, torch.Generator().manual_seed(0))
    x = torch.tensor(test.pixels).permute(0, 3, 1, 2) / 255
    found = judged(x, real)
    assert found.frechet == pytest.approx(0, abs=1e-3)
    assert (found.precision, found.recall, found.pictures) == (1, 1, 120)
    assert found.sharpness == pytest.approx(1)


def test_copies_of_training_images_are_called_so(data):
    train, test = data
    real = reference(train, test, 120, torch.Generator().manual_seed(0))
    x = torch.tensor(train.pixels).permute(0, 3, 1, 2)[:100] / 255
    assert judged(x, real).copied > 0.3
    assert judged(x, real, made_of_test=True).copied is None


def test_blur_is_less_sharp_and_farther_away(data):
    train, test = data
    real = reference(train, test, 120, torch.Generator().manual_seed(0))
    x = torch.tensor(test.pixels).permute(0, 3, 1, 2) / 255
    blur = judged(torch.nn.functional.avg_pool2d(x, 5, stride=1, padding=2), real)
    assert blur.sharpness < 0.5
    assert blur.frechet > 1


@pytest.fixture
def quick(monkeypatch):
    """Priors that cost nothing: what is judged is the suite, not their fit."""
    seen = []

    class Constant:
        def __init__(self, codes):
            self.mean = codes.mean(dim=0)

        def sample(self, n, generator):
            return self.mean + torch.randn(n, len(self.mean), generator=generator)

    def fit(kind, codes, generator, progress):
        seen.append((kind, codes.clone()))
        progress(1, 1)
        return Constant(codes)

    monkeypatch.setattr(quality, "fit_prior", fit)
    return seen


def test_the_suite_measures_each_place_with_each_seed(model, data, quick):
    stages = []

    def stage(what):
        stages.append(what)
        return lambda done, total: None

    found = measure_samples(model, *data, seeds=2, stage=stage)
    assert [source.name for source in found.sources] == ["N(0, I)", "mixture", "diffusion"]
    assert [kind for kind, _ in quick] == ["mixture", "diffusion"] * 2
    assert all(codes.shape == (160, 3) for _, codes in quick), "priors learn from training images"
    assert not torch.equal(quick[0][1], quick[2][1]), "each seed draws its own codes"
    assert (found.pictures, found.seeds, found.judge) == (120, 2, "mnist")
    values = found.sources[0].values("frechet")
    kept = json.loads(json.dumps(found.to_json(), allow_nan=False))
    first = kept["sources"][0]["frechet"]
    assert first["values"] == list(values) and values[0] != values[1]
    assert first["mean"] == pytest.approx(sum(values) / 2)
    assert first["sd"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert kept["sources"][0]["fit_seconds"]["mean"] == 0
    assert any("seed 2 of 2" in what for what in stages)
    assert len(found.lines()) == 7 and all("\n" not in line for line in found.lines())


def test_a_model_that_copies_is_warned_of(model, data, quick):
    found = measure_samples(model, *data, seeds=1, kinds=())
    assert not any("copies of training" in line for line in found.lines())
    source = replace(found.sources[0], quality=(replace(found.sources[0].quality[0], copied=0.4),))
    assert "40 in 100 beyond chance" in replace(found, sources=(source,)).lines()[-1]


def test_the_same_seed_gives_the_same_figures(model, data, quick):
    def figures(seed):
        found = measure_samples(model, *data, seeds=1, seed=seed)
        return [source.quality for source in found.sources], found.train_images, found.reconstructions

    assert figures(3) == figures(3)
    assert figures(3)[0] != figures(4)[0]


def test_codes_are_drawn_and_decoded_in_order(model, data):
    z = draw_codes(model.vae, data[0], torch.Generator().manual_seed(0))
    assert z.shape == (160, 3) and not z.is_inference()
    x = decoded(model.vae, z)
    assert torch.allclose(x[5:6], model.vae.decode(z[5:6]), atol=1e-5)
    spread = z - model.vae.encode(torch.tensor(data[0].pixels).permute(0, 3, 1, 2) / 255).mu
    assert spread.std() > 0.1, "draws of q, not mu"


def test_what_cannot_be_measured_is_one_plain_line(model, data):
    train, test = data
    for images in (121, 0, -1):
        with pytest.raises(VAEError, match="ask for 1 to 120"):
            measure_samples(model, train, test, images=images)
    with pytest.raises(VAEError, match="more than 64"):
        measure_samples(model, train, test.take(slice(50)))
    with pytest.raises(VAEError, match="at least one"):
        measure_samples(model, train.take(slice(0)), test)
    other = Images("sprites", "test", test.pixels)
    with pytest.raises(VAEError, match="No judge ships for sprites"):
        measure_samples(model, other, other)
    with pytest.raises(VAEError, match="shape"):
        measure_samples(model, train, Images("digits", "test", np.zeros((90, 8, 8, 1), np.uint8)))


@pytest.mark.gpu
def test_a_model_on_a_gpu_is_measured_as_on_a_cpu(model, data):
    vae = VAE(model.config, seed=1)
    vae.load_state_dict(model.vae.state_dict())
    far = replace(model, vae=vae.eval().requires_grad_(False).to("cuda"))
    here, there = (measure_samples(each, *data, seeds=1, kinds=("mixture",)) for each in (model, far))
    assert here.sources[0].values("frechet") == pytest.approx(there.sources[0].values("frechet"), rel=0.01)
