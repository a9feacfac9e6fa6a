"""The rules of rooms, judged by the log alone: a muted member writes nothing, a banned user does not come in."""

from collections.abc import Iterator

from tests.chaos.checker.world import Anomaly, World


def check_rules(world: World) -> Iterator[Anomaly]:
    """Between a mute or a ban without a time and its end there is no message of the user, and no join."""
    for room in world.rooms:
        in_force: dict[str, set[str]] = {"mute": set(), "ban": set()}
        for seq, event in sorted(world.log[room].items()):
            noun, _, what = event["type"].partition(".")
            if noun in in_force and event["data"]["until"] is None:
                user = event["data"]["user"]["id"]
                (in_force[noun].add if what == "created" else in_force[noun].discard)(user)
            elif event["type"] == "message.created" and event["data"]["sender"]["id"] in in_force["mute"]:
                yield Anomaly("muted", f"{room}: {seq} is a message of a muted member", (event,))
            elif event["type"] == "member.joined" and event["data"]["user"]["id"] in in_force["ban"]:
                yield Anomaly("banned", f"{room}: a banned user joined at {seq}", (event,))
