"""Pickles and polyglots under every name a model's file may have: refused before anything of them is unpickled.

Each is a program that leaves a mark where anybody opens it: plain pickles of every protocol, those in the zip that
torch writes, packed ones, object arrays of NumPy, and polyglots that are safetensors or JSON at one end and a program
at the other. They come as a folder, as an upload and in a zip. The hook of `checkpoints` hears of every name that a
pickle looks up. A polyglot that is whole safetensors may be read as the numbers it also is; its program never runs.
"""

import argparse
import gzip
import io
import json
import os
import pickle
import random
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import torch
from safetensors.torch import save

from benchmarks.intake.checkpoints import Heard, good, opened
from benchmarks.report import measured_on, section

COMMAND = "python -m benchmarks.intake pickles"
COUNT = 500  # at least
BESIDE = ("model.pt", "model.pth", "pytorch_model.bin", "last.ckpt", "encoder.pkl", "MODEL.PT", "weights.joblib")


class Runs:
    """Leaves a mark where it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def programs(canary: Path) -> dict[str, bytes]:
    """Every kind of program: name to bytes."""
    made = {f"pickle {protocol}": pickle.dumps(Runs(canary), protocol) for protocol in range(6)}
    plain = made["pickle 2"]
    made["the zip of torch"] = _zip({"archive/data.pkl": plain, "archive/version": b"3\n"})
    made["a pickle, packed"] = gzip.compress(plain)
    head = json.dumps({"descr": "|O", "fortran_order": False, "shape": (1,)}).encode()
    made["an object array"] = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + plain
    numbers = save({"a": torch.zeros(3)})
    made["safetensors, then a pickle"] = numbers + plain
    made["a pickle, then safetensors"] = plain + numbers
    made["safetensors, then the zip of torch"] = numbers + made["the zip of torch"]
    hidden = torch.frombuffer(bytearray(made["the zip of torch"]), dtype=torch.uint8).float()
    made["safetensors that hold the zip of torch"] = save({"a": hidden})
    made["JSON, then a pickle"] = b'{"schema": 2}\n' + plain
    made["a header that is a pickle"] = len(plain).to_bytes(8, "little") + plain
    made["pickle 0 as words"] = b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR."
    return made


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Offer programs under the names of a model's files.")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    heard, came, odd = Heard(), Counter[str](), Counter[str]()
    began, tried, slowest = time.perf_counter(), 0, 0.0
    with tempfile.TemporaryDirectory(prefix="muscope-pickles-") as place:
        root, chance = Path(place), random.Random(0)
        (root / "good").mkdir()
        tempfile.tempdir, canary = place, root / "canary"
        whole = good(root / "good")
        for kind in whole:
            opened(root / "good" / kind, root)
        for kind, files in whole.items():
            for name in (*files, *BESIDE):
                for what, data in programs(canary).items():
                    tried += 1
                    replaced = files | {name: data}
                    if name in BESIDE:  # alone, with nothing that could be opened in its place
                        replaced = {each: files[each] for each in files if each.endswith(".json")} | {name: data}
                    folder = _bring(root / str(tried), replaced, chance.randrange(3))
                    start = time.perf_counter()
                    with heard.closely():
                        found = opened(folder, root)
                    slowest = max(slowest, time.perf_counter() - start)
                    for one in found:
                        # What came through must be whole without the program: an unread card, or numbers.
                        came[one if one in ("opened", "refused") else "odd"] += 1
                        if one not in ("opened", "refused"):
                            odd[f"{what} as {name} of {kind}: {one}"] += 1
                    if name in BESIDE and "opened" in found:
                        odd[f"{what} as {name} of {kind} was opened"] += 1
        loud = {word: n for word, n in heard.found.items() if "open for writing" not in word or place not in word}
        sang = canary.exists()
        tempfile.tempdir = None
    fine = tried >= COUNT and not odd and not loud and not sang
    text = f"""## Pickles and polyglots

{measured_on(COMMAND)}

{len(programs(Path("x")))} kinds of programs under every name of four kinds of models, and under the usual names
of pickles, brought as a folder, an upload or a zip, three ways in for each. Bars: none is unpickled, one line each.

| offered | ways in refused | read without its program | anything else | looked up by a pickle | canary | slowest |
|---:|---:|---:|---:|---:|---|---:|
| {tried:,} | {came["refused"]:,} | {came["opened"]:,} | {sum(odd.values())} | {sum(loud.values())} \
| {"ran" if sang else "did not sing"} | {slowest:.2f} s |

All in {time.perf_counter() - began:.0f} s. {"All bars are met." if fine else "A bar is missed."}
"""
    text += "".join(f"\n- {word}: {n}" for word, n in (*odd.items(), *loud.items()))
    print(text) if options.dry else section("intake", "pickles", text)
    return int(not fine)


def _bring(place: Path, files: dict[str, bytes], way: int) -> Path:
    if way == 2:
        packed = place.with_suffix(".zip")
        packed.write_bytes(_zip(files))
        return packed
    place.mkdir()
    if way == 0:
        for name, data in files.items():
            (place / name).write_bytes(data)
        return place
    names = {f"{number:04}.bin": name for number, name in enumerate(files, 1)}
    for stored, name in names.items():
        (place / stored).write_bytes(files[name])
    (place / "names.json").write_text(json.dumps(names))
    return place


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return out.getvalue()
