"""What a person brings: the right files are found wherever they lie, and programs are refused unopened."""

import io
import json
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from vae.foreign import known
from vae.foreign.given import given, on_machine
from vae.weights import Unopened, may_be_program, parse, read


def upload(place: Path, files: dict[str, bytes]) -> Path:
    """A folder as an upload leaves it: harmless names, and what the files were called."""
    place.mkdir()
    names = {}
    for number, (name, data) in enumerate(files.items(), 1):
        stored = f"{number:04}.bin"
        (place / stored).write_bytes(data)
        names[stored] = name
    (place / "names.json").write_text(json.dumps(names))
    return place


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in files.items():
            whole.writestr(name, data)
    return out.getvalue()


def files_of(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


WAYS = ("a folder", "loose files", "files of a folder", "a zip", "a zip of a folder", "a zip that was uploaded")


@pytest.mark.parametrize("way", WAYS)
def test_a_model_is_found_however_it_is_brought(way: str, pythae: Path, tmp_path: Path) -> None:
    files = files_of(pythae)
    inner = {f"mine/{name}": data for name, data in files.items()}
    zip_file = tmp_path / "mine.zip"
    if "zip" in way:
        zip_file.write_bytes(zipped(inner if "folder" in way else files))
    places = {
        "a folder": lambda: pythae,
        "loose files": lambda: upload(tmp_path / "up", files),
        "files of a folder": lambda: upload(tmp_path / "up", inner),
        "a zip that was uploaded": lambda: upload(tmp_path / "up", {"mine.zip": zip_file.read_bytes()}),
    }
    brought = given(places.get(way, lambda: zip_file)())
    found = known.look(brought)
    assert (found.kind, found.shape, found.latents) == ("pythae", (1, 8, 8), 3)
    assert ("environment.json" in str(found.left_out)) and len(found.left_out) == 1
    brought.copy("model.safetensors", tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == files["model.safetensors"]


def test_of_a_pipeline_the_autoencoder_is_taken(kl: Path, tmp_path: Path) -> None:
    files = {f"pipe/vae/{name}": data for name, data in files_of(kl).items()}
    files |= {
        "pipe/unet/config.json": b"{}",
        "pipe/unet/diffusion_pytorch_model.safetensors": b"x",
        "pipe/model_index.json": b"{}",
    }
    found = known.look(given(upload(tmp_path / "up", files)))
    assert found.kind == "diffusers" and found.free and len(found.left_out) == 3


def program() -> bytes:
    """A pickle that ends the process with another status where anybody opens it."""

    class Bomb:
        def __reduce__(self):
            return sys.exit, (99,)

    return pickle.dumps(Bomb())


@pytest.mark.parametrize("name", ["model.pt", "pytorch_model.bin", "last.ckpt", "encoder.pkl", "W.PTH"])
@pytest.mark.parametrize("way", ["folder", "upload", "zip"])
def test_a_program_is_refused_unopened_and_told_how_to_convert(name: str, way: str, tmp_path: Path) -> None:
    files = {"config.json": b"{}", name: program()}
    if way == "folder":
        place = tmp_path / "model"
        place.mkdir()
        for each, data in files.items():
            (place / each).write_bytes(data)
    elif way == "upload":
        place = upload(tmp_path / "up", files)
    else:
        place = tmp_path / "model.zip"
        place.write_bytes(zipped(files))
    with pytest.raises(Unopened) as caught:
        known.look(given(place))
    assert name in str(caught.value) and "\n" not in str(caught.value)
    compile(caught.value.lines, "lines", "exec")
    assert f'"{name}"' in caught.value.lines


@pytest.mark.parametrize("start", [program(), zipped({"archive/data.pkl": program()}), b"\x1f\x8b\x08" + b"0" * 50])
def test_a_program_under_the_name_of_weights_is_known_by_its_bytes(start: bytes, pythae: Path) -> None:
    (pythae / "model.safetensors").write_bytes(start)
    with pytest.raises(Unopened):
        known.look(given(pythae))
    with pytest.raises(Unopened):
        read(pythae / "model.safetensors")


def test_the_lines_that_convert_do_convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are run as a person would; what torch would read of the file is given instead."""
    weights = {"a": torch.arange(3.0), "b": torch.ones(2, 2).T}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "load", lambda name, **how: {"epoch": 3, "model_state_dict": weights})
    with pytest.raises(Unopened) as caught:
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "model.pt").write_bytes(program())
        given(tmp_path / "x")
    exec(compile(caught.value.lines, "lines", "exec"), {})
    assert parse((tmp_path / "model.safetensors").read_bytes()).keys() == weights.keys()


def test_safetensors_are_never_taken_for_programs() -> None:
    for count in range(1, 60):  # the first byte of the header's length takes every value
        data = save({"w" * count: torch.zeros(count)})
        assert not may_be_program("model.safetensors", data[:16])


HOSTILE = {
    "no config": ({"model.safetensors": save({"a": torch.zeros(1)})}, "config.json"),
    "no weights": ({"config.json": b"{}"}, "no model here"),
    "nothing": ({}, "no model here"),
    "a config that is no JSON": ({"config.json": b"{", "model.safetensors": save({})}, "not JSON"),
    "a config a thousand lists deep": ({"config.json": b"[" * 9000, "model.safetensors": save({})}, "not JSON"),
    "a config of megabytes": ({"config.json": b" " * 1_000_001, "model.safetensors": save({})}, "too large"),
    "another kind": ({"config.json": b'{"model_type": "bert"}', "model.safetensors": save({})}, "adapter"),
    "a header that is too long": (
        {"config.json": b'{"_class_name": "AutoencoderKL"}', "model.safetensors": b"\xff" * 8 + b"{}"},
        "damaged",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("zip_", [False, True])
def test_what_is_no_model_is_one_plain_line(what: str, zip_: bool, tmp_path: Path, refused) -> None:
    files, words = HOSTILE[what]
    place = tmp_path / "it.zip"
    if zip_:
        place.write_bytes(zipped(files))
    else:
        place = upload(tmp_path / "up", files)
    with refused(words):
        known.look(given(place))


def test_a_zip_of_too_many_files_is_refused_before_its_list_is_read(tmp_path: Path, refused, monkeypatch) -> None:
    place = tmp_path / "many.zip"
    place.write_bytes(zipped({f"{i}": b"" for i in range(10_001)}))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with refused("more than 10,000 files"):
        given(place)


def test_a_zip_whose_large_form_says_something_else_is_refused_before_its_list_is_read(
    tmp_path: Path, refused, monkeypatch
) -> None:
    place = tmp_path / "many.zip"
    whole = zipped({f"{i}": b"" for i in range(20_000)})
    end = whole[-22:]
    start, size = int.from_bytes(end[16:20], "little"), int.from_bytes(end[12:16], "little")
    large = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 20_000, 20_000, size, start)
    where = struct.pack("<4sLQL", b"PK\6\7", 0, len(whole) - 22, 1)
    small = end[:8] + struct.pack("<HHLL", 1, 1, 60, start) + end[20:]
    place.write_bytes(whole[:-22] + large + where + small)
    assert len(zipfile.ZipFile(place).infolist()) == 20_000  # Python believes the large form
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with refused("very many files"):
        given(place)


def test_an_upload_of_odd_names_has_no_model(tmp_path: Path, refused) -> None:
    with refused("no model here"):
        given(upload(tmp_path / "up", {"./": b"x", "//": b"x", "/": b"x"}))


def test_a_member_that_unpacks_to_more_than_it_may_is_stopped(tmp_path: Path, refused) -> None:
    place = tmp_path / "bomb.zip"
    place.write_bytes(zipped({"model.safetensors": b"\0" * 3_000_000, "card.json": b" " * 2_000_000}))
    brought = given(place)
    with refused("larger than"):
        brought.copy("card.json", tmp_path)


def test_names_in_a_zip_are_never_paths(tmp_path: Path) -> None:
    place = tmp_path / "a" / "evil.zip"
    place.parent.mkdir()
    data = save({"a": torch.zeros(1)})
    place.write_bytes(zipped({"../../config.json": b"{}", "../../model.safetensors": data, "/etc/card.json": b"{}"}))
    brought = given(place)
    out = tmp_path / "out"
    out.mkdir()
    for name in brought.files:
        brought.copy(name, out)
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file()) == [
        "a/evil.zip",
        "out/config.json",
        "out/model.safetensors",
    ]


def test_the_hubs_own_copy_is_enough(kl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused) -> None:
    """Laid out as huggingface_hub keeps what it fetched; the network is not asked."""
    monkeypatch.setattr("socket.socket.connect", None)
    cache, commit = tmp_path / "hub", "0" * 40
    shot = cache / "models--ada--cells" / "snapshots" / commit
    shot.parent.mkdir(parents=True)
    kl.rename(shot)
    (cache / "models--ada--cells" / "refs").mkdir()
    (cache / "models--ada--cells" / "refs" / "main").write_text(commit)
    place = on_machine("ada/cells", cache)
    assert place is not None and known.look(given(place)).kind == "diffusers"
    assert on_machine("ada/others", cache) is None
    for name in ("../../etc", "a", "a/b/c", "https://x/y"):
        with refused("no name on the Hub"):
            on_machine(name, cache)
