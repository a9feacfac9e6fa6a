"""Rules for the characters of a name: none that are invisible or change the direction, no long stacks of marks.

The rules follow Unicode's UAX #31 (section 2.3, joiners), UTS #39 and UTS #51 (emoji). An invisible character that
changes how its neighbours look, in a script or an emoji, is allowed; any other is rejected.
"""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 8  # combining marks in a row; no living script needs more than five

# Default_Ignorable_Code_Point, more blank characters, and the separators of lines. Whether a joiner, a variation
# selector or a tag is allowed depends on its neighbours.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ZWNJ, _ZWJ = "\u200c", "\u200d"
_FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|"  # England
    "\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
)  # Scotland, Wales
_VIRAMA = 9  # the canonical combining class of the sign that joins two consonants of an Indic script


def fold(text: str) -> str:
    """Return the form in which names are compared: NFKC, then case-folded, so that look-alike spellings are equal."""
    return unicodedata.normalize("NFKC", text).casefold()


def has_invisible(text: str) -> bool:
    """Return whether the text holds a character that cannot be seen or that changes the direction of others."""
    if not _INVISIBLE.search(text):
        return False
    text = _FLAGS.sub("\U0001f3f4", text)
    return any(not _is_part_of_spelling(text, found.start()) for found in _INVISIBLE.finditer(text))


def has_too_many_marks(text: str) -> bool:
    """Return whether more than MAX_MARKS combining marks follow one another."""
    if text.isascii():
        return False
    marks = 0
    for character in text:
        if unicodedata.category(character)[0] == "M":
            marks += 1
            if marks > MAX_MARKS:
                return True
        elif character not in (_ZWNJ, _ZWJ):
            marks = 0
    return False


def _is_part_of_spelling(text: str, place: int) -> bool:
    """Return whether the invisible character at this place is part of the spelling of its neighbours."""
    character = text[place]
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if character in (_ZWNJ, _ZWJ):
        return _is_joining(character, _base(text, place), before, after)
    if "\u180b" <= character <= "\u180f":  # selectors of Mongolian, and its vowel separator
        return "\u1820" <= before <= "\u18aa"
    if character in "\ufe0e\ufe0f":  # as text, as emoji
        return _is_symbol(before) or (bool(before) and before in "#*0123456789\u203c\u2049\u3030\u303d\u3297\u3299")
    if "\ufe00" <= character <= "\ufe02" or "\U000e0100" <= character <= "\U000e01ef":  # forms of an ideograph
        return unicodedata.name(before, "").startswith("CJK ") if before else False
    return False


def _is_joining(joiner: str, base: str, before: str, after: str) -> bool:
    if not before:
        return False
    # Indic scripts put a joiner beside the virama to choose a form of the conjunct.
    if unicodedata.combining(before) == _VIRAMA or (after and unicodedata.combining(after) == _VIRAMA):
        return unicodedata.category(before)[0] in "LM"
    # Persian and other languages in Arabic script end a joined form inside a word with ZWNJ, and keep one with ZWJ.
    if unicodedata.bidirectional(base) == "AL":
        return joiner == _ZWJ or (bool(after) and unicodedata.bidirectional(after) == "AL")
    return joiner == _ZWJ and (_is_symbol(before) or before == "\ufe0f") and _is_symbol(after)


def _base(text: str, place: int) -> str:
    """Return the character that carries the combining marks before this place."""
    while place > 0 and unicodedata.category(text[place - 1]) == "Mn":
        place -= 1
    return text[place - 1] if place > 0 else " "


def _is_symbol(character: str) -> bool:
    if not character:
        return False
    # By block as well: the Unicode version of Python may be older than the client's.
    return "\U0001f000" <= character <= "\U0001fbff" or unicodedata.category(character) in ("So", "Sm")
