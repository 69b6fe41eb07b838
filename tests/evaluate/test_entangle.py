"""What directions do to pictures: a decoder that is known, a reader that reads exactly, and readers that learn."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score, roc_auc_score
from torch import nn

from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data import faces
from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.moves import regressors
from vae.evaluate.moves.entangle import Entangled, of_readers
from vae.evaluate.moves.regressors import Reader, Traits, faces_apart, reader_for, scores_of, train_reader, traits_of
from vae.evaluate.moves.settled import Scene, changes, seen, settled
from vae.evaluate.suites import function_of
from vae.files import finite
from vae.model import VAE
from vae.posterior import Posterior

NAMES = ("hat", "glasses", "tone")
STEEP = 4.0  # how steeply a block of the picture follows its number


class Blocks(VAE):
    """A picture of 8 x 8 pixels in three rows of blocks, each following one number of the code, and `coupled` ones.

    It is read without the coupling, so that what is coupled shows in decoded pictures and not in the codes.
    """

    def __init__(self, coupled=()):
        super().__init__(Config(shape=(1, 9, 9), latent_dim=3, encoder_sizes=(4,), decoder_sizes=(4,)))
        self.mix = torch.eye(3)
        for into, out_of, share in coupled:
            self.mix[into, out_of] = share

    def encode(self, x):
        mu = torch.logit(x.reshape(len(x), 3, 27).mean(dim=2).clamp(0.004, 0.996)) / STEEP
        return Posterior(mu, torch.zeros_like(mu))

    def decode(self, z):
        return torch.sigmoid(STEEP * z @ self.mix.T)[:, :, None].expand(-1, 3, 27).reshape(-1, 1, 9, 9)


class Exact(nn.Module):
    """Reads the brightness of each block: half of it is the border of a yes or no."""

    def forward(self, x):
        bright = x.reshape(len(x), 3, 27).mean(dim=2)
        return torch.cat([12 * (bright[:, :2] - 0.5), bright[:, 2:]], dim=1)


def exact(weak=()):
    scores = np.array([0.2 if name in weak else 1.0 for name in NAMES])
    binary = np.array([True, True, False])
    return Reader((Exact(),), NAMES, binary, np.zeros(3), np.ones(3), scores, np.array([0.99, 0.99, 1.0]))


def pictures(count, seed, split="train", along=0.85):
    """Hats and glasses that go together, and a tone of their own."""
    chance = np.random.default_rng(seed)
    hat = chance.random(count) < 0.5
    glasses = chance.random(count) < np.where(hat, along, 1 - along)
    tone = chance.random(count)
    yes = np.column_stack([hat, glasses]) * 2.0 - 1
    bright = np.column_stack([1 / (1 + np.exp(-STEEP * 0.7 * (yes + 0.3 * chance.normal(size=yes.shape)))), tone])
    pixels = np.repeat((255 * bright + 0.5).astype(np.uint8), 27, axis=1).reshape(-1, 9, 9, 1)
    values = np.column_stack([hat, glasses, tone]).astype(np.float32)
    return Images(name="blocks", split=split, pixels=pixels, attributes=values, attribute_names=NAMES)


def model(coupled, folder="nowhere"):
    return Checkpoint(Blocks(coupled).eval().requires_grad_(False), {}, "0" * 16, folder)


@pytest.fixture(scope="module")
def found():
    train, test = pictures(2500, 0), pictures(500, 1, "test")
    return of_readers(model([(2, 1, 0.25)]), train, test, exact(), exact(), seed=0)


# ---- the matrix ----------------------------------------------------------------------------------------------------


def test_what_goes_together_in_the_data_comes_along_and_the_lock_in_codes_takes_it_out(found):
    assert found.share("glasses") > 0.8
    assert found.spills("glasses")["hat"] > 0.9
    assert abs(found.spills("glasses", "locked")["hat"]) < 0.1
    assert found.share("glasses", "locked") > 0.9 * found.share("glasses")


def test_what_only_the_decoder_mixes_the_lock_in_codes_leaves_and_the_lock_in_pictures_takes_out(found):
    before, codes, shown = (found.spills("glasses", way)["tone"] for way in ("effect", "locked", "settled"))
    assert before > 0.3 and codes > 0.3
    assert abs(shown) < 0.3 * before
    assert abs(found.spills("glasses", "settled")["hat"]) < 0.1
    assert found.share("glasses", "settled") > 0.9 * found.share("glasses")


def test_an_effect_is_counted_towards_the_step_in_standard_deviations():
    train, test = pictures(2500, 0), pictures(500, 1, "test")
    values, reader, plain = test.attributes, exact(), model(())
    alone = of_readers(plain, train, test, reader, reader, only=["tone"])
    step = np.array(alone.steps["effect"][0])
    upper, lower = (values[:, 2] >= np.quantile(values[:, 2], 2 / 3), values[:, 2] <= np.quantile(values[:, 2], 1 / 3))
    mu = plain.vae.encode(torch.from_numpy(test.pixels / np.float32(255)).permute(0, 3, 1, 2)).mu.numpy()
    tones = []
    for rows, sign in ((upper, -1), (lower, 1)):
        bright = 1 / (1 + np.exp(-STEEP * mu[rows, 2])), 1 / (1 + np.exp(-STEEP * (mu[rows, 2] + sign * step[2])))
        tones.append(sign * (bright[1] - bright[0]))
    wanted = np.concatenate(tones).mean() / values[:, 2].std()
    assert alone.effect[0][2] == pytest.approx(wanted, rel=1e-3)
    gap = values[upper, 2].mean() - values[lower, 2].mean()
    assert alone.gap[0] == pytest.approx(gap / values[:, 2].std(), rel=1e-4)
    assert alone.scatter[0][2] == pytest.approx(np.concatenate(tones).std() / values[:, 2].std(), rel=1e-3)
    assert alone.low[0][2] < alone.effect[0][2] < alone.high[0][2]


def test_it_says_itself_and_comes_back_from_json(found):
    kept = json.loads(json.dumps(finite(found.to_json())))
    assert Entangled.from_json(kept | {"model_id": "0"}) == found
    text = "\n".join(found.lines())
    assert "glasses" in text and "of the real gap; brings hat +" in text and "locked in pictures" in text
    with pytest.raises(VAEError, match="another version"):
        Entangled.from_json({"attributes": []})


def test_what_is_read_weakly_is_neither_settled_nor_told():
    train, test = pictures(1500, 0), pictures(300, 1, "test")
    reader = exact(weak=("tone",))
    seen_weakly = of_readers(model(()), train, test, reader, reader, only=["tone", "hat"])
    assert math.isnan(seen_weakly.share("tone", "settled"))
    assert "tone" not in seen_weakly.spills("hat") and seen_weakly.weak == (False, False, True)
    again = Entangled.from_json(json.loads(json.dumps(finite(seen_weakly.to_json()))))
    assert math.isnan(again.share("tone", "settled"))
    assert "read too weakly to be believed: tone" in again.lines()


def test_two_attributes_that_are_one_cannot_be_locked_apart():
    train, test = pictures(1500, 0, along=1.0), pictures(300, 1, "test", along=1.0)
    same = of_readers(model(()), train, test, exact(), exact(), only=["hat"])
    assert math.isnan(same.share("hat", "locked")) and same.share("hat") > 0.8


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"only": ["scarf"]}, "“scarf” is none of the attributes: choose hat, glasses, tone"),
        ({"images": 20}, "at least 100 held-out images, and there are 20"),
    ],
)
def test_what_cannot_be_measured_is_one_line(change, line):
    with pytest.raises(VAEError, match=line):
        of_readers(model(()), pictures(300, 0), pictures(300, 1, "test"), exact(), exact(), **change)


def test_an_attribute_with_too_few_images_has_no_direction_of_its_own():
    train, test = pictures(300, 0), pictures(300, 1, "test")
    values = test.attributes.copy()
    values[:, 0] = np.arange(300) < 3
    found = of_readers(model(()), train, replace(test, attributes=values), exact(), exact())
    assert found.directions == ("glasses", "tone") and found.attributes == NAMES


def test_the_suite_has_a_name():
    assert function_of("directions").__name__ == "measure_directions"


# ---- the lock in pictures ------------------------------------------------------------------------------------------


def test_of_a_linear_decoder_the_settled_step_is_the_one_that_can_be_worked_out():
    class Linear(Blocks):
        def decode(self, z):
            return (0.5 + 0.05 * z @ self.mix.T)[:, :, None].expand(-1, 3, 27).reshape(-1, 1, 9, 9)

    class Straight(nn.Module):
        def forward(self, x):
            return x.reshape(len(x), 3, 27).mean(dim=2)

    reader = Reader((Straight(),), NAMES, np.zeros(3, bool), np.zeros(3), np.ones(3), np.ones(3), np.ones(3))
    vae = Linear([(1, 0, 0.5), (2, 0, -0.3)]).eval().requires_grad_(False)
    scene = Scene(vae, reader, np.full(3, 0.05))
    chance = np.random.default_rng(0)
    mu, sides, plain = chance.normal(size=(400, 3)), np.where(chance.random(400) < 0.5, 1, -1), np.array([1.0, 0, 0])
    own = np.array([True, False, False])
    step = settled(scene, mu, sides, plain, plain, own, np.ones(3, bool), chance)
    np.testing.assert_allclose(step, [1, -0.5, 0.3], atol=0.01)
    each = changes(scene, mu, seen(scene, mu), -sides.astype(float), step)
    np.testing.assert_allclose(each.mean(axis=0), [1, 0, 0], atol=0.01)


# ---- readers -------------------------------------------------------------------------------------------------------


def test_scores_are_scikit_learns():
    chance = np.random.default_rng(0)
    truth = np.column_stack([chance.random(300) < 0.3, chance.normal(size=300), np.ones(300)]).astype(float)
    said = truth * (0.5, 0.8, 1) + 0.4 * chance.normal(size=(300, 3)).round(1)
    scores, slope = scores_of(said, truth, [True, False, True])
    assert scores[0] == pytest.approx(roc_auc_score(truth[:, 0], said[:, 0]))
    assert scores[1] == pytest.approx(r2_score(truth[:, 1], said[:, 1]))
    assert slope[1] == pytest.approx(np.polyfit(truth[:, 1], said[:, 1], 1)[0])
    assert slope[0] == pytest.approx(said[truth[:, 0] == 1, 0].mean() - said[truth[:, 0] == 0, 0].mean())
    assert math.isnan(scores[2]) and math.isnan(slope[2])


def test_a_reader_learns_what_shows_and_says_what_it_cannot_read(monkeypatch):
    monkeypatch.setattr(regressors, "COMMITTEE", 1)
    chance = np.random.default_rng(3)
    train, test = pictures(320, 0, along=0.5), pictures(150, 1, "test", along=0.5)
    hidden = [np.column_stack([one.attributes, chance.random(len(one)) < 0.5]) for one in (train, test)]
    train, test = (
        replace(one, attributes=values.astype(np.float32), attribute_names=(*NAMES, "secret"))
        for one, values in zip((train, test), hidden, strict=True)
    )
    reader = train_reader(train.pixels, traits_of(train), test, epochs=10)
    assert reader.scores[:2].min() > 0.97 and reader.scores[2] > 0.7
    assert reader.weak.tolist() == [False, False, False, True]


def test_a_reader_is_the_seeds_and_its_committee_the_mean():
    train = pictures(64, 0)
    once, twice, other = (
        train_reader(train.pixels, traits_of(train), train, epochs=1, seed=seed) for seed in (4, 4, 5)
    )
    assert (twice.scores == once.scores).all() and (other.scores != once.scores).any()
    x = torch.rand(3, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    alone = [replace(once, networks=(network,)).read(x) for network in once.networks]
    assert len(alone) == 2 and (alone[0] != alone[1]).any()
    np.testing.assert_allclose(once.read(x), np.mean(alone, axis=0), rtol=1e-6)


def test_faces_for_the_reader_are_drawn_apart_and_each_feature_by_itself():
    pixels, traits = faces_apart(210, 0)
    assert pixels.shape == (210, 64, 64, 3) and traits.names == faces.ATTRIBUTE_NAMES
    assert abs(np.corrcoef(traits.values.T) - np.eye(len(traits.names))).max() < 0.25
    assert traits.binary.sum() == 5
    known = {
        face
        for fair in (False, True)
        for split in ("train", "test")
        for face in faces.factors(split, range(2000), fair)
    }
    rows = {tuple(row) for row in faces.attributes(list(known)).tolist()}
    assert not rows & {tuple(row) for row in traits.values.tolist()}
    other, _ = faces_apart(5, 1)
    again, _ = faces_apart(5, 0)
    assert (again == pixels[:5]).all() and not (other == pixels[:5]).all()


def test_labels_are_read_where_there_are_no_attributes():
    labels = np.array([0, 2, 1, 2])
    images = Images("x", "train", np.zeros((4, 8, 8, 1), np.uint8), labels=labels, label_names=("a", "b", "c"))
    traits = traits_of(images)
    assert traits.names == ("a", "b", "c") and traits.values[:, 2].tolist() == [0, 1, 0, 1] and traits.binary.all()
    with pytest.raises(VAEError, match="neither attributes nor labels"):
        traits_of(replace(images, labels=None, label_names=()))


def test_rows_of_numbers_are_no_pictures():
    flat = Images(
        "t", "train", np.zeros((9, 4), np.float32), attributes=np.eye(9, 1, dtype=np.float32), attribute_names=("a",)
    )
    with pytest.raises(VAEError, match="Only pictures can be read"):
        reader_for("t", flat, flat)
    assert isinstance(traits_of(flat), Traits)
