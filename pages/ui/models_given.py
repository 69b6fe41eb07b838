"""Where a model comes from: files of one's own, the Hub, a path on this machine, or code of whoever owns the server."""

import os
from dataclasses import dataclass

import streamlit as st

from live.openings import ADAPTER, HUB, Wish, shared_openings
from pages.ui import uploader
from pages.ui.errors import careful, plain
from pages.ui.state import State
from pages.ui.visitor import me, this_machine_only
from vae.errors import VAEError
from vae.foreign import given as files
from vae.foreign.adapter import adapters
from vae.weights import refuse_pickle

UPLOAD = "models.files"
OVER = "muscope.models.over"  # what was given has been opened
FILES, ON_HUB, HERE, CODE = "Files", "The Hub", "This machine", "Your code"
OPENED = (
    "A folder (or a zip of it) of Muscope’s own: `config.json`, `model.safetensors`, `card.json`",
    "An `AutoencoderKL` of diffusers: `config.json`, `diffusion_pytorch_model.safetensors`",
    "A pythae model with its usual dense networks: `model_config.json`, and its weights as `model.safetensors`",
)


@dataclass(frozen=True)
class Given:
    """Something to open.

    Attributes:
        what: a path, "hub:OWNER/MODEL" or "adapter:NAME".
        title: what to call it at first; "" for what it is called by itself.
        key: another one for everything that was given.
    """

    what: str
    title: str
    key: str


def draw_given(state: State) -> Given | None:
    """The ways in, and what was given; None while there is nothing."""
    if st.session_state.pop(OVER, False):  # before its controls are drawn: they may not be emptied afterwards
        _forget(state)
    ways = [FILES]
    if this_machine_only() or os.environ.get("MUSCOPE_HUB") == "1":  # it fetches gigabytes onto the server
        ways.append(ON_HUB)
    if this_machine_only():  # a path is read with the rights of whoever runs the server
        ways.append(HERE)
    ways.append(CODE)
    way = st.segmented_control(
        "Where it is", ways, default=FILES, required=True, key="models.way", persist_state="session"
    )
    if way == ON_HUB:
        return _draw_hub(state)
    if way == HERE:
        return _draw_path()
    if way == CODE:
        return _draw_code()
    return _draw_files(state)


def forget() -> None:
    """It was opened: the next time the page is drawn its files and names are gone."""
    st.session_state[OVER] = True


def _forget(state: State) -> None:
    uploader.drop(state, UPLOAD)
    for key in ("models.path", "models.hub"):
        st.session_state[key] = ""


def tell_conversion(lines: str) -> None:
    """What to run at home, and what to bring then: weights alone say nothing of their network."""
    st.code(lines, language="python", wrap_lines=True)
    st.write(
        "Then bring the new file together with the `config.json` that lay beside the old one. A network of your own "
        "has none: write an adapter for it, as *Your code* shows."
    )


def offer_adapter() -> None:
    """For whoever has weights and nothing that says how to build their network."""
    with st.expander("A network of your own, without such a config.json?"):
        _tell_adapter()
        st.write("It then stands here under *Your code*.")


def _tell_adapter() -> None:
    st.write(
        "Write a class with `shape`, `latent_dim`, `encode` and `decode` that loads its own weights, as "
        "`examples/adapter.py` shows, and start the server with it:"
    )
    st.code("streamlit run app.py -- --adapter examples/adapter.py:Waves", language="sh", wrap_lines=True)
    st.write(
        "Or install a package with an entry point in the group `muscope.adapters`. What visitors bring never runs."
    )


def _draw_files(state: State) -> Given | None:
    folder = uploader.draw_uploader(
        state, UPLOAD, what="a model’s folder, its files, or a zip of them", accept="", folder=True
    )
    if folder is None:
        st.caption("What can be opened:")
        st.markdown("\n".join(f"- {line}" for line in OPENED))
        with st.expander("A .pt, .pth, .bin or .ckpt?"):
            st.write(
                "Such a file may hold a program, so it is never opened here. On the machine it comes from, these lines "
                "write one that can be:"
            )
            tell_conversion(refuse_pickle("model.pt").lines)
        return None
    return Given(str(folder), uploader.title_of(state, UPLOAD), folder.name)


def _draw_hub(state: State) -> Given | None:
    name = st.text_input(
        "Name on the Hugging Face Hub",
        key="models.hub",
        placeholder="stabilityai/sd-vae-ft-mse",
        persist_state="session",
    ).strip()
    if not name:
        st.caption("Its config and its weights are fetched once, as safetensors, and nothing else of it.")
        return None
    try:
        there = files.on_machine(name)
    except VAEError as error:
        st.error(plain(error))
        return None
    if there is None:
        st.button(
            "Fetch it",
            key="models.do.fetch",
            type="primary",
            icon=":material/download:",
            on_click=careful(lambda: shared_openings().ask(me(state), Wish(HUB + name))),
        )
        return None
    return Given(HUB + name, "", HUB + name)


def _draw_path() -> Given | None:
    path = st.text_input(
        "Path",
        key="models.path",
        placeholder="/home/ada/models/cells",
        persist_state="session",
        help="A folder or a zip.",
    ).strip()
    return Given(path, "", f"path.{path}") if path else None


def _draw_code() -> Given | None:
    found = adapters()
    if not found:
        st.info("No code of your own is known to this server. Whoever starts it can add some.")
    name = None
    if found:
        titles = {each.name: f"{each.own or each.name}, from {each.where}" for each in found}
        name = st.selectbox("Adapter", list(titles), format_func=titles.__getitem__, key="models.adapter")
    with st.expander("How to add your own", expanded=not found):
        _tell_adapter()
    return Given(ADAPTER + name, "", ADAPTER + name) if name else None
