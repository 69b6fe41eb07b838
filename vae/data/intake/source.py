"""What files come to, whatever they were: rows with a name, columns, and a picture or a vector each."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vae.data.intake.given import LeftOut
from vae.data.intake.pictures import Picture

Cells = list[str | int | float | None]  # one column as it came; None where there is nothing


@dataclass
class Source:
    """Rows of one data set before it is made.

    Attributes:
        kind: "images" or "vectors".
        names: her own file names, or "row 17", (N,).
        columns: name -> N cells.
        picture: row -> its image, raising `Unreadable`; None for vectors.
        vectors: (N, D) float64, or None for images.
        value_names: of the D numbers of a vector, () where they have none.
        left_out: what is not used.
        phrase: what was given, in a few words.
        label_hint, split_hint, path_column: columns that look like it, "" for none.
        arrays: names of arrays that could be the images, array: the one that is.
        warnings: plain sentences.
        credit: one line, "" where nobody said.
    """

    kind: str
    names: list[str]
    columns: dict[str, Cells]
    left_out: LeftOut
    phrase: str
    picture: Callable[[int], Picture] | None = None
    vectors: np.ndarray | None = None
    value_names: tuple[str, ...] = ()
    label_hint: str = ""
    split_hint: str = ""
    path_column: str = ""
    arrays: tuple[str, ...] = ()
    array: str = ""
    warnings: list[str] = field(default_factory=list)
    credit: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def keep(self, rows: np.ndarray) -> "Source":
        """Some of the rows, in that order."""
        wanted = [int(row) for row in rows]
        picture = self.picture
        return Source(
            kind=self.kind,
            names=[self.names[row] for row in wanted],
            columns={name: [cells[row] for row in wanted] for name, cells in self.columns.items()},
            left_out=self.left_out,
            phrase=self.phrase,
            picture=None if picture is None else lambda at: picture(wanted[at]),
            vectors=None if self.vectors is None else self.vectors[wanted],
            value_names=self.value_names,
            label_hint=self.label_hint,
            split_hint=self.split_hint,
            path_column=self.path_column,
            arrays=self.arrays,
            array=self.array,
            warnings=self.warnings,
            credit=self.credit,
        )
