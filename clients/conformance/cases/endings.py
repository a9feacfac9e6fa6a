"""Endings: a client comes back after everything that passes, and stops when the server says that it is final."""

from __future__ import annotations

import asyncio

from clients.conformance.faults import Json, Rule, patched
from clients.conformance.run import Script, add_case, case
from clients.conformance.story import Story, demand
from realtime.close_codes import CloseCode

UNKNOWN_CODES = (1000, 1001, 4999)
TOKEN_CODES = (4401, 4402)
LOGIN_CODES = (*TOKEN_CODES, 4410)
ONE_ROOM = 1008  # of the one-room socket, which this kit does not judge


def goodbye(code: int, reason: str, *, reconnect: bool, retry_after_ms: int | None = None) -> Json:
    """The data of a goodbye."""
    return {"code": code, "reason": reason, "reconnect": reconnect, "retry_after_ms": retry_after_ms}


def comes_back(code: int, reason: str, *, with_goodbye: bool) -> Script:
    """The script for a code after which the client connects again."""

    async def script(story: Story) -> None:
        await story.start()
        await story.bob.say(story.room, "one")
        await story.settle("one")
        last = goodbye(code, reason, reconnect=True, retry_after_ms=100) if with_goodbye else None
        story.proxy.close_all(code, reason, last)
        await story.bob.say(story.room, "two")
        await story.send("three")
        await story.settle()
        demand(len(story.texts()) == 3, f"{story.texts()}")
        demand(len(story.proxy.attempts) > 1, "it has not connected again")

    return script


def stops(code: int, reason: str, *, with_goodbye: bool) -> Script:
    """The script for a code that is final."""

    async def script(story: Story) -> None:
        await story.start()
        await story.bob.say(story.room, "one")
        await story.settle("one")
        last = goodbye(code, reason, reconnect=False) if with_goodbye else None
        story.proxy.close_all(code, reason, last)
        await story.expect_ended(login=code in LOGIN_CODES)
        demand(story.state["ended"]["code"] == code, f"ended with {story.state['ended']}, not with {code}")
        demand(story.texts() == ["one"], "what was there is not shown any more")

    return script


def declare_close_codes() -> None:
    """One case for each close code of the server, and for some that it does not have."""
    for code in CloseCode:
        if code == ONE_ROOM:
            continue
        reason = code.reasons[0] if code.reasons else ""
        make = comes_back if code.reconnect else stops
        what = f"{'Comes back' if code.reconnect else 'Ends'} after {int(code)}, with its goodbye."
        add_case(f"close-{int(code)}", "endings", what, make(code, reason, with_goodbye=True))
    for number in UNKNOWN_CODES:
        script = comes_back(number, "", with_goodbye=False)
        add_case(f"close-{number}", "endings", f"Comes back after {number}, which it does not know.", script)
    for number in (4001, 4410):  # the goodbye was lost
        script = (stops if number == 4410 else comes_back)(number, "", with_goodbye=False)
        add_case(f"close-{number}-alone", "endings", f"Acts on {number} without a goodbye.", script)


declare_close_codes()


@case()
async def cut_without_a_close(story: Story) -> None:
    """Comes back after the line was cut."""
    await story.start()
    for number in range(3):
        await story.bob.say(story.room, f"message {number}")
        story.proxy.cut(reset=number % 2 == 1)
    await story.settle("message 0", "message 1", "message 2")


@case()
async def waits_as_long_as_the_goodbye_demands(story: Story) -> None:
    """Does not connect before the goodbye's `retry_after_ms` has passed."""
    await story.start()
    await story.settle()
    began = asyncio.get_running_loop().time()
    story.proxy.close_all(1012, "restart", goodbye(1012, "restart", reconnect=True, retry_after_ms=2_000))
    await story.wait(lambda: len(story.proxy.attempts) > 1, "it has not connected again")
    waited = story.proxy.attempts[1] - began
    demand(waited >= 1.9, f"it has connected again after {waited:.2f} s, not 2")
    await story.bob.say(story.room, "here again")
    await story.settle("here again")


@case()
async def goodbye_and_no_close(story: Story) -> None:
    """Waits as the goodbye demands although the close frame was lost."""
    await story.start()
    await story.settle()
    began = asyncio.get_running_loop().time()
    story.proxy.push({"action": "goodbye", "data": goodbye(1013, "overloaded", reconnect=True, retry_after_ms=2_000)})
    await asyncio.sleep(0.2)  # a reset would overtake it
    story.proxy.cut()
    await story.wait(lambda: len(story.proxy.attempts) > 1, "it has not connected again")
    waited = story.proxy.attempts[1] - began
    demand(waited >= 1.9, f"it has connected again after {waited:.2f} s, not 2")
    await story.settle()


@case()
async def does_not_hammer(story: Story) -> None:
    """Waits longer and longer between attempts that fail."""
    await story.start()
    await story.settle()
    story.proxy.is_refusing = True
    story.proxy.cut()
    began = len(story.proxy.attempts)
    await story.wait(lambda: len(story.proxy.attempts) >= began + 6, "it has given up")
    first, last = story.proxy.attempts[began], story.proxy.attempts[began + 5]
    demand(last - first >= 0.2, f"five attempts in {last - first:.2f} s")
    story.proxy.is_refusing = False
    await story.bob.say(story.room, "back")
    await story.settle("back")


def odd_upgrade(status: int, body: str) -> Script:
    """The script for an answer that is not an upgrade."""

    async def script(story: Story) -> None:
        story.proxy.upgrade_answer = (status, body)
        await story.start(wait=False)
        await story.send("waits")
        await story.wait(lambda: len(story.proxy.attempts) >= 2, "it has not tried again")
        story.proxy.upgrade_answer = None
        await story.settle("waits")

    return script


for _status, _body in ((200, "<html>Log in to the WLAN</html>"), (403, "no"), (429, ""), (502, "Bad Gateway")):
    add_case(
        f"upgrade_answered_{_status}",
        "endings",
        f"Tries again when something before the server answers the upgrade with {_status}.",
        odd_upgrade(_status, _body),
    )


@case()
async def half_of_a_frame(story: Story) -> None:
    """Comes back when the line ends within a frame."""
    await story.start()
    await story.settle()
    for line in tuple(story.proxy.lines.values()):
        line.near_writer.write(b'\x81\x7e\x04\x00{"action": "eve')  # 1,024 bytes are announced
        line.near_writer.close()
    await story.bob.say(story.room, "whole")
    await story.settle("whole")


@case()
async def no_hello(story: Story) -> None:
    """Comes back when the line opens and says nothing."""
    story.rule(Rule("drop", "push", "hello"))
    await story.start(wait=False)
    await story.wait(lambda: len(story.proxy.attempts) > 1, "it waits for ever")
    await story.bob.say(story.room, "hello at last")
    await story.settle("hello at last")


@case()
async def mute_line(story: Story) -> None:
    """Notices a line on which nothing comes through any more, and comes back."""
    short = {"data": {"heartbeat": {"interval_ms": 2_000}}}
    story.rule(Rule("change", "push", "hello", times=None, change=lambda frame: patched(frame, short)))
    await story.start()
    await story.settle()
    story.proxy.stall()
    await story.bob.say(story.room, "unheard")
    await story.send("unheard too")
    await story.until(lambda: story.state["status"] != "live", "it has not noticed")
    story.proxy.heal()
    await story.settle()
    demand(len(story.texts()) == 2, f"{story.texts()}")


@case()
async def laptop_sleeps(story: Story) -> None:
    """Comes back when the line has gone while the device slept."""
    await story.start()
    await story.settle()
    await story.send("before")
    await story.settle("before")
    story.program.freeze()
    story.proxy.cut()
    await story.bob.say(story.room, "meanwhile")
    story.program.thaw()
    await story.settle("before", "meanwhile")


@case(own_server=True)
async def server_killed(story: Story) -> None:
    """Comes back after the server has crashed, and sends what was written meanwhile."""
    await story.start()
    await story.bob.say(story.room, "one")
    await story.settle("one")
    await asyncio.to_thread(story.server.kill)
    await story.send("two", "three")
    await asyncio.to_thread(story.server.start)
    await story.settle("one", "two", "three")


@case(own_server=True)
async def server_restarted(story: Story) -> None:
    """Comes back after the server was restarted, in the middle of sending."""
    texts = [f"message {number}" for number in range(30)]
    await story.start()
    await story.settle()
    await story.send(*texts)
    await asyncio.to_thread(story.server.restart)
    await story.settle(*texts)
