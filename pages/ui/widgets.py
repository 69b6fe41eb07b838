"""Controls and pictures that several pages share. Each looks, and is worked, the same everywhere."""

import base64
import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.ui import cache, live, own_picture
from pages.ui.cache import Code
from pages.ui.errors import careful, plain
from pages.ui.state import Kept, Place, State
from vae import data
from vae.data.images import worded
from vae.errors import VAEError


def uri(png: bytes, kind: str = "png") -> str:
    """A picture as something an `img` can show without another request."""
    return f"data:image/{kind};base64,{base64.b64encode(png).decode()}"


def words(kind: str) -> str:
    """ "attribute:long_hair" for people: "long hair"."""
    return kind.partition(":")[2].replace("_", " ")


def literal(text: str) -> str:
    """Words of a person's own, for a place that reads Markdown: nothing in them is a mark."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


# ---- pictures ------------------------------------------------------------------------------------------------------


def show_stage(
    state: State, code: Code, caption: str, alt: str, image_id: str | None = None, original: bytes | None = None
) -> None:
    """The one large picture of a page, with the original beside it when it is an image's reconstruction.

    It follows the hand of whatever else is on the page, and says how unusual the code is. `original`: of an image that
    is not of the model's own data.
    """
    model_id = state.entry.model_id
    if image_id:
        original = cache.original(state.entry.data, image_id)
    elif original is None:
        original = own_picture.original(model_id, code)
    data = {
        "png": uri(cache.picture(model_id, code)),
        "original": None if original is None else uri(original),
        "caption": f"reconstruction of {caption}" if image_id or original else caption,
        "alt": alt,
        "crisp": small(state),
        "unusual": cache.unusual(model_id, code),
    }
    live.mount("stage", state, "stage", data, renew=lambda _: None)
    state.below = st.container(key="frame-below")


def row_of_pictures(state: State, pngs: Sequence[bytes], handle: str, alts: Sequence[str], size: int = 72) -> None:
    """Small pictures in a row that wraps; `handle` names them for tests."""
    crisp = _crispness(state)
    images = "".join(
        f'<img class="{crisp}" data-muscope="{handle}" style="width:{size}px" '
        f'alt="{html.escape(alt, quote=True)}" src="{uri(png)}">'
        for png, alt in zip(pngs, alts, strict=True)
    )
    st.html(f'<div class="mu-row">{images}</div>')


def tap(key: str, png: bytes, alt: str, on_click: Callable[..., None], *args: Any, help: str | None = None) -> None:
    """A picture that can be pressed. Its description is what a screen reader says and a keyboard reaches."""
    safe = " ".join(alt.split()).translate(str.maketrans("[]\\`", "()/'"))
    words = None if help is None else plain(help)
    st.button(f"![{safe}]({uri(png)})", key=key, on_click=careful(on_click), args=args, help=words)


def show_neighbours(state: State, code: Code, image_id: str | None, count: int = 12) -> None:
    """The real images nearest to a code: what its picture rests on. They are paler while a hand moves."""
    with st.container(key="rests-on"):
        _show_neighbours(state, code, image_id, count)
    offer_originals(state.entry.data)


def _show_neighbours(state: State, code: Code, image_id: str | None, count: int) -> None:
    if image_id is not None:
        st.caption(cache.figures_of(state.entry.model_id, image_id))
    near = cache.neighbours(state.entry.model_id, code, count, image_id)
    originals = [cache.original(state.entry.data, name) for name, _ in near]
    codes = tuple(cache.code_of(state.entry.model_id, name) for name, _ in near)
    here = all(found is not None for found in originals)
    pngs = [found for found in originals if found] if here else list(cache.pictures(state.entry.model_id, codes))
    kind = "Nearest real images" if here else "Nearest real images, as this model reconstructs them"
    # A plain autoencoder has no prior to count in.
    unit = "" if state.entry.config.posterior == "point" else "standard deviations of the prior "
    st.caption(f"{worded(kind, state.entry.shape)}. The closest is {near[0][1]:.2f} {unit}away.")
    row = f"near{'-crisp' if small(state) else ''}-tap"
    with st.container(horizontal=True, gap="xsmall"):
        for i, (png, (name, _)) in enumerate(zip(pngs, near, strict=True)):
            words = cache.caption_of(state.entry.model_id, name)
            tap(f"{row}-{i}", png, words, lambda name=name: state.go(state.of_image(name)), help=words)


def offer_originals(name: str) -> None:
    """Say that this is a reconstruction, and offer to fetch the images themselves."""
    if name not in data.NAMES or data.on_machine(name):
        return
    if st.button("Fetch the original images", key="do.fetch", help=f"Downloads the data set {name} once."):
        bar = st.progress(0.0, "Fetching")

        def show(done: int, total: int) -> None:
            bar.progress(min(done / max(total, 1), 1.0), f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")

        try:
            data.fetch(name, show)
        except VAEError as error:  # told here: the page goes on with its reconstructions
            bar.empty()
            st.error(plain(error))
        else:
            st.rerun()


def small(state: State) -> bool:
    """Whether pictures are so small that their pixels should be seen as they are; larger ones are smoothed."""
    return max(state.entry.shape) <= 32


def _crispness(state: State) -> str:
    return "mu-crisp" if small(state) else "mu-smooth"


# ---- choosing ------------------------------------------------------------------------------------------------------

CURRENT, ANY, RANDOM = "this picture", "any image", "a random code"


def once(state: State, callback: Callable[..., None]) -> Callable[..., None]:
    """The same callback, for one press: a second one, made before the page was drawn again, is not heard."""
    drawn = state.presses

    def press(*args: Any) -> None:
        if state.presses == drawn:
            state.presses += 1
            callback(*args)

    return press


def choose_place(state: State, label: str, key: str, default: str) -> Place:
    """A code from anywhere: this picture, a kept one, an image of some kind, any image, or a random code.

    Args:
        default: an option, one of `place_options`.
    """
    options = place_options(state)
    model_id = state.entry.model_id
    box = f"{key}.{model_id}"
    if st.session_state.get(box) not in (None, *options):
        del st.session_state[box]
    chosen = st.selectbox(
        label,
        options,
        index=options.index(default) if default in options else 0,
        format_func=lambda option: _option_words(state, option),
        key=box,
        persist_state="session",
    )
    turns = st.session_state.setdefault("muscope.turns", {})
    if chosen != CURRENT and not chosen.startswith("kept"):
        st.button("Another one", key=f"{key}.do.another", icon=":material/refresh:", on_click=_next, args=(turns, box))
    turn = turns.get(box, 0)
    if chosen == CURRENT:
        return state.place
    if chosen.startswith("kept"):
        return next(kept.place for kept in state.shelf if chosen == _name_of(kept))
    if chosen == RANDOM:
        return Place(cache.random_codes(model_id, 1, 1.0, turn)[0], None, f"random code {turn + 1}")
    return state.of_image(cache.image_of_kind(model_id, "" if chosen == ANY else chosen, turn))


def place_options(state: State) -> list[str]:
    """Where `choose_place` can take a code from."""
    kept = [_name_of(kept) for kept in state.shelf if kept.model == state.model]
    return [CURRENT, *kept, *cache.kinds(state.entry.model_id), ANY, RANDOM]


def _name_of(kept: Kept) -> str:
    return f"kept {kept.number}"


def _option_words(state: State, option: str) -> str:
    what, colon, _ = option.partition(":")
    if not colon:
        return next((f"{option}: {kept.place.caption}" for kept in state.shelf if option == _name_of(kept)), option)
    return f"one with {words(option)}" if what == "attribute" else f"one labelled {words(option)}"


def _next(turns: dict[str, int], box: str) -> None:
    turns[box] = turns.get(box, 0) + 1


def keep_button(state: State, place: Place, key: str) -> None:
    """Put a code on the shelf."""
    st.button(
        "Keep this code",
        key=key,
        icon=":material/bookmark_add:",
        on_click=_keep,
        args=(state, place),
        help="It is then at hand on every page.",
    )


def _keep(state: State, place: Place) -> None:
    state.keep(place)
    st.toast("Kept: it is at hand on every page.")
