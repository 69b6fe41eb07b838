"""The directions of a model that were kept: the row that keeps one, and the list with a way to be rid of each."""

import streamlit as st

from pages.ui.errors import careful
from pages.ui.state import KeptDirection, State
from pages.ui.widgets import literal
from vae.errors import VAEError

NAME_LIMIT = 60
_DELETED = "muscope.directions.deleted"


# ---- keeping one ---------------------------------------------------------------------------------------------------


def keep_row(state: State, key: str, box: str, label: str, suggested: str, found: KeptDirection) -> None:
    """A name to type and a button that keeps a direction under it.

    Args:
        key: of the button. box: of the field. label: what the field is called.
        suggested: the name it starts with; "" where somebody has to find one.
        found: what is kept; its own name is taken where the field is empty, and then may be "".
    """
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        typed = st.text_input(
            label,
            value=suggested,
            key=box,
            max_chars=NAME_LIMIT,
            width=260,
            placeholder="Name it: smile, slant …",
            label_visibility="collapsed",
        )
        named = " ".join(typed.split()) or found.name
        st.button(
            f"Keep as “{literal(named)}”" if named else "Keep this direction",
            key=key,
            icon=":material/bookmark_add:",
            on_click=careful(_keep),
            args=(state, box, found),
            help="It is then on Attributes under Kept, on Sums and on Sliders.",
        )


def _keep(state: State, box: str, found: KeptDirection) -> None:
    named = " ".join(str(st.session_state.get(box) or found.name).split())
    if not named:
        raise VAEError("A direction needs a name: type one, then keep it.")
    if any(kept.name == named for kept in state.directions.get(state.model, [])):
        raise VAEError(f"A direction called “{literal(named)}” is kept already: type another name.")
    state.keep_direction(KeptDirection(named, found.vector, found.gap, found.words))
    st.toast(f"Kept: {literal(named)} is on Attributes under Kept, on Sums and on Sliders.")


# ---- those that were kept ------------------------------------------------------------------------------------------


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
