"""Images in the order of their strangeness: by which score, where the line is drawn, and pressing one."""

from dataclasses import dataclass

import streamlit as st

from live import scored as live_scored
from pages.ui import cache, judged
from pages.ui.judged import Ranking
from pages.ui.state import Group, Place, State
from pages.ui.widgets import small, tap
from vae import data
from vae.errors import VAEError
from vae.evaluate.strange.strangeness import NAMES

HELP = {
    "recon": "Mean squared difference between image and reconstruction, per pixel.",
    "elbo": "The negative ELBO: reconstruction and KL together, in nats.",
    "iwae": "A closer bound of −log p(x), by importance weights, in nats.",
    "relative": "What the picture costs through its code, over what a flat grey of its own mean would cost.",
    "combined": "The share unexplained times the distance of its code: strange in its looks or in its code.",
    "density": "How far its code lies from the fifth nearest code of a training image",
}
RATES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
SHOWN = 24  # images at a time
SENT = 2000  # images in a group at most
NOTHING = "none"
_PRESSED = "muscope.anomalies.pressed"


@dataclass(frozen=True)
class Asked:
    """By which score, with which data set mixed in ("" for none), and how many false alarms may be."""

    score: str
    other: str
    rate: float


@dataclass(frozen=True)
class Pressed:
    """An image that was pressed: of a model, in a data set, by its id there."""

    model_id: str
    data: str
    name: str

    @property
    def row(self) -> int:
        return int(self.name.partition("/")[2])


def choose(state: State) -> Asked:
    """The controls above the images."""
    entry = state.entry
    here = cache.original(entry.data, cache.first_image(entry.model_id)) is not None
    no_likelihood = judged.is_point(entry) or entry.config.likelihood == "mse"
    scores = [name for name in NAMES if not (no_likelihood and name in ("elbo", "iwae"))] if here else ["recon"]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        score = st.selectbox(
            "Score",
            scores,
            format_func=lambda name: NAMES[name],
            key=f"anomalies.score.{state.model}",
            persist_state="session",
            help="  \n".join(f"**{NAMES[name]}**: {_help(name, judged.is_point(entry))}" for name in scores),
            width=260,
        )
        others = live_scored.mixable(entry.data, entry.shape) if here else ()
        other = NOTHING
        if others:
            other = st.selectbox(
                "Mix in",
                [NOTHING, *others],
                format_func=lambda name: name if name == NOTHING else data.describe(name).title,
                key=f"anomalies.other.{state.model}",
                persist_state="session",
                help="Images of another data set, to see whether the score finds them.",
                width=220,
            )
    rate = st.select_slider(
        "Threshold, by its false alarms",
        RATES,
        value=0.05,
        format_func=lambda rate: f"{rate:.1%}",
        key="anomalies.rate",
        persist_state="session",
        help="The share of the model's own test images that may be called strange by mistake. Fewer: fewer strange "
        "ones are found.",
    )
    return Asked(score, "" if other == NOTHING else other, rate)


def _help(score: str, point: bool) -> str:
    """What a score measures, in its unit. An autoencoder has no prior whose spread could be one."""
    if score == "density":
        return f"{HELP[score]}{'' if point else ', in standard deviations of the prior'}."
    return HELP[score]


def draw_ranked(state: State, asked: Asked) -> Ranking:
    """What lies above the line, in words, and the images; a press shows one large."""
    entry = state.entry
    with st.spinner("Scoring images, once for everybody: seconds, for large pictures more.", show_time=True):
        ranked = judged.ranking(entry.model_id, asked.score, asked.other, asked.rate)
    alarms = ranked.line.false_alarms
    words = (
        f"Above {ranked.line.value:.4g}: {alarms.value:.1%} of {ranked.line.images:,} test images of its own "
        f"({alarms.low:.1%} to {alarms.high:.1%} are to be expected: false alarms)"
    )
    if ranked.caught is not None:
        words += f", and {ranked.caught.value:.1%} of {data.describe(asked.other).title} ({ranked.caught.low:.1%} to "
        words += f"{ranked.caught.high:.1%})"
    st.write(f"{words}.")
    box = f"anomalies.first.{state.model}"
    first = min(int(st.session_state.get(box, 0)), max(0, len(ranked.found) - 1))
    part = ranked.found[first : first + SHOWN]
    _draw_grid(state, asked, ranked, part, first)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for words, to in (("Worse ones", first - SHOWN), ("Next ones", first + SHOWN)):
            st.button(
                words,
                key=f"anomalies.do.{words.partition(' ')[0].lower()}",
                disabled=not 0 <= to < len(ranked.found),
                on_click=st.session_state.update,
                args=({box: to},),
            )
        st.caption(f"{first + 1:,} to {first + len(part):,} of {len(ranked.found):,}. Framed: above the threshold.")
    return ranked


def _draw_grid(
    state: State, asked: Asked, ranked: Ranking, part: tuple[tuple[str, str, float], ...], first: int
) -> None:
    entry = state.entry
    crisp = "-crisp" if small(state) else ""
    with st.container(horizontal=True, gap="xsmall", key="anomalies-grid"):
        for place, (of, name, value) in enumerate(part):
            pressed = Pressed(entry.model_id, of, name)
            foreign = of != entry.data
            kind = "above" if first + place < ranked.above else "below"
            what = f"{caption_of(state, pressed)}, {NAMES[asked.score]} {value:.4g}"
            key = f"anomalies-{kind}{'-foreign' if foreign else ''}{crisp}-tap-{place}"
            tap(key, _picture(state, pressed), what, press, state, pressed, help=what)


def _picture(state: State, pressed: Pressed) -> bytes:
    """The image itself; where it is not on this machine, its reconstruction."""
    if pressed.data != state.entry.data:
        return judged.picture_of(pressed.data, pressed.row)
    found = cache.original(pressed.data, pressed.name)
    return found or cache.picture(pressed.model_id, cache.code_of(pressed.model_id, pressed.name))


def caption_of(state: State, pressed: Pressed) -> str:
    """A few words for one image, its data set where it is another one."""
    if pressed.data != state.entry.data:
        return f"{data.describe(pressed.data).title}, test image {pressed.row:,}"
    return cache.caption_of(pressed.model_id, pressed.name)


# ---- what a press does ---------------------------------------------------------------------------------------------


def press(state: State, pressed: Pressed) -> None:
    """Show one large, and have the tools of the other pages stand on it."""
    st.session_state[_PRESSED] = pressed
    state.go(place_of(state, pressed))


def place_of(state: State, pressed: Pressed) -> Place:
    """Where an image lies: one of another data set is a code without an image of this model's."""
    if pressed.data == state.entry.data:
        return state.of_image(pressed.name)
    return Place(judged.code_of(pressed.model_id, pressed.data, pressed.row), None, caption_of(state, pressed))


def shown(state: State, ranked: Ranking) -> Pressed:
    """The image that is shown large: the one pressed last, while it is there, else the strangest."""
    pressed: Pressed | None = st.session_state.get(_PRESSED)
    here = {(of, name) for of, name, _ in ranked.found}
    if pressed and pressed.model_id == state.entry.model_id and (pressed.data, pressed.name) in here:
        return pressed
    of, name, _ = ranked.found[0]
    return Pressed(state.entry.model_id, of, name)


def send(state: State, name: str, pressed: tuple[Pressed, ...]) -> None:
    """Make a group of images on the map; those of another data set have no place there."""
    rows = [cache.row_of(each.model_id, each.name) for each in pressed if each.data == state.entry.data][:SENT]
    if not rows:
        raise VAEError("None of these images is of the model's own data, so none is on its map.")
    state.gather(Group(name, judged.rows(tuple(rows)), "", ()))
    st.toast(f"On the map: {name}, {len(rows):,} image{'s' if len(rows) > 1 else ''}.")
