"""A pad to draw on: the drawing is encoded, and all tools stand on it."""

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from live.engine import ModelEntry, shared
from pages.ui import builder, cache, live, own_image, turns
from pages.ui.cache import Code
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import uri
from vae.errors import VAEError
from vae.explore import render
from vae.explore.drawing import PEN_WIDTH, centred
from vae.explore.render import Pixels

SIDE = 112  # pixels of the ink that a pad sends
CAPTION = "your drawing"
_HELD = "muscope.pen"
_WHAT = {"mnist": "a digit", "fashion-mnist": "something to wear", "kmnist": "a character", "digits": "a digit"}


@dataclass(frozen=True)
class Drawn:
    """A visitor's drawing.

    Attributes:
        text: the ink as the pad sent it; "" after it was wiped.
        code: what the model makes of it; None after it was wiped.
    """

    text: str
    code: Code | None


def offer_start(state: State, view: str = "") -> None:
    """A drawing, a face, a picture or a row of one's own as the start of every page, where the model can read one.

    Args:
        view: of the map on the same page, on which the drawing lands; "" where there is none.
    """
    entry = state.entry
    if builder.knows_faces(entry):
        with st.container(key="own-face"), st.expander("Build a face", icon=":material/face:"):
            st.caption("Say how it should look: the model draws it its way, and every page starts from it.")
            builder.draw_builder(state, view)
    elif reads_ink(entry):
        with st.container(key="own-drawing"), st.expander("Draw one", icon=":material/draw:"):
            what = _WHAT.get(entry.data, "something")
            st.caption(f"Draw {what}: the model draws it its way, and every page starts from it.")
            draw_pad(state, view)
    own_image.offer_own(state, view)


def reads_ink(entry: ModelEntry) -> bool:
    """Whether a drawing can be shown to this model: its images are square and of one channel."""
    return len(entry.shape) == 3 and entry.shape[0] == 1 and entry.shape[1] == entry.shape[2] >= 4


def draw_pad(state: State, view: str) -> None:
    """The pad. The large picture follows the pen."""
    model_id = state.entry.model_id
    drawn = _held().get(model_id, Drawn("", None))
    data: dict[str, Any] = {"width": PEN_WIDTH, "view": view, "turn": turns.last("pen"), "ink": drawn.text, "near": []}
    if drawn.code is not None:
        data["given"] = uri(render.png(seen(state.entry, read_ink(drawn.text))[0]))
        data["made"] = uri(cache.picture(model_id, drawn.code))
        data["near"] = [cache.caption_of(model_id, name) for name, _ in cache.neighbours(model_id, drawn.code, 3, None)]
    live.mount("pen", state, "pen", data, settled=turns.heard(state, "pen", lambda told: settle(state, told)))


def settle(state: State, told: Told) -> None:
    """The pen was lifted: "ink". All tools stand on the drawing; wiped ink is forgotten and moves nothing.

    VAEError: it is no drawing, or nothing is drawn.
    """
    text = told.get("ink")
    if not isinstance(text, str):
        raise VAEError("The drawing did not arrive whole: draw it again.")
    code = None
    if text:
        code = encoded(state.entry, seen(state.entry, read_ink(text)))
        state.start_from(Place(code, None, CAPTION))
    _held()[state.entry.model_id] = Drawn(text, code)


def read_ink(text: str) -> Pixels:
    """(SIDE, SIDE) uint8 from what a pad sends: bytes packed by zlib, as base64. VAEError: it is something else."""
    try:
        packed = zlib.decompressobj()
        ink = packed.decompress(base64.b64decode(text, validate=True), SIDE * SIDE + 1)  # no more, whatever it claims
    except (binascii.Error, ValueError, zlib.error) as error:
        raise VAEError("The drawing did not arrive whole: draw it again.") from error
    if len(ink) != SIDE * SIDE or not packed.eof:
        raise VAEError(f"The drawing did not arrive whole: it is not one of {SIDE} x {SIDE} pixels. Draw it again.")
    return np.frombuffer(ink, np.uint8).reshape(SIDE, SIDE)


def seen(entry: ModelEntry, ink: Pixels) -> Pixels:
    """What the model is given of a drawing, (1, H, H, 1). VAEError: nothing is drawn, or the model reads no ink."""
    if not reads_ink(entry):
        raise VAEError(f"{entry.title} does not read drawings in ink: choose a model of grey square images.")
    return centred(ink, entry.shape[1])[None, :, :, None]


def encoded(entry: ModelEntry, pixels: Pixels) -> Code:
    """The code (mu) of one picture (1, H, W, C)."""
    return tuple(shared().encode(entry, pixels)[0].tolist())


def _held() -> dict[str, Drawn]:
    """The drawings of this visitor, by model."""
    held: dict[str, Drawn] = st.session_state.setdefault(_HELD, {})
    return held
