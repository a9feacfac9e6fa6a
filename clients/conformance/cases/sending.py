"""Sending: each message once, in the order of writing, by its own user."""

from __future__ import annotations

from clients.conformance.faults import Rule
from clients.conformance.program import ProgramRefused
from clients.conformance.run import case
from clients.conformance.story import Story, demand

TOO_LONG = "x" * 8_001


@case()
async def one_message(story: Story) -> None:
    """Sends a message."""
    await story.start()
    await story.send("one")
    await story.settle("one")


@case()
async def many_in_a_row(story: Story) -> None:
    """Sends twenty messages, written at once, in the order of writing."""
    texts = [f"message {number}" for number in range(20)]
    await story.start()
    await story.send(*texts)
    await story.settle(*texts)


@case()
async def written_without_a_connection(story: Story) -> None:
    """Sends what was written without a connection, in the order of writing, and before what is written later."""
    await story.start()
    await story.settle()
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.send("one", "two", "three")
    await story.until(lambda: story.unsent() == ["one", "two", "three"], "what is unsent is not shown")
    story.proxy.is_refusing = False
    await story.send("four")
    await story.settle("one", "two", "three", "four")


@case()
async def written_before_the_first_connection(story: Story) -> None:
    """Sends what was written before the first connection."""
    story.proxy.is_refusing = True
    await story.start(wait=False)
    await story.send("early")
    story.proxy.is_refusing = False
    await story.settle("early")


@case()
async def cut_before_the_request(story: Story) -> None:
    """Sends a message again that was lost on its way to the server."""
    await story.start()
    await story.settle()
    story.rule(Rule("cut", "request", "send_message"))
    await story.send("one", "two")
    await story.settle("one", "two")


@case()
async def cut_before_the_reply(story: Story) -> None:
    """Sends a message again, with the same client_id, whose reply was lost: it is one message."""
    await story.start()
    await story.settle()
    story.rule(Rule("drop", "push", "events", "message.created"))
    story.rule(Rule("cut", "reply", "send_message"))
    await story.send("one", "two")
    await story.settle("one", "two")


@case()
async def three_replies_lost(story: Story) -> None:
    """Sends a message three times whose reply is lost three times."""
    await story.start()
    await story.settle()
    story.rule(Rule("drop", "push", "events", "message.created", times=3))
    story.rule(Rule("cut", "reply", "send_message", times=3))
    await story.send("one")
    await story.settle("one")


@case()
async def every_third_reply_cuts(story: Story) -> None:
    """Keeps the order of writing although the line is cut again and again."""
    texts = [f"message {number}" for number in range(15)]
    await story.start()
    for skip in (2, 4, 6, 8):
        story.rule(Rule("cut", "reply", "send_message", skip=skip))
    await story.send(*texts)
    await story.settle(*texts)


@case()
async def slow_replies_keep_the_order(story: Story) -> None:
    """Waits for the reply to a message before it sends the next one of the room."""
    await story.start()
    await story.settle()
    held = story.rule(Rule("hold", "request", "send_message"))
    await story.send("one", "two", "three")
    await story.wait(lambda: held.done, "it sends nothing")
    await story.look()
    held.release()
    await story.settle("one", "two", "three")


@case()
async def server_fails_for_a_while(story: Story) -> None:
    """Sends again after refusals that may be retried, and keeps the order."""
    await story.start()
    problem = {"code": "unavailable", "retryable": True, "retry_after_ms": 50}
    story.rule(Rule("answer", "request", "send_message", status=503, problem=problem, times=3))
    await story.send("one", "two")
    await story.settle("one", "two")


@case()
async def unknown_retryable_problem(story: Story) -> None:
    """Sends again after a refusal with a code that it does not know, which may be retried."""
    await story.start()
    problem = {"code": "weather.bad", "retryable": True, "retry_after_ms": 50}
    story.rule(Rule("answer", "request", "send_message", status=418, problem=problem))
    await story.send("one", "two")
    await story.settle("one", "two")


@case()
async def unknown_final_problem(story: Story) -> None:
    """Sends no more what was refused with a code that it does not know, and goes on with the next."""
    await story.start()
    story.rule(Rule("answer", "request", "send_message", status=418, problem={"code": "message.too_blue"}))
    await story.send("blue", "grey")
    await story.settle("grey")
    demand("blue" not in story.unsent(), "the refused message is still to be sent")


@case()
async def waits_as_long_as_a_limit_demands(story: Story) -> None:
    """Does not send again before `retry_after_ms` has passed."""
    await story.start()
    problem = {"code": "limit.send", "retryable": True, "retry_after_ms": 1_500}
    story.rule(Rule("answer", "request", "send_message", status=429, problem=problem))
    await story.send("one", "two")
    await story.settle("one", "two")
    first, second = (each.at for each in story.proxy.requests("send_message")[:2])
    demand(second - first >= 1.45, f"it has tried again after {second - first:.2f} s, not 1.5")


@case()
async def client_id_reused(story: Story) -> None:
    """Goes on with the next message when the server says that the client_id belongs to another one."""
    await story.start()
    problem = {"code": "message.client_id_reused"}
    story.rule(Rule("answer", "request", "send_message", status=409, problem=problem))
    await story.send("one", "two")
    await story.settle("two")


@case()
async def refused_for_good(story: Story) -> None:
    """Goes on with the next message when the server will never take one."""
    await story.start()
    await story.send("one", TOO_LONG, "three")
    await story.settle("one", "three")
    tries = [each for each in story.proxy.requests("send_message") if each.frame["text"] == TOO_LONG]
    demand(len(tries) == 1, f"a message that is too long was sent {len(tries)} times")


@case("refused")
async def a_refused_message_stays_visible(story: Story) -> None:
    """Shows a refused message with the code of the refusal, and keeps it over a reload."""
    await story.start()
    await story.send(TOO_LONG, "fine")
    await story.settle("fine")
    demand(refusals(story) == ["request.invalid"], f"refused: {refusals(story)}")
    await story.reload()
    await story.settle("fine")
    demand(refusals(story) == ["request.invalid"], f"refused, after a reload: {refusals(story)}")


def refusals(story: Story) -> list[str]:
    """The codes with which messages that the client still shows were refused."""
    return [each["refused"] for each in story.seen()["unsent"] if each["refused"]]


@case("store")
async def killed_before_the_reply(story: Story) -> None:
    """Sends a message again, with the same client_id, after the app has crashed before the reply."""
    await story.start()
    await story.settle()
    held = story.rule(Rule("drop", "reply", "send_message"))
    story.rule(Rule("drop", "push", "events", "message.created"))
    await story.send("one")
    await story.wait(lambda: held.done, "it has not sent")
    await story.reload()
    await story.send("two")
    await story.settle("one", "two")


@case("store")
async def unsent_over_three_reloads(story: Story) -> None:
    """Sends thirty messages, written in three runs of the app without a connection, once and in order."""
    story.proxy.is_refusing = True
    await story.start(wait=False)
    await story.send(*[f"a{number}" for number in range(10)])
    for run in "bc":
        await story.reload(wait=False)
        await story.send(*[f"{run}{number}" for number in range(10)])
    await story.reload(wait=False)
    story.proxy.is_refusing = False
    await story.settle(*[f"{run}{number}" for run in "abc" for number in range(10)])


@case("store")
async def two_users_of_one_store(story: Story) -> None:
    """Neither shows nor sends what another user of the device has left; it is there when they are back."""
    await story.start()
    await story.bob.say(story.room, "hello")
    await story.settle("hello")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.send("alice's")
    await story.reload(person=story.bob, wait=False)
    demand("alice's" not in story.unsent(), "bob sees what alice has not sent")
    story.proxy.is_refusing = False
    await story.until(lambda: story.state["status"] == "live", "not live")
    await story.send("bob's")
    await story.settle("hello", "bob's")
    await story.reload()
    history = await story.settle("hello", "bob's", "alice's")
    demand([each["sender"]["id"] for each in history][1:] == [story.bob.id, story.alice.id], "sent by the wrong user")


@case("store", "shared_store")
async def two_processes_of_one_store(story: Story) -> None:
    """Loses nothing that a second process of the same user has written before it ended."""
    await story.start()
    await story.bob.say(story.room, "hello")
    await story.settle("hello")
    story.proxy.is_refusing = True
    story.proxy.cut()
    first = story.program
    story.program = story.make_program()
    story.programs.append(story.program)
    await story.start(wait=False)
    await story.send("from the second")
    await story.program.kill()
    story.program = first
    await story.send("from the first")
    story.proxy.is_refusing = False
    await story.bob.say(story.room, "and more")
    await story.until(lambda: set(story.texts()) >= {"from the first", "from the second"}, "not all were sent")
    await story.settle()


@case("full_store")
async def full_store(story: Story) -> None:
    """Goes on when its store is full: everything is shown and sent, and what is unsent is the last to be given up."""
    await story.start(most_bytes=65_536)
    await story.bob.say(story.room, *[f"{number} " + "x" * 7_900 for number in range(12)])
    await story.send("y" * 7_900)
    await story.settle()
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.send("z" * 7_900)
    story.proxy.is_refusing = False
    await story.settle()
    demand(len(story.texts()) == 14, f"{len(story.texts())} messages, not 14")


@case()
async def logged_out_with_something_unsent(story: Story) -> None:
    """Sends nothing after the session was revoked."""
    await story.start()
    await story.settle()
    held = story.rule(Rule("hold", "request", "send_message"))
    await story.send("too late")
    await story.wait(lambda: held.done, "it has not sent")
    await story.alice.rest("POST", "auth/logout")
    await story.expect_ended(login=True)
    history = await story.bob.history(story.room)
    demand(history == [], f"the log has {history}")


@case("store")
async def logs_in_again_with_something_unsent(story: Story) -> None:
    """Keeps what is unsent when the session ends, and sends it with the next session."""
    await story.start()
    await story.settle()
    story.rule(Rule("drop", "request", "send_message"))
    await story.send("kept")
    await story.wait(lambda: story.proxy.requests("send_message"), "it has not sent")
    await story.alice.rest("POST", "auth/logout")
    await story.expect_ended(login=True)
    await story.alice.login()
    await story.reload()
    await story.settle("kept")


@case("rooms")
async def a_refused_room_holds_no_other_up(story: Story) -> None:
    """Sends in one room while the sends of another are refused for a while."""
    room = await story.bob.make_room(story.alice, name="Coffee")
    await story.start()
    await story.ask("watch", room=room)
    problem = {"code": "limit.send_room", "retryable": True, "retry_after_ms": 600_000}
    story.rule(Rule("answer", "request", "send_message", status=429, problem=problem))
    await story.send("waits")
    await story.wait(lambda: story.proxy.requests("send_message"), "it has not sent")
    await story.send("does not wait", room=room)
    await story.until(lambda: story.texts(room) == ["does not wait"], "the other room waits too")


@case("rooms", "refused")
async def removed_from_the_room_of_a_message(story: Story) -> None:
    """Shows a message as refused that was written for a room from which the user was removed."""
    room = await story.bob.make_room(story.alice, name="Coffee")
    await story.start()
    await story.ask("watch", room=room)
    await story.until(lambda: story.seen(room), "the room is not there")
    story.proxy.is_refusing = True
    story.proxy.cut()
    await story.send("nobody there", room=room)
    await story.bob.rest("DELETE", f"rooms/{room}/members/{story.alice.id}")
    story.proxy.is_refusing = False
    await story.send("goes on")
    await story.settle("goes on")
    await story.until(
        lambda: [each["refused"] for each in story.seen(room).get("unsent", ())] == ["not_found"], "not refused"
    )


@case("edit")
async def own_edit_and_deletion(story: Story) -> None:
    """Edits and deletes an own message."""
    await story.start()
    await story.send("one", "two")
    first, second = await story.settle("one", "two")
    await story.ask("edit", message=first["id"], text="one, edited")
    await story.ask("delete", message=second["id"])
    history = await story.settle()
    demand([each["text"] for each in history] == ["one, edited", None], "the log is different")


@case("edit")
async def a_refused_edit_is_undone(story: Story) -> None:
    """Shows the message as it is after an edit was refused."""
    await story.start()
    await story.send("one")
    [message] = await story.settle("one")
    story.rule(Rule("answer", "request", "edit_message", status=409, problem={"code": "message.edit_conflict"}))
    refused = False
    try:
        await story.ask("edit", message=message["id"], text="never")
    except ProgramRefused:
        refused = True
    demand(refused, "the edit was not reported as refused")
    await story.settle("one")
