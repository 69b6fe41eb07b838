"""What is to become a data set: an upload, or a path where whoever looks sits at this machine."""

from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from pages.ui import uploader
from pages.ui.state import State
from pages.ui.visitor import this_machine_only

UPLOAD = "bring.files"
ENDINGS = (
    ".zip,.png,.jpg,.jpeg,.webp,.gif,.bmp,.tif,.tiff,.npy,.npz,.csv,.tsv,.parquet,.gz,.idx,"
    ".idx1-ubyte,.idx3-ubyte,image/*"
)


@dataclass(frozen=True)
class Given:
    """Something to look into.

    Attributes:
        where: what `live.takings.look` takes.
        title: what to call it at first.
        key: another one for everything that was given: what is remembered of it is kept under that.
    """

    where: Path | str
    title: str
    key: str


def draw_given(state: State) -> Given | None:
    """Where files are dropped; None while there is nothing."""
    folder = uploader.draw_uploader(
        state, UPLOAD, what="pictures, a folder, a zip file or a table", accept=ENDINGS, folder=True
    )
    if folder is not None:
        return Given(folder, uploader.title_of(state, UPLOAD), folder.name)
    st.caption(
        "Pictures are PNG, JPEG, WebP, GIF, BMP or TIFF files, with 8 or 16 bits and up to 8 channels, or an array of "
        "them (.npy, .npz, IDX). The names of sub-folders become labels, and so does a column of a table (.csv, "
        ".parquet) that lies beside them and has their file names. A table alone is rows of numbers."
    )
    if this_machine_only():  # a path is read with the rights of whoever runs the server
        return _draw_path()
    return None


def forget(state: State) -> None:
    """It was used, or is not wanted."""
    uploader.drop(state, UPLOAD)
    st.session_state["bring.path"] = ""


def _draw_path() -> Given | None:
    with st.expander("Or name what lies on this machine", icon=":material/folder_open:"):
        path = st.text_input(
            "Path",
            key="bring.path",
            placeholder="/home/ada/cells",
            persist_state="session",
            help="A folder, a file, or dataset:NAME for a Hugging Face data set that was downloaded before.",
        ).strip()
    if not path:
        return None
    return Given(path, PurePath(path.removeprefix("dataset:")).name.partition(".")[0], f"path.{path}")
