"""Zip archives, member by member in memory, and gzip, under limits: nothing is ever written where a member says.

A trap is refused as a whole, before anything is unpacked: more members than anybody has, more bytes than they can be
worth, members that lie over each other (Fifield 2019). A member with a bad name, a link, a lock or an archive of its
own is left out, and said.
"""

import io
import struct
import zipfile
import zlib
from typing import BinaryIO

from vae.data.intake.given import Item, LeftOut, Unreadable, clean_name, said_size
from vae.data.intake.limits import MAX_FILES, MAX_GIVEN, MAX_RATIO, MAX_UNPACKED, MB, RATIO_FROM
from vae.errors import VAEError

NESTED = frozenset({".zip", ".tar", ".7z", ".rar", ".tgz", ".bz2", ".xz", ".zst", ".tar.gz", ".jar"})
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DIRECTORY = 128 * MB  # bytes of the list at the archive's end
_BAD = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError, struct.error)
_END, _END64, _FILE = b"PK\x05\x06", b"PK\x06\x07", b"PK\x01\x02"


def is_zip(item: Item) -> bool:
    """Whether a file is to be opened as an archive: by its name, or by its first bytes where the name says nothing."""
    if item.suffix == ".zip":
        return True
    if item.suffix or item.path is None:
        return False
    with item.path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def members(item: Item, prefix: str, left_out: LeftOut) -> list[Item]:
    """The files in an archive, to be read one by one.

    Args:
        prefix: put before each name.
        left_out: told of each member that is not used, and why.

    Raises:
        VAEError: no good archive, or a trap.
    """
    archive = opened(item.stream(MAX_GIVEN), item.name)
    found = []
    for info in archive.infolist():
        if info.is_dir():
            continue
        try:
            name = prefix + clean_name(info.filename)
            _check_member(info)
        except Unreadable as why:
            left_out.add(info.filename, str(why))
            continue
        one = _member(archive, info, name)
        if one.suffix in NESTED:
            left_out.add(name, "an archive inside an archive: unpack it first")
            continue
        found.append(one)
    return found


def opened(file: BinaryIO, name: str) -> zipfile.ZipFile:
    """An archive whose list of members has been looked through.

    Raises:
        VAEError: no good archive, or a trap.
    """
    try:
        _check_directory(file, name)
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except (zipfile.BadZipFile, struct.error, OSError, ValueError, NotImplementedError, EOFError, MemoryError):
        raise VAEError(f"{name} is no good zip archive (damaged or cut short): pack it once more.") from None
    if len(infos) > MAX_FILES:
        raise VAEError(f"{name} holds {len(infos):,} files: give at most {MAX_FILES:,}.")
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if unpacked > MAX_UNPACKED:
        raise VAEError(f"{name} unpacks to {said_size(unpacked)}: give at most {said_size(MAX_UNPACKED)}.")
    if unpacked > RATIO_FROM and unpacked > MAX_RATIO * max(packed, 1):
        raise VAEError(f"{name} grows {unpacked // max(packed, 1):,} times when unpacked, as no data do: pack others.")
    end = -1
    for info in sorted(infos, key=lambda one: one.header_offset):
        if info.header_offset < end:
            raise VAEError(f"The files in {name} lie over each other, as in a trap: pack them once more.")
        end = info.header_offset + info.compress_size
    return archive


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """The bytes of one member, never more than `limit`, whatever it says of itself.

    Raises:
        Unreadable: longer, damaged, locked.
    """
    if info.file_size > limit:
        raise Unreadable(f"it has {said_size(info.file_size)}, and {said_size(limit)} are allowed")
    try:
        with archive.open(info) as file:
            data = file.read(info.file_size + 1)  # as much as is asked for would be unpacked, whatever is promised
    except _BAD:
        raise Unreadable("it is damaged in its archive") from None
    if len(data) != info.file_size:
        raise Unreadable("it is longer or shorter than its archive says")
    return data


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Item:
    return Item(name, info.file_size, lambda limit: read_member(archive, info, limit))


def _check_member(info: zipfile.ZipInfo) -> None:
    kind = (info.external_attr >> 16) & 0o170000
    if kind not in (0, 0o100000):
        raise Unreadable("a link, not a file" if kind == 0o120000 else "no plain file")
    if info.flag_bits & 0x1:
        raise Unreadable("it is locked with a password")
    if info.compress_type not in _METHODS:
        raise Unreadable("it is packed in a way that is not read here: pack it as an ordinary zip")
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise Unreadable(f"it grows {info.file_size // max(info.compress_size, 1):,} times when it is unpacked")


def _check_directory(file: BinaryIO, name: str) -> None:
    """Count the members by their heads alone: a list of millions takes gigabytes once it is Python's."""
    file.seek(0, 2)
    length = file.tell()
    tail_at = max(0, length - (1 << 16) - 22)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0:
        raise zipfile.BadZipFile
    size, start = struct.unpack_from("<II", tail, at + 12)
    if (where := tail.rfind(_END64, 0, at)) >= 0:  # the large form: sizes in eight bytes
        (offset,) = struct.unpack_from("<Q", tail, where + 8)
        if offset >= length:
            raise zipfile.BadZipFile
        file.seek(offset)
        size, start = struct.unpack_from("<QQ", file.read(56), 40)
    if size > length:
        raise zipfile.BadZipFile
    # As the library does: the list ends where its end record begins, whatever else the file says.
    file.seek(max(0, tail_at + at - size - (76 if where >= 0 else 0)))
    if size > _DIRECTORY:
        raise VAEError(f"{name} lists more files than are allowed: give at most {MAX_FILES:,}.")
    listed = file.read(size)
    if listed.count(_FILE) > MAX_FILES:
        raise VAEError(f"{name} holds more than {MAX_FILES:,} files: give fewer.")
    file.seek(0)


def unpacked(data: bytes, limit: int) -> bytes:
    """The contents of gzip bytes, never more than `limit`, nor grown beyond what data do.

    Raises:
        Unreadable: damaged, or a trap.
    """
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    out, rest = io.BytesIO(), data
    most = min(limit, max(RATIO_FROM, MAX_RATIO * len(data)))
    if int.from_bytes(data[-4:], "little") > most:  # its end says how long it is; if it lies, the count below finds out
        raise Unreadable(f"it unpacks to more than {said_size(most)}")
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(rest, 4 * MB)
            out.write(piece)
            if out.tell() > most:
                raise Unreadable(f"it unpacks to more than {said_size(most)}")
            rest = unpacker.unconsumed_tail
            if not rest and not piece:
                raise Unreadable("it is cut short")
    except zlib.error:
        raise Unreadable("it is no good gzip file") from None
    return out.getvalue()
