"""5,000 hostile names of files, in archives and uploads: nothing is written outside the folder a set is made in.

Names that climb, that are absolute, of drives, devices and streams, of other systems, too long, invisible, turned
around, locked, linked. Each archive and each upload is taken in for good; then every file below and around is
counted.
"""

import argparse
import io
import itertools
import json
import random
import time
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.intake.tried import below, own_home
from benchmarks.report import measured_on, section
from vae.data import brought
from vae.data.intake import take_in

COMMAND = "python -m benchmarks.intake members"
COUNT, EACH = 5_000, 200

CLIMBS = (
    "../",
    "../../",
    "..\\",
    "..\\..\\",
    "a/../../",
    "./../",
    "....//",
    "..//",
    ".. /",
    "%2e%2e/",
    "\u2025/",
    "x/..\\../",
)
ROOTS = (
    "/",
    "//",
    "\\",
    "\\\\server\\share\\",
    "C:\\",
    "C:",
    "\\\\?\\C:\\",
    "file:///",
    "~/",
    "~root/",
    "$HOME/",
    "/proc/self/",
)
ODD = ("CON", "NUL.png", "aux", "a:b", "a.png:stream", "a\0b", "a\nb", "a\rb", "\u202egnp", "\ufeff", "\u200b", ".",
       "..", " ", "-rf", "`id`", "$(id)", ";id", "<script>alert(1)</script>", "=1+1", "names.json", "set.json", "|id",
       ".git/config", "x" * 5000, "a/" * 300, "\u00ed\u00a0\u0080", "e\u0301", "%00.png", "'\"")  # fmt: skip
TARGETS = ("canary", "canary.png", "home/brought/evil", "etc/passwd", "a.png", "x/y/z.png")


def names(count: int, root: Path) -> list[str]:
    """So many hostile names, all different; some lead right to `root`."""
    chance = random.Random(0)
    found = [climb + target for climb, target in itertools.product(CLIMBS, TARGETS)]
    found += [start + target for start, target in itertools.product(ROOTS, TARGETS)]
    found += [str(root / target) for target in TARGETS] + list(ODD)
    seen = dict.fromkeys(found)
    while len(seen) < count:
        parts = [chance.choice((*CLIMBS, *ROOTS, "a/", "b\\")) for _ in range(chance.randint(1, 6))]
        end = chance.choice((*ODD, *TARGETS))[:300] + chance.choice(("", ".png", str(len(seen))))
        seen["".join(parts) + end] = None
    return list(seen)[:count]


def png(grey: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.full((16, 16), grey, np.uint8)).save(out, "PNG")
    return out.getvalue()


def pack(path: Path, hostile: list[str], chance: random.Random) -> None:
    """An archive of hostile names, some of them links or locked, and three good images."""
    with zipfile.ZipFile(path, "w") as file:
        for at in range(3):
            file.writestr(f"good{at}.png", png(at))
        for name in hostile:
            info = zipfile.ZipInfo("x")
            info.filename = name  # as it is: the constructor would mend it
            info.external_attr = chance.choice((0, 0o100644, 0o120777, 0o020666, 0o040755)) << 16
            file.writestr(info, chance.choice((png(9), b"/etc/passwd", b"../canary")))


def upload(folder: Path, hostile: list[str]) -> None:
    """The folder of an upload with hostile names."""
    folder.mkdir()
    listed = {f"{at:04}.bin": name for at, name in enumerate([*hostile, "good1.png", "good2.png", "good3.png"])}
    for at, stored in enumerate(listed):
        (folder / stored).write_bytes(png(at % 250))
    (folder / "names.json").write_text(json.dumps(listed))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Take in files with hostile names.")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    chance, began = random.Random(1), time.perf_counter()
    made, shown, strays = 0, 0, []
    with own_home() as root:
        (root / "canary").write_text("alive")
        (root / "canary.png").write_text("alive")
        hostile = names(options.count, root)
        for at in range(0, len(hostile), EACH):
            part = hostile[at : at + EACH]
            given = root / f"given{at}"
            if (at // EACH) % 2:
                upload(given, part)
            else:
                given = given.with_suffix(".zip")
                pack(given, part, chance)
            before = below(root)
            set_id = take_in(given, None, title="hostile", owner="")
            made += 1
            own = {f"home/brought/{set_id}/{name}" for name in (brought.FACTS, brought.TENSORS, brought.ROWS)}
            after = below(root)
            strays += sorted(set(after) - set(before) - own) + [
                name for name in before if after.get(name) != before[name]
            ]
            kept = brought.rows(set_id)[brought.FILE].to_pylist()
            bad = [name for name in kept if name.startswith("/") or ".." in name.split("/") or not name.strip()]
            strays += bad
            shown += len(kept)
    took = time.perf_counter() - began
    text = f"""## Hostile names

{measured_on(COMMAND)}

{len(hostile):,} hostile names of files, half in archives and half in uploads, taken in {EACH} at a time. Bar: nothing
is written but the three files of each set, nothing that was there is changed, and no name that is kept leads anywhere.

| names | sets made | names kept after cleaning | strays | all |
|---:|---:|---:|---:|---:|
| {len(hostile):,} | {made} | {shown:,} | {len(strays)} | {took:.0f} s |

{"The bar is met." if not strays else f"The bar is missed: {strays[:5]!r}"}
"""
    print(text) if options.dry else section("intake", "members", text)
    return int(bool(strays))
