"""The text form of Protocol Buffers, read into plain values: `name: "x" input [ { dims: [ 4 ] } ]`.

Each field is a list of one value or more, since it may be repeated; every error names its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

MOST_BYTES = 64 * 1024
_DEEPEST = 16
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>[-+]?\d{1,18}(?:\.\d{0,18})?(?:[eE][-+]?\d{1,3})?(?![\w.]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>[{}\[\]:,;<>])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_CLOSING = {"{": "}", "<": ">"}


class PbtxtError(ValueError):
    """Text that is not in the form, or says what it may not."""


class Word(str):
    """A bare word: a name, `true`, or the value of an enumeration as `TYPE_FP32`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a field, and the line on which it stands."""

    value: Value
    line: int


Message: TypeAlias = "dict[str, list[Entry]]"
Value: TypeAlias = "str | int | float | Message"


@dataclass(slots=True)
class _Token:
    kind: str
    text: str
    line: int


def read(content: bytes) -> Message:
    """The fields of the text.

    Raises:
        PbtxtError: for more than 64 KiB, for what is not UTF-8, and for any fault, with its line.

    """
    if len(content) > MOST_BYTES:
        raise PbtxtError(f"more than {MOST_BYTES} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise PbtxtError("not UTF-8") from error
    return _Reading(list(_tokens(text))).message("", 0)


def quoted(text: str) -> str:
    """The text as a value in quotes, so that `read` gives it back."""
    written = text.translate({ord(sign): "\\" + letter for letter, sign in _ESCAPED.items()})
    return f'"{written}"'


def _tokens(text: str) -> Iterator[_Token]:
    place, line = 0, 1
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise PbtxtError(f"line {line}: {text[place]!r} is out of place")
        kind = found.lastgroup or "space"
        if kind != "space":
            yield _Token(kind, found[0], line)
        line += found[0].count("\n")
        place = found.end()
    yield _Token("end", "", line)


class _Reading:
    """A walk along the tokens, one grammar rule to a method."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def message(self, closing: str, depth: int) -> Message:
        """Fields up to the sign `closing`; up to the end of the text for an empty one."""
        if depth > _DEEPEST:
            raise PbtxtError(f"line {self._next.line}: nested more than {_DEEPEST} deep")
        found: Message = {}
        while self._next.text != closing:
            name = self._take()
            if name.kind != "word":
                raise PbtxtError(f"line {name.line}: a name is missing before {_shown(name)}")
            values = self._values(depth)
            if values:  # an empty list is no field
                found.setdefault(name.text, []).extend(values)
            if self._next.text in (",", ";"):
                self._take()
        self._take()
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._place += 1
        return token

    def _values(self, depth: int) -> list[Entry]:
        """What follows a name: one value, or a list of them."""
        if self._next.text == ":":
            self._take()
        elif self._next.text not in ("{", "<", "["):
            raise PbtxtError(f"line {self._next.line}: `:` is missing before {_shown(self._next)}")
        if self._next.text != "[":
            return [self._value(depth)]
        self._take()
        found: list[Entry] = []
        while self._next.text != "]":
            found.append(self._value(depth))
            if self._next.text == ",":
                self._take()
            elif self._next.text != "]":
                raise PbtxtError(f"line {self._next.line}: `]` is missing")
        self._take()
        return found

    def _value(self, depth: int) -> Entry:
        token = self._take()
        if token.text in _CLOSING:
            return Entry(self.message(_CLOSING[token.text], depth + 1), token.line)
        if token.kind == "text":
            return Entry(_unescaped(token), token.line)
        if token.kind == "number":
            whole = token.text.lstrip("+-").isdigit()
            return Entry(int(token.text) if whole else float(token.text), token.line)
        if token.kind == "word":
            return Entry(Word(token.text), token.line)
        raise PbtxtError(f"line {token.line}: a value is missing before {_shown(token)}")


def _unescaped(token: _Token) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPED:
            raise PbtxtError(f"line {token.line}: the escape {found[0]} is not read")
        return _ESCAPED[found[1]]

    return _ESCAPE.sub(one, token.text[1:-1])


def _shown(token: _Token) -> str:
    return f"`{token.text}`" if token.kind != "end" else "the end"
