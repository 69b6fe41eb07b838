"""What a browser fetches of a training: the right frames, once for all, and only what may be seen."""

import io
import json
import struct
import threading
import urllib.error
import urllib.parse
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from live import reels
from live.engine import Engine
from live.tickets import Tickets
from tests.core.histories import a_frame, a_history
from tests.live.conftest import build
from tests.live.test_socket import serving
from vae import frames, history
from vae.errors import VAEError
from vae.train.events import EventLog

RUN = "20260101-120000-abcdef"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that has said three frames."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))
    folder = tmp_path / "runs" / RUN
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    kept = a_history(frames=3)
    frames.write_dots(folder, kept.dots, kept.flat)
    log = EventLog(folder / "events.jsonl")
    log.say("start", epochs=3, steps=10, beta=1.0, rate=1e-3)
    for frame in kept.frames:
        log.say("frame", **frames.write_frame(folder, frame))
    yield SimpleNamespace(folder=folder, log=log, history=kept)
    with reels._lock:
        reels._made.clear()


@pytest.fixture(scope="module")
def port():
    """One server for all tests; each puts its own desk there."""
    with serving(lambda: desks[-1], lambda origin, host: True) as found:
        yield found


desks = []


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two models."""
    made = tmp_path_factory.mktemp("models")
    build(made / "kept", "noise", (1, 12, 12))
    build(made / "secret", "noise", (1, 12, 12), seed=2)
    return made


@pytest.fixture
def served(place, run, port):
    """A server with two models that were kept with their history; one may be seen. `get(path, token)`."""
    for name in ("kept", "secret"):
        history.save_history(place / name, run.history)
    engine, tickets = Engine((place,)), Tickets()
    entries = {entry.name: entry for entry in engine.models()}
    answers = SimpleNamespace(entry=lambda model_id: next(e for e in engine.models() if e.model_id == model_id))
    desks.append(SimpleNamespace(tickets=tickets, answers=answers))
    token = tickets.issue("ada", [entries["kept"].model_id])

    def get(path, token=token):
        address = f"http://127.0.0.1:{port}/base/live/{urllib.parse.quote(path, safe='/%,-')}"
        request = urllib.request.Request(address, headers={"X-Muscope-Token": token})
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return SimpleNamespace(status_code=answer.status, headers=answer.headers, content=answer.read())

    return SimpleNamespace(get=get, kept=entries["kept"], secret=entries["secret"])


def unpacked(body):
    """The frames of an answer: (head, x, y, pictures, samples), None for one that is gone."""
    found = []
    while body:
        (length,) = struct.unpack_from("<I", body)
        part, body = body[4 : 4 + length], body[4 + length :]
        found.append(one(part) if part else None)
    return found


def one(part):
    (length,) = struct.unpack_from("<I", part)
    head, at = json.loads(part[4 : 4 + length]), 4 + length
    columns = np.frombuffer(part, "<u2", 2 * head["count"], at).reshape(2, -1).astype(float)
    low, high = np.array(head["low"])[:, None], np.array(head["high"])[:, None]
    end = len(part) - head["samples"]
    return head, low + columns / 65535 * (high - low), part[end - head["pictures"] : end], part[end:]


def named(frames):
    return ",".join(f"{frame.step}-{frame.tag}" for frame in frames)


# ---- what comes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["run", "model"])
def test_frames_come_as_they_were_recorded_and_may_be_kept_for_ever(served, run, kind):
    name = RUN if kind == "run" else served.kept.model_id
    reply = served.get(f"reels/{kind}/{name}/frames/{named(run.history.frames[::-1])}")
    assert reply.status_code == 200 and "immutable" in reply.headers["cache-control"]
    found = unpacked(reply.content)
    for (head, places, pictures, samples), frame in zip(found, run.history.frames[::-1], strict=True):
        assert (head["step"], head["at"]) == (frame.step, frame.at)
        assert pytest.approx(frame.xy.astype(float), abs=1e-3) == places.T
        assert (pictures, samples) == (frame.pictures, frame.samples)
        away = np.hypot(*frame.xy.astype(np.float32).T)
        assert np.sort(away)[-2] <= head["reach"] <= away.max()


@pytest.mark.parametrize("kind", ["run", "model"])
def test_dots_come_with_their_classes_and_the_layout_of_the_pictures(served, run, kind):
    reply = served.get(f"reels/{kind}/{RUN if kind == 'run' else served.kept.model_id}/dots")
    (length,) = struct.unpack_from("<I", reply.content)
    head = json.loads(reply.content[4 : 4 + length])
    assert (head["names"], head["title"], head["count"]) == (["even", "odd"], "parity", 6)
    assert head["grids"] == {"pictures": [4, 2], "samples": [8, 4]} and len(head["colours"]) == 2
    assert reply.content[4 + length :] == bytes([0, 1] * 3)


@pytest.mark.parametrize("kind", ["run", "model"])
def test_curves_come_as_figures_and_are_kept_until_there_are_more(served, run, kind):
    run.log.say("epoch", epoch=1, at=1.0, step=10, recon_nll=90.0, kl=None, train_recon_nll=91.0, train_kl=4.0,
                kl_per_dim=[0.5, 2.0], active_units=1, beta=0.25, rate=1e-3, seconds=1.0)  # fmt: skip
    reel = reels.of_run(run.folder) if kind == "run" else reels.of_model(served.kept)
    reply = served.get(f"{reel.address}/curves/{reel.drawn}")
    assert "immutable" in reply.headers["cache-control"]
    found = json.loads(reply.content)
    if kind == "run":
        assert (found["at"], found["recon"], found["kl"], found["beta"]) == ([1.0], [90.0], [None], [0.25])
        assert found["training"] == [[1.0], [91.0], [4.0]]
        assert found["dims"] == {"names": [1, 0], "kl": [[2.0], [0.5]]} and found["latents"] == 2
    assert served.get(f"{reel.address}/curves/0-9.000").headers["cache-control"] == "no-store"


def test_the_curves_know_where_a_person_changed_something(run):
    run.log.say("change", step=15, epoch=2, beta=4.0, rate=1e-3)
    assert reels.of_run(run.folder).changes == ((1.5, "beta 4"),)
    run.log.say("change", step=18, epoch=2, beta=2.0, rate=5e-4)
    reel = reels.of_run(run.folder)
    assert reel.changes == ((1.5, "beta 4"), (1.8, "beta 2, rate 0.0005"))
    run.log.say("epoch", epoch=2, at=2.0, step=20, kl_per_dim=[1.0])
    assert json.loads(reels.curves_payload(reels.of_run(run.folder)))["changes"] == [list(one) for one in reel.changes]


def test_of_hundreds_of_latents_the_curves_have_the_strongest(run):
    values = [i / 100 for i in range(300)]
    run.log.say("epoch", epoch=1, at=1.0, kl_per_dim=values)
    found = json.loads(reels.curves_payload(reels.of_run(run.folder)))
    assert found["dims"]["names"] == list(range(299, 235, -1)) and found["latents"] == 300


def test_the_film_is_made_of_the_whole_history(served, run):
    film = Image.open(io.BytesIO(served.get(f"reels/run/{RUN}/film").content))
    assert film.format == "GIF" and film.n_frames == 3


def test_a_frame_that_is_gone_is_no_answer_to_be_kept(served, run):
    (run.folder / "frames" / "000000010.safetensors").unlink()
    reply = served.get(f"reels/run/{RUN}/frames/{named(run.history.frames)}")
    assert [frame is None for frame in unpacked(reply.content)] == [False, True, False]
    assert reply.headers["cache-control"] == "no-store"


def test_what_was_drawn_again_has_another_name_and_the_old_one_leads_nowhere(served, run):
    other = a_frame(20, seed=9)
    run.log.say("resumed", step=10)
    run.log.say("frame", **frames.write_frame(run.folder, other))
    old, new = (served.get(f"reels/run/{RUN}/frames/{named([one])}") for one in (run.history.frames[2], other))
    assert unpacked(old.content) == [None] and old.headers["cache-control"] == "no-store"
    assert unpacked(new.content)[0][3] == other.samples


# ---- who may ask, and for what -------------------------------------------------------------------------------------


def test_whoever_has_no_ticket_is_turned_away(served):
    for path in (f"reels/run/{RUN}/dots", f"reels/model/{served.kept.model_id}/dots"):
        assert served.get(path, token="guessed").status_code == 401


def test_another_visitors_model_is_not_shown(served):
    assert served.get(f"reels/model/{served.kept.model_id}/dots").status_code == 200
    assert served.get(f"reels/model/{served.secret.model_id}/dots").status_code == 403


@pytest.mark.parametrize(
    "path",
    ["reels/run/20260101-120000-000000/dots", "reels/run/../dots", "reels/run/..%2Fmodels/dots", "reels/run/x/dots",
     "reels/dog/20260101-120000-abcdef/dots", f"reels/run/{RUN}/frames/" + ",".join(["1-a"] * 101)],
)  # fmt: skip
def test_what_is_not_there_is_said_in_a_line(served, path):
    reply = served.get(path)
    assert reply.status_code == 404
    assert reply.headers.get("cache-control", "no-store") == "no-store"
    assert len(reply.content.splitlines()) == 1 and b"Traceback" not in reply.content


@pytest.mark.parametrize("wanted", ["x", "5", "0-", "../../run.json", "999999999999999999999-aa", "%00", "🙂"])
def test_a_strange_name_of_a_frame_is_one_that_is_not_there(served, wanted):
    reply = served.get(f"reels/run/{RUN}/frames/{wanted}")
    assert reply.status_code in (200, 404)
    assert b"safetensors" not in reply.content and reply.content[:4] in (b"\0\0\0\0", b"Not ")


# ---- read once for a class -----------------------------------------------------------------------------------------


def test_only_what_is_new_is_read_and_a_page_sees_it(run, monkeypatch):
    read = []
    real = reels.read_events
    monkeypatch.setattr(reels, "read_events", lambda path, since: read.append(since) or real(path, since))
    before = reels.of_run(run.folder)
    assert [shot.step for shot in before.shots] == [0, 10, 20]
    run.log.say("frame", **frames.write_frame(run.folder, a_frame(40)))
    after = reels.of_run(run.folder)
    assert [shot.step for shot in after.shots] == [0, 10, 20, 40]
    assert after != before and reels.of_run(run.folder) == after
    assert read[0] < read[1] == before.version


def test_thirty_who_watch_cost_one_reading_of_a_frame(run, monkeypatch):
    reads = []
    real = frames.read_frame
    monkeypatch.setattr(frames, "read_frame", lambda *given: reads.append(given) or real(*given))
    reel = reels.of_run(run.folder)
    names = [shot.name for shot in reel.shots]
    bodies = set()
    first = reels.frames_payload(reel, names)
    threads = [threading.Thread(target=lambda: bodies.add(reels.frames_payload(reel, names))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == {first} and len(reads) == 3


def test_another_run_in_the_same_place_is_told_anew(run):
    reels.of_run(run.folder)
    (run.folder / "events.jsonl").write_text('{"kind": "start"}\n')
    assert reels.of_run(run.folder).shots == ()


def test_a_run_that_has_only_begun_has_no_shots_and_no_dots(tmp_path):
    reel = reels.of_run(tmp_path / "nothing")
    assert reel.shots == () and len(reel.curves) == 0 and reel.training.shape == (3, 0)
    with pytest.raises(VAEError, match="no map to show yet"):
        _ = reel.dots


def test_the_training_is_told_step_by_step_until_a_few_epochs_are_done(run):
    ends = {"train_recon_nll": 1.0, "train_kl": 2.0, "kl_per_dim": [1.0]}
    run.log.say("step", step=1, step_total=1, at=0.1, recon_nll=5.0, kl=1.0)
    assert reels.of_run(run.folder).training.tolist() == [[np.float32(0.1)], [5.0], [1.0]]
    for number in (1, 2, 3):
        run.log.say("epoch", epoch=number, at=number, step=10 * number, **ends)
    assert reels.of_run(run.folder).training.tolist() == [[1, 2, 3], [1] * 3, [2] * 3]


def test_a_model_without_a_history_has_no_reel(served):
    (served.kept.folder / history.HISTORY).unlink()
    assert reels.of_model(served.kept) is None
    assert reels.of_model(served.secret).whole.flat == "pca"
