"""The one exception that is meant for people."""


class VAEError(Exception):
    """Something a person can mend. `str(error)` is one plain line: what happened, why, what to do next."""

    def __init__(self, line: str) -> None:
        # A folder or a column may have a line break in its name; the error about it is one line all the same.
        super().__init__(" ".join(line.split()))
