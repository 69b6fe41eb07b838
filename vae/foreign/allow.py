"""Which code of a person's own may run here: only what whoever starts the server names, in one variable that its
processes inherit. Nothing is imported here, so that the door may ask before torch is loaded.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from vae.errors import VAEError

VARIABLE = "MUSCOPE_ADAPTER"  # file.py:Class, several with the system's separator of paths between them


def allow(words: Sequence[str]) -> None:
    """Take `--adapter FILE:CLASS` out of the words after `streamlit run app.py --`, for this server and its processes.

    Raises:
        VAEError: a word that is not known, or no such file; said before anything is served.
    """
    rest, given = list(words), []
    while rest:
        word = rest.pop(0)
        if word == "--adapter" and rest:
            given.append(rest.pop(0))
        elif word.startswith("--adapter="):
            given.append(word.partition("=")[2])
        else:
            raise VAEError(f"{word[:60]!r} is not known: say streamlit run app.py -- --adapter file.py:Class.")
    for place in given:
        file, _ = split(place)
        if not file.is_file():
            raise VAEError(f"There is no file {file}: give --adapter file.py:Class.")
    if given:
        whole = [str(split(place)[0].resolve()) + ":" + split(place)[1] for place in given]
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = os.pathsep.join(whole + ([before] if before else []))


def places() -> list[str]:
    """file.py:Class, each. A colon belongs to both the list and each place of it: a place ends with its class."""
    return re.findall(r"(?:^|:)([^:]+\.py:[A-Za-z_]\w*)", os.environ.get(VARIABLE, ""))


def split(place: str) -> tuple[Path, str]:
    """The file and the class of "file.py:Class". VAEError: that is neither."""
    file, _, name = place.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise VAEError(f"{place[:80]!r} is no adapter: give --adapter file.py:Class.")
    return Path(file).expanduser(), name
