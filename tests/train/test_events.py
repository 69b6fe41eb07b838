"""The file between a trainer and whoever watches."""

import json

import pytest

from vae.errors import VAEError
from vae.train.events import EventLog, read_events


def test_what_is_said_is_read_and_reading_goes_on_where_it_stopped(tmp_path):
    log = EventLog(tmp_path / "run" / "events.jsonl")
    log.say("start", data="folder:/été\u2028x")
    events, place = read_events(log.path)
    assert events == [{"kind": "start", "data": "folder:/été\u2028x"}]
    assert read_events(log.path, place) == ([], place)
    log.say("step", step=1)
    log.say("step", step=2)
    more, end = read_events(log.path, place)
    assert [event["step"] for event in more] == [1, 2]
    assert end == log.path.stat().st_size


def test_a_line_still_being_written_waits(tmp_path):
    path = tmp_path / "events.jsonl"
    whole = b'{"kind": "epoch", "epoch": 1}\n'
    path.write_bytes(whole + b'{"kind": "ep')
    events, place = read_events(path)
    assert len(events) == 1 and place == len(whole)
    with path.open("ab") as file:
        file.write(b'och", "epoch": 2}\n')
    assert read_events(path, place)[0] == [{"kind": "epoch", "epoch": 2}]


def test_a_damaged_line_hides_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"kind": "start"}\n{"ki\n12\n{"no": "kind"}\n\xff\xfe\n{"kind": "done"}\n')
    assert [event["kind"] for event in read_events(path)[0]] == ["start", "done"]


def test_no_file_yet_is_no_events_yet(tmp_path):
    assert read_events(tmp_path / "none.jsonl", 7) == ([], 7)


def test_numbers_that_are_not_finite_become_null(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.say("epoch", loss=float("nan"), kl_per_dim=(1.0, float("inf")), more={"kl": float("-inf")})
    line = json.loads(log.path.read_text(), parse_constant=pytest.fail)
    assert line == {"kind": "epoch", "loss": None, "kl_per_dim": [1.0, None], "more": {"kl": None}}


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VAEError, match="could not be written"):
        EventLog(tmp_path / "file" / "events.jsonl")
