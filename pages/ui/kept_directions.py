"""The directions of a model that were kept: what each rests on, and the way to be rid of one and to have it back."""

import streamlit as st

from pages.ui.state import KeptDirection, State
from pages.ui.widgets import literal

_DELETED = "muscope.directions.deleted"


def draw_kept_directions(state: State) -> None:
    """The list, the oldest first; nothing where there is none."""
    kept = state.directions.get(state.model, [])
    if kept:
        st.subheader("Kept directions")
    for place, each in enumerate(kept):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            short, _, rest = each.words.partition(":")
            whole = literal(each.words) if rest else None
            st.caption(f"**{literal(each.name)}** · {literal(short)}", width="stretch", help=whole)
            st.button(
                f"Delete “{literal(each.name)}”",
                key=f"directions.do.delete.{place}",
                type="tertiary",
                on_click=_delete,
                args=(state, place),
            )
    gone = _deleted().get(state.entry.model_id)
    if gone is not None:
        st.button(
            f"Bring “{literal(gone[1].name)}” back",
            key="directions.do.restore",
            type="tertiary",
            on_click=_restore,
            args=(state,),
        )


def _delete(state: State, place: int) -> None:
    _deleted()[state.entry.model_id] = (place, state.directions[state.model].pop(place))


def _restore(state: State) -> None:
    place, gone = _deleted().pop(state.entry.model_id)
    kept = [other for other in state.directions.get(state.model, []) if other.name != gone.name]
    state.directions[state.model] = [*kept[:place], gone, *kept[place:]]


def _deleted() -> dict[str, tuple[int, KeptDirection]]:
    """What was deleted last, by model_id, and where it stood."""
    deleted: dict[str, tuple[int, KeptDirection]] = st.session_state.setdefault(_DELETED, {})
    return deleted
