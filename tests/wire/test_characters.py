"""The characters of a name: those that a script or an emoji needs are accepted, invisible ones are rejected."""

import pytest

from wire.characters import has_invisible, has_too_many_marks


@pytest.mark.parametrize(
    "name",
    [
        "Zoë O'Brien-Łukasz",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: ZWNJ ends a form inside a word
        "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627",
        "क्\u200dष",  # Devanagari: ZWJ and ZWNJ choose a form of the conjunct
        "क्\u200cष",
        "ന്\u200d",  # Malayalam: a chillu letter, written the old way
        "র\u200d্য",  # Bengali: ya-phalaa after ra
        "ශ්\u200dරී",  # Sinhala
        "👩\u200d👩\u200d👧\u200d👦",
        "👩🏽\u200d🚀",
        "🏳\ufe0f\u200d🌈",
        "👁\ufe0f\u200d🗨\ufe0f",
        "🙂\u200d↔\ufe0f",
        "🐦\u200d⬛",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "葛\U000e0100城",  # Japanese: a form of an ideograph
        "ᠮᠣᠩᠭᠣᠯ\u180b",
    ],
)
def test_names_in_many_scripts_are_accepted(name: str) -> None:
    assert not has_invisible(name)
    assert not has_too_many_marks(name)


@pytest.mark.parametrize(
    "character",
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2063\u2066"
    "\u2069\u206f\u2800\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\ufffc\U0001d173\U000e0001\U000e0041\U000e007f\U000e0100",
)
@pytest.mark.parametrize("name", ["{}", "alice{}", "{}alice", "al{}ice"])
def test_an_invisible_character_is_rejected(character: str, name: str) -> None:
    assert has_invisible(name.format(character))


@pytest.mark.parametrize(
    "name",
    [
        "👩\u200d" * 3,  # ends with a joiner
        "👩\u200d\u200d👩",
        "👩\u200da",
        "\u0645\u06cc\u200c",
        "\u0645\u06cc\u200c\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f3f4\U000e0067\U000e0062\U000e0078\U000e0078\U000e0078\U000e007f",  # a flag of nowhere
        "❤\ufe0f\ufe0f",
    ],
)
def test_a_joiner_or_selector_that_joins_nothing_is_rejected(name: str) -> None:
    assert has_invisible(name)


def test_too_many_combining_marks_are_rejected() -> None:
    assert not has_too_many_marks("a" + "\u0301" * 8 + "b" + "\u0301" * 8)
    assert has_too_many_marks("a" + "\u0301" * 9)
    assert has_too_many_marks("\u0e4e" * 9)
    assert has_too_many_marks("\u0915" + "\u094d\u200d" * 9)
