"""The protocol of the kit for a client in Python: commands on stdin become calls of methods, answers go to stdout."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any


class Adapter:
    """A client under test. A subclass has a coroutine or a method for each command, named `do_<command>`."""

    name = "unnamed"
    features: tuple[str, ...] = ()

    async def serve(self) -> None:
        """Answer commands until stdin ends."""
        loop = asyncio.get_running_loop()
        self._print({"client": self.name, "features": self.features})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            command = json.loads(line)
            number, do = command.pop("id"), command.pop("do")
            try:
                result = getattr(self, f"do_{do}")(**command)
                if asyncio.iscoroutine(result):
                    result = await result
            except Exception as error:  # the kit decides what an error of the client means
                self._print({"id": number, "error": {"code": getattr(error, "code", type(error).__name__)}})
            else:
                self._print({"id": number, "result": result})

    def _print(self, answer: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
