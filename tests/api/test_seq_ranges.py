"""api.seq_ranges: the arithmetic of visible ranges."""

import pytest

from api.seq_ranges import EVERYTHING, FOR_EVER, SeqRange, contains, count, missing, take_first

PERIODS = [(2, 4), (7, 7), (9, FOR_EVER)]


@pytest.mark.parametrize(
    ("ranges", "cursor", "head", "expected"),
    [
        (EVERYTHING, 0, 3, [(1, 3)]),
        (EVERYTHING, 3, 3, []),
        (PERIODS, 0, 12, [(2, 4), (7, 7), (9, 12)]),
        (PERIODS, 3, 9, [(4, 4), (7, 7), (9, 9)]),
        (PERIODS, 4, 6, []),
        (PERIODS, 9, 8, []),
        ([], 0, 5, []),
    ],
)
def test_missing_is_visible_after_the_cursor_and_up_to_the_head(
    ranges: list[SeqRange], cursor: int, head: int, expected: list[SeqRange]
) -> None:
    assert missing(ranges, cursor, head) == expected


def test_both_ends_of_a_range_are_included() -> None:
    assert [seq for seq in range(1, 12) if contains(PERIODS, seq)] == [2, 3, 4, 7, 9, 10, 11]
    assert count([(2, 4), (7, 7)]) == 4


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (2, [(2, 3)]), (4, [(2, 4), (7, 7)]), (9, [(2, 4), (7, 7)])])
def test_the_first_seqs_of_ranges(limit: int, expected: list[SeqRange]) -> None:
    assert list(take_first([(2, 4), (7, 7)], limit)) == expected
