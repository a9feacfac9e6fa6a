"""A small part of `make fuzz`, with fixed seeds: no 5xx, no close with 1011, no traceback, no growth."""

from tests.fuzz.grammar import Grammar
from tests.fuzz.run import fuzz_by_schema, fuzz_frames, fuzz_requests, fuzzed_server

SEED = 20_261_126


def test_odd_requests_and_frames_cause_no_server_error() -> None:
    """5,000 cases; the tests of the contracts send mutated ones as well."""
    with fuzzed_server() as (world, _):
        by_schema = fuzz_by_schema(world, 5, SEED)
        assert by_schema > 150
        fuzz_requests(world, 800 - by_schema, SEED)
        fuzz_frames(world, 4_200, SEED)


def test_a_seed_repeats_its_frames() -> None:
    """The request ids differ."""
    one, two = (Grammar(SEED, {}) for _ in range(2))

    assert [len(one.frame()) for _ in range(500)] == [len(two.frame()) for _ in range(500)]
