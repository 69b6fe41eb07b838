"""60 bombs: files that unpack to far more than they are. Each is refused in a line, in 2 seconds, within 200 MB.

Archives of zeros, of a million names, of members that lie over each other, of archives, of members that lie about
themselves; arrays that promise terabytes; gzip of zeros; images of 400 megapixels and more; PNG whose texts and colour
profiles are the bomb; TIFF whose strips are; tables that are one value a billion times.

Where a good image carries the bomb in its margin (a text, a profile), it may be read: what counts is time and memory.
"""

import argparse
import gzip
import io
import multiprocessing
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.intake.tried import own_home, peak, tried
from benchmarks.report import measured_on, section

COMMAND = "python -m benchmarks.intake bombs"
SECONDS, MEMORY = 2.0, 200.0
MB = 1 << 20

Bomb = tuple[str, Callable[[], bytes]]  # its file name, and its bytes


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def zeros(name: str, size: int) -> bytes:
    """An archive of one member of so many zeros, written in pieces."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file, file.open(name, "w", force_zip64=True) as member:
        for _ in range(size // MB):
            member.write(bytes(MB))
    return out.getvalue()


def overlapping(count: int) -> bytes:
    """Many names for one member (Fifield 2019, the simple form)."""
    whole = archive({"a.png": bytes(MB)})
    at = whole.index(b"PK\x01\x02")
    entry, end = whole[at : whole.index(b"PK\x05\x06")], whole[whole.index(b"PK\x05\x06") :]
    many = b"".join(entry[:46] + f"{number:05}"[-5:].encode() + entry[51:] for number in range(count))
    return whole[:at] + many + end[:8] + struct.pack("<HHII", count, count, len(many), at) + b"\0\0"


def many_names(count: int) -> bytes:
    """A list of so many members and nothing else."""
    head = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    listed = (head + b"a") * count
    start = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    end64 = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), len(start))
    where = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(start) + len(listed), 1)
    return (
        start
        + listed
        + end64
        + where
        + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


def nested(depth: int) -> bytes:
    """Archives in archives, sixteen in each."""
    data = archive({"0.png": bytes(4 * MB)})
    for _ in range(depth):
        data = archive({f"{at}.zip": data for at in range(16)})
    return data


def lying(size: int, name: str = "a.png") -> bytes:
    """A member that says it is small."""
    data = bytearray(zeros(name, size))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    return bytes(data)


def npy(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"
    head = head.ljust(-(10 + len(head) + 1) % 64 + len(head)) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()


def png(width: int, height: int, extra: bytes = b"", body: bytes | None = None) -> bytes:
    def piece(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = piece(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = zlib.compress(bytes(min(100 * MB, (width + 1) * height)), 9) if body is None else body
    return b"\x89PNG\r\n\x1a\n" + head + extra + piece(b"IDAT", data) + piece(b"IEND", b"")


def text(kind: bytes, size: int) -> bytes:
    """A piece of a PNG that unpacks to so many bytes."""
    packed = zlib.compress(bytes(size), 9)
    body = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind] + packed
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def texts(kind: bytes, size: int, times: int) -> bytes:
    return png(16, 16, text(kind, size) * times)


def promise(shape: tuple[int, ...], kind: str) -> bytes:
    return npy(shape, kind) + bytes(1000)


def promise_packed(shape: tuple[int, ...], kind: str) -> bytes:
    return archive({"x.npy": promise(shape, kind)})


def packed_zeros(size: int) -> bytes:
    return gzip.compress(bytes(size))


def jpeg(width: int, height: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def tiff(size: int, says: tuple[int, int]) -> bytes:
    """One strip of zeros that unpacks to far more than the head says, or as much as it says where that is huge."""
    strip = zlib.compress(bytes(size), 9)
    height, width = says
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, height), (279, 4, len(strip))]  # fmt: skip
    table = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    return struct.pack("<2sHI", b"II", 42, 8 + len(strip)) + strip + table + struct.pack("<I", 0)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff,\0\0\0\0" + struct.pack(
        "<HHB", width, height, 0
    ) + b"\x02\x02\x4c\x01\0;"  # fmt: skip


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    )


def parquet(rows: int) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    table = pyarrow.table({"a": np.zeros(rows), "b": np.zeros(rows)})
    pyarrow.parquet.write_table(table, out, compression="gzip")
    return out.getvalue()


def bombs() -> Iterator[Bomb]:
    """Sixty of them."""
    for name, size in (
        ("a.png", 64),
        ("a.png", 1024),
        ("a.npz", 512),
        ("a.npy", 512),
        ("a.csv", 512),
        ("a.tif", 256),
        ("a.gif", 100),
    ):
        yield "zeros.zip", partial(zeros, name, size * MB)
    for count in (2, 20, 200, 2_000, 20_000):
        yield "over.zip", partial(overlapping, count)
    for count in (300_000, 700_000, 1_500_000):
        yield "names.zip", partial(many_names, count)
    for depth in (1, 2, 3):
        yield "nested.zip", partial(nested, depth)
    for size in (1, 50, 500):
        yield "lying.zip", partial(lying, size * MB)
    yield "lying.zip", lambda: lying(500 * MB, "a.npz")
    for shape, kind in (((10**9, 64, 64), "|u1"), ((10**6, 999, 999), "<f8"), ((2**62, 2), "|u1"),
                        ((100, 10**7), "<f8"), ((64, 64, 64), "<U99999999")):  # fmt: skip
        yield "promise.npy", partial(promise, shape, kind)
        yield "promise.npz", partial(promise_packed, shape, kind)
    yield "zeros.npz", lambda: zeros("images.npy", 1024 * MB)
    yield "full.npz", lambda: archive({"images.npy": npy((65536, 32, 32)) + bytes(64 * MB)})
    for name in ("a.csv.gz", "train-images-idx3-ubyte.gz", "a.tsv.gz"):
        for size in (40, 400):
            yield name, partial(packed_zeros, size * MB)
    yield "twice.csv.gz", lambda: gzip.compress(gzip.compress(bytes(200 * MB)))
    for width, height in (
        (20_000, 20_000),
        (60_000, 60_000),
        (2_000_000, 2_000),
        (5_001, 5_000),
        (2**31 - 1, 2**31 - 1),
    ):
        yield "huge.png", partial(png, width, height)
    yield "more.png", lambda: png(16, 16, body=zlib.compress(bytes(400 * MB), 9))
    for part, size in ((b"zTXt", 300), (b"iTXt", 300), (b"iCCP", 300), (b"zTXt", 900)):
        yield "text.png", partial(texts, part, size * MB, 1)
    yield "texts.png", partial(texts, b"zTXt", MB, 200)
    for size, says in ((400, (16, 16)), (100, (10_000, 10_000)), (900, (30_000, 30_000))):
        yield "strip.tif", partial(tiff, size * MB, says)
    yield "huge.jpg", lambda: jpeg(65_500, 65_500)
    yield "huge.gif", lambda: gif(65_535, 65_535)
    yield "huge.bmp", lambda: bmp(100_000, 100_000)
    yield "rows.parquet", lambda: parquet(2_000_000)
    yield "rows.parquet", lambda: parquet(40_000_000)
    yield "wide.csv", lambda: b",".join([b"1"] * 20_000_000)
    yield "wider.csv", lambda: b"path,label\n" + b",".join([b"ab"] * 12_000_000)
    yield "names.json", lambda: b"[" * 5_000_000


def offered(folder: Path) -> tuple[float, float, str]:
    """Seconds, MB of the largest reader so far, and the refusal ("" for none) of what lies in a folder."""
    found = tried(folder)
    return found.seconds, peak(), found.line


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Look at bombs.")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    rows: list[tuple[str, int, float, float, str]] = []
    # The bombs are made here and offered from a process of their own: what a reader is started from counts as the
    # reader's memory, and whoever makes a bomb holds all of it.
    apart = multiprocessing.get_context("spawn")
    with own_home() as root, ProcessPoolExecutor(1, mp_context=apart) as beside:
        beside.submit(peak).result()  # started before the first bomb is made
        for at, (name, make) in enumerate(bombs()):
            folder = root / f"{at}"
            folder.mkdir()
            (folder / name).write_bytes(make())
            size = (folder / name).stat().st_size
            seconds, memory, line = beside.submit(offered, folder).result()
            rows.append((name, size, seconds, memory, line or "read: the bomb is not in what is used"))
            print(f"{at + 1} {name}: {seconds:.2f} s, {memory:.0f} MB", file=sys.stderr, flush=True)
            (folder / name).unlink()
    slow = [row for row in rows if row[2] > SECONDS]
    taken = [row for row in rows if row[4].startswith("read")]
    worst, memory = max(row[2] for row in rows), max(row[3] for row in rows)
    fine = not slow and memory <= MEMORY
    kinds = "\n".join(
        f"| {name} | {size / 1e6:.2f} | {seconds:.2f} | {line[:110]} |" for name, size, seconds, _, line in rows
    )
    text_ = f"""## Bombs

{measured_on(COMMAND)}

{len(rows)} files that unpack to far more than they are. Bars: each is refused, or its bomb not touched, in
{SECONDS:.0f} s, the start of the process included, within {MEMORY:.0f} MB.

| bombs | refused | read without the bomb | slowest | memory at most |
|---:|---:|---:|---:|---:|
| {len(rows)} | {len(rows) - len(taken)} | {len(taken)} | {worst:.2f} s | {memory:.0f} MB |

{"All bars are met." if fine else f"A bar is missed: {[(row[0], round(row[2], 2)) for row in slow][:5]}"}

<details><summary>Each of them</summary>

| file | MB | seconds | what was said |
|---|---:|---:|---|
{kinds}

</details>
"""
    print(text_) if options.dry else section("intake", "bombs", text_)
    return int(not fine)
