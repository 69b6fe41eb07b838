"""Sets that were brought: kept whole, private until shared, gone when deleted or over."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from vae import data
from vae.data import brought, intake
from vae.data.brought import loaded
from vae.data.intake import guard
from vae.errors import VAEError

from .conftest import Bring


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "a.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (20, 9, 9), dtype=np.uint8)
    np.savez(path, images=pixels, label=np.arange(20) % 2 + 1)
    return path


def test_a_set_that_was_brought_is_a_data_set(images: Path, bring: Bring) -> None:
    name = f"brought:{bring(images, title='Nine by nine')}"
    train, test = data.load(name, "train"), data.load(name, "test", limit=1)
    info = data.describe(name)
    assert (info.title, info.shape, info.train_size, info.classes) == (
        "Nine by nine",
        (1, 9, 9),
        len(train),
        ("1", "2"),
    )
    assert len(test) == 1 and data.on_machine(name) and data.public_name(name) == "Nine by nine"
    assert train.ids()[0] == "Nine by nine/train/0"
    assert np.array_equal(data.originals(name, "train", [3, 1]), train.pixels[[3, 1]])
    assert not train.pixels.flags.writeable
    with pytest.raises(VAEError, match="no row"):
        data.originals(name, "train", [99])


def test_a_set_is_its_owners_until_it_is_shared(images: Path, bring: Bring) -> None:
    one = bring(images, owner="ada")
    assert [each.id for each in brought.sets("ada")] == [one] and brought.sets("bob") == []
    with pytest.raises(VAEError, match="another visitor"):
        brought.share(one, True, owner="bob")
    assert brought.share(one, True, owner="ada").shared
    assert [each.id for each in brought.sets("bob")] == [one]
    with pytest.raises(VAEError, match="another visitor"):
        brought.delete(one, owner="bob")
    brought.share(one, False)
    assert brought.sets("bob") == []


def test_what_is_deleted_is_gone(images: Path, bring: Bring) -> None:
    one = bring(images)
    data.load(f"brought:{one}", "train")  # kept in memory as well
    brought.delete(one, owner="ada")
    assert list(brought.folder().iterdir()) == [] and not data.on_machine(f"brought:{one}")
    assert data.originals(f"brought:{one}", "train", [0]) is None
    assert data.public_name(f"brought:{one}") == "data that are gone"
    for ask in (lambda: data.load(f"brought:{one}", "train"), lambda: brought.delete(one), lambda: brought.rows(one)):
        with pytest.raises(VAEError, match="no longer here"):
            ask()


def test_what_is_over_is_swept_and_nobody_sees_it_before(images: Path, bring: Bring) -> None:
    kept, over = bring(images), bring(images, keep_days=1.0, title="Old")
    assert brought.sweep() == []
    facts = brought.place(over) / "set.json"
    text = json.loads(facts.read_text())
    text["expires"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    facts.write_text(json.dumps(text))
    assert [each.id for each in brought.sets("ada")] == [kept]
    with pytest.raises(VAEError):
        brought.get(over)
    assert brought.sweep() == ["Old"]
    assert [each.name for each in brought.folder().iterdir()] == [kept]


@pytest.mark.parametrize("name", ["../x", "a" * 16 + "/", "A" * 16, "", ".", "0" * 15, "0" * 17, "0123456789abcdeg"])
def test_nothing_else_than_an_id_becomes_a_path(name: str) -> None:
    with pytest.raises(VAEError):
        brought.get(name)
    with pytest.raises(VAEError):
        brought.place(name)


@pytest.mark.parametrize(
    "change",
    [{"more": 1}, {"schema": 2}, {"shape": [1, 9]}, {"shape": [1, 8, 9]}, {"train_size": 3}, {"label_names": []},
     {"attribute_names": ["x"]}, {"kind": "sounds"}, {"shared": 1}, {"made": "2020-01-01"}, {"title": 3},
     {"columns": ["file", "file"]}, {"choice": {"x": 1}}, {"channels": [{"name": "x"}]}, {"expires": "soon"}],
)  # fmt: skip
def test_facts_that_do_not_hold_together_are_refused(images: Path, bring: Bring, change: dict) -> None:
    one = bring(images)
    facts = brought.place(one) / "set.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | change))
    loaded._arrays.cache_clear()
    with pytest.raises(VAEError):
        brought.load(one, "train")


@pytest.mark.parametrize("file", ["set.json", "set.safetensors", "rows.parquet"])
@pytest.mark.parametrize("left", [0, 7, 100])
def test_a_file_cut_short_is_one_plain_line(images: Path, bring: Bring, file: str, left: int) -> None:
    one = bring(images)
    path = brought.place(one) / file
    path.write_bytes(path.read_bytes()[:left])
    loaded._arrays.cache_clear()
    with pytest.raises(VAEError):
        brought.load(one, "train")
        brought.rows(one)


def test_what_the_process_left_half_made_is_never_put_in_place(images: Path, bring: Bring) -> None:
    bring(images)
    one = brought.new_id()
    made = brought.make_aside(one)
    with pytest.raises(VAEError, match="nothing came of it"):
        brought.put_in_place(one)
    assert made.exists() and not brought.place(one).exists()
    brought.drop_aside(one)
    assert not made.exists()


def test_a_set_whose_tensors_are_others_is_not_put_in_place(images: Path, bring: Bring) -> None:
    """The process that makes a set reads what a stranger gave: what it leaves is believed no more than that."""
    one, other = bring(images), brought.new_id()
    made = brought.make_aside(other)
    for each in brought.place(one).iterdir():
        (made / each.name).write_bytes(each.read_bytes())
    said = json.loads((made / "set.json").read_text())
    (made / "set.json").write_text(json.dumps(said | {"train_size": said["train_size"] + 1}))
    with pytest.raises(VAEError, match="do not fit what is said of them"):
        brought.put_in_place(other)
    assert not brought.place(other).exists()


def test_columns_come_split_by_split(images: Path, bring: Bring) -> None:
    one = bring(images)
    whole, (train, test) = brought.rows(one), [brought.rows(one, split) for split in ("train", "test")]
    assert [len(part) for part in (train, test)] == [len(brought.load(one, split)) for split in ("train", "test")]
    assert train["file"].to_pylist() + test["file"].to_pylist() == whole["file"].to_pylist()


# ---- the guarded process -------------------------------------------------------------------------------------------


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_files_are_looked_at_and_taken_in(images: Path, own_home: Path) -> None:
    said = intake.look(images)
    assert said.count == 20 and len(said.previews) == 20 and said.arrays == ()
    assert not own_home.exists()  # looking keeps nothing
    heard: list[tuple[int, int]] = []
    one = intake.take_in(
        images, said.suggested, title=" Nine\nby nine ", owner="ada", progress=lambda *how: heard.append(how)
    )
    known = brought.get(one)
    assert known.title == "Nine by nine" and known.choice == said.suggested and heard[-1] == (20, 20)
    assert {each.name for each in brought.place(one).iterdir()} == {"set.json", "set.safetensors", "rows.parquet"}


def test_what_is_refused_leaves_nothing(tmp_path: Path, own_home: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(VAEError, match="at least two"):
        intake.take_in(tmp_path / "a.csv", None, title="x")
    assert list(brought.folder().iterdir()) == []


def test_it_ends_when_told(images: Path, own_home: Path) -> None:
    with pytest.raises(VAEError, match="Stopped"):
        intake.take_in(images, None, title="x", stopped=lambda: True)
    with pytest.raises(VAEError, match="too long"):
        intake.look(images, wall=0.0)
    assert list(brought.folder().iterdir()) == []


DEEDS = {
    "import socket; socket.create_connection(('127.0.0.1', 9))": "refused",
    "import subprocess; subprocess.run(['true'])": "refused",
    "import os; os.system('true')": "refused",
    "import os; os.fork()": "refused",
    "import pickle; pickle.loads(b'cos\\nsystem\\n.')": "refused",
    "open('{outside}', 'w')": "refused",
    "import os; os.open('{outside}', os.O_CREAT | os.O_WRONLY)": "refused",
    "open('{inside}/../x', 'w')": "refused",
    "bytearray(8 << 30)": "refused",
    "open('{inside}/x', 'w').close()": "done",
    "open('{readable}').close()": "done",
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process cannot be kept to so much memory")
def test_the_process_cannot_do_what_it_need_not(tmp_path: Path) -> None:
    """Each deed, after it took its rights from itself."""
    inside = tmp_path / "made"
    inside.mkdir()
    (tmp_path / "readable").write_text("x")
    places = {"inside": inside, "outside": tmp_path / "x", "readable": tmp_path / "readable"}
    script = f"from vae.data.intake import __main__ as m\nm._limit(30); m._forbid({str(inside)!r}, dataset=False)\n"
    for deed in DEEDS:
        script += (
            f"try:\n    {deed.format(**places)}\n    print('done')\n"
            "except (PermissionError, MemoryError) as error:\n    print('refused')\n"
        )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, cwd=guard._ROOT, timeout=60
    )
    assert dict(zip(DEEDS, ran.stdout.split(), strict=True)) == DEEDS, ran.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"a": 1, "b": 2}', b'{"progress": 3}', b'{"progress": ["x", 1]}', b"[" * 9999]
)
def test_what_it_says_is_not_believed(line: bytes) -> None:
    with pytest.raises(VAEError, match="no sense"):
        guard._answer(line)
