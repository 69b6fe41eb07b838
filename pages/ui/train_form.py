"""The form that starts a training: sensible as it stands, what few people need folded away.

What is set here becomes the options of `python -m vae train`, so the same run can be asked for in a terminal. Each
network and data set remembers its own numbers.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import streamlit as st

from pages.ui import cache, followed, train_fork, train_network, train_run, train_words
from pages.ui.state import State
from pages.ui.train_fields import choose, given, number, one_of
from pages.ui.train_fork import own_key
from pages.ui.train_words import FIELDS
from pages.ui.visitor import brought_sets, me, this_machine_only
from pages.ui.widgets import literal, once
from vae import data
from vae.data import brought
from vae.errors import VAEError
from vae.home import home, runs_folder
from vae.recipes import RECIPES
from vae.train import limits
from vae.train.runs import Run, runs, submit
from vae.train.settings import PRECISIONS, usual_epochs
from vae.train.suited import Suited
from vae.train.worker import devices

EPOCHS, MINUTES = train_fork.EPOCHS, train_fork.MINUTES
GIVEN = ("--encoder-sizes", "--std", "--binarise")  # said by the form only where they are not as usual
MANY = 100_000  # epochs: the minutes end it
_starting = Lock()  # two visitors who start the same moment must not be given one folder


@dataclass(frozen=True)
class Usual:
    """The numbers a network is usually trained with; a recipe's are those of its source.

    `minutes`: where time and not epochs is offered first, as for data that nobody has trained on before.
    """

    latent_dim: int = 16
    epochs: int = 10
    batch_size: int = 128
    rate: float = 1e-3
    minutes: float | None = None
    likelihood: str = "bernoulli"


def draw_form(state: State) -> None:
    """What a run needs. A press on Start begins it."""
    st.subheader("Train one of your own", anchor="own")
    train_fork.draw_forked()
    name = _choose_data(state)
    suits = cache.suited(name) if name.startswith(f"{brought.KIND}:") else None
    network = _choose_network(name, suits)
    own = own_key(network, data.public_name(name))
    usual = _usual(network, name, suits)
    options = [f"--data={name}", *train_network.what(network)]
    left, right = st.columns(2)
    with left:
        latents = train_network.levels(own) if network == "levels" else number(own, "--latent-dim", usual.latent_dim)
    # Two numbers are a map by themselves, and UMAP takes longer than many a training.
    options += [*latents, "--map=pca" if latents[-1] in ("1", "2") else "--map=both"]
    with right:
        if network != "autoencoder":  # it has no KL to weigh
            options += number(own, "--beta", 1.0)
    options += _how_long(own, usual)
    with st.expander("More settings"):
        if network in train_words.MADE_OF:
            options += train_network.built_of(own, name)
        options += train_network.objective(own, network)
        options += train_network.likelihood(own, network, usual.likelihood)
        options += number(own, "--batch-size", usual.batch_size)
        options += number(own, "--rate", usual.rate)
        options += number(own, "--decay", 0.0)
        options += number(own, "--seed", 0)
        if network != "linear":
            options += train_network.layers(own)
        options += _hardware(own)
    options += train_fork.also()
    _draw_unusual(own, network, options, usual)
    _draw_start(state, name, options)


def _draw_unusual(own: str, network: str, options: list[str], usual: Usual) -> None:
    """What is not as usual among the settings that are folded away: nobody should train with it unknowingly."""
    plain: dict[str, object] = {"--batch-size": usual.batch_size, "--rate": usual.rate, "--decay": 0.0, "--seed": 0}
    if network in train_words.MADE_OF:
        plain["--model"] = "mlp" if train_words.is_flat(options[0].removeprefix("--data=")) else "conv"
    if network == "gan":
        plain |= {f"--{name}": train_network.NUMBERS[name] for name in train_words.BENDS[network]}
    plain |= {"--device": "auto", "--precision": "auto", "--likelihood": usual.likelihood}
    said = []
    for option, values in train_fork.options_of(options).items():
        if option == "--objective" and network != "gan":
            said.append(f"Objective: {train_words.objective(values[0])}")
        elif option in GIVEN or (option in plain and values[-1] != str(plain[option])):
            words = train_words.plain(values[-1])
            said.append(f"{FIELDS[option].label}: {literal(words)}")
    if said:
        st.caption(f"Not as usual under More settings: {'; '.join(said)}.")
        st.button("As usual again", key="train.do.usual", type="tertiary", on_click=_as_usual, args=(own,))


def _as_usual(own: str) -> None:
    """Forget what was set under More settings, for this network and data."""
    for option in (*FIELDS, "--objective"):
        if option not in ("--latent-dim", "--levels", "--beta", "--epochs", "--minutes"):
            st.session_state.pop(f"{own}.{option.strip('-')}", None)
    st.session_state[f"{own}.encoder-sizes"] = ""


def _draw_start(state: State, name: str, options: list[str]) -> None:
    plain = fresh_name(f"my {data.public_name(name or 'model')}")
    if st.session_state.get("muscope.train.started"):
        st.session_state["train.name"] = ""  # the next one is another
    title = st.text_input("Name", placeholder=plain, key="train.name", persist_state="session", max_chars=80)
    # Begun here and not in the callback, which knows only what the form said before the last thing was typed; and above
    # the button, so that a second press meanwhile is still one of the button that was drawn before.
    asked = st.session_state.pop("muscope.train.start", False)
    if asked and _begin(state, options if name else [], title.strip() or plain):
        st.rerun()
    st.button(
        "Start training",
        key="train.do.start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=once(state, lambda: st.session_state.update({"muscope.train.start": True})),
    )
    refused = st.session_state.pop("muscope.train.refused", "")
    if st.session_state.pop("muscope.train.started", False):
        st.html('<a class="mu-way mu-started" href="#run">It has started: watch it</a>')
    if refused:  # beside the button: on a phone the top of the page is far away
        st.error(refused)


# ---- the parts of it -----------------------------------------------------------------------------------------------


def choose_data(name: str) -> None:
    """The form opens with this data set, and is nobody's fork."""
    st.session_state["train.data"] = name
    st.session_state.pop("train.network", None)  # the one that suits it
    st.session_state["train.name"] = ""
    train_fork.forget()


def _choose_data(state: State) -> str:
    """The name of a data set, or "" while a path is still missing."""
    theirs = {one.name: one.title for one in brought_sets(state)}
    titles = Counter(theirs.values())  # Streamlit tells options apart by their words
    words = {name: title if titles[title] == 1 else f"{title} ({name[-4:]})" for name, title in theirs.items()}
    # A path is read with the rights of whoever runs the server.
    names = [*words, *data.NAMES, *(train_words.OWN if this_machine_only() else ())]
    name = choose("Data", names, "train.data", lambda name: words.get(name) or _data_words(name), first="digits")
    if name not in train_words.OWN:
        there = data.on_machine(name)
        st.caption(data.describe(name).sentence + ("" if there else " It is downloaded first."))
        return name
    path = st.text_input("Path", key="train.path", persist_state="session", placeholder="/home/ada/pictures").strip()
    st.caption(train_words.OWN[name][1])
    return f"{name}:{path}" if path else ""


def _choose_network(name: str, suits: Suited | None) -> str:
    flat = train_words.is_flat(name)  # convolutions and a critic want pictures
    networks = [*(train_words.FLAT if flat else train_words.NETWORKS), *RECIPES]
    network = choose(
        "Network", networks, "train.network", train_words.network, first=suits.network if suits else networks[0]
    )
    st.caption(RECIPES[network].sentence if network in RECIPES else train_words.NETWORKS[network][1])
    return network


def _how_long(own: str, usual: Usual) -> list[str]:
    left, right = st.columns([6, 5])  # two words need more room than a number
    how = left.segmented_control(
        "How long",
        [EPOCHS, MINUTES],
        key=given(f"{own}.how", MINUTES if usual.minutes else EPOCHS),
        required=True,
        persist_state="session",
    )
    with right:
        if how == MINUTES:
            return [*number(own, "--minutes", usual.minutes or 1.0), f"--epochs={MANY}"]
        return number(own, "--epochs", usual.epochs)


def _hardware(own: str) -> list[str]:
    """Where it computes, and how exactly. bfloat16 is of no use on a CPU and not offered there."""
    there = ["auto", *devices()]
    exact = [name for name in PRECISIONS if name != "bfloat16" or any("cuda" in device for device in there)]
    return [
        *one_of(own, "--device", {name: train_words.device(name) for name in there}),
        *one_of(own, "--precision", {name: train_words.PRECISION_WORDS[name] for name in exact}),
    ]


def _usual(network: str, name: str, suits: Suited | None) -> Usual:
    if network not in RECIPES and suits is not None:
        minutes = suits.minutes
        with suppress(VAEError):  # what an administrator wrote cannot be read: told to whoever starts a training
            minutes = min(minutes, limits.max_minutes() or minutes)
        epochs = usual_epochs(cache.train_size(name))
        likelihood = suits.likelihood if network != "gan" else "bernoulli"
        return Usual(suits.latent_dim, epochs, suits.batch_size, minutes=minutes, likelihood=likelihood)
    if network not in RECIPES:
        with suppress(VAEError):  # a path that leads nowhere is told about when it is tried
            return Usual(epochs=usual_epochs(cache.train_size(name)))
        return Usual()
    recipe = RECIPES[network]
    return Usual(recipe.make().latent_dim, recipe.epochs, recipe.batch_size, recipe.rate)


def _data_words(name: str) -> str:
    return train_words.OWN[name][0] if name in train_words.OWN else data.describe(name).title


# ---- start ---------------------------------------------------------------------------------------------------------


def _begin(state: State, options: list[str], title: str) -> bool:
    """Ask for a training; where that is refused, the line is said beside the button."""
    try:
        if not options:
            raise VAEError("The path is missing: say where the data is on this machine.")
        for option, values in train_fork.options_of(options).items():
            train_words.check(option, values[-1] if values else "")
        data.describe(options[0].removeprefix("--data="))  # a wrong path is told at once, not by a run that fails
        with _starting:
            out = free_folder(title)
            words = [*options, f"--out={out}"]
            run = submit(runs_folder(), words, title, owner=me(state), parent=train_fork.parent())
    except VAEError as error:
        st.session_state["muscope.train.refused"] = str(error)
        return False
    followed.look_again()
    train_run.show(state, run.id)
    st.session_state["muscope.train.started"] = True
    train_fork.forget()
    return True


def fresh_name(plain: str) -> str:
    """A name that no training has yet: "my digits", "my digits 2"."""
    taken = {run.name for run in readable_runs()}
    return next(name for name in (plain, *(f"{plain} {n}" for n in range(2, 10_000))) if name not in taken)


def free_folder(title: str) -> Path:
    """A folder for a new model that no model has yet, named after its title."""
    stem = train_words.slug(title)
    taken = {run.model_folder.name for run in readable_runs()}
    names = [stem, *(f"{stem}-{number}" for number in range(2, 10_000))]
    return home() / "models" / next(n for n in names if n not in taken and not (home() / "models" / n).exists())


def readable_runs() -> list[Run]:
    """Every run whose books can be read; the others are told about in the list of them."""
    found = []
    for run in runs(runs_folder()):
        with suppress(VAEError):
            run.name, run.model_folder  # noqa: B018  # both are read from the disk
            found.append(run)
    return found
