"""The form that starts a run, and the view of a run as it goes."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from live.engine import home
from pages.ui import cache
from pages.ui.errors import plain_errors
from pages.ui.state import State
from pages.ui.widgets import uri
from vae import data
from vae.errors import VAEError
from vae.recipes import RECIPES
from vae.train.settings import usual_epochs
from vae.train.watch import Curve, Watch, watch
from vae.train.worker import FINAL, Run, runs, start

Number = TypeVar("Number", int, float)

OWN = {
    "folder": ("a folder of images on this machine", "One sub-folder for each label."),
    "table": ("a table of numbers on this machine", "A .csv or .npy file, one row for each item."),
}
NETWORKS = {"conv": "convolutional", "mlp": "dense"}
LIKELIHOODS = {
    "bernoulli": "Bernoulli: each pixel is a probability of white",
    "gaussian": "Gaussian: one spread for all pixels, learned",
    "mse": "squared error alone",
}

MORE = {
    "latents": "More: finer pictures, harder to read.",
    "epochs": "Passes over the images. More: better, up to a point.",
    "beta": "Weight of the KL. More: simpler codes, blurrier pictures. 1 is the ELBO.",
    "batch": "Images in a step. More: steadier, fewer steps.",
    "rate": "More: faster, until it diverges.",
    "seed": "The same seed gives the same model on this machine.",
}

# ---- the form ------------------------------------------------------------------------------------------------------


def draw_form() -> None:
    """What a run needs, sensible as it stands; the rest is folded away. A press on Start begins it."""
    name = _choose_data()
    networks = [*NETWORKS, *RECIPES]
    if name.startswith("table:"):
        networks.remove("conv")  # it wants pictures
    network = _choose("Network", networks, "train.network", _network_words)
    if network in RECIPES:
        st.caption(RECIPES[network].sentence)
    usual = _usual(network, name)
    own = f"{network}.{data.public_name(name)}"  # each data set and network remembers its own numbers
    options = [f"--data={name}", "--recipe" if network in RECIPES else "--model", network, "--map", "both"]
    options += _number(own, "Latent dimensions", "--latent-dim", 1, 512, usual.latent_dim, MORE["latents"])
    options += _number(own, "Epochs", "--epochs", 1, 1000, usual.epochs, MORE["epochs"])
    options += _number(own, "Beta", "--beta", 0.0, 1000.0, 1.0, MORE["beta"])
    with st.expander("More settings"):
        if network in NETWORKS:
            likelihood = _choose("Likelihood", list(LIKELIHOODS), "train.likelihood", lambda key: LIKELIHOODS[key])
            options += ["--likelihood", likelihood]
        options += _number(own, "Batch size", "--batch-size", 1, 8192, usual.batch_size, MORE["batch"])
        options += _number(own, "Learning rate", "--rate", 1e-5, 1.0, usual.rate, MORE["rate"], "%.5f")
        options += _number(own, "Seed", "--seed", 0, 2**31, 0, MORE["seed"])
    plain = f"my {data.public_name(name or 'model')}"
    title = st.text_input("Name", placeholder=plain, key="train.name", persist_state="session")
    st.button(
        "Start training",
        key="train.do.start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not name,
        on_click=_begin,
        args=(options, title.strip() or plain),
    )


def _choose_data() -> str:
    """The name of a data set, or "" while a path is still missing."""
    local = st.get_option("server.address") in ("127.0.0.1", "localhost", "::1")
    names = [*data.NAMES, *(OWN if local else ())]  # a path is read with the rights of whoever runs the server
    name = _choose("Data", names, "train.data", _data_words, first="digits")
    if name not in OWN:
        there = data.on_machine(name)
        st.caption(data.describe(name).sentence + ("" if there else " It is downloaded first."))
        return name
    path = st.text_input("Path", key="train.path", persist_state="session", placeholder="/home/ada/pictures").strip()
    st.caption(OWN[name][1])
    return f"{name}:{path}" if path else ""


def _choose(label: str, options: list[str], key: str, words: Callable[[str], str], first: str | None = None) -> str:
    index = options.index(first) if first else 0
    return st.selectbox(label, options, index=index, format_func=words, key=key, persist_state="session")


def _number(
    own: str, label: str, option: str, low: Number, high: Number, value: Number, help: str, form: str | None = None
) -> list[str]:
    """One number to set, as an option of `python -m vae train`."""
    key = f"train.{own}.{option.strip('-')}"
    chosen = st.number_input(label, low, high, value, key=key, help=help, format=form, persist_state="session")
    return [option, str(chosen)]


@dataclass(frozen=True)
class Usual:
    """The numbers a network is usually trained with; a recipe's are those of its source."""

    latent_dim: int = 16
    epochs: int = 10
    batch_size: int = 128
    rate: float = 1e-3


def _usual(network: str, name: str) -> Usual:
    if network not in RECIPES:
        with suppress(VAEError):  # a path that leads nowhere is told about when it is tried
            return Usual(epochs=usual_epochs(cache.train_size(name)))
        return Usual()
    recipe = RECIPES[network]
    return Usual(recipe.make().latent_dim, recipe.epochs, recipe.batch_size, recipe.rate)


def _data_words(name: str) -> str:
    return OWN[name][0] if name in OWN else data.describe(name).title


def _network_words(name: str) -> str:
    return NETWORKS.get(name) or f"recipe: {name}"


def _begin(arguments: list[str], title: str) -> None:
    with plain_errors():
        data.describe(arguments[0].removeprefix("--data="))  # a wrong path is told at once, not by a run that fails
        run = start(home() / "runs", [*arguments, f"--out={free_folder(title)}"], title)
        st.session_state["muscope.run"] = str(run.folder)


def free_folder(title: str) -> Path:
    """A folder for a new model that no model has yet, named after its title."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "model"
    taken = set()
    for run in runs(home() / "runs"):
        with suppress(VAEError):  # what cannot be read has no model to come
            taken.add(run.model_folder.name)
    names = [stem, *(f"{stem}-{number}" for number in range(2, 10_000))]
    return home() / "models" / next(n for n in names if n not in taken and not (home() / "models" / n).exists())


# ---- the run -------------------------------------------------------------------------------------------------------


def draw_run(state: State) -> None:
    """The run this visitor started or, failing that, the one under way on this machine."""
    run = _watched()
    if run is None:
        st.info("Nothing is being trained. “Small digits” take seconds: press Start training.")
        return

    @st.fragment(run_every=None if run.state() in FINAL else 1, key="train.run")
    def view() -> None:
        with plain_errors():
            _draw_view(state, run)

    view()


def _watched() -> Run | None:
    mine = st.session_state.get("muscope.run")
    if mine and (Path(mine) / "request.json").is_file():
        return Run.open(Path(mine))
    return next((run for run in runs(home() / "runs") if run.state() not in FINAL), None)


def _draw_view(state: State, run: Run) -> None:
    events, _ = run.events()
    seen, how = watch(events), run.state()
    st.subheader(run.name)
    st.progress(seen.fraction, seen.line)
    if how == "failed":
        st.error(run.failure())
    elif how in FINAL or seen.ready:
        _draw_result(state, run)
    else:
        st.button("Stop and keep the model", key="train.do.stop", icon=":material/stop:", on_click=run.stop)
    if seen.picture:
        _draw_pictures(run, seen)
    if seen.recon.nats:
        st.plotly_chart(_curves(seen), key="train.curves", config={"displayModeBar": False}, alt="Loss by epoch")
    if how in FINAL and not st.session_state.get(f"muscope.told.{run.folder.name}"):
        st.session_state[f"muscope.told.{run.folder.name}"] = True
        st.rerun()  # the whole page: the model is in the list now, and nothing needs to be asked every second


def _draw_result(state: State, run: Run) -> None:
    with st.container(horizontal=True, gap="small"):
        if st.button("Open it on the map", key="train.do.open", type="primary", icon=":material/scatter_plot:"):
            state.choose(run.model_folder.name)
            st.switch_page("map.py")
        if run.state() in FINAL and st.button("Put this view away", key="train.do.away"):
            st.session_state.pop("muscope.run", None)
            st.rerun()  # the whole page: a press in this view draws the view alone


def _draw_pictures(run: Run, seen: Watch) -> None:
    try:
        png = (run.folder / seen.picture).read_bytes()
    except OSError:  # deleted meanwhile: the numbers go on
        return
    when = f"after epoch {seen.picture_epoch}" if seen.picture_epoch else "before the first step"
    st.html(
        f'<div class="mu-wide"><img class="mu-crisp" data-muscope="stage" src="{uri(png)}" '
        f'alt="Originals above reconstructions, {when}"></div>'
    )
    st.caption(f"Test images above, their reconstructions below, {when}.")


def _curves(seen: Watch) -> go.Figure:
    figure = make_subplots(cols=2, rows=1, subplot_titles=("Reconstruction, nats per image", "KL, nats per image"))
    for column, (training, tested) in enumerate(((seen.recon, seen.test_recon), (seen.kl, seen.test_kl)), start=1):
        figure.add_trace(_line(training, "training", "#56b4e9", "lines", column == 1), 1, column)
        figure.add_trace(_line(tested, "test", "#d55e00", "lines+markers", column == 1), 1, column)
    figure.update_xaxes(title="epoch", rangemode="tozero")
    figure.update_layout(height=300, margin={"l": 0, "r": 0, "t": 30, "b": 0}, legend={"orientation": "h", "y": -0.3})
    return figure


def _line(curve: Curve, name: str, colour: str, mode: str, legend: bool) -> go.Scatter:
    return go.Scatter(x=curve.epochs, y=curve.nats, name=name, mode=mode, line={"color": colour}, showlegend=legend)
