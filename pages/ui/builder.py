"""A face by the program's own controls: it is drawn, encoded, and all tools stand on it."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from live.engine import ModelEntry, shared
from pages.ui import cache, live, turns
from pages.ui.cache import Code
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import uri
from vae.data import faces
from vae.data.faces import FACTORS, FaceFactors
from vae.errors import VAEError
from vae.explore import render

CAPTION = "a face you built"
_HELD = "muscope.builder"

# What people read of each factor: its label and, where it is a range, what stands at its two ends.
GROUPS: dict[str, dict[str, tuple[str, str, str]]] = {
    "Expression": {
        "smile": ("Smile", "", ""),
        "smile_width": ("Mouth", "narrow", "wide"),
        "eyes": ("Eyes", "asleep", "wide open"),
    },
    "Hair": {
        "long_hair": ("Long", "", ""),
        "dark_hair": ("Dark", "", ""),
        "hair_length": ("Length", "shorter", "longer"),
        "hair_shade": ("Shade", "darker", "lighter"),
    },
    "Head": {
        "glasses": ("Glasses", "", ""),
        "hat": ("Hat", "", ""),
        "brim": ("Brim", "", ""),
        "turn": ("Turned", "left", "right"),
        "skin": ("Skin", "light", "deep"),
    },
    "Light and colours": {
        "light": ("Light from", "left", "right"),
        "outfit": ("Clothes", "blue", "red"),
        "backdrop": ("Backdrop", "pink", "green"),
    },
}


@dataclass(frozen=True)
class Built:
    """A visitor's face.

    Attributes:
        face: as it was left; None after "Start again".
        origin: the image it was made from, or None.
        surprises: faces the program has thrown in so far.
    """

    face: FaceFactors | None = None
    origin: str | None = None
    surprises: int = 0


def knows_faces(entry: ModelEntry) -> bool:
    """Whether the model was trained on the faces that the program draws."""
    return entry.data in ("faces", "faces-fair") and entry.shape == (3, faces.SIZE, faces.SIZE)


def draw_builder(state: State, view: str) -> None:
    """The controls, at the current face. The large picture follows them."""
    entry, face = state.entry, face_now(state)
    data: dict[str, Any] = {
        "groups": [{"name": name, "controls": _controls(group)} for name, group in GROUPS.items()],
        "order": list(FACTORS),
        "values": {name: float(getattr(face, name)) for name in FACTORS},
        "program": uri(_drawn(face)),
        "drawn": uri(cache.picture(entry.model_id, encoded(entry.name, entry.model_id, face))),
        "view": view,
        "turn": turns.last("builder"),
    }
    live.mount(
        "builder",
        state,
        "builder",
        data,
        settled=turns.heard(state, "builder", lambda told: settle(state, told)),
        surprise=turns.heard(state, "builder", lambda _: surprise(state)),
        again=turns.heard(state, "builder", lambda _: start_again(state)),
    )


def face_now(state: State) -> FaceFactors:
    """The face to start from: the current image's own, else the one built last, else a plain one."""
    image_id = state.place.image_id
    if image_id is None:
        return _built(state).face or FaceFactors()
    split, _, index = image_id.partition("/")
    return faces.factors(split, int(index), fair=state.entry.data == "faces-fair")[0]


def settle(state: State, told: Told) -> None:
    """The hand let go of a control: "factors", in the order of FACTORS. VAEError: there is no such face."""
    _stand_on(state, read_face(told.get("factors")), _built(state).surprises)


def surprise(state: State) -> None:
    """A face the program thinks of: any of the fair ones, where everything goes with everything."""
    count = _built(state).surprises + 1
    index = int(np.random.default_rng(count).integers(faces.TRAIN_SIZE))
    _stand_on(state, faces.factors("train", index, fair=True)[0], count)


def start_again(state: State) -> None:
    """Back to the image that the face was made from."""
    built = _built(state)
    state.go(state.of_image(state.place.image_id or built.origin or cache.first_image(state.entry.model_id)))
    _hold(state, Built(None, None, built.surprises))


def read_face(factors: Any) -> FaceFactors:
    """A face from numbers in the order of FACTORS. VAEError: it is none."""
    if not isinstance(factors, list) or len(factors) != len(FACTORS):
        raise VAEError("The face did not arrive whole: move a control once more.")
    values = dict(zip(FACTORS, factors, strict=True))
    for name, kind in FACTORS.items():
        number, low = values[name], -1 if kind == "signed" else 0
        if type(number) not in (int, float) or not math.isfinite(number) or not low <= number <= 1:
            raise VAEError(f"There is no such face: {name.replace('_', ' ')} goes from {low} to 1.")
        values[name] = round(number) if kind == "binary" else float(number)
    return FaceFactors(**values)


@lru_cache(maxsize=256)
def encoded(name: str, model_id: str, face: FaceFactors) -> Code:
    """The code (mu) of a face. `model_id` is what it is kept under."""
    return tuple(shared().encode(cache.entry(name), faces.draw(face)[None])[0].tolist())


@lru_cache(maxsize=256)
def _drawn(face: FaceFactors) -> bytes:
    return render.png(faces.draw(face))


def _stand_on(state: State, face: FaceFactors, surprises: int) -> None:
    entry, origin = state.entry, state.place.image_id or _built(state).origin
    state.start_from(Place(encoded(entry.name, entry.model_id, face), None, CAPTION))
    _hold(state, Built(face, origin, surprises))


def _controls(group: dict[str, tuple[str, str, str]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "label": label, "kind": FACTORS[name], "ends": [low, high] if low else None}
        for name, (label, low, high) in group.items()
    ]


def _built(state: State) -> Built:
    found: Built = st.session_state.get(_HELD, {}).get(state.entry.model_id, Built())
    return found


def _hold(state: State, built: Built) -> None:
    st.session_state.setdefault(_HELD, {})[state.entry.model_id] = built
