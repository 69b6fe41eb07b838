"""What is trained, in the form: the network, what it is built of, what is minimised, and what a pixel is."""

import streamlit as st

from pages.ui import train_words
from pages.ui.train_fields import choose, given, number, one_of, warn
from pages.ui.train_words import FIELDS
from vae.recipes import RECIPES
from vae.train.settings import OBJECTIVES

NUMBERS = {"rise": 0.5, "cycles": 4, "samples": 5, "gamma": 10.0, "critic": 256}  # of an objective, as usual


def what(network: str) -> list[str]:
    """The network or the recipe, but for what it is built of where that can be chosen."""
    if network in RECIPES:
        return ["--recipe", network]
    if network in train_words.MADE_OF:
        return train_words.words_of(network)
    return ["--model", network]


def built_of(own: str, name: str) -> list[str]:
    """What a network that may be built of several things is built of: a table takes no convolutions."""
    kinds = dict(train_words.BUILT_OF)
    if train_words.is_flat(name):
        del kinds["conv"]
    return one_of(own, "--model", kinds)


def levels(own: str) -> list[str]:
    """Latents of each level."""
    field = FIELDS["--levels"]
    sizes = st.text_input(field.label, key=given(f"{own}.levels", "4, 12"), help=field.help, persist_state="session")
    warn("--levels", sizes)
    return [f"--levels={sizes.replace(' ', '')}"]


def objective(own: str, network: str) -> list[str]:
    """What is minimised over the run, and the numbers of that objective."""
    kinds = train_words.offered(network)
    kind, options = network, []
    if network != "gan":
        if len(kinds) == 1:
            return []
        kind = choose("Objective", kinds, f"{own}.objective", train_words.objective, first=OBJECTIVES[0])
        st.caption(train_words.OBJECTIVE_WORDS[kind][1])
        options = [] if kind == OBJECTIVES[0] else [f"--objective={kind}"]
    for name in train_words.BENDS[kind]:
        if name == "nats":
            options += number(f"{own}.{kind}", "--nats", {"capacity": 10.0}.get(kind, 0.5))
        else:
            options += number(own, f"--{name}", NUMBERS[name])
    return options


def likelihood(own: str, network: str, usual: str) -> list[str]:
    """What p(x|z) is, and how pixels are seen. A recipe brings its own likelihood, a linear network its only one."""
    options: list[str] = []
    recipe = RECIPES[network].make() if network in RECIPES else None
    kind = recipe.likelihood if recipe else "gaussian"
    if network == "scratch" or network not in RECIPES and network != "linear":
        words = dict(train_words.LIKELIHOODS)
        if network == "scratch":
            del words["logistic"]
        options = one_of(own, "--likelihood", words, usual)
        kind = options[-1]
    if kind == "gaussian":
        spread = number(own, "--std", 0.0)
        options += spread if float(spread[-1]) else []
    if kind == "bernoulli" and network != "gan":  # a critic tells drawn pixels from grey ones at a glance
        usual = recipe.binarise if recipe else "none"
        drawn = one_of(own, "--binarise", train_words.BINARISE, usual)
        options += drawn if drawn[-1] != usual else []
    return options


def layers(own: str) -> list[str]:
    """Sizes of the layers, where somebody gives some."""
    field = FIELDS["--encoder-sizes"]
    sizes = st.text_input(
        field.label, key=f"{own}.encoder-sizes", help=field.help, placeholder="as usual", persist_state="session"
    )
    if sizes.strip():
        warn("--encoder-sizes", sizes)
    return [f"--encoder-sizes={sizes.replace(' ', '')}"] if sizes.strip() else []
