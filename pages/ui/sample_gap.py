"""What samples rest on: where they fall among the images, how far the prior is from those, whether one is a copy."""

import html
from functools import lru_cache

import numpy as np
import streamlit as st

from live.copies import Copy, copyists
from live.desk import shared_desk
from pages.ui import cache
from pages.ui.errors import plain_errors
from pages.ui.samples import Draw, codes
from pages.ui.state import Place, State
from pages.ui.widgets import row_of_pictures, uri
from vae.evaluate.codes.aggregate import Aggregate, Radii, aggregate, radii
from vae.explore import projection, render
from vae.explore.cloud import Cloud, cloud

IMAGES, DRAWS = 20_000, 300  # of the model's, that the gap is estimated from: a second
SHOWN = 6  # copies that are named
HEIGHT, WIDTH = 40.0, 100.0  # of the picture of radii, in its own units


def draw_where(state: State, drawn: Draw) -> None:
    """Two pictures, folded: samples on the map, and the prior beside the images' codes. Made when they are opened."""
    for name, words, icon in (
        ("map", "Where these samples fall on the map", ":material/map:"),
        ("gap", "How far N(0, I) is from the images' codes", ":material/straighten:"),
    ):
        fold = st.expander(words, icon=icon, key=f"sample.fold.{name}", on_change="rerun")
        with fold, plain_errors():
            if fold.open and name == "map":
                _draw_map(state, drawn)
            elif fold.open:
                _draw_gap(state)


# ---- on the map ------------------------------------------------------------------------------------------------------


def _draw_map(state: State, drawn: Draw) -> None:
    model_id = state.entry.model_id
    ground = _ground(model_id)
    wanted = codes(state, drawn, drawn.count)
    spots = ground.shares(_spots(model_id, wanted))
    dots = "".join(f'<i style="left:{100 * x:.2f}%;top:{100 * y:.2f}%"></i>' for x, y in spots)
    alt = f"The {len(spots)} samples of draw {drawn.draw} as dots over a map of the images"
    st.html(
        f'<div class="mu-cloud" role="img" aria-label="{alt}" data-muscope="sample-map">'
        f'<img alt="" src="{_cloud_picture(model_id)}">{dots}</div>'
    )
    unusual = [not cache.unusual(model_id, code)["usual"] for code in wanted]
    st.caption(
        f"Dots: the {len(spots)} samples of draw {drawn.draw}, among their nearest encodings. Grey: the images. "
        f"{sum(unusual)} of {len(spots)} lie where images hardly do; of held-out images it would be 5 in 100."
    )


@lru_cache(maxsize=32)
def _ground(model_id: str) -> Cloud:
    return cloud(cache.xy(model_id, _view(model_id)))


def _view(model_id: str) -> str:
    return "umap" if "umap" in cache.encodings(model_id).maps else "pca"


@lru_cache(maxsize=32)
def _cloud_picture(model_id: str) -> str:
    return uri(render.png(_ground(model_id).pixels))


@lru_cache(maxsize=64)
def _spots(model_id: str, wanted: tuple[cache.Code, ...]) -> np.ndarray:
    known = cache.encodings(model_id)
    return projection.place(np.array(wanted, np.float32), known.mu, cache.xy(model_id, _view(model_id)))


# ---- the prior beside the images' codes ------------------------------------------------------------------------------


def _draw_gap(state: State) -> None:
    entry = state.entry
    if entry.config.posterior == "point":
        st.caption(
            "A plain autoencoder has no prior: nothing ever asked its codes to lie like N(0, I), and a draw from it "
            "falls where it falls. Draw from where images are."
        )
        return
    far, lengths = _gap(entry.model_id)
    least = shared_desk().answers.samples.least_gap(entry)
    known = least if least is not None else sum(far.marginal_kl_per_dim)
    st.write(
        f"Between the codes of all images and N(0, I) lie **{max(known, 0):.1f} to {far.marginal_kl:.1f} nats** (KL "
        "of the aggregate posterior from the prior; 0 would be no gap, and samples from N(0, I) as good as any)."
        + ("" if least is not None else " The lower figure rises once “Where images are” is fitted.")
    )
    st.html(_curves(lengths))
    st.caption(
        f"How far codes lie from the middle. An image's code: usually {lengths.usual_images:.2f}; a draw from N(0, I): "
        f"usually {lengths.usual_prior:.2f} standard deviations. The two shapes share {100 * lengths.shared:.0f} %. "
        f"Each latent alone is close to N(0, 1), or not: {_worst(far)}. The rest of the gap is how they go together."
    )


@lru_cache(maxsize=32)
def _gap(model_id: str) -> tuple[Aggregate, Radii]:
    known = cache.encodings(model_id)
    rows = np.linspace(0, len(known) - 1, min(IMAGES, len(known))).astype(int)
    mu, logvar = known.mu[rows], known.logvar[rows]
    return aggregate(mu, logvar, most=DRAWS), radii(mu, logvar)


def _worst(far: Aggregate) -> str:
    """The latent that is farthest from N(0, 1), and how far all are."""
    each = far.marginal_kl_per_dim
    worst = int(np.argmax(each))
    return f"latent {worst} is farthest ({each[worst]:.2f} nats), and all {len(each)} come to {sum(each):.1f} nats"


def _curves(lengths: Radii) -> str:
    """Two shapes over the radius: filled, the images; a line, the prior."""
    most = max(*lengths.images, *lengths.prior)
    images, prior = (_steps(part, most) for part in (lengths.images, lengths.prior))
    alt = (
        f"Distance of codes from the middle: images around {lengths.usual_images:.1f}, "
        f"the prior around {lengths.usual_prior:.1f}"
    )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -1 {WIDTH:g} {HEIGHT + 1:g}" preserveAspectRatio="none">'
        f'<path fill="#0072b2" fill-opacity="0.55" d="M0 {HEIGHT:g}{images}L{WIDTH:g} {HEIGHT:g}Z"/>'
        f'<path fill="none" stroke="#d55e00" stroke-width="2" vector-effect="non-scaling-stroke" '
        f'd="M0 {HEIGHT:g}{prior}"/>'
        "</svg>"
    )
    return (  # as a picture: Streamlit takes drawings out of HTML
        f'<figure class="mu-radii" data-muscope="radii"><img src="{uri(drawing.encode(), "svg+xml")}" '
        f'alt="{html.escape(alt, quote=True)}"><figcaption><span>0</span><span><b>filled</b>: codes of images · '
        f"<b>line</b>: N(0, I)</span><span>{lengths.edges[-1]:.1f}</span></figcaption></figure>"
    )


def _steps(shares: tuple[float, ...], most: float) -> str:
    across = [WIDTH * (place + 0.5) / len(shares) for place in range(len(shares))]
    return "".join(f"L{x:.2f} {HEIGHT * (1 - share / most):.2f}" for x, share in zip(across, shares, strict=True))


# ---- copies ----------------------------------------------------------------------------------------------------------


def draw_copies(state: State, drawn: Draw, place: Place) -> None:
    """Where it is asked for: the training image nearest to the large picture, and which samples are copies."""
    wanted = st.toggle(
        "Look for copies",
        key="sample.copies",
        persist_state="session",
        help="Compares these samples with every training image. The first time takes some seconds.",
    )
    if not wanted:
        return
    with plain_errors(), st.spinner("Comparing with every training image"):
        model_id = state.entry.model_id
        (mine,) = _copies(model_id, (place.code,))
        found = _copies(model_id, codes(state, drawn, drawn.count))
        _draw_nearest(state, mine)
        many = [place for place, copy in enumerate(found, start=1) if copy.copied]
        if many:
            named = ", ".join(map(str, many[:SHOWN])) + (" and others" if len(many) > SHOWN else "")
            st.warning(f"{len(many)} of the {len(found)} samples look like copies: number {named}.")
        else:
            st.caption(f"None of the {len(found)} samples of draw {drawn.draw} looks like a copy.")


def _draw_nearest(state: State, mine: Copy) -> None:
    png = cache.original(state.entry.data, mine.image_id)
    words = f"training image {int(mine.image_id.partition('/')[2]):,}"
    if png is not None:
        row_of_pictures(state, [png], "nearest-training", [f"The nearest training image: {words}"], 96)
    line = copyists().line(state.entry)
    st.caption(
        f"Nearest of all training images, pixel by pixel: {words}. They differ by {mine.distance:.3f} per pixel (0 the "
        f"same, 1 black and white), {100 * mine.ratio:.0f} % of what it is to the tenth nearest. A copy is below "
        f"{100 * line:.0f} %: so near is at most 1 in 100 new images by chance."
    )
    if mine.copied:
        st.warning("The large picture looks like a copy of that image.")


@lru_cache(maxsize=64)
def _copies(model_id: str, wanted: tuple[cache.Code, ...]) -> tuple[Copy, ...]:
    return copyists().look(cache.by_id(model_id), np.array(wanted, np.float32))
