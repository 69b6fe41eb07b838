"""Images by a typed condition: `smile > 0.7 and not hat`. A small grammar of its own; nothing typed is ever run.

    any   = all ("or" all)*
    all   = one ("and" one)*
    one   = "not" one | "(" any ")" | name [compare number] | number compare name
    compare = "<" "<=" ">" ">=" "=" "==" "!="

A name alone holds where its value is above a half. Names may have spaces; case and underscores do not matter.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vae.errors import VAEError
from vae.explore.codes import Mask

LONGEST = 300  # characters
DEEPEST = 20  # brackets and nots
COMPARE: dict[str, Callable[[Any, float], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TOKEN = re.compile(r"\s*(?:(?P<sign><=|>=|==|!=|[<>=()])|[\"“](?P<quoted>[^\"”]*)[\"”]|(?P<word>[^\s<>=!()\"“”]+))")
_WORDS = ("and", "or", "not")


def images_where(text: str, columns: Mapping[str, np.ndarray]) -> Mask:
    """The images for which a condition holds.

    Args:
        text: the condition.
        columns: what is known of the images: name to (N,) numbers.

    Returns:
        (N,) bool.

    Raises:
        VAEError: the condition cannot be read, or names what is not known. It says where, and what would do.
    """
    if not text.strip():
        raise VAEError(f"The condition is empty: type one such as {_example(columns)}.")
    if len(text) > LONGEST:
        raise VAEError(f"The condition is longer than {LONGEST} characters: choose a shorter one.")
    reader = _Reader(_tokens(text), {_plain(name): values for name, values in columns.items()}, tuple(columns))
    found = reader.any(0)
    if reader.rest:
        raise VAEError(f"“{reader.rest[0][1]}” comes unexpected in the condition: put “and” or “or” before it.")
    return np.asarray(found, dtype=bool)


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, words): "sign", "quoted" or "word"."""
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise VAEError(f"“{text[at:].strip()[:20]}” cannot be read in the condition: put names in quotes.")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    """Reads tokens from the left; `rest` is what is left."""

    def __init__(self, tokens: list[tuple[str, str]], columns: dict[str, np.ndarray], names: tuple[str, ...]) -> None:
        self.rest, self.columns, self.names = tokens, columns, names

    def any(self, depth: int) -> Mask:
        found = self.all(depth)
        while self._takes("or"):
            found = found | self.all(depth)
        return found

    def all(self, depth: int) -> Mask:
        found = self.one(depth)
        while self._takes("and"):
            found = found & self.one(depth)
        return found

    def one(self, depth: int) -> Mask:
        if depth > DEEPEST:
            raise VAEError(f"The condition has more than {DEEPEST} brackets inside each other: choose a simpler one.")
        if self._takes("not"):
            return ~self.one(depth + 1)
        if self._takes("("):
            found = self.any(depth + 1)
            if not self._takes(")"):
                raise VAEError("A bracket of the condition is never closed: add a “)”.")
            return found
        return self._compared()

    def _compared(self) -> Mask:
        if self._after_is_sign() and self._number(self.rest[0][1]) is not None and not self._known(self.rest[0][1]):
            value = self._value()
            sign = self.rest.pop(0)[1]
            return np.asarray(COMPARE[TURNED.get(sign, sign)](self._column(), value))
        values = self._column()
        if self.rest and self.rest[0][0] == "sign" and self.rest[0][1] in COMPARE:
            sign = self.rest.pop(0)[1]
            return np.asarray(COMPARE[sign](values, self._value()))
        return np.asarray(values > 0.5)

    def _column(self) -> np.ndarray:
        """One name: a quoted one, or as many words as stand together."""
        words: list[str] = []
        while self.rest and self.rest[0][0] != "sign" and not self._is_word(_WORDS):
            kind, word = self.rest.pop(0)
            words.append(word)
            if kind == "quoted":
                break
        name = " ".join(words)
        if not name:
            before = f"before “{self.rest[0][1]}”" if self.rest else "at the end of the condition"
            raise VAEError(f"A name is missing {before}: type a condition such as {_example(self.names)}.")
        if not self._known(name):
            known = ", ".join(self.names[:12]) + (" and others" if len(self.names) > 12 else "")
            raise VAEError(f"Nothing called “{name}” is known of these images: choose among {known}.")
        return np.asarray(self.columns[_plain(name)])

    def _value(self) -> float:
        value = self._number(self.rest.pop(0)[1]) if self.rest else None
        if value is None:
            raise VAEError("A comparison of the condition has no number: type one, such as 0.7.")
        return value

    def _takes(self, word: str) -> bool:
        if self._is_word((word,)) or (self.rest and self.rest[0] == ("sign", word)):
            self.rest.pop(0)
            return True
        return False

    def _is_word(self, words: tuple[str, ...]) -> bool:
        return bool(self.rest) and self.rest[0][0] == "word" and self.rest[0][1].lower() in words

    def _after_is_sign(self) -> bool:
        return len(self.rest) > 1 and self.rest[1][0] == "sign" and self.rest[1][1] in COMPARE

    def _known(self, name: str) -> bool:
        return _plain(name) in self.columns

    @staticmethod
    def _number(word: str) -> float | None:
        try:
            value = float(word.replace("−", "-"))
        except ValueError:
            return None
        return value if np.isfinite(value) else None


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())


def _example(names: Mapping[str, Any] | tuple[str, ...]) -> str:
    shown = [name.replace("_", " ") for name in list(names)[:2]] or ["smile", "hat"]
    return f"“{shown[0]} and not {shown[1]}”" if len(shown) > 1 else f"“{shown[0]}”"
