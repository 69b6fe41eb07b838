"""What a visitor looks at as a document, and back: to the bit, and from nobody's hand on trust."""

import json
import random
from copy import deepcopy

import numpy as np
import pytest

from pages.ui import cache
from pages.ui.board_terms import Board, Boards, Term
from pages.ui.documents import packed, read_code, read_rows, text, unpacked, write_code, write_rows
from pages.ui.snapshot import SCHEMA, restore, snapshot
from pages.ui.state import Group, Kept, KeptDirection, Place, State
from vae.errors import VAEError

KEPT = ("model", "places", "before", "locked", "directions", "shelf", "draws", "keeps", "run", "origins")


@pytest.fixture
def ids(home):
    return {name: cache.entry(name).model_id for name in ("digits", "flat", "many")}


def wish(generator, ids):
    """A visit in which everything was done that can be done, at random."""
    state = State("digits", ids=dict(ids), run="20261122-000000-abcd", draws=int(generator.integers(1, 50)))

    def code(name):
        size = cache.entry(name).latent_dim
        # a hand on a knob leaves doubles, the browser and the models float32
        drawn = generator.normal(size=size)
        return tuple((drawn if generator.random() < 0.5 else drawn.astype(np.float32)).tolist())

    def place(name):
        state.model = name
        if generator.random() < 0.3:
            return state.of_image(f"test/{generator.integers(60)}")
        return Place(code(name), None, f"made {generator.integers(1000)} · ½ “so”")

    for name in ids:
        state.places[name] = place(name)
        state.before[name] = [place(name) for _ in range(3)]
        if state.places[name].image_id is None:
            state.origins[name] = "test/7"
        state.locked[name] = frozenset({0, cache.entry(name).latent_dim - 1})
        rows = np.flatnonzero(generator.random(360) < 0.3)
        corners = tuple((float(x), float(y)) for x, y in generator.normal(size=(5, 2)))
        state.groups[name] = [Group("group 1", rows, "pca", corners), Group("those", rows[:1], "", ())]
        vector = generator.normal(size=cache.entry(name).latent_dim)
        vector /= np.linalg.norm(vector)
        state.directions[name] = [KeptDirection("smile", tuple(vector.tolist()), 1.25, "It rests on 5 images.")]
        state.keyframes[name] = [(place(name), place(name)), (place(name), place(name), place(name))]
        kind = cache.kinds(ids[name])[0]
        terms = (
            Term(code(name), "one", -0.1, "test/3", number=4),
            Term(code(name), "more of it", 1 / 3, step=True, kind=kind, rests="On 12 images.", number=7),
        )
        state.boards[name] = Boards(now=Board(terms, "mine"), kept=[Board(terms, "mine"), Board(terms[:1], "other")])
        state.keep(place(name))
    state.model = "many"
    return state


def same(one, other):
    assert {name: getattr(one, name) for name in KEPT} == {name: getattr(other, name) for name in KEPT}
    assert {name: frames[-1] for name, frames in one.keyframes.items()} == {
        name: frames[-1] for name, frames in other.keyframes.items()
    }
    for name in one.boards:
        assert (one.boards[name].now, one.boards[name].kept) == (other.boards[name].now, other.boards[name].kept)
    for name, groups in one.groups.items():
        for mine, yours in zip(groups, other.groups[name], strict=True):
            assert (mine.name, mine.view, mine.polygon) == (yours.name, yours.view, yours.polygon)
            assert mine.rows.tolist() == yours.rows.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_whole_visit_comes_back_as_it_was(ids, seed):
    state = wish(np.random.default_rng(seed), ids)
    back = restore(unpacked(packed(snapshot(state, whole=True))), ids)
    same(state, back)
    assert back.notice == ""
    assert packed(snapshot(back, whole=True)) == packed(snapshot(state, whole=True))


def test_a_link_tells_of_the_chosen_model_alone_and_not_of_the_way_there(ids):
    state = wish(np.random.default_rng(1), ids)
    said = snapshot(state)
    assert list(said["models"]) == ["many"] and {kept["model"] for kept in said["shelf"]} == {"many"}
    assert not {"draws", "run"} & said.keys() and "before" not in said["models"]["many"]
    back = restore(unpacked(packed(said)), ids)
    assert back.model == "many" and back.place == state.place and set(back.places) == {"many"}


@pytest.mark.parametrize("size", [1, 2, 7, 33])
def test_codes_come_back_to_the_bit(size):
    generator = np.random.default_rng(size)
    odd = [0.1, -0.0, 5e-324, 1e-40, np.pi, 999_999.0, np.nextafter(1, 2)]
    for codes in (generator.normal(size=size), generator.normal(size=size).astype(np.float32), odd):
        code = tuple(np.asarray(codes, float).tolist())
        assert np.array(read_code(write_code(code), len(code))).tobytes() == np.array(code).tobytes()
    assert write_code((0.5,)).startswith("f4:") and write_code((0.1,)).startswith("f8:")


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
def test_rows_come_back(count):
    rows = np.flatnonzero(np.random.default_rng(count).random(count) < 0.5)
    rows = rows if len(rows) else np.array([count - 1])
    assert read_rows(write_rows(rows, count), count).tolist() == rows.tolist()


def test_an_image_speaks_for_itself(ids):
    said = snapshot(State("digits", ids=ids))
    said["models"]["digits"]["place"] = {"image": "test/9"}
    place = restore(said, ids).place
    assert place.code == cache.code_of(ids["digits"], "test/9")
    assert place.caption == cache.caption_of(ids["digits"], "test/9")


def test_what_belonged_to_another_model_is_left_out_and_said(ids):
    state = wish(np.random.default_rng(2), ids)
    said = packed(snapshot(state, whole=True))
    back = restore(unpacked(said), ids | {"many": "another"})
    assert "many" in back.notice and "\n" not in back.notice
    assert "many" not in back.places and {kept.model for kept in back.shelf} == {"digits", "flat"}
    assert back.model in ids


def test_a_model_that_was_renamed_is_found_by_its_content(ids):
    state = wish(np.random.default_rng(3), ids)
    here = {"flat": ids["flat"], "digits": ids["digits"]}
    said = json.loads(packed(snapshot(state, whole=True)).replace(b'"digits"', b'"old name"'))
    back = restore(said, here | {"many": ids["many"]})
    assert back.places["digits"] == state.places["digits"] and back.notice == ""


# ---- nothing is trusted --------------------------------------------------------------------------------------------

BAD = {
    "not JSON": b"\x80\x04\x95hello",
    "empty": b"",
    "a list": b"[]",
    "no number": b'{"muscope": NaN}',
    "infinite": b'{"muscope": Infinity}',
    "said twice": b'{"muscope": 1, "muscope": 1}',
    "nested": b'{"muscope":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "digits": b'{"muscope": ' + b"9" * 100_000 + b"}",
    "not UTF-8": b'{"muscope": "\xff"}',
}


@pytest.mark.parametrize("data", BAD.values(), ids=list(BAD))
def test_bytes_that_are_no_document_are_one_line(ids, data):
    with pytest.raises(VAEError) as told:
        restore(unpacked(data), ids)
    assert "\n" not in str(told.value) and len(str(told.value)) < 300


def change(said, path, value):
    said = deepcopy(said)
    at = said
    for step in path[:-1]:
        at = at[step]
    if value is KeyError:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return said


WRONG = [
    (["muscope"], SCHEMA + 1, "later version"),
    (["muscope"], True, "version"),
    (["muscope"], 0, "version"),
    (["surprise"], 1, "fields"),
    (["models"], [], "name up to"),
    (["chosen"], "another", "which model"),
    (["chosen"], None, "which model"),
    (["draws"], -1, "whole number"),
    (["draws"], 10**30, "whole number"),
    (["run"], "../../etc/passwd", "no training"),
    (["shelf"], {}, "list"),
    (["shelf", 0, "model"], "another", "none that is here"),
    (["shelf", 0, "number"], 1.5, "whole number"),
    (["models", "digits", "id"], 5, "line of"),
    (["models", "digits", "id"], KeyError, "fields"),
    (["models", "digits", "program"], "import os", "fields"),
    (["models", "digits", "place"], {"image": "test/60"}, "does not know"),
    (["models", "digits", "place"], {"image": "test/-1"}, "does not know"),
    (["models", "digits", "place"], {"image": "../test/1"}, "does not know"),
    (["models", "digits", "place"], {"image": ["test/1"]}, "does not know"),
    (["models", "digits", "place"], {"image": "test/1", "code": "f4:"}, "fields"),
    (["models", "digits", "place"], {"code": write_code((1.0, 2.0)), "caption": "x"}, "not one of 3"),
    (["models", "digits", "place"], {"code": write_code((1.0, 2.0, np.inf)), "caption": "x"}, "no code has"),
    (["models", "digits", "place"], {"code": write_code((1.0, 2.0, np.nan)), "caption": "x"}, "no code has"),
    (["models", "digits", "place"], {"code": write_code((1.0, 2.0, 1e9)), "caption": "x"}, "no code has"),
    (["models", "digits", "place"], {"code": "f4:" + "A" * 16 + "!", "caption": "x"}, "not one of 3"),
    (["models", "digits", "place"], {"code": write_code((1.0, 2.0, 3.0)), "caption": 5}, "line of"),
    (["models", "digits", "locked"], [3], "whole number"),
    (["models", "digits", "locked"], [True], "whole number"),
    (["models", "digits", "groups", 0, "rows"], write_rows(np.array([3]), 9), "no images"),
    (["models", "digits", "groups", 0, "rows"], write_rows(np.array([], int), 360), "no images"),
    (["models", "digits", "groups", 0, "polygon"], [[1, 2, 3]], "list"),
    (["models", "digits", "groups", 0, "polygon"], [[1, "2"]], "no number"),
    (["models", "digits", "groups", 1, "name"], "group 1", "one name"),
    (["models", "digits", "groups", 0, "name"], "", "has none"),
    (["models", "digits", "directions", 0, "vector"], write_code((1.0, 1.0, 1.0)), "length 1"),
    (["models", "digits", "directions", 0, "gap"], 1e300, "no number"),
    (["models", "digits", "directions", 0, "gap"], True, "no number"),
    (["models", "digits", "keyframes"], [{"image": "test/1"}], "fewer than two"),
    (["models", "digits", "sum", "terms", 0, "weight"], 2.5, "no number"),
    (["models", "digits", "sum", "terms", 0, "number"], 7, "one number"),
    (["models", "digits", "sum", "terms", 0, "step"], 1, "neither"),
    (["models", "digits", "sum", "terms", 0, "kind"], "label:nobody", "none that is here"),
    (["models", "digits", "sum", "terms", 0, "image"], "x", "does not know"),
]


@pytest.mark.parametrize(
    ("path", "value", "why"), WRONG, ids=[f"{path[-1]}={str(value)[:20]}" for path, value, _ in WRONG]
)
def test_a_word_that_is_wrong_is_one_line(ids, path, value, why):
    said = json.loads(packed(snapshot(wish(np.random.default_rng(4), ids), whole=True)))
    with pytest.raises(VAEError, match=why) as told:
        restore(change(said, path, value), ids)
    assert "\n" not in str(told.value) and len(str(told.value)) < 300


def test_no_change_of_any_word_does_more_than_one_line(ids):
    whole = json.loads(packed(snapshot(wish(np.random.default_rng(5), ids), whole=True)))
    generator = random.Random(0)
    odd = (None, True, -1, 0, 2**70, 1e308, "", "<script>alert(1)</script>", "x" * 5000, [], {}, [[]], {"image": {}})
    refused = 0
    for _ in range(250):
        said = deepcopy(whole)
        at = said
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = generator.choice(keys)
            if isinstance(at[key], dict | list) and at[key] and generator.random() < 0.85:
                at = at[key]
                continue
            at[key] = deepcopy(generator.choice(odd))
            break
        try:
            state = restore(said, ids)
        except VAEError as told:
            refused += 1
            assert "\n" not in str(told) and len(str(told)) < 300
        else:
            assert state.model in ids
    assert refused > 120


def test_no_cut_and_no_flipped_bit_does_more_than_one_line(ids):
    whole = packed(snapshot(wish(np.random.default_rng(6), ids), whole=True))
    generator = random.Random(1)
    for number in range(300):
        data = bytearray(whole[: generator.randrange(len(whole))] if number % 3 == 0 else whole)
        for _ in range(generator.randrange(1, 4)):
            if data:
                data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        try:
            restore(unpacked(bytes(data)), ids)
        except VAEError as told:
            assert "\n" not in str(told)


@pytest.mark.parametrize(
    "words",
    [
        "<img src=x onerror=alert(1)>",
        "![x](http://elsewhere/x.png)",
        "[press](javascript:alert(1))",
        "a\u202eb\u0000c\nd",
        "`code`",
    ],
)
def test_words_carry_no_marks_and_no_orders(words):
    read = text(words, "words", 100)
    assert not set(read) & set("<>[]`\n\u202e\x00")
    assert text(read, "words", 100) == read


def test_kept_codes_keep_their_numbers(ids):
    state = State("digits", ids=dict(ids))
    for number in range(4):
        state.keep(Place((float(number), 0.0, 0.0), None, f"made {number}"))
    del state.shelf[1]
    back = restore(unpacked(packed(snapshot(state, whole=True))), ids)
    assert [kept.number for kept in back.shelf] == [4, 2, 1] and back.keeps == 4
    assert all(isinstance(kept, Kept) for kept in back.shelf)
