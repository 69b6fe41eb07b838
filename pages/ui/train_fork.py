"""A training again with other settings: the form is filled with those of a run, and anything may be changed."""

import streamlit as st

from pages.ui import train_words
from pages.ui.train_words import FIELDS
from pages.ui.visitor import this_machine_only
from pages.ui.widgets import literal
from vae import data
from vae.data import brought
from vae.recipes import RECIPES
from vae.train.runs import Run

EPOCHS, MINUTES = "epochs", "minutes"
ITS_OWN = ("--out", "--title", "--sentence", "--threads", "--map")  # what every run says for itself
FORK = "muscope.train.fork"


def own_key(network: str, public: str) -> str:
    """The first part of the key of everything that is remembered for one network on one data set."""
    return f"train.{network}.{public}"


def fork_of(run: Run) -> None:
    """Fill the form with the settings of a run: what it does not know goes along as it is."""
    asked = options_of(run.arguments)
    name = _one(asked, "--data")
    kind, _, path = name.partition(":")
    notice = ""
    if kind == brought.KIND and brought.on_machine(path):  # a run that others may not see cannot be forked by them
        kind = name
    elif kind == brought.KIND:
        name, kind = "digits", "digits"
        notice = "Its images are no longer here: choose others."
    elif kind in train_words.OWN and this_machine_only():
        st.session_state["train.path"] = path
    elif name not in data.NAMES:
        name, kind = "digits", "digits"
        notice = "Its images are a folder of this machine, which is not offered over a network: choose others."
    recipe = _one(asked, "--recipe")
    network = recipe if recipe in RECIPES else train_words.network_of(asked)
    if network not in RECIPES:
        for option in train_words.words_of(network):
            asked.pop(option.partition("=")[0])  # the network says it
        if network not in train_words.MADE_OF:
            _one(asked, "--model")
    own = own_key(network, data.public_name(name))
    st.session_state["train.data"], st.session_state["train.network"] = kind, network
    for key in [key for key in st.session_state if str(key).startswith(f"{own}.")]:
        del st.session_state[key]  # what it does not say is as usual
    st.session_state[f"{own}.encoder-sizes"] = ""  # said, not left out: a browser holds on to what stands in a box
    st.session_state[f"{own}.how"] = MINUTES if "--minutes" in asked else EPOCHS
    if "--minutes" in asked:
        asked.pop("--epochs", None)
    also = []
    for option, values in asked.items():
        if option not in ITS_OWN and not _fill(own, asked, option, values):
            also += [option, *values]
    st.session_state["train.name"] = f"{run.name} again"[:80]
    st.session_state[FORK] = {"parent": run.id, "name": run.name, "also": also, "notice": notice}


def _fill(own: str, asked: dict[str, list[str]], option: str, values: list[str]) -> bool:
    """Give one widget of the form its value; False where it has none that could show it."""
    if len(values) != 1 or option not in FIELDS and option != "--objective":
        return False
    field, value = FIELDS.get(option), values[0]
    if option == "--nats":
        own = f"{own}.{_one(dict(asked), '--objective')}"
    key = f"{own}.{option.strip('-')}"
    if field is None or not field.high:
        st.session_state[key] = value
        return True
    try:
        number = int(value) if isinstance(field.low, int) else float(value)
    except ValueError:
        return False
    if field.low <= number <= field.high:
        st.session_state[key] = number
        return True
    return False


def _one(asked: dict[str, list[str]], option: str) -> str:
    """Take an option that has one value; "" where it has none."""
    return next(iter(asked.pop(option, [])), "")


def options_of(words: list[str] | tuple[str, ...]) -> dict[str, list[str]]:
    """What follows each option: ["--data=digits", "--half"] to {"--data": ["digits"], "--half": []}."""
    asked: dict[str, list[str]] = {}
    option = ""
    for word in words:
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            asked[option] = [value] if equals else []
        elif option:
            asked[option].append(word)
    return asked


def draw_forked() -> None:
    """Whose settings these are, and what of them the form cannot show."""
    fork = st.session_state.get(FORK)
    if fork is None:
        return
    st.caption(f"Filled with the settings of {literal(fork['name'])}. Change what you like.")
    if fork["notice"]:
        st.warning(fork["notice"])
    if fork["also"]:
        st.caption("Also as it was there:")
        st.code(" ".join(fork["also"]), language=None, wrap_lines=True)
    st.button("Start from nothing instead", key="train.do.unfork", type="tertiary", on_click=empty)


def also() -> list[str]:
    """Options of the forked run that the form does not know."""
    return list(st.session_state.get(FORK, {}).get("also", ()))


def parent() -> str:
    """The id of the run that the form was filled from, or ""."""
    return str(st.session_state.get(FORK, {}).get("parent", ""))


def forget() -> None:
    """The settings in the form are nobody's but the visitor's from here on."""
    st.session_state.pop(FORK, None)


def empty() -> None:
    """The form as a new visitor finds it."""
    for key in [key for key in st.session_state if str(key).startswith("train.") and ".do." not in str(key)]:
        del st.session_state[key]
    forget()
