"""A sum of pictures and directions on the screen: its terms, their weights under a hand, and what it rests on."""

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

import streamlit as st

from pages.ui import board_offers, cache
from pages.ui.board_effects import side_effects
from pages.ui.board_terms import LIMIT, MOST, Board, Boards, Term
from pages.ui.direction_asked import Asked, evidence
from pages.ui.errors import careful
from pages.ui.knobs import along, mount_knobs, numbers
from pages.ui.state import Place, State
from pages.ui.widgets import literal, row_of_pictures, small, tap

MARKS = (-2.0, -1.0, 0.0, 1.0, 2.0)
STOPS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)  # of a term that is added; of one that is taken away, the other way round
TILE = 104  # pixels: three beside each other on a phone


def boards(state: State) -> Boards:
    """The boards of the chosen model."""
    return state.boards.setdefault(state.model, Boards())


def shown(state: State) -> Board:
    """The board that is worked on; an example until something is changed."""
    now = boards(state).now
    return board_offers.example(state) if now is None else now


def draw_board(state: State) -> Place:
    """The terms, their weights, and what more can be added; the place that the sum comes to."""
    board = shown(state)
    if board.terms:
        _draw_terms(state, board)
        _draw_weights(state, board)
        _draw_words(state, board)
    else:
        st.info("There is nothing to add up. Press a picture below to add it; two or three make a sum.")
        if boards(state).before:
            st.button("Undo", key="board.do.undo", icon=":material/undo:", on_click=boards(state).undo)
    _draw_offers(state, board)
    caption = board.words() if board.terms else "the average of all images"
    return Place(board.code(board_offers.average(state.entry.model_id)), None, caption)


# ---- terms ---------------------------------------------------------------------------------------------------------


def _draw_terms(state: State, board: Board) -> None:
    """The sum as it is read, and a tile for each term: its picture, and its sign and its end under the hand."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{board.equation()}**", width="content")
        st.button("Example", key="board.do.example", on_click=_put, args=(state, None), type="tertiary")
        st.button("Empty it", key="board.do.empty", on_click=_put, args=(state, Board()), type="tertiary")
    with st.container(horizontal=True, gap="small", key="board-terms"):
        for letter, term in zip(ascii_uppercase, board.terms, strict=False):
            with st.container(key=f"board-term-{term.number}", width=TILE, gap="xsmall"):
                _draw_face(state, letter, term)
                with st.container(horizontal=True, gap="xsmall"):
                    st.button(
                        f"± {letter}",
                        key=f"board.do.flip.{term.number}",
                        on_click=careful(_flip),
                        args=(state, term),
                        type="tertiary",
                        help="Turn its sign.",
                    )
                    st.button(
                        f":material/close: {letter}",
                        key=f"board.do.drop.{term.number}",
                        on_click=careful(_drop),
                        args=(state, term.number),
                        type="tertiary",
                    )
                st.caption(f"**{letter}** {literal(term.words)}")  # last: one line or two, the buttons stand level


def _draw_face(state: State, letter: str, term: Term) -> None:
    codes = board_offers.face_of(state.entry.model_id, term)
    pngs = cache.pictures(state.entry.model_id, codes)
    alts = [f"{letter}: {term.words}"] if len(codes) == 1 else [f"{letter}: less {term.words}", f"more {term.words}"]
    row_of_pictures(state, pngs, f"term-{letter}", alts, TILE // len(codes) - 4)


def _put(state: State, board: Board | None) -> None:
    """Another board in place of this one; undo leads back."""
    boards(state).change(board)


def _flip(state: State, term: Term) -> None:
    _put(state, shown(state).weighed({term.number: -term.weight}))


def _drop(state: State, number: int) -> None:
    _put(state, shown(state).without(number))


def _add(state: State, term: Term) -> None:
    _put(state, shown(state).with_term(term))


# ---- weights -------------------------------------------------------------------------------------------------------


def _draw_weights(state: State, board: Board) -> None:
    """A knob for each weight. While one moves the picture follows, and above them is where it leads."""
    told = [_knob(letter, term) for letter, term in zip(ascii_uppercase, board.terms, strict=False)]
    mount_knobs(
        state,
        "board.knobs",
        base=board.base(board_offers.average(state.entry.model_id)),
        knobs=told,
        tools={"undo": bool(boards(state).before), "redo": bool(boards(state).after)},
        settled=lambda told: _weigh(state, told),
        undo=lambda _: boards(state).undo(),
        redo=lambda _: boards(state).redo(),
    )


def _knob(letter: str, term: Term) -> dict[str, Any]:
    what = "1 is the whole step of this direction" if term.step else "1 is the whole picture"
    return along(
        str(term.number),
        letter,  # whose picture and caption stand above
        f"{term.words}. {what}; negative takes it away.",
        term.vector,
        term.weight,
        ends=LIMIT,
        reach=LIMIT,
        stops=STOPS if term.weight >= 0 else [-stop for stop in reversed(STOPS)],
        marks=MARKS,
        film="the other terms as they are",
    )


def _weigh(state: State, told: Mapping[str, Any]) -> None:
    board = shown(state)
    values = numbers(told, {str(term.number): LIMIT for term in board.terms})
    _put(state, board.weighed({int(number): weight for number, weight in values.items()}))


# ---- what it rests on ----------------------------------------------------------------------------------------------


def _draw_words(state: State, board: Board) -> None:
    """What has to be known of the sum."""
    balance = board.balance()
    if not board.pictures:
        st.caption("No picture is among the terms: the directions start at the average of all images.")
    elif balance is not None:
        st.caption("The weights of the pictures do not sum to 1, so the code lies nearer or farther than pictures do.")
        st.button("Make them sum to 1", key="board.do.balance", on_click=_put, args=(state, balance))
    elif abs(sum(term.weight for term in board.pictures)) < 5e-3:
        st.caption("The weights of the pictures sum to 0: a difference, not a picture. Add a picture of weight 1.")
    for line in _rests(state, board) + side_effects(state.entry, board):
        st.caption(line)


def _rests(state: State, board: Board) -> list[str]:
    """A sentence for each direction on the board: how far to trust it."""
    said = []
    for term in board.terms:
        if not term.step:
            continue
        asked = Asked(kind=term.kind)
        rests = evidence(state.entry.model_id, asked).sentence if term.kind else term.rests
        said += [f"{literal(term.words)}: {rests}"] if rests else []
    return list(dict.fromkeys(said))


# ---- adding --------------------------------------------------------------------------------------------------------


def _draw_offers(state: State, board: Board) -> None:
    """Where a term can come from, and the pictures there to press."""
    if len(board.terms) >= MOST:
        st.caption(f"The sum is full: {MOST} terms are the most. Take one away to add another.")
        return
    st.subheader("Add a term")
    model_id, options = state.entry.model_id, board_offers.sources(state)
    box = f"board.from.{model_id}"
    if st.session_state.get(box) not in (None, *options):
        del st.session_state[box]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        source = st.selectbox(
            "From",
            options,
            index=options.index(board_offers.IMAGES),
            format_func=board_offers.title,
            key=box,
            persist_state="session",
            width=300,
        )
        turns = st.session_state.setdefault("board.turns", {})
        if board_offers.turns(source):
            st.button(
                "Show others", key="board.do.others", icon=":material/refresh:", on_click=_next, args=(turns, box)
            )
    offers = board_offers.offered(state, source, turns.get(box, 0))
    with st.container(horizontal=True, gap="xsmall", key="board-offers"):
        for place, term in enumerate(offers):
            codes = board_offers.face_of(model_id, term)
            png = cache.picture(model_id, codes[0]) if len(codes) == 1 else cache.strip(model_id, codes, 64)
            kind = "step-" if term.step else ""
            handle = f"board-{kind}offer{'-crisp' if small(state) else ''}-tap-{place}"
            tap(handle, png, f"Add {term.words}", _add, state, term, help=term.words)


def _next(turns: dict[str, int], box: str) -> None:
    turns[box] = turns.get(box, 0) + 1
