"""A person's own files become a data set: read in a process of its own, under limits, and kept as `brought:ID`.

Everything is bad until shown good. Files never touch the disk under a name of theirs: members of an archive are read
one by one in memory, in a process that may open no network, start no program and use no more than its share
(`guard.py`), and what comes back is checked like anything else that comes from outside.

    look(given, choice)       what was understood: an `Understood`, nothing kept
    take_in(given, choice)    the data set made: an ID for `vae.data.load("brought:ID", split)`
"""

from vae.data.intake.choice import Channel, Choice, Column, Understood
from vae.data.intake.guard import look, take_in

__all__ = ["Channel", "Choice", "Column", "Understood", "look", "take_in"]
