"""Take home: a model, or what it says of its images, as a file for other programs."""

import html
import shlex

import streamlit as st

from live import components, privacy
from live.engine import ModelEntry, shared
from live.takeaways import kept, offer, takeaway
from live.visitor import owner_of
from pages.ui import seen
from pages.ui.errors import plain_errors
from pages.ui.state import State
from pages.ui.visitor import this_machine_only
from vae.out import EXPORTS, TABLES

CODES, MODEL = "codes", "model"
_WHAT = {CODES: "Its codes", MODEL: "The model"}
_NAMES = {
    "csv": "CSV",
    "parquet": "Parquet",
    "npz": "NumPy (npz)",
    "folder": "Muscope",
    "onnx": "ONNX",
    "torch": "torch.export",
}
_HELP = {
    "csv": "For spreadsheets. Text that a spreadsheet would run as a formula has a quote mark before it.",
    "parquet": "For pandas, R and databases: every column as it is, a third of the size.",
    "npz": "For NumPy: an array for each column, their names in the array “columns”.",
    "folder": "A zip that any Muscope opens, with its card and its codes.",
    "onnx": "A zip with encoder and decoder for ONNX Runtime, on any device. They agree with torch to rounding.",
    "torch": "A zip with encoder and decoder for torch alone; no code of Muscope is needed.",
}
_ROWS = (
    "A row for each image: its name, {came}labels and attributes, code and spread, KL, reconstruction error, how "
    "unusual it is, and its places on the maps."
)


def draw_take_home(state: State, page: str) -> None:
    """What to take, as what kind of file; the file is made when it is asked for."""
    entry = state.entry
    with st.popover("Take home", icon=":material/download:"), plain_errors():
        has_codes = shared().has_encodings(entry)
        what = MODEL
        if has_codes:
            what = st.segmented_control(
                "What",
                list(_WHAT),
                default=CODES if page == "map" else MODEL,
                required=True,
                format_func=_WHAT.__getitem__,
                key=f"{page}.take.what",
                persist_state="session",
            )
        kinds = [kind for kind in EXPORTS if (kind in TABLES) == (what == CODES)]
        kind = st.radio(
            "As",
            kinds,
            index=kinds.index("csv" if what == CODES else "folder"),
            format_func=_NAMES.__getitem__,
            key=f"{page}.take.{what}",
            horizontal=True,
        )
        columns = what == CODES and privacy.may_read_rows(entry.data, seen.visitor())
        if what == CODES:
            st.caption(_ROWS.format(came="every column that came with the data, " if columns else ""))
        st.caption(_HELP[kind])
        _draw_file(entry, page, kind, columns)
        if this_machine_only():
            _draw_commands(entry, kind)


def _draw_file(entry: ModelEntry, page: str, kind: str, columns: bool) -> None:
    """A button that makes the file, then a link that downloads it."""
    if kept(shared(), entry, kind, columns) is None:
        make = f"{page}.do.make.{kind}"
        place = st.empty()
        if not place.button("Make the file", key=make, icon=":material/folder_zip:", help="It takes some seconds."):
            return
        with st.spinner("Making the file.", show_time=True):
            takeaway(shared(), entry, kind, columns)
        place.empty()
    # A link of our own: Streamlit's button would read the whole file into the server's memory. It says nothing of a
    # download, or the browser would save what is refused as a file too: the answer says what is one, and its name.
    file = html.escape(EXPORTS[kind].format(name=entry.name), quote=True)
    key = offer(seen.visitor(), entry, kind, columns, cookie=bool(owner_of(st.context.cookies)))
    st.html(f'<a class="mu-take" href="{components.base_path()}/live/take/{key}">Download {file}</a>')


def _draw_commands(entry: ModelEntry, kind: str) -> None:
    """For whoever sits at this machine: the same by a command, and the way to the Hub."""
    folder = shlex.quote(str(entry.folder))
    st.caption("The same as a command, and to the Hugging Face Hub with its card (after `hf auth login`):")
    commands = [f"python -m vae export {folder} --to {kind}"]
    commands.append(f"python -m vae export {folder} --to hub --repo {shlex.quote(f'your-name/{entry.name}')}")
    st.code("\n".join(commands), language="sh", wrap_lines=True)
