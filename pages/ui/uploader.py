"""Where a visitor brings files: drop them, choose them, or choose a folder. They go to the disk, and to nobody else."""

from pathlib import Path
from typing import Any

import streamlit as st

from live import components, room
from live.uploads import ID, Upload, shared_uploads
from pages.ui import live
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.visitor import me
from vae.errors import VAEError

AND_OTHERS = " and others"


def draw_uploader(state: State, key: str, *, what: str, accept: str, folder: bool) -> Path | None:
    """A drop zone; once something is there, its name and a way to remove it.

    Args:
        key: of this place on its page, "<page>.<name>".
        what: may be dropped, in words that follow "Drop": "pictures, a zip file or a table".
        accept: file name endings that the browser offers first, as ".zip,.png"; "" for any.
        folder: whether a whole folder may be chosen.

    Returns:
        The folder of the finished upload: files 0001.bin and so on, and `names.json` with what they were called. None
        while there is none.
    """
    upload = _found(state, key)
    there = None if upload is None else _words(upload)
    data = {"key": key, "what": what, "accept": accept, "folder": folder, "there": there}
    components.mount(  # of no model: there may be none yet
        *("drop", key, live.wire(state) | data),
        settled=careful(lambda told: _settled(state, key, told)),
        removed=careful(lambda _: drop(state, key)),
    )
    return None if upload is None else upload.folder


def drop(state: State, key: str) -> None:
    """Delete what was uploaded at this place: it was used, or is not wanted."""
    upload = st.session_state.pop(_kept(key), "")
    if upload:
        shared_uploads().remove(me(state), upload)


def draw_room(state: State) -> None:
    """How much this visitor has brought, of how much that may be: uploads, data and models together."""
    if mine := shared_uploads().used().get(me(state), 0):
        st.caption(room.line(mine))


def names(folder: Path) -> tuple[str, ...]:
    """What the files of an upload were called."""
    found = shared_uploads().found(folder.parent.name, folder.name)
    return () if found is None else found.names


def titled(upload: Upload) -> str:
    """What people call an upload: its one file, or the folder that all of them lay in."""
    first = upload.names[0]
    if len(upload.names) == 1:
        return first.rpartition("/")[2]
    top = first.partition("/")[0]
    return (
        top if all(name.startswith(f"{top}/") for name in upload.names) else f"{first.rpartition('/')[2]}{AND_OTHERS}"
    )


def title_of(state: State, key: str) -> str:
    """What people call what was uploaded at this place, without its ending; "" where it is several files or nothing."""
    upload = _found(state, key)
    if upload is None or titled(upload).endswith(AND_OTHERS):
        return ""
    return titled(upload).partition(".")[0].replace("_", " ").strip()


def _settled(state: State, key: str, told: Any) -> None:
    upload = told.get("upload") if isinstance(told, dict) else None
    if not (isinstance(upload, str) and ID.fullmatch(upload) and shared_uploads().found(me(state), upload)):
        raise VAEError("What was uploaded is not there any more: choose the files once more.")
    before = st.session_state.get(_kept(key))
    if before not in (None, upload):
        shared_uploads().remove(me(state), before)
    st.session_state[_kept(key)] = upload


def _found(state: State, key: str) -> Upload | None:
    upload = st.session_state.get(_kept(key), "")
    return shared_uploads().found(me(state), upload) if upload else None


def _words(upload: Upload) -> dict[str, Any]:
    return {"upload": upload.folder.name, "name": titled(upload), "files": len(upload.names), "bytes": upload.size}


def _kept(key: str) -> str:
    return f"muscope.upload.{key}"
