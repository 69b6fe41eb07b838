"""Rows of a long benchmark: done once, done again when what they depend on changes; the baselines, and the pages."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks.representations import collapse, oneclass, probes, rows, sprites
from vae.evaluate.strange.detection import auroc


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "ROWS", tmp_path / "rows")


def test_a_row_is_measured_once_and_again_for_other_settings():
    asked = []

    def measure():
        asked.append(1)
        return {"value": 0.5}

    task = oneclass.task_of("mnist", 3, epochs=4, seed=0)
    assert rows.kept(task) is None
    first = rows.row_of(task, measure)
    assert first["value"] == 0.5 and first["seconds"] >= 0
    assert rows.row_of(task, measure) == first == rows.kept(task) and len(asked) == 1
    rows.row_of(oneclass.task_of("mnist", 3, epochs=5, seed=0), measure)
    assert len(asked) == 2
    assert rows.kept(task) is None  # another has taken its place


def test_all_names_of_a_seed_come_before_the_next_seed():
    asked = []

    def measure(task):
        asked.append(task.name)
        return {"value": len(asked)}

    found = rows.rows_of(("as", "heavy"), 2, lambda name, seed: collapse.task_of(name, seed, 1), measure)
    assert asked == ["collapse-as-0", "collapse-heavy-0", "collapse-as-1", "collapse-heavy-1"]
    assert {name: [row["value"] for row in of] for name, of in found.items()} == {"as": [1, 3], "heavy": [2, 4]}


def test_baselines_tell_what_is_far_and_those_of_length_one_do_not_care_for_ink():
    chance = np.random.default_rng(0)
    own = np.abs(chance.normal(size=(200, 3)) @ chance.normal(size=(3, 60))).astype(np.float32)
    strange = np.abs(chance.normal(size=(80, 60))).astype(np.float32)
    found = oneclass.baselines(own, np.concatenate([own[:80] * 0.1, strange * 0.1]))
    assert set(found) == set(oneclass.BASELINES)
    areas = {name: auroc(values[:80], values[80:]) for name, values in found.items()}
    assert areas["unit_knn"] == 1 and areas["unit_knn"] > areas["knn"]


def score(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def test_pages_say_what_the_rows_say():
    asked = Namespace(seeds=1, epochs=2, data="mnist", device="cpu")
    of = [
        {
            "task": oneclass.task_of("mnist", digit, 2, 0).to_json(),
            "auroc": dict.fromkeys(oneclass.NAMES, 0.9 + digit / 100),
            "baselines": dict.fromkeys(oneclass.BASELINES, 0.8),
            "seconds": 1.0,
        }
        for digit in range(10)
    ]
    assert "| reconstruction error | 0.945 | 0.900 |" in oneclass._page(asked, of)
    lead = {"what": "label", "probe": "linear", "measure": "accuracy", "score": score(-0.02)}
    read = [{"probe": "linear", "space": space, "score": score(0.9)} for space in ("mu", "pca", "pixels")]
    row = {"task": probes.task_of("mnist", 5, 2, 0).to_json(), "read": read, "leads": [lead], "seconds": 1.0}
    page = probes._page(asked, [row])
    assert "it is in 0 of 1" in page and "| mnist | 5 | linear | 90.00% |" in page
    made = {
        name: [
            {
                "scores": dict.fromkeys(sprites.NAMES, 0.1 + seed / 100),
                "recon_nll": 5,
                "kl": 9,
                "active": 8,
                "seconds": 1,
            }
            for seed in range(5)
        ]
        for name in sprites.METHODS
    }
    page = sprites._page(asked, made)
    assert "0.120 (0.110 to 0.130)" in page and "overlap" in page
    made["tc"] = [dict(row, scores=dict.fromkeys(sprites.NAMES, 0.5)) for row in made["tc"]]
    assert "disjoint" in sprites._page(asked, made)
    figures = {"active": 0, "kl": 0.0, "recon_mse": 0.07, "knn_accuracy": 0.1, "seconds": 1.0}
    assert "as it is | 784 | 0 |" in collapse._page(asked, {name: [figures] for name in collapse.CURES})
