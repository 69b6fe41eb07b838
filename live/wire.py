"""The bytes between a browser and the server: requests as they come in, replies as they go out. Little-endian.

    request   kind u8, lane u8, count u16, number u32, model_id 8 bytes, flags u32, then what the kind needs
    reply     kind u8, lane u8, count u16, number u32, H u16, W u16, C u8, packing u8, 0 u16, length of the notes u32,
              then the notes (JSON), then the pixels

A request's kind says what it asks for (the classes below, in the order of `Kind`). A reply carries the kind, lane and
number of its request; kind 0 is a refusal, and its note {"error": line} says why.
"""

import json
import math
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Self

import numpy as np

from vae.data.faces import FACTORS
from vae.errors import VAEError
from vae.explore.codes import Floats, Rows
from vae.explore.render import Pixels

REQUEST_HEAD = struct.Struct("<BBHI8sI")
REPLY_HEAD = struct.Struct("<BBHIHHBBHI")
UNUSUAL = 1  # flag: also say how unusual the first code is
LANES = 16
OF_BYTES = 400  # a prior, and what samples shall show: names of labels are a person's own
VIEW_BYTES = 64  # "umap", "pca", "3,0": the longest name of a view

RAW, DIFFERENCES = 0, 1
# Differences to the left neighbour, packed by zlib's run lengths and Huffman codes alone. Measured on pictures of the
# shipped models: faces 12,288 -> 7,590 bytes in 0.07 ms, MNIST 784 -> 350 in 0.01. The usual search for repeats
# (level 1) gives 8,160 and 345 and takes half as long again: a decoded picture is smooth, and repeats nothing.
_PACKING = (1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
PACKET = 1400  # bytes that travel as one packet anyway: packing them saves nothing, and unpacking takes time
PAYS = 0.9  # packed pixels are sent when they are at most this share of the raw ones


class Kind(IntEnum):
    """What a request asks for; a reply to it has the same kind, or REFUSED."""

    REFUSED = 0
    DECODE = 1
    POINT = 2
    MEASURE = 3
    DRAWING = 4
    SAMPLE = 5
    ROWS = 6
    FACE = 7
    PICTURE = 8


# ---- what can be asked ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Decode:
    """Pictures of codes (count, L)."""

    codes: Floats
    kind: ClassVar[Kind] = Kind.DECODE

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        if count < 1 or not payload or len(payload) % (4 * count):
            raise VAEError(f"A request with {len(payload)} bytes cannot hold {count} codes of one length.")
        return cls(np.frombuffer(payload, "<f4").reshape(count, -1))

    def write(self) -> tuple[int, bytes]:
        return len(self.codes), self.codes.astype("<f4").tobytes()


@dataclass(frozen=True)
class Point:
    """The picture of the code under a point of a map: x and y in map coordinates."""

    x: float
    y: float
    view: str
    kind: ClassVar[Kind] = Kind.POINT

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        x, y = _numbers(payload[:8], 2)
        return cls(float(x), float(y), _view(payload[8:]))

    def write(self) -> tuple[int, bytes]:
        return 1, struct.pack("<2f", self.x, self.y) + self.view.encode()


@dataclass(frozen=True, eq=False)
class Measure:
    """How unusual a code (L,) is, and the images nearest to it. No picture."""

    code: Floats
    kind: ClassVar[Kind] = Kind.MEASURE

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        if not payload or len(payload) % 4:
            raise VAEError(f"A request with {len(payload)} bytes cannot hold one code.")
        return cls(np.frombuffer(payload, "<f4"))

    def write(self) -> tuple[int, bytes]:
        return 0, self.code.astype("<f4").tobytes()


@dataclass(frozen=True, eq=False)
class Drawing:
    """What the model makes of a drawing. ink (H, W) uint8: 0 paper, 255 full ink; view "" for no map."""

    ink: Pixels
    view: str
    kind: ClassVar[Kind] = Kind.DRAWING

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        return cls(*_seen(payload, _DRAWING_HEAD, "drawing"))

    def write(self) -> tuple[int, bytes]:
        return 2, _DRAWING_HEAD.pack(*self.ink.shape) + self.ink.tobytes() + self.view.encode()


@dataclass(frozen=True)
class Sample:
    """Pictures of `count` codes drawn from a prior (`live.samples`).

    Attributes:
        seed: the same seed, the same pictures. temperature: the spread, 1 the prior's own.
        limit: how far out the noise may lie, in standard deviations; 0 is no limit.
        prior: "standard" for N(0, I), or a kind of `vae.priors`. of: "label:3", "attribute:hat", or "" for any.
    """

    count: int
    seed: int
    temperature: float
    limit: float = 0.0
    prior: str = "standard"
    of: str = ""
    kind: ClassVar[Kind] = Kind.SAMPLE

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        if count < 1 or not 12 <= len(payload) <= 12 + OF_BYTES:
            raise VAEError("A request for samples holds a number of pictures, a seed, two numbers and a prior.")
        seed, temperature, limit = struct.unpack_from("<Iff", payload)
        try:
            prior, _, of = payload[12:].decode().partition("\n")
        except UnicodeDecodeError as error:
            raise VAEError("The name of a prior is not text.") from error
        return cls(count, seed, temperature, limit, prior, of)

    def write(self) -> tuple[int, bytes]:
        names = f"{self.prior}\n{self.of}".encode()
        return self.count, struct.pack("<Iff", self.seed, self.temperature, self.limit) + names


@dataclass(frozen=True, eq=False)
class RowsOf:
    """Pictures of the encodings in these rows (count,)."""

    rows: Rows
    kind: ClassVar[Kind] = Kind.ROWS

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        if count < 1 or len(payload) != 4 * count:
            raise VAEError(f"A request with {len(payload)} bytes cannot hold {count} rows.")
        return cls(np.frombuffer(payload, "<u4").astype(np.int64))

    def write(self) -> tuple[int, bytes]:
        return len(self.rows), self.rows.astype("<u4").tobytes()


@dataclass(frozen=True, eq=False)
class Face:
    """The program's face with these factors (in the order of FACTORS) and the model's; view "" for no map."""

    factors: Floats
    view: str
    kind: ClassVar[Kind] = Kind.FACE

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        end = 4 * len(FACTORS)
        return cls(_numbers(payload[:end], len(FACTORS)), _view(payload[end:]))

    def write(self) -> tuple[int, bytes]:
        return 2, self.factors.astype("<f4").tobytes() + self.view.encode()


@dataclass(frozen=True, eq=False)
class Picture:
    """What the model makes of a picture (H, W, C) uint8 that was cut to its shape; view "" for no map."""

    pixels: Pixels
    view: str
    kind: ClassVar[Kind] = Kind.PICTURE

    @classmethod
    def read(cls, count: int, payload: bytes) -> Self:
        return cls(*_seen(payload, _PICTURE_HEAD, "picture"))

    def write(self) -> tuple[int, bytes]:
        return 2, _PICTURE_HEAD.pack(*self.pixels.shape) + self.pixels.tobytes() + self.view.encode()


_DRAWING_HEAD = struct.Struct("<2H")  # height, width
_PICTURE_HEAD = struct.Struct("<2HB")  # height, width, channels

Ask = Decode | Point | Measure | Drawing | Sample | RowsOf | Face | Picture
_ASKS: dict[int, type[Ask]] = {
    ask.kind: ask for ask in (Decode, Point, Measure, Drawing, Sample, RowsOf, Face, Picture)
}


def _numbers(payload: bytes, count: int) -> Floats:
    if len(payload) != 4 * count:
        raise VAEError(f"A request with {len(payload)} bytes cannot hold {count} numbers.")
    return np.frombuffer(payload, "<f4")


def _seen(payload: bytes, head: struct.Struct, what: str) -> tuple[Pixels, str]:
    """What a model shall look at: its sides, its pixels, and the name of the view on which it lands."""
    if len(payload) < head.size:
        raise VAEError(f"A request holds no {what}.")
    shape = head.unpack_from(payload)
    size, start = math.prod(shape), head.size
    if not size or len(payload) < start + size:
        raise VAEError(f"A request with {len(payload)} bytes cannot hold a {what} of {' x '.join(map(str, shape))}.")
    return np.frombuffer(payload, np.uint8, size, start).reshape(shape), _view(payload[start + size :])


def _view(name: bytes) -> str:
    if len(name) > VIEW_BYTES:
        raise VAEError(f"No view of the map has a name of {len(name)} bytes.")
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise VAEError("The name of a view of the map is not text.") from error


# ---- requests ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        ask: what is asked for.
        model_id: 16 hex digits.
        lane: what of the page waits for it; a newer request takes the place of an older one of its lane.
        number: the page's own count; the reply carries it.
        unusual: whether the reply shall also say how unusual the first code is.
    """

    ask: Ask
    model_id: str
    lane: int
    number: int
    unusual: bool = False

    def write(self) -> bytes:
        count, payload = self.ask.write()
        head = (self.ask.kind, self.lane, count, self.number, bytes.fromhex(self.model_id), self.unusual * UNUSUAL)
        return REQUEST_HEAD.pack(*head) + payload


def parse(message: bytes) -> Request:
    """Read a request. Its form is checked here, what its numbers mean is not.

    Raises:
        VAEError: nothing that a page of ours would send.
    """
    if len(message) < REQUEST_HEAD.size:
        raise VAEError(f"A request has at least {REQUEST_HEAD.size} bytes, this one {len(message)}.")
    kind, lane, count, number, model, flags = REQUEST_HEAD.unpack_from(message)
    if kind not in _ASKS or lane >= LANES or flags & ~UNUSUAL:
        raise VAEError(f"There is no request of kind {kind} on lane {lane} with flags {flags}.")
    ask = _ASKS[kind].read(count, message[REQUEST_HEAD.size :])
    return Request(ask, model.hex(), lane, number, bool(flags & UNUSUAL))


# ---- replies -------------------------------------------------------------------------------------------------------

_NO_PICTURES = np.zeros((0, 0, 0, 0), np.uint8)


@dataclass(frozen=True, eq=False)
class Reply:
    """One reply: pixels (count, H, W, C) uint8, and notes that JSON can say."""

    kind: Kind
    lane: int
    number: int
    pixels: Pixels = field(default_factory=lambda: _NO_PICTURES)
    notes: dict[str, Any] = field(default_factory=dict)

    def write(self) -> bytes:
        """The reply as bytes, its pixels packed where that pays."""
        notes = json.dumps(self.notes, separators=(",", ":"), allow_nan=False).encode() if self.notes else b""
        packing, body = _packed(self.pixels)
        count, height, width, channels = self.pixels.shape
        head = (self.kind, self.lane, count, self.number, height, width, channels, packing, 0, len(notes))
        return REPLY_HEAD.pack(*head) + notes + body


def refusal(request: Request, line: str) -> bytes:
    """Say no to a request, and why, in one plain line."""
    return Reply(Kind.REFUSED, request.lane, request.number, notes={"error": line}).write()


def read_reply(message: bytes) -> Reply:
    """What a browser reads of a reply; for tests and measurements."""
    kind, lane, count, number, height, width, channels, packing, _, length = REPLY_HEAD.unpack_from(message)
    notes = message[REPLY_HEAD.size : REPLY_HEAD.size + length]
    body = message[REPLY_HEAD.size + length :]
    pixels = np.frombuffer(zlib.decompress(body) if packing == DIFFERENCES else body, np.uint8)
    pixels = pixels.reshape(count, height, width, channels)
    if packing == DIFFERENCES:
        pixels = np.cumsum(pixels, axis=2, dtype=np.uint8)
    return Reply(Kind(kind), lane, number, pixels, json.loads(notes) if notes else {})


def _packed(pixels: Pixels) -> tuple[int, bytes]:
    if pixels.nbytes <= PACKET:
        return RAW, pixels.tobytes()
    differences = pixels.copy()
    differences[:, :, 1:] -= pixels[:, :, :-1]  # modulo 256
    packer = zlib.compressobj(*_PACKING)
    body = packer.compress(differences.data) + packer.flush()
    return (DIFFERENCES, body) if len(body) <= PAYS * pixels.nbytes else (RAW, pixels.tobytes())
