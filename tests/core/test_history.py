"""What a training leaves behind: it comes back as it was, whole or not at all, and says only what still holds."""

import json
from dataclasses import fields

import numpy as np
import pytest
from safetensors import safe_open

from tests.core.histories import a_frame, a_history
from vae import frames, history
from vae.checkpoint import HISTORY
from vae.frames import Dots, Frame
from vae.history import Curves, History


def same(one, other):
    for curve in fields(Curves):
        assert np.array_equal(getattr(one.curves, curve.name), getattr(other.curves, curve.name), equal_nan=True)
    for name in ("names", "title", "shown"):
        assert getattr(one.dots, name) == getattr(other.dots, name)
    assert (one.dots.index == other.dots.index).all() and (one.dots.labels == other.dots.labels).all()
    assert [frame.tag for frame in one.frames] == [frame.tag for frame in other.frames]
    assert [frame.at for frame in one.frames] == [frame.at for frame in other.frames]
    assert one.flat == other.flat
    return True


# ---- one file beside a model ---------------------------------------------------------------------------------------


def test_a_history_comes_back_as_it_was(tmp_path):
    kept = a_history()
    history.save_history(tmp_path, kept)
    assert same(history.load_history(tmp_path), kept)


def test_figures_that_were_not_finite_come_back_as_such(tmp_path):
    kept = a_history()
    kept.curves.test_kl[1] = np.nan
    history.save_history(tmp_path, kept)
    assert same(history.load_history(tmp_path), kept)


def test_the_file_is_open_to_any_reader_and_holds_no_program(tmp_path):
    history.save_history(tmp_path, a_history())
    with safe_open(tmp_path / HISTORY, framework="numpy") as file:
        assert file.get_tensor("frames.xy").shape == (4, 6, 2)
        assert json.loads(file.metadata()["facts"])["names"] == ["even", "odd"]


def test_two_thousand_dots_in_forty_frames_are_small(tmp_path):
    """Of the sizes that `mnist-2d` has: its pictures take 17 KB a frame."""
    shown = np.random.default_rng(0).integers(0, 256, 17_000, dtype=np.uint8).tobytes()
    frames = tuple(Frame(i, i, a_frame(i, 2000, 2).xy, np.ones(2, np.float32), shown, b"") for i in range(47))
    dots = Dots(np.arange(2000, dtype=np.int32), np.zeros(2000, np.int32), ("a",))
    history.save_history(tmp_path, History(a_history(latents=2).curves, dots, frames, "codes"))
    assert (tmp_path / HISTORY).stat().st_size < 1_250_000


def test_without_a_history_a_line_says_so(tmp_path, refused):
    with refused("has no history"):
        history.load_history(tmp_path)


@pytest.mark.parametrize("cut", [0, 5, 100, 600, -1])
def test_a_damaged_file_is_told_in_a_line(tmp_path, refused, cut):
    history.save_history(tmp_path, a_history())
    path = tmp_path / HISTORY
    path.write_bytes(path.read_bytes()[:cut])
    with refused("is damaged"):
        history.load_history(tmp_path)


def test_numbers_that_are_not_finite_are_damage(tmp_path, refused):
    kept = a_history()
    kept.frames[1].xy[0, 0] = np.inf
    history.save_history(tmp_path, kept)
    with refused("is damaged"):
        history.load_history(tmp_path)


def test_a_history_without_a_frame_is_not_kept(tmp_path, refused):
    kept = a_history()
    with refused("without a single frame"):
        history.save_history(tmp_path, History(kept.curves, kept.dots, (), "pca"))
    assert not (tmp_path / HISTORY).exists()


def test_frames_must_have_the_same_dots_and_follow_each_other(refused):
    kept = a_history()
    for given in ((a_frame(0), a_frame(10, dots=5)), (a_frame(10), a_frame(0)), (a_frame(10), a_frame(10))):
        with refused("The frames of a history must"):
            History(kept.curves, kept.dots, given, "pca")


def test_another_picture_has_another_tag():
    frame = a_frame(3)
    tags = {frame.tag}
    for name, value in (("step", 4), ("at", 9.0), ("xy", frame.xy + 1), ("spread", frame.spread * 2),
                        ("pictures", b"x"), ("samples", b"y")):  # fmt: skip
        columns = {one.name: getattr(frame, one.name) for one in fields(Frame)} | {name: value}
        tags.add(Frame(**columns).tag)
    assert len(tags) == 7
    assert a_frame(3).tag == frame.tag


# ---- a run's folder ------------------------------------------------------------------------------------------------


def epoch(number, **more):
    return {"kind": "epoch", "epoch": number, "at": number, "step": 10 * number, "recon_nll": 90.0 - number, "kl": 5.0,
            "train_recon_nll": 95.0, "train_kl": 4.0, "kl_per_dim": [3.0, 2.0], "active_units": 2, "beta": 1.0,
            "rate": 1e-3, "seconds": 2.0 * number} | more  # fmt: skip


def test_the_curves_are_those_of_the_epochs():
    curves = history.curves_of([{"kind": "start"}, epoch(1), epoch(2, active_units=1), epoch(3, kl=None)])
    assert curves.at.tolist() == [1, 2, 3] and curves.test_recon.tolist() == [89, 88, 87]
    assert curves.active_units.tolist() == [2, 1, 2] and curves.seconds.tolist() == [2, 4, 6]
    assert curves.kl_per_dim.tolist() == [[3, 2]] * 3
    assert np.isnan(curves.test_kl[2])
    assert len(history.curves_of([])) == 0


def test_the_strongest_latents_are_those_that_ever_carried_something():
    rows = [[0.0, 9.0, 0.0, 1.0], [5.0, 0.1, 0.0, 2.0]]
    curves = history.curves_of([epoch(i + 1, kl_per_dim=row) for i, row in enumerate(rows)])
    assert curves.strongest(4) == [0, 3, 1, 2]
    assert curves.strongest(2) == [0, 1]  # one that died is seen to die
    assert history.curves_of([]).strongest(4) == []


def test_a_training_in_its_first_epochs_is_told_step_by_step():
    steps = [
        {"kind": "step", "at": i / 100, "recon_nll": 200.0 - i, "kl": None if i == 3 else 1.0} for i in range(1000)
    ]
    at, recon, kl = history.training_of(steps, most=50)
    assert 40 <= len(at) <= 50 and at[-1] == pytest.approx(9.99) and recon[-1] == -799
    assert (np.diff(at) > 0).all() and np.isfinite(kl).all()
    assert history.training_of([]).shape == (3, 0)


def test_a_run_leaves_the_history_that_it_told(tmp_path):
    kept = a_history()
    frames.write_dots(tmp_path, kept.dots, "pca")
    events = [{"kind": "frame", **frames.write_frame(tmp_path, frame)} for frame in kept.frames]
    found = history.history_of_run(tmp_path, [epoch(1), *events])
    assert [frame.tag for frame in found.frames] == [frame.tag for frame in kept.frames]
    assert found.dots.title == "parity" and found.flat == "pca" and len(found.curves) == 1
    assert [event["tag"] for event in events] == [frame.tag for frame in kept.frames]


def test_a_frame_said_twice_is_one_and_a_damaged_one_is_left_out(tmp_path):
    kept = a_history()
    frames.write_dots(tmp_path, kept.dots, "pca")
    events = [{"kind": "frame", **frames.write_frame(tmp_path, frame)} for frame in kept.frames]
    (tmp_path / "frames" / events[2]["frame"]).write_bytes(b"")
    found = history.history_of_run(tmp_path, [*events, events[1]])
    assert [frame.step for frame in found.frames] == [0, 10, 30]


def test_a_run_without_frames_says_so(tmp_path, refused):
    with refused("no map to show yet"):
        history.history_of_run(tmp_path, [])


def test_a_frame_named_elsewhere_is_not_read_there(tmp_path, refused):
    """Events are a file like any other: a name in them must not lead out of the run's folder."""
    inside, outside = tmp_path / "run", tmp_path / "secret.png"
    outside.write_bytes(a_frame(0).pictures)
    said = frames.write_frame(inside, a_frame(0))
    with refused("cannot be read"):
        frames.read_frame(inside, said | {"pictures": "../secret.png"})


def test_the_map_before_a_step_is_the_newest_before_it(tmp_path):
    kept = a_history()
    for frame in kept.frames:
        frames.write_frame(tmp_path, frame)
    assert (frames.map_before(tmp_path, 25, 6) == kept.frames[2].xy).all()
    assert (frames.map_before(tmp_path, 20, 6) == kept.frames[1].xy).all()
    assert frames.map_before(tmp_path, 0, 6) is None
    assert frames.map_before(tmp_path, 25, 7) is None  # other dots
    assert frames.map_before(tmp_path / "nowhere", 25, 6) is None


def test_a_frame_leaves_no_half_file(tmp_path, monkeypatch, refused):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vae.frames.os.replace", full)
    with refused("The disk is full"):
        frames.write_frame(tmp_path, a_frame(0))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
