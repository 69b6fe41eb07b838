"""One room for all that is brought: who has how much of it, and how many new visitors one address has."""

import json

import pytest

from live import room
from live.room import HOUR, Comers, line, models, network, sets
from vae.checkpoint import Owner, save_owner
from vae.errors import VAEError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def comers(monkeypatch):
    monkeypatch.setenv("MUSCOPE_NEW_VISITORS", "30")
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", "1")
    made = Comers(Clock())
    made.clock = made._clock
    return made


def test_a_class_behind_one_address_is_let_in_and_one_more_is_not(comers):
    for student in range(30):
        comers.check("10.0.0.1", f"student {student}", 1, {})
    for student in range(30):
        comers.check("10.0.0.1", f"student {student}", 1, {})  # who was let in stays in
    with pytest.raises(VAEError, match="try in an hour"):
        comers.check("10.0.0.1", "one more", 1, {})
    comers.check("10.0.0.2", "one more", 1, {})
    comers.check("10.0.0.1", "of yesterday", 1, {"of yesterday": 5})
    comers.clock.now = HOUR + 1
    comers.check("10.0.0.1", "one more", 1, {})


def test_the_new_ones_of_an_address_have_half_of_the_room_together(comers):
    half = 500_000_000
    used = {}
    for each in range(4):
        comers.check("10.0.0.1", f"forged {each}", half // 4, used)
        used[f"forged {each}"] = half // 4
    with pytest.raises(VAEError, match="may bring 500.0 MB within an hour"):
        comers.check("10.0.0.1", "forged 4", 1, used)
    with pytest.raises(VAEError):
        comers.check("10.0.0.1", "forged 0", 1, used)
    comers.check("10.0.0.2", "from elsewhere", half // 4, used)
    comers.check("10.0.0.1", "of yesterday", half // 4, used | {"of yesterday": 1})
    comers.check("10.0.0.1", "forged 0", 1, {"forged 0": 1})  # the others deleted theirs


def test_one_machine_is_one_address_though_it_may_take_any_of_its_network(comers):
    for student in range(30):
        comers.check(f"2001:db8:1:2:{student:x}::1", f"student {student}", 1, {})
    with pytest.raises(VAEError, match="try in an hour"):
        comers.check("2001:0db8:1:2::ffff", "one more", 1, {})
    comers.check("2001:db8:1:3::1", "a neighbour", 1, {})
    assert network("::ffff:10.0.0.1") == network("10.0.0.1") == "10.0.0.1"
    assert network("fe80::1%eth0") == network("fe80::2%eth1") == "fe80::/64"
    assert network("") == "" and network("testclient") == "testclient"


def test_only_so_many_addresses_are_remembered(comers, monkeypatch):
    monkeypatch.setattr(room, "ADDRESSES", 3)
    for place in range(9):
        comers.check(f"10.0.0.{place}", "ada", 1, {})
    assert list(comers._came) == ["10.0.0.6", "10.0.0.7", "10.0.0.8"]


def test_what_lies_there_is_counted_by_its_owner_and_what_is_damaged_passed_over(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "set.json").write_text(json.dumps({"owner": "ada"}))
    (tmp_path / "a" / "set.safetensors").write_bytes(bytes(1000))
    for name, said in (("b", "[]"), ("c", "{"), ("d", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "set.json").write_text(said)
    (tmp_path / "file").touch()
    assert dict(sets(tmp_path)) == {"ada": 1000 + len(json.dumps({"owner": "ada"}))}
    save_owner(tmp_path / "b", Owner("bob"))
    assert [owner for owner, _ in models(tmp_path)] == ["bob"]
    assert list(sets(tmp_path / "nowhere")) == list(models(tmp_path / "nowhere")) == []


def test_it_is_said_in_one_line(monkeypatch):
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", "20")
    assert line(1_200_000_000) == "Your uploads, data and models take 1.2 GB of the 5.0 GB they may."
