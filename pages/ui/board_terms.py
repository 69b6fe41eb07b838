"""The board: a sum of weighted terms, how it was changed, and what was kept of it under a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_uppercase

from pages.ui.cache import Code
from vae.errors import VAEError
from vae.explore.sums import balanced, weighted_sum

MOST = 12  # terms
LIMIT = 2.0  # of a weight, on both sides of zero
KEPT_LIMIT = 20
UNDONE = 50  # steps that can be taken back
NAME_LIMIT = 40


@dataclass(frozen=True)
class Term:
    """One term of a sum. It holds its own numbers, so it stays what it was when a group or a kept code is gone.

    Attributes:
        vector: a code, or the whole step of a direction.
        words: what it is.
        weight: from -LIMIT to LIMIT.
        image_id: of the image whose code it is, if any.
        step: it is a direction.
        kind: of a direction, what it is about as `cache.kinds` says it; "" where that is not known.
        rests: of a direction, what it rests on, in a sentence; "" where nothing is known.
        number: by which a board knows its terms; never twice on one.
    """

    vector: Code
    words: str
    weight: float = 1.0
    image_id: str | None = None
    step: bool = False
    kind: str = ""
    rests: str = ""
    number: int = 0


@dataclass(frozen=True)
class Board:
    """A sum. Its name is "" until it is kept."""

    terms: tuple[Term, ...] = ()
    name: str = ""

    def with_term(self, term: Term) -> "Board":
        """One term more. VAEError: there are as many as a board can hold."""
        if len(self.terms) >= MOST:
            raise VAEError(f"A sum holds {MOST} terms at most: take one away first.")
        number = max((other.number for other in self.terms), default=0) + 1
        return replace(self, terms=(*self.terms, replace(term, number=number)))

    def without(self, number: int) -> "Board":
        return replace(self, terms=tuple(term for term in self.terms if term.number != number))

    def weighed(self, weights: Mapping[int, float]) -> "Board":
        """Other weights for the terms of these numbers."""
        return replace(
            self, terms=tuple(replace(term, weight=weights.get(term.number, term.weight)) for term in self.terms)
        )

    @property
    def pictures(self) -> tuple[Term, ...]:
        """The terms that are codes."""
        return tuple(term for term in self.terms if not term.step)

    def code(self, average: Code) -> Code:
        """What it comes to. Where no term is a picture, the directions start at `average`, that of all images."""
        base = self.base(average)
        if not self.terms:
            return base
        found = weighted_sum([term.vector for term in self.terms], [term.weight for term in self.terms], base)
        return tuple(found.tolist())

    def base(self, average: Code) -> Code:
        """Where the sum starts: at the origin, or at `average` where no term is a picture."""
        return (0.0,) * len(average) if self.pictures else average

    def balance(self) -> "Board | None":
        """The pictures' weights scaled to sum to 1; None where they do, or cannot."""
        pictures = self.pictures
        scaled = balanced([term.weight for term in pictures], LIMIT)
        if scaled is None or max(abs(a - term.weight) for a, term in zip(scaled, pictures, strict=True)) < 5e-3:
            return None
        return self.weighed({term.number: weight for term, weight in zip(pictures, scaled, strict=True)})

    def equation(self) -> str:
        """ "A − B + 0.5 C"."""
        return _added([ascii_uppercase[place] for place in range(len(self.terms))], self.terms)

    def words(self) -> str:
        """The same with what the terms are, where that is short enough to read."""
        whole = _added([term.words for term in self.terms], self.terms)
        return whole if len(whole) <= 90 else self.equation()


def _added(names: Sequence[str], terms: Sequence[Term]) -> str:
    parts: list[str] = []
    for name, term in zip(names, terms, strict=True):
        size = round(abs(term.weight), 2)
        sign = "−" if term.weight < 0 else "+"
        amount = name if size == 1 else f"{size:g} × {name}"
        parts.append(f"{sign} {amount}" if parts else (f"−{amount}" if term.weight < 0 else amount))
    return " ".join(parts)


@dataclass
class Boards:
    """A visitor's boards of one model.

    Attributes:
        now: the one that is worked on; None until something was changed: an example stands there.
        before, after: what undo and redo lead to.
        kept: under their names, the oldest first.
        deleted: with the places they stood at, the newest last.
    """

    now: Board | None = None
    before: list[Board | None] = field(default_factory=list)
    after: list[Board | None] = field(default_factory=list)
    kept: list[Board] = field(default_factory=list)
    deleted: list[tuple[int, Board]] = field(default_factory=list)

    def change(self, board: Board | None) -> None:
        """Put another board in place of this one; undo leads back."""
        if board != self.now:
            self.before.append(self.now)
            del self.before[:-UNDONE]
            self.after.clear()
            self.now = board

    def undo(self) -> None:
        if self.before:
            self.after.append(self.now)
            self.now = self.before.pop()

    def redo(self) -> None:
        if self.after:
            self.before.append(self.now)
            self.now = self.after.pop()

    def keep(self, board: Board, name: str) -> None:
        """Keep a board under a name; the one it was opened from gives way. VAEError: the name is none, or taken."""
        name = " ".join(name.split())[:NAME_LIMIT]
        if not name:
            raise VAEError("A sum needs a name before it can be kept: type one.")
        if not board.terms:
            raise VAEError("There is nothing to keep: add a term first.")
        names = [other.name for other in self.kept]
        if name in names and name != board.name:
            raise VAEError(f"There is a sum called “{name}” already: choose another name, or open that one.")
        named = replace(board, name=name)
        if name in names:
            self.kept[names.index(name)] = named
        elif len(self.kept) >= KEPT_LIMIT:
            raise VAEError(f"There are {KEPT_LIMIT} sums already: delete one that you no longer need.")
        else:
            self.kept.append(named)
        self.change(named)

    def delete(self, name: str) -> None:
        """Give a kept board up; `restore` brings it back."""
        for place, board in enumerate(self.kept):
            if board.name == name:
                self.deleted.append((place, self.kept.pop(place)))
                return

    def restore(self) -> None:
        """Bring the board back that was deleted last. VAEError: another has its name now."""
        if not self.deleted:
            return
        place, board = self.deleted[-1]
        if any(other.name == board.name for other in self.kept):
            raise VAEError(f"Another sum is called “{board.name}” now: delete that one first.")
        self.deleted.pop()
        self.kept.insert(place, board)
