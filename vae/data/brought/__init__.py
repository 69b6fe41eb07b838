"""`brought:ID`: a data set made from a person's own files (`vae.data.intake`), kept until she deletes it or its time is
over.

    MUSCOPE_HOME/brought/<ID>/set.json           what it is, whose, and what was left out; strict
                              set.safetensors    pixels, labels, attributes, split; training rows first
                              rows.parquet       every column as it came, and her own file names, row for row

An ID is 16 random hex digits: who does not know it cannot guess it. A set is there whole or not at all.

    facts.py     set.json, read strictly
    kept.py      where sets are, whose, until when; made, shared, deleted, swept
    loaded.py    a set as a data set, and its columns
"""

from vae.data.brought.facts import FACTS, FILE, KIND, ROWS, TENSORS, BroughtSet, read_facts
from vae.data.brought.kept import (
    aside,
    delete,
    drop_aside,
    folder,
    get,
    is_id,
    is_over,
    make_aside,
    new_id,
    place,
    put_in_place,
    sets,
    share,
    size,
    sweep,
)
from vae.data.brought.loaded import describe, file_names, load, on_machine, rows, title_of

__all__ = [
    "FACTS",
    "FILE",
    "KIND",
    "ROWS",
    "TENSORS",
    "BroughtSet",
    "aside",
    "delete",
    "describe",
    "drop_aside",
    "file_names",
    "folder",
    "get",
    "is_id",
    "is_over",
    "load",
    "make_aside",
    "new_id",
    "on_machine",
    "place",
    "put_in_place",
    "read_facts",
    "rows",
    "sets",
    "share",
    "size",
    "sweep",
    "title_of",
]
