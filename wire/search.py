"""The search for names by their folded words, each a row of an indexed table.

Words are stored as UTF-8 in binary columns. Both databases compare bytes alike, so a prefix is a range of the index.
LIKE would fold only ASCII on SQLite, and need another index on PostgreSQL.
"""

from __future__ import annotations

import re
import unicodedata

from wire.characters import fold

WORD_CHARS = 64  # the stored part of a word
WORDS = 8  # the longest words of a query, which are looked up
WORD_BYTES = 4 * WORD_CHARS

# Scripts that write no spaces between words: any of their characters may begin one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


def words(text: str) -> set[bytes]:
    """Return the words of a name, including those after a hyphen or another sign."""
    found = set()
    for token in fold(text).split():
        found |= {_cut(token[place:]) for place in range(len(token)) if place == 0 or _begins_word(token, place)}
    return found


def parts(text: str) -> set[bytes]:
    """Return the keys of a name for a search inside words: every suffix of every word."""
    return {_cut(token[place:]) for token in fold(text).split() for place in range(len(token))}


def ranges(query: str) -> list[tuple[bytes, bytes]]:
    """Return, for each word of a query, the range [first, last) of the words that begin with it."""
    tokens = sorted(set(fold(query).split()), key=len)[-WORDS:]
    return [(_cut(token), _cut(token) + b"\xff") for token in tokens]  # FF never occurs in UTF-8


def _cut(word: str) -> bytes:
    return word[:WORD_CHARS].encode()


def _begins_word(token: str, place: int) -> bool:
    character, before = token[place], token[place - 1]
    if not character.isalnum():
        return False
    is_inside = before.isalnum() or unicodedata.category(before)[0] == "M"
    return not is_inside or _UNSPACED.match(character) is not None
