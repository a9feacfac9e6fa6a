"""The search for names, by the folded words that they consist of, each of them a row of an index.

Words are kept as UTF-8 in binary columns: both databases compare bytes alike, so a prefix is a range of the index on
either; LIKE folds only ASCII on SQLite, and needs another index on PostgreSQL.
"""

from __future__ import annotations

import re
import unicodedata

from wire.characters import fold

WORD_CHARS = 64  # of a word are kept and compared
WORDS = 8  # of a query are looked up, the longest ones
WORD_BYTES = 4 * WORD_CHARS

# Scripts that write no spaces between words: any of their characters may begin one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


def words(text: str) -> set[bytes]:
    """The words by which a name is found, also those behind a hyphen or another sign."""
    found = set()
    for token in fold(text).split():
        found |= {_cut(token[place:]) for place in range(len(token)) if place == 0 or _begins_word(token, place)}
    return found


def parts(text: str) -> set[bytes]:
    """The keys of a name for a search inside words: each word from each of its characters on."""
    return {_cut(token[place:]) for token in fold(text).split() for place in range(len(token))}


def ranges(query: str) -> list[tuple[bytes, bytes]]:
    """For each word of a query the range [first, last) of the words that begin with it."""
    tokens = sorted(set(fold(query).split()), key=len)[-WORDS:]
    return [(_cut(token), _cut(token) + b"\xff") for token in tokens]  # no UTF-8 holds FF


def _cut(word: str) -> bytes:
    return word[:WORD_CHARS].encode()


def _begins_word(token: str, place: int) -> bool:
    character, before = token[place], token[place - 1]
    if not character.isalnum():
        return False
    is_inside = before.isalnum() or unicodedata.category(before)[0] == "M"
    return not is_inside or _UNSPACED.match(character) is not None
