"""Which images to show: a few of many, chosen the same way every time."""

import numpy as np

from vae.errors import VAEError
from vae.explore.codes import Mask, Rows


def rows_in_turn(mask: Mask, count: int, turn: int = 0) -> Rows:
    """`count` rows of those where the mask holds, in one fixed shuffled order that goes round.

    Args:
        mask: (N,) bool, the rows to choose from.
        count: how many, at least 1; fewer come back when fewer are there.
        turn: 0 for the first helping, 1 for the next: "show me others".

    Returns:
        (count,) int64.

    Raises:
        VAEError: no row to choose from.
    """
    rows = np.random.default_rng(0).permutation(np.flatnonzero(mask))
    if not len(rows):
        raise VAEError("There is no image of that kind in this model's data: choose another.")
    count = min(count, len(rows))
    return rows[(np.arange(count) + turn * count) % len(rows)]


def mixed_rows(labels: np.ndarray | None, mask: Mask, count: int, turn: int = 0) -> Rows:
    """As `rows_in_turn`, but the classes take turns, so that a dozen digits shows all ten."""
    if labels is None:
        return rows_in_turn(mask, count, turn)
    classes = [label for label in np.unique(labels[mask])]
    each = -(-count // max(1, len(classes)))
    helpings = [rows_in_turn(mask & (labels == label), each, turn) for label in classes]
    return np.array([rows[i] for i in range(each) for rows in helpings if i < len(rows)][:count], dtype=np.int64)
