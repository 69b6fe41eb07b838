"""What is kept under a link, and what a visitor comes back to."""

import os

import pytest

from live import links
from live.links import Links, id_of
from vae.errors import VAEError

ADA, BEN = "a" * 12, "b" * 12


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        self.now += 1
        return self.now


@pytest.fixture
def kept(tmp_path):
    return Links(tmp_path, Clock())


def document(number):
    return b'{"number": %d}' % number


def test_a_link_leads_to_what_was_kept_also_after_a_restart(tmp_path):
    name = Links(tmp_path).keep(ADA, document(1), copied=True)
    assert Links(tmp_path).find(name) == document(1)
    assert name == id_of(document(1)) and links.ID.fullmatch(name)


def test_the_same_document_has_one_link_whoever_keeps_it(kept, tmp_path):
    names = {kept.keep(owner, document(1), copied=how) for owner in (ADA, BEN) for how in (False, True)}
    assert len(names) == 1 and len(list((tmp_path / "links").iterdir())) == 1


@pytest.mark.parametrize("name", ["", "0" * 20, "../../etc/passwd", "A" * 20, "0" * 21, "0" * 20 + "\n", "٠" * 20])
def test_a_link_to_nothing_is_one_line(kept, name):
    kept.keep(ADA, document(1), copied=True)
    with pytest.raises(VAEError, match="leads to nothing"):
        kept.find(name)


def test_a_damaged_file_is_seen(kept, tmp_path):
    name = kept.keep(ADA, document(1), copied=True)
    (file,) = (tmp_path / "links").iterdir()
    file.write_bytes(document(2))
    with pytest.raises(VAEError, match="damaged"):
        kept.find(name)


def test_passing_links_give_way_to_the_next_and_copied_ones_stay(kept):
    copied = kept.keep(ADA, document(0), copied=False)
    assert kept.keep(ADA, document(0), copied=True) == copied
    others = kept.keep(BEN, document(999), copied=False)
    names = [kept.keep(ADA, document(number), copied=False) for number in range(1, links.PASSING + 6)]
    assert kept.find(copied) == document(0) and kept.find(others) == document(999)
    for name in names[:5]:
        with pytest.raises(VAEError):
            kept.find(name)
    assert [kept.find(name) for name in names[5:]]


def test_a_visitor_cannot_copy_links_without_end(kept, monkeypatch):
    monkeypatch.setattr(links, "COPIED", 3)
    for number in range(3):
        kept.keep(ADA, document(number), copied=True)
    with pytest.raises(VAEError, match="session file"):
        kept.keep(ADA, document(9), copied=True)
    kept.keep(BEN, document(9), copied=True)
    kept.keep(ADA, document(9), copied=True)  # it is there already


def test_where_the_house_is_full_what_nobody_copied_goes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(links, "LINKS", 4)
    kept = Links(tmp_path, Clock())
    copied = [kept.keep(ADA, document(number), copied=True) for number in range(2)]
    passing = [kept.keep(BEN, document(10 + number), copied=False) for number in range(4)]
    assert [kept.find(name) for name in copied]
    assert len(list((tmp_path / "links").iterdir())) == 4
    with pytest.raises(VAEError):
        kept.find(passing[0])


def test_a_document_can_be_too_large(kept, monkeypatch):
    monkeypatch.setattr(links, "LARGEST", 100)
    with pytest.raises(VAEError, match="more than"):
        kept.keep(ADA, b"x" * 101, copied=True)
    kept.remember(ADA, b"x" * 101)
    assert kept.remembered(ADA) is None


def test_a_visit_is_its_visitors_alone_and_can_be_forgotten(kept, tmp_path):
    kept.remember(ADA, document(1))
    kept.remember(ADA, document(2))
    assert kept.remembered(ADA) == document(2) and kept.remembered(BEN) is None and kept.remembered("") is None
    assert kept.remembered("../links/x") is None
    (file,) = (tmp_path / "visits").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    kept.forget(ADA)
    assert kept.remembered(ADA) is None


def test_a_visit_that_nobody_came_back_to_is_deleted(tmp_path):
    clock = Clock()
    kept = Links(tmp_path, clock)
    kept.remember(ADA, document(1))
    os.utime(tmp_path / "visits" / f"{ADA}.json", (clock.now, clock.now))
    clock.now += links.AGE + 10
    for again in (kept, Links(tmp_path, clock)):  # the second one after a restart
        again.remember(BEN, document(2))
        assert kept.remembered(ADA) is None and kept.remembered(BEN) == document(2)
        os.utime(tmp_path / "visits" / f"{BEN}.json", (clock.now, clock.now))


def test_visits_never_take_more_than_their_room(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(links, "FOR_ALL", 1000)
    monkeypatch.setattr(links, "VISITS", 6)
    owners = [f"{place:012x}" for place in range(40)]
    for turn, kept_ in enumerate((kept, Links(tmp_path))):  # the second one after a restart
        for place, owner in enumerate(owners):
            kept_.remember(owner, b"x" * (300 if place % 4 else 10))
            kept_.remember(owners[0], b"y" * 10)  # whoever is here stays
            if place == 20:
                kept_.forget(owner)
            sizes = [file.stat().st_size for file in (tmp_path / "visits").iterdir()]
            assert sum(sizes) <= 1000 and len(sizes) <= 6, (turn, place)
        assert kept_.remembered(owners[0]) == b"y" * 10 and kept_.remembered(owners[39]) == b"x" * 300
        assert len(sizes) == 5  # and no less than fits


def test_a_full_disk_is_one_line_and_leaves_what_was_there(kept, monkeypatch):
    kept.remember(ADA, document(1))

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(links.os, "replace", full)
    with pytest.raises(VAEError, match="disk is full"):
        kept.remember(ADA, document(2))
    assert kept.remembered(ADA) == document(1)
