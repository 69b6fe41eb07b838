"""20,000 mutated images: each is read or left out with a reason; nothing crashes, nothing hangs, nothing is written.

Good images of every format that is read are bent: bits flipped, bytes cut, put in, repeated, cleared, two files joined,
sizes in heads made huge, checksums of PNG made right again so that a reader goes on. They are looked at 500 at a time,
as a folder would be. Where a decoder takes its process down, the folder is halved until the image is found: it counts.
"""

import argparse
import io
import random
import shutil
import struct
import time
import zlib
from pathlib import Path

import numpy as np

from benchmarks.intake.tried import below, own_home, peak, tried
from benchmarks.report import measured_on, section

COMMAND = "python -m benchmarks.intake images"
COUNT, BATCH = 20_000, 500
MEMORY = 400.0  # MB: the bar for the process that reads
SECONDS = 20.0  # for a batch: the bar


def good(seed: int = 0) -> list[tuple[str, bytes]]:
    """Images of every kind that is read, small."""
    import tifffile
    from PIL import Image

    generator = np.random.default_rng(seed)
    colours = generator.integers(0, 256, (40, 56, 3), dtype=np.uint8)
    smooth = np.linspace(0, 255, 40 * 56).reshape(40, 56).astype(np.uint8)
    deep = generator.integers(0, 4000, (4, 40, 56)).astype(np.uint16)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a tree"
    found = []

    def keep(name: str, pixels: np.ndarray, kind: str, **options: object) -> None:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, kind, **options)
        found.append((name, out.getvalue()))

    keep("a.png", colours, "PNG")
    keep("b.png", smooth, "PNG", optimize=True)
    keep("c.png", deep[0], "PNG")
    keep("d.jpg", colours, "JPEG", exif=exif)
    keep("e.jpg", smooth, "JPEG", progressive=True)
    keep("f.webp", colours, "WEBP", lossless=True)
    keep("g.webp", colours, "WEBP")
    keep("h.bmp", colours, "BMP")
    keep("i.gif", smooth, "GIF", save_all=True, append_images=[Image.fromarray(255 - smooth)])
    for name, compression in (("j.tif", None), ("k.tif", "zlib")):
        out = io.BytesIO()
        tifffile.imwrite(out, deep, photometric="minisblack", compression=compression)
        found.append((name, out.getvalue()))
    for name, compression in (("l.tif", "tiff_lzw"), ("m.tif", "packbits"), ("n.tif", "jpeg")):
        keep(name, colours, "TIFF", compression=compression)
    out = io.BytesIO()
    np.save(out, deep)
    found.append(("o.npy", out.getvalue()))
    return found


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One image, bent one to four times."""
    for _ in range(chance.randint(1, 4)):
        data = _bent(data, other, chance) or data[:1]
    return _checked(data) if data[:8] == b"\x89PNG\r\n\x1a\n" and chance.random() < 0.7 else data


def _bent(data: bytes, other: bytes, chance: random.Random) -> bytes:
    bent = bytearray(data)
    at = chance.randrange(len(bent)) if chance.random() < 0.5 else chance.randrange(min(len(bent), 200))
    way = chance.randrange(8)
    if way == 0:
        for _ in range(chance.randint(1, 30)):
            bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del bent[at:]
    elif way == 2:
        bent[at:at] = chance.randbytes(chance.randint(1, 64))
    elif way == 3:
        bent[at:at] = bent[at : at + chance.randint(1, 500)] * chance.randint(1, 20)
    elif way == 4:
        size = chance.randint(1, 64)
        bent[at : at + size] = bytes(len(bent[at : at + size]))
    elif way == 5:
        bent[at:] = other[chance.randrange(len(other)) :]
    elif way == 6:
        bent[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\0\0\xff\xff"))
    else:
        del bent[at : at + chance.randint(1, 100)]
    return bytes(bent)


def _checked(data: bytes) -> bytes:
    """A PNG whose pieces have right checksums: a reader that compares them goes on to what is inside."""
    out, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if size > len(data) - at - 12:
            return bytes(out) + data[at:]
        piece = data[at + 4 : at + 8 + size]
        out += struct.pack(">I", size) + piece + struct.pack(">I", zlib.crc32(piece))
        at += 12 + size
    return bytes(out) + data[at:]


def write(folder: Path, seed: int, count: int) -> list[str]:
    """So many mutated images into a new folder. Returns their names."""
    folder.mkdir()
    chance, whole = random.Random(seed), good()
    names = []
    for at in range(count):
        name, data = whole[chance.randrange(len(whole))]
        names.append(f"{at:04}{name}")
        (folder / names[-1]).write_bytes(mutated(data, whole[chance.randrange(len(whole))][1], chance))
    (folder / "zz.png").write_bytes(whole[0][1])  # two good ones, so that there is a set
    (folder / "zy.png").write_bytes(whole[1][1])
    return names


def died(folder: Path, names: list[str]) -> list[str]:
    """The images that take the process down, found by halves."""
    if tried_alone(folder, names):
        return []
    if len(names) == 1:
        return names
    half = len(names) // 2
    return died(folder, names[:half]) + died(folder, names[half:])


def tried_alone(folder: Path, names: list[str]) -> bool:
    """Whether these images, and two good ones, get an answer."""
    part = folder.with_name("part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name in [*names, "zz.png", "zy.png"]:
        shutil.copy(folder / name, part)
    return tried(part).came is not None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Look at mutated images.")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    read = left = 0
    fallen: list[str] = []
    slowest, began, whole = 0.0, time.perf_counter(), True
    with own_home() as root:
        for seed in range(-(-options.count // BATCH)):
            folder = root / f"batch{seed}"
            names = write(folder, seed, min(BATCH, options.count - seed * BATCH))
            before = below(root)
            found = tried(folder)
            slowest = max(slowest, found.seconds)
            if found.came is None:
                fallen += [f"{seed}/{name}" for name in died(folder, names)] if len(fallen) < 3 else [f"{seed}"]
            else:
                read += found.came.count - 2
                left += found.came.left_out_count
                whole &= found.came.count + found.came.left_out_count == len(names) + 2
                whole &= not any("so far" in line for line in found.came.warnings)
                whole &= below(root) == before
            shutil.rmtree(folder)
            shutil.rmtree(root / "part", ignore_errors=True)
    took, memory = time.perf_counter() - began, peak()
    fine = whole and not fallen and slowest <= SECONDS and memory <= MEMORY
    text = f"""## Mutated images

{measured_on(COMMAND)}

{options.count:,} images of {len(good())} kinds, bent. Bars: each is read or left out with a reason and nothing is
written; no process falls; {BATCH} of them take at most {SECONDS:.0f} s, and {MEMORY:.0f} MB.

| images | read all the same | left out, with a reason | took their process down | slowest {BATCH} | memory | all |
|---:|---:|---:|---:|---:|---:|---:|
| {options.count:,} | {read:,} | {left:,} | {len(fallen)} | {slowest:.1f} s | {memory:.0f} MB | {took:.0f} s |

{"All bars are met." if fine else f"A bar is missed. {', '.join(fallen[:5])}"}
"""
    print(text) if options.dry else section("intake", "images", text)
    return int(not fine)
