"""Identity: tokens that expire, fail, change, or belong to somebody else."""

from __future__ import annotations

from clients.conformance.cases.endings import goodbye
from clients.conformance.faults import Json, Rule
from clients.conformance.run import case
from clients.conformance.story import Story, demand


def expiring(story: Story) -> Json:
    """The event that announces the end of a session."""
    head = {"room_id": None, "seq": None, "at": "2026-11-22T09:30:00.000Z", "actor_id": story.alice.id}
    data = {"expires_at": "2026-11-22T09:31:00.000Z"}
    return {"action": "events", "data": [{"type": "session.expiring", **head, "data": data}]}


@case()
async def unknown_token(story: Story) -> None:
    """Ends at once with a token that the server does not know."""
    story.alice.token = "prl_" + "x" * 43
    await story.start(wait=False)
    await story.until(lambda: story.state["status"] == "ended", "not ended")
    demand(story.state["ended"]["code"] == 4401, f"ended with {story.state['ended']}")
    demand(len(story.proxy.attempts) == 1, f"it has tried the same token {len(story.proxy.attempts)} times")


@case()
async def logged_out_elsewhere(story: Story) -> None:
    """Ends when the user has logged out on another page of the same session."""
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")
    await story.alice.rest("POST", "auth/logout")
    await story.expect_ended(login=True)
    demand(story.state["ended"]["code"] == 4410, f"ended with {story.state['ended']}")


@case()
async def expiry_without_another_token(story: Story) -> None:
    """Ends when the session expires and there is no other token."""
    await story.start()
    await story.settle()
    story.proxy.push(expiring(story))
    story.proxy.close_all(4402, "token_expired", goodbye(4402, "token_expired", reconnect=False))
    await story.expect_ended(login=True)


@case("tokens")
async def fresh_token_on_the_open_socket(story: Story) -> None:
    """Gives the open socket a fresh token before the session ends, and stays connected when the old one does."""
    await story.start()
    await story.settle()
    old = story.alice.token
    await story.ask("tokens", tokens=[await story.alice.login()])
    story.proxy.push(expiring(story))
    await story.wait(lambda: story.replies("authenticate"), "it has not given a fresh token")
    await story.alice.rest("POST", "auth/logout", token=old)
    await story.bob.say(story.room, "still here")
    await story.settle("still here")
    demand(len(story.proxy.attempts) == 1, "it has connected again")


@case("tokens")
async def fresh_token_after_the_end(story: Story) -> None:
    """Connects with the next token when the session has expired."""
    await story.start()
    await story.settle()
    await story.ask("tokens", tokens=[await story.alice.login()])
    story.proxy.close_all(4402, "token_expired", goodbye(4402, "token_expired", reconnect=False))
    await story.send("with the next session")
    await story.settle("with the next session")
    hellos = [each.frame["data"] for each in story.proxy.log if each.frame.get("action") == "hello"]
    demand(hellos[-1]["session"]["id"] != hellos[0]["session"]["id"], "it has used the old token again")


@case("tokens")
async def source_of_tokens_fails(story: Story) -> None:
    """Asks again for a token when asking has failed, and sends what was written meanwhile."""
    await story.start()
    await story.settle()
    await story.ask("tokens", tokens=["fails", await story.alice.login()])
    story.proxy.close_all(4402, "token_expired", goodbye(4402, "token_expired", reconnect=False))
    await story.send("patient")
    await story.settle("patient")


@case("tokens")
async def nobody_is_logged_in(story: Story) -> None:
    """Ends when there is no token any more."""
    await story.start()
    await story.settle()
    await story.ask("tokens", tokens=[None])
    story.proxy.close_all(4401, "unauthenticated", goodbye(4401, "unauthenticated", reconnect=False))
    await story.expect_ended(login=True)


@case("tokens")
async def token_of_another_user(story: Story) -> None:
    """Sends nothing of the one user as the other when the next token belongs to another user."""
    await story.start()
    await story.settle()
    story.rule(Rule("drop", "request", "send_message"))
    await story.send("alice's")
    await story.wait(lambda: story.proxy.requests("send_message"), "it has not sent")
    await story.ask("tokens", tokens=[story.bob.token])
    story.proxy.close_all(4402, "token_expired", goodbye(4402, "token_expired", reconnect=False))
    await story.wait(lambda: greeted(story) == story.bob.id, "it has not connected as bob")
    await story.bob.say(story.room, "bob's")
    await story.until(lambda: "bob's" in story.texts(), "bob's messages are not shown")
    history = await story.bob.history(story.room)
    demand([each["text"] for each in history] == ["bob's"], f"the log has {[each['text'] for each in history]}")


def greeted(story: Story) -> str | None:
    """The id of the user whom the last hello has named."""
    hellos = [each.frame["data"]["user"]["id"] for each in story.proxy.log if each.frame.get("action") == "hello"]
    return hellos[-1] if hellos else None
