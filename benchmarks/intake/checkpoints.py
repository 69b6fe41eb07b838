"""10,000 mutated checkpoint folders: each is opened or refused in a line; no code runs, nothing hangs, little memory.

Folders of every kind that is opened (Muscope's own, with and without a network from elsewhere, diffusers', pythae's)
are bent: bits and bytes of each file, sizes in the header of the weights, numbers and fields of each JSON, files
swapped, emptied, made links, pickles put in their place. Each is looked at, and opened as the server opens it. A hook
hears of every file that is written, every process and connection that is begun, every module that is imported and
every pickle's name that is looked up; a canary file says whether a planted program ran.
"""

import argparse
import encodings.cp437  # noqa: F401  # of zips, and of JSON in other codes: loaded when first needed, so now
import encodings.utf_16_be
import encodings.utf_16_le
import encodings.utf_32_be
import encodings.utf_32_le  # noqa: F401
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save

from benchmarks.report import measured_on, section
from vae import checkpoint
from vae.config import Config
from vae.errors import VAEError
from vae.foreign import adapted, dense, given, known, spatial
from vae.model import VAE

COMMAND = "python -m benchmarks.intake checkpoints"
COUNT, BATCH = 10_000, 2500
SECONDS = 2.0  # for one: the bar
MEMORY = 200.0  # MB above what the process had before, and the file: the bar
SIDE = 8  # pixels, of every model here

# What nothing that is brought may set off. Modules that are loaded when they are first needed are loaded before.
FORBIDDEN = (
    *("pickle.find_class", "exec", "compile", "import", "os.system", "subprocess.Popen", "os.exec", "os.fork"),
    *("socket.connect", "socket.bind", "os.rename", "os.link", "os.symlink", "os.chmod", "ctypes.dlopen"),
)


class Heard:
    """What the interpreter was asked to do while a folder was open."""

    def __init__(self) -> None:
        self.listening = False
        self.found: Counter[str] = Counter()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.listening:
            return
        if event in FORBIDDEN or event.startswith("os.spawn"):
            self.found[f"{event} {str(arguments[:1])[:60]}"] += 1
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            self.found[f"open for writing {str(arguments[0])[:60]}"] += 1

    @contextmanager
    def closely(self) -> Iterator[None]:
        """Listen for as long as the block takes."""
        self.listening = True
        try:
            yield
        finally:
            self.listening = False


def good(place: Path) -> dict[str, dict[str, bytes]]:
    """A small folder of every kind: name to its files."""
    dense_vae = VAE(Config((1, SIDE, SIDE), 3, encoder_sizes=(6,), decoder_sizes=(6,))).eval()
    checkpoint.save(place / "ours", dense_vae, {"title": "Ours", "data": {"name": "digits"}})
    config = {"_class_name": "AutoencoderKL", "block_out_channels": [4, 4], "norm_num_groups": 2, "layers_per_block": 1}
    config |= {"latent_channels": 2, "in_channels": 1, "out_channels": 1}
    said = spatial.settings(config)
    core = spatial.Spatial(said, (SIDE, SIDE)).eval()
    (place / "diffusers").mkdir()
    (place / "diffusers" / "config.json").write_text(json.dumps(config))
    (place / "diffusers" / given.SPATIAL_WEIGHTS).write_bytes(save(core.state_dict()))
    plan = adapted.Plan("diffusers", said, 0)
    vae = adapted.AdaptedVAE(adapted.adapted_config((1, SIDE, SIDE), core.latents), core)
    adapted.save_adapted(place / "adapted", vae, plan, {"title": "Theirs", "data": {"name": "digits"}}, {})
    widths = {"encoder": [SIDE * SIDE, 6], "decoder": [3, 6, SIDE * SIDE]}
    pair = dense.DensePair({"shape": [1, SIDE, SIDE], "latents": 3, "point": False, **widths})
    (place / "pythae").mkdir()
    (place / "pythae" / given.DENSE_CONFIG).write_text(json.dumps({"input_dim": [1, SIDE, SIDE], "latent_dim": 3}))
    (place / "pythae" / checkpoint.WEIGHTS).write_bytes(save(pair.state_dict()))
    return {kind.name: {each.name: each.read_bytes() for each in kind.iterdir()} for kind in sorted(place.iterdir())}


def program(canary: Path) -> bytes:
    """A pickle that leaves a mark where anybody opens it."""
    import pickle

    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {canary}",)

    return pickle.dumps(Runs())


def bent(files: dict[str, bytes], canary: Path, chance: random.Random) -> dict[str, bytes]:
    """One folder, bent one to three times."""
    files = dict(files)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(sorted(files))
        way = chance.randrange(10)
        data = files[name]
        if way == 0:
            files.pop(name)
        elif way == 1:
            files[name] = program(canary)
        elif way == 2:
            files[chance.choice(("model.pt", "pytorch_model.bin", "encoder.pkl", "last.ckpt"))] = program(canary)
        elif way == 3:
            files[name] = files[chance.choice(sorted(files))]
        elif name.endswith(".json"):
            files[name] = _bent_json(data, chance)
        elif way < 7:
            files[name] = _bent_header(data, chance)
        else:
            files[name] = _bent_bytes(data, chance)
        if not files:
            files["config.json"] = b""
    return files


def _bent_bytes(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data or b"\0")
    for _ in range(chance.randint(1, 20)):
        at = chance.randrange(len(out) or 1)
        way = chance.randrange(4) if out else 3
        if way == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            out[at : at + 8] = chance.randbytes(8)
        elif way == 2 and len(out) > 9:
            del out[at : at + chance.randint(1, 50)]
        else:
            out[at:at] = chance.choice((b"\xff" * 8, b"\0" * 64, b"nan", b"{", b'"'))
    return bytes(out) or b"\0"


ODD: tuple[object, ...] = (
    *(None, True, -1, 0, 1, 3, 10**9, 10**30, 1e308, -0.0, "", "x" * 5000, "../../etc/passwd", [], {}),
    *([10**6] * 40, [2048] * 8, [0, -1], {"a": 1}, "AutoencoderKL", "adapted", "own", "pythae", "F64", [10**12, 4]),
)


def _bent_value(value: object, chance: random.Random, depth: int = 0) -> object:
    if isinstance(value, dict) and value and depth < 6:
        out = dict(value)
        for _ in range(chance.randint(1, 2)):
            key = chance.choice(sorted(out)) if out else "x"
            way = chance.randrange(5)
            if way == 0:
                out.pop(key, None)
            elif way == 1:
                out[chance.choice(("__reduce__", "extra", "schema", "axes", "name", "torch_dtype"))] = chance.choice(
                    ODD
                )
            else:
                out[key] = _bent_value(out.get(key), chance, depth + 1)
        return out
    if isinstance(value, list) and value and chance.random() < 0.6:
        list_ = list(value)
        list_[chance.randrange(len(list_))] = chance.choice(ODD)
        return list_
    return chance.choice(ODD)


def _bent_json(data: bytes, chance: random.Random) -> bytes:
    way = chance.randrange(6)
    if way == 0:
        return _bent_bytes(data, chance)
    if way == 1:
        return chance.choice((b"[" * 50_000, b'{"a":' * 20_000, b"1" * 100_000, b"NaN", b"\xff\xfe", b" " * 1_000_001))
    try:
        return json.dumps(_bent_value(json.loads(data), chance)).encode()
    except (ValueError, RecursionError):
        return _bent_bytes(data, chance)


def _bent_header(data: bytes, chance: random.Random) -> bytes:
    """Weights whose header says something else, its length made right again."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        return _bent_bytes(data, chance)
    if chance.random() < 0.2:
        return chance.choice((2**63, 2**62, 10**8, 0, 1, length * 2)).to_bytes(8, "little") + data[8:]
    said = json.dumps(_bent_value(header, chance)).encode()
    return len(said).to_bytes(8, "little") + said + data[8 + length :]


def write(folder: Path, files: dict[str, bytes], chance: random.Random) -> None:
    """The files into a new folder; now and then one is a link or a folder."""
    folder.mkdir()
    for name, data in files.items():
        kind = chance.random()
        if kind < 0.01:
            (folder / name).symlink_to(chance.choice(("/etc/passwd", "/dev/zero", name, "/nonexistent")))
        elif kind < 0.02:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(data)


def opened(folder: Path, scratch: Path) -> list[str]:
    """What became of a folder as the page looks at it, as it is taken in, and as the server opens a model's folder."""
    came = []
    for way in (_looked_at, _taken, _loaded):
        try:
            way(folder, scratch)
            came.append("opened")
        except VAEError as error:
            line = str(error)
            came.append("refused" if "\n" not in line and 10 < len(line) < 500 else f"not one line: {line[:80]!r}")
        except Exception as error:
            came.append(f"{way.__name__}: {type(error).__name__}: {str(error)[:80]}")
    return came


def _looked_at(folder: Path, scratch: Path) -> None:
    known.look(given.given(folder))


def _taken(folder: Path, scratch: Path) -> None:
    from vae.cli.bring_foreign import given_core
    from vae.cli.bring_ours import clean_card

    brought = given.given(folder)
    found = known.look(brought)
    if found.kind == "muscope":
        clean_card(brought.json(checkpoint.CARD) if checkpoint.CARD in brought else {}, "T", "")
        return
    plan = known.plan_for(found, (1, SIDE, SIDE))
    given_core(plan, (1, SIDE, SIDE), brought, "it").read(torch.zeros(1, 1, SIDE, SIDE))


def _loaded(folder: Path, scratch: Path) -> None:
    checkpoint.load(folder).vae.decode(torch.zeros(1, checkpoint.read_card(folder)[0].latent_dim))


def resident() -> float:
    """MB of this process that are in memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def batch(seed: int, count: int) -> dict[str, object]:
    """So many folders in this process, whose memory is its own."""
    heard, came = Heard(), Counter[str]()
    chance, slowest, most = random.Random(seed), 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="muscope-checkpoints-") as place:
        root = Path(place)
        (root / "good").mkdir()
        canary, whole = root / "canary", good(root / "good")
        for kind in whole:  # every module that is needed is loaded now; each of them must open
            opened(root / "good" / kind, root)
        os.environ["TMPDIR"] = place
        tempfile.tempdir = place
        before = resident()
        for at in range(count):
            files = bent(whole[chance.choice(sorted(whole))], canary, chance)
            folder = root / f"m{at}"
            write(folder, files, chance)
            began = time.perf_counter()
            with heard.closely():
                found = opened(folder, root)
            slowest = max(slowest, time.perf_counter() - began)
            most = max(most, resident() - before - sum(map(len, files.values())) / 1e6)
            came.update(found)
            shutil.rmtree(folder)
        # What is taken in is copied aside first, and goes again: that alone may be written.
        own = {word: n for word, n in heard.found.items() if "open for writing" not in word or place not in word}
        strangers = [each.name for each in root.iterdir() if each.name != "good"]
        return {
            "came": dict(came),
            "slowest": slowest,
            "memory": most,
            "heard": own,
            "canary": canary.exists(),
            "left": strangers,
        }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Open mutated checkpoint folders.")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N")
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    if options.batch is not None:
        print(json.dumps(batch(options.batch, options.count)))
        return 0
    began, found = time.perf_counter(), []
    for seed in range(-(-options.count // BATCH)):
        size = min(BATCH, options.count - seed * BATCH)
        words = [sys.executable, "-m", "benchmarks.intake", "checkpoints", "--"]
        words += ["--batch", str(seed), "--count", str(size)]
        done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            print(f"batch {seed} ended with status {done.returncode}: a folder took its process down", file=sys.stderr)
            return 1
        found.append(json.loads(io.BytesIO(done.stdout).read().splitlines()[-1]))
    came: Counter[str] = Counter()
    heard: Counter[str] = Counter()
    for each in found:
        came.update(each["came"])
        heard.update(each["heard"])
    odd = {word: n for word, n in came.items() if word not in ("opened", "refused")}
    slowest, memory = max(each["slowest"] for each in found), max(each["memory"] for each in found)
    canary, left = any(each["canary"] for each in found), [name for each in found for name in each["left"]]
    fine = not odd and not heard and not canary and not left and slowest <= SECONDS and memory <= MEMORY
    text = f"""## Mutated checkpoint folders

{measured_on(COMMAND)}

{options.count:,} folders of 4 kinds, bent one to three times; each is looked at as the page does, taken in as an
upload is, and opened as the server opens a model. Bars: opened, or refused in one line; at most {SECONDS:.0f} s each;
at most the files and {MEMORY:.0f} MB more; nothing written outside, nothing started, no name looked up by a pickle.

| folders | ways in that opened | refused in a line | anything else | slowest | memory above the file | heard | canary |
|---:|---:|---:|---:|---:|---:|---:|---|
| {options.count:,} | {came["opened"]:,} | {came["refused"]:,} | {sum(odd.values())} | {slowest:.2f} s \
| {memory:.0f} MB | {sum(heard.values())} | {"ran" if canary else "did not sing"} |

All in {time.perf_counter() - began:.0f} s. {"All bars are met." if fine else "A bar is missed."}
"""
    text += "".join(f"\n- {word}: {n}" for word, n in (*odd.items(), *heard.items(), *((name, 1) for name in left)))
    print(text) if options.dry else section("intake", "checkpoints", text)
    return int(not fine)
