"""The checker accepts a correct history and finds each broken promise."""

from typing import Any

import pytest

from tests.chaos.checker import Verdict, check
from tests.chaos.checker.world import Anomaly
from tests.chaos.handmade import ALICE, BOB, ROOM, START, Story, all_is_well, canary, created, event, member, message


def broken_promises(story: Story) -> set[str]:
    """The promises that a history breaks."""
    return {anomaly.promise for anomaly in check(story.end()).anomalies}


@pytest.mark.parametrize("rule", ["shared", "since_joined"])
def test_a_correct_history_has_no_anomaly(rule: str) -> None:
    verdict = check(all_is_well(rule).end())

    assert verdict.ok
    assert verdict.deliveries == 6
    assert verdict.headline() == "6 deliveries: 0 lost, 0 doubled, 0 out of order, 0 leaked"


def test_a_slow_answer_breaks_no_promise_about_messages() -> None:
    slow, lost = Anomaly("frozen", "acknowledgements took 900 ms at p99"), Anomaly("lost", "a message never came")

    assert Verdict((slow,), 6).is_kept
    assert not Verdict((slow,), 6).ok
    assert not Verdict((slow, lost), 6).is_kept


def test_an_acknowledged_message_that_is_not_in_the_log_is_found() -> None:
    story = all_is_well()
    story.attempt(9, 9, ALICE, 201, canary(9))

    assert broken_promises(story) == {"durable"}


def test_one_client_id_with_two_messages_is_found() -> None:
    story = all_is_well()
    again = created(5, canary(2), second=6)
    again["data"]["client_id"] = "c2"
    story.log.append(again)
    for user in (ALICE, BOB):
        story.get(user, again, 6)

    assert "once" in broken_promises(story)


def test_a_rejected_retry_of_an_acknowledged_send_is_found() -> None:
    story = all_is_well()
    story.attempt(4, 9, ALICE, 404, canary(4), code="not_found")

    assert broken_promises(story) == {"once"}


def test_a_rejected_message_in_the_log_is_found() -> None:
    story = all_is_well()
    story.send(5, 5, status=409)
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 5.2)

    assert broken_promises(story) == {"refused"}


def test_a_message_without_a_send_is_found() -> None:
    story = all_is_well()
    story.log.append(created(5, "out of thin air", second=5))
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 5.2)

    assert broken_promises(story) == {"phantom"}


def test_a_hole_in_the_log_is_found() -> None:
    story = all_is_well()
    story.send(6, 6)

    assert "gapless" in broken_promises(story)


def test_a_time_before_the_previous_event_is_found() -> None:
    story = all_is_well()
    story.log.append(member(5, "role_changed", BOB, second=1))
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 5)

    assert broken_promises(story) == {"time"}


def test_a_later_send_with_a_lower_seq_is_found() -> None:
    story = all_is_well()
    story.log.append(created(5, canary(5), second=5))
    story.log.append(created(6, canary(6), second=5))
    story.attempt(6, 5.0, ALICE, 201, canary(6))
    story.attempt(5, 6.0, ALICE, 201, canary(5))
    for user in (ALICE, BOB):
        for seq in (5, 6):
            story.get(user, story.log[seq - 1], 7)

    assert broken_promises(story) == {"real time"}


def test_a_lost_event_is_found() -> None:
    story = all_is_well()
    for seq in (5, 6):
        story.send(seq, seq)
        story.get(ALICE, story.log[-1], seq + 0.2)
    story.get(BOB, story.log[-1], 6.2)

    assert broken_promises(story) == {"lost"}


def test_a_lost_last_event_is_found() -> None:
    story = all_is_well()
    story.send(5, 5)
    story.get(ALICE, story.log[-1], 5.2)

    assert broken_promises(story) == {"lost"}


def test_a_doubled_event_is_found() -> None:
    story = all_is_well()
    story.get(BOB, story.log[-1], 9)

    assert broken_promises(story) == {"twice"}


def test_an_event_out_of_order_is_found() -> None:
    story = all_is_well()
    story.get(BOB, story.log[1], 9)

    assert broken_promises(story) == {"order"}


@pytest.mark.parametrize("rule", ["shared", "since_joined"])
def test_an_event_after_the_removal_is_found(rule: str) -> None:
    story = all_is_well(rule)
    story.log.append(member(5, "removed", BOB, second=5))
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 5.2)
    story.send(6, 6)
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 6.2)

    assert broken_promises(story) == {"leak"}


@pytest.mark.parametrize(("rule", "is_broken"), [("shared", {"leak"}), ("since_joined", {"leak"})])
def test_an_event_between_removal_and_rejoin_is_a_leak_before_the_rejoin(rule: str, is_broken: set[str]) -> None:
    story = all_is_well(rule)
    story.log.append(member(5, "removed", BOB, second=5))
    story.get(BOB, story.log[-1], 5.2)
    story.send(6, 6)
    story.get(BOB, story.log[-1], 6.2)
    story.log.append(member(7, "joined", BOB, second=8))
    story.get(BOB, story.log[-1], 8.2)
    for seq in (5, 6, 7):
        story.get(ALICE, story.log[seq - 1], 9)

    assert broken_promises(story) == is_broken


@pytest.mark.parametrize(("rule", "is_broken"), [("shared", {"lost"}), ("since_joined", set())])
def test_events_between_removal_and_rejoin_are_due_by_the_history_rule(rule: str, is_broken: set[str]) -> None:
    story = all_is_well(rule)
    story.log.append(member(5, "removed", BOB, second=5))
    story.get(BOB, story.log[-1], 5.2)
    story.send(6, 6)
    story.log.append(member(7, "joined", BOB, second=8))
    story.get(BOB, story.log[-1], 8.2)
    for seq in (5, 6, 7):
        story.get(ALICE, story.log[seq - 1], 9)

    assert broken_promises(story) == is_broken


def test_typing_after_the_leave_is_a_leak() -> None:
    story = all_is_well()
    story.log.append(member(5, "left", BOB, second=5))
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 5.2)
    story.add("event", 6, conn=BOB, device="bob.0", stream=ROOM, seq=None, type="typing", key=None, via="live")

    assert broken_promises(story) == {"leak"}


def test_a_canary_in_another_response_is_a_leak() -> None:
    story = all_is_well("since_joined")
    story.log.append(member(5, "removed", BOB, second=5))
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 5.2)
    story.send(6, 6)
    story.get(ALICE, story.log[-1], 6.2)
    story.add("canary", 7, user=BOB, token=canary(6), where="GET rooms")

    assert broken_promises(story) == {"leak"}


def test_devices_with_different_texts_are_found() -> None:
    story = all_is_well()
    story.send(5, 5)
    story.get(ALICE, story.log[-1], 5.2)
    story.get(BOB, created(5, "something else", second=5), 5.2)

    assert broken_promises(story) == {"agreement"}


def test_a_deleted_message_may_have_been_read_before() -> None:
    story = all_is_well()
    story.deleted.add("m4")
    tombstone = {**message(4, None), "version": 5}
    story.log[3] = event(4, "message.created", tombstone, second=4)
    story.log.append(event(5, "message.deleted", tombstone, second=6))
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 6.2)

    assert broken_promises(story) == set()


def test_a_changed_text_without_a_deletion_is_found() -> None:
    story = all_is_well()
    story.log[3] = event(4, "message.created", message(4, None), second=4)

    assert broken_promises(story) >= {"agreement"}


def reacted(seq: int, base_version: int, *, on: bool = True) -> dict[str, Any]:
    """A reaction of Alice to the message 4."""
    change = {"user_id": ALICE, "key": ":tea:", "on": on}
    data = {"id": "m4", "seq": 4, "version": seq, "base_version": base_version, "change": change}
    return event(seq, "reaction.changed", data, second=seq)


@pytest.mark.parametrize(
    ("events", "is_broken"),
    [
        ([reacted(5, 4), reacted(6, 5, on=False)], set()),
        ([reacted(5, 3)], {"base"}),
        ([reacted(5, 4), reacted(6, 4, on=False)], {"base"}),
        ([reacted(5, 4), reacted(6, 5)], {"once"}),
    ],
)
def test_a_reaction_on_a_wrong_base_or_twice_is_found(events: list[dict[str, Any]], is_broken: set[str]) -> None:
    story = all_is_well()
    for each in events:
        story.log.append(each)
        for user in (ALICE, BOB):
            story.get(user, each, each["seq"] + 0.2)

    assert broken_promises(story) == is_broken


def test_a_lost_reaction_is_found() -> None:
    story = all_is_well()
    call = {"device": "alice.0", "user": ALICE, "session": "s-alice", "room": ROOM, "message": "m4"}
    story.add("call", 5, op=99, what="react", via="ws", server=0, key=":tea:", on=True, **call)
    story.add("done", 5.1, op=99, status=200, code=None)

    assert broken_promises(story) == {"durable"}


def test_a_reset_without_a_restore_is_found() -> None:
    story = all_is_well()
    story.add("reset", 9, device="bob.0", stream=ROOM, head=4)

    assert broken_promises(story) == {"reset"}


def test_limited_with_few_missing_events_is_found() -> None:
    story = all_is_well()
    story.send(5, 5)
    story.get(ALICE, story.log[-1], 5.2)
    story.records.append({"kind": "limited", "t": START + 9, "device": "bob.0", "stream": ROOM, "from": 5, "to": 5})

    assert broken_promises(story) == {"limited"}


def test_writes_and_deliveries_after_a_revocation_are_found() -> None:
    story = all_is_well()
    op = len(story.records)
    story.add("call", 5, op=op, what="revoke", device="alice.0", user=ALICE, session="s-alice", target="s-bob")
    story.add("done", 5.1, op=op, status=204)
    story.send(5, 9, sender=BOB)
    for user in (ALICE, BOB):
        story.get(user, story.log[-1], 9.2)

    anomalies = check(story.end()).anomalies
    assert [anomaly.promise for anomaly in anomalies] == ["revoked", "revoked"]


def test_an_internal_error_and_an_unanswered_call_are_found() -> None:
    story = all_is_well()
    story.attempt(9, 9, ALICE, 500, canary(9))
    story.add("call", 9, op=999, what="page", device="alice.0", user=ALICE, session="s", room=ROOM)

    assert broken_promises(story) == {"no crash", "no hang"}


def test_a_fault_without_effect_invalidates_the_run() -> None:
    story = all_is_well()
    story.add("fault", 5, name="kill", phase="begin", server=0)
    story.add("fault", 6, name="kill", phase="end", server=0, evidence={"bit": False})

    assert broken_promises(story) == {"evidence"}


def test_a_restart_without_a_goodbye_is_found() -> None:
    story = all_is_well()
    story.add("fault", 5, name="rolling", phase="begin", server=0)
    story.add("close", 6, conn=ALICE, device="alice.0", server=0, code=1006, goodbye=None)
    story.add("fault", 7, name="rolling", phase="end", server=0, evidence={"bit": True})

    assert broken_promises(story) == {"restart"}


def test_a_lost_hint_without_repair_is_found() -> None:
    story = all_is_well()
    story.add("probe", 9, what="hint_last", ok=False, ms=5000, server=1)

    assert broken_promises(story) == {"repair"}


def test_a_stalled_reader_that_stays_connected_is_found() -> None:
    story = all_is_well()
    story.add("odd", 40, name="chatty", server=0, seconds=30, began=START, code=None)

    assert broken_promises(story) == {"stalled"}


def test_an_anomaly_shows_its_evidence() -> None:
    story = all_is_well()
    story.get(BOB, story.log[-1], 9)

    [anomaly] = check(story.end()).anomalies

    assert isinstance(anomaly, Anomaly)
    assert str(anomaly).startswith("twice: bob.0 in room got 4 and had got 4")
    assert len(anomaly.evidence) == 2


@pytest.mark.parametrize(("noun", "then", "promise"), [("mute", "a message", "muted"), ("ban", "a join", "banned")])
def test_a_broken_rule_of_a_room_is_found(noun: str, then: str, promise: str) -> None:
    story = all_is_well()
    seq = max(each["seq"] for each in story.log) + 1
    story.log.append(event(seq, f"{noun}.created", {"user": {"id": BOB}, "until": None}, second=7))
    breach = created(seq + 1, canary(9), BOB, 8) if then == "a message" else member(seq + 1, "joined", BOB, 8)
    story.log.append(breach)

    assert promise in broken_promises(story)
