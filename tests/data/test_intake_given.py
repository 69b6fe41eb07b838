"""What was given: names that lead away, archives that are traps."""

import io
import json
import struct
import tracemalloc
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from PIL import Image

from vae.data.intake import archive, limits
from vae.data.intake.given import LeftOut, Unreadable, clean_name, gather
from vae.errors import VAEError


def png(grey: int = 0, side: int = 16) -> bytes:
    out = io.BytesIO()
    Image.new("L", (side, side), grey).save(out, "PNG")
    return out.getvalue()


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@hypothesis_given(st.text(max_size=400))
def test_a_clean_name_leads_nowhere_and_shows_itself_whole(raw: str) -> None:
    try:
        name = clean_name(raw)
    except Unreadable:
        return
    parts = name.split("/")
    assert name and not name.startswith("/") and ".." not in parts and "" not in parts
    assert "\\" not in name and len(name) <= limits.MAX_NAME
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in name)


@pytest.mark.parametrize(
    "raw",
    [
        "../a.png",
        "/etc/a.png",
        "a/../../b.png",
        "..\\..\\a.png",
        "C:\\a.png",
        "c:a.png",
        "a/ .. /b.png",
        "\\\\host\\a.png",
    ],
)
def test_names_that_lead_out_are_refused(raw: str) -> None:
    with pytest.raises(Unreadable, match="leads out"):
        clean_name(raw)


@pytest.mark.parametrize(
    ("raw", "clean"), [("./a.png", "a.png"), ("a\\b.png", "a/b.png"), ("a\u202egnp.exe", "a_gnp.exe")]
)
def test_names_are_cleaned(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


def test_members_are_read_one_by_one_and_bad_ones_said(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"cats/1.png": png(), "../evil.png": b"x", "inner.zip": b"PK", "/abs.png": b"x"})
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    found = gather(path)
    assert [item.name for item in found.items] == ["cats/1.png"]
    assert found.items[0].read(1000) == png()
    why = dict(found.left_out.listed)
    assert set(why) == {"../evil.png", "inner.zip", "/abs.png", "link.png"}
    assert "link" in why["link.png"] and "inside an archive" in why["inner.zip"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zip"]


def test_two_members_of_one_name_are_told_apart(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("a.png", b"1")
        file.writestr("a.png", b"2")
    found = gather(tmp_path / "a.zip").items
    assert [(item.name, item.read(9)) for item in found] == [("a.png", b"1"), ("a (2).png", b"2")]


def test_a_member_is_never_read_beyond_its_limit(tmp_path: Path) -> None:
    item = gather(packed(tmp_path / "a.zip", {"a.png": bytes(5000)})).items[0]
    assert len(item.read(5000)) == 5000
    with pytest.raises(Unreadable, match="allowed"):
        item.read(4999)


def test_a_member_that_lies_about_its_size_is_left_out(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": bytes(100_000)})
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 50)
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        gather(path).items[0].read(1 << 20)


def test_a_member_that_lies_is_not_unpacked_beyond_its_promise(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": bytes(20 << 20)})
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    path.write_bytes(data)
    item = gather(path).items[0]
    tracemalloc.start()
    with pytest.raises(Unreadable):
        item.read(1 << 30)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(VAEError, match="as no data do"):
        gather(packed(tmp_path / "a.zip", {"a.png": bytes(40 << 20)}))


def test_members_that_lie_over_each_other_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": bytes(100), "b.png": bytes(100)}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 42 : at + 46] = struct.pack("<I", 0)  # the second begins where the first does
    path.write_bytes(data)
    with pytest.raises(VAEError, match=r"over each other|no good zip"):
        gather(path)


def test_an_archive_of_too_many_files_is_counted_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    path = packed(tmp_path / "a.zip", {f"{at}.png": b"" for at in range(5)})
    monkeypatch.setattr(zipfile, "ZipFile", None)  # not reached
    with path.open("rb") as file, pytest.raises(VAEError, match="more than 3 files"):
        archive.opened(file, "a.zip")


def test_archives_that_promise_too_much_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1000)
    with pytest.raises(VAEError, match="unpacks to"):
        gather(packed(tmp_path / "a.zip", {"a.png": bytes(600), "b.png": bytes(600)}))


def test_an_upload_is_read_by_its_list_of_names(tmp_path: Path) -> None:
    (tmp_path / "0001.bin").write_bytes(png())
    (tmp_path / "names.json").write_text(json.dumps({"0001.bin": "cats/tom.png", "0002.bin": "late.png"}))
    found = gather(tmp_path)
    assert [(item.name, item.suffix) for item in found.items] == [("cats/tom.png", ".png")]
    assert found.left_out.listed == [("late.png", "it did not arrive")]


@pytest.mark.parametrize("names", ["[]", '{"../x": "a.png"}', '{"0001.bin": 3}', "{", '{".x": "a"}'])
def test_a_list_of_names_that_is_damaged_is_refused(tmp_path: Path, names: str) -> None:
    (tmp_path / "0001.bin").write_bytes(png())
    (tmp_path / "names.json").write_text(names)
    with pytest.raises(VAEError, match="damaged"):
        gather(tmp_path)


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "given"
    inside.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (inside / "a.png").write_bytes(png())
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    found = gather(inside)
    assert [item.name for item in found.items] == ["a.png"]
    assert found.left_out.listed == [("link.png", "a link, not a file")]


def test_only_so_many_are_listed_and_all_are_counted() -> None:
    left_out = LeftOut()
    for at in range(500):
        left_out.add(f"{at}", "why")
    assert len(left_out.listed) == limits.MAX_LISTED and left_out.count == 500
