"""The client under test as a process that takes commands on stdin and answers on stdout, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clients.conformance.faults import Json
from tests.servers import ROOT

ANSWER_SECONDS = 60.0
LINE_BYTES = 64 * 1024 * 1024  # a state with thousands of messages is one line


class ProgramFailed(Exception):
    """The program has ended, or answered in no known way; the text has its last words."""


class ProgramRefused(ProgramFailed):
    """The client has answered a command with an error."""


class Program:
    """One process of the client. `stop` or `kill` ends it; another one may continue with its store."""

    def __init__(self, command: Sequence[str], folder: Path, *, env: dict[str, str] | None = None) -> None:
        self.command, self.folder = command, folder
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
        self.features: frozenset[str] = frozenset()
        self.name = ""
        self._number = 0
        self._errors = folder / "stderr"

    async def launch(self, *, most_bytes: int | None = None) -> None:
        """Start the process and read what it can do; with `most_bytes` no file of its store becomes larger."""

        def limit() -> None:
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

        with self._errors.open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors if most_bytes is None else asyncio.subprocess.DEVNULL,
                cwd=ROOT,
                env=self.environment,
                limit=LINE_BYTES,
                start_new_session=True,
                preexec_fn=limit if most_bytes is not None else None,
            )
        hello = await self._read()
        self.name, self.features = hello["client"], frozenset(hello["features"])

    async def ask(self, do: str, **fields: Any) -> Any:
        """Send a command and return its result. Raises ProgramFailed when the client answers with an error."""
        self._number += 1
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"id": self._number, "do": do, **fields}).encode() + b"\n")
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ProgramFailed(self._last_words()) from error
        answer = await self._read()
        if answer.get("id") != self._number:
            raise ProgramFailed(f"{do} {self._number} was answered with {str(answer)[:300]}")
        if "error" in answer:
            raise ProgramRefused(f"{do}: {answer['error']}")
        return answer.get("result")

    async def _read(self) -> Json:
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            raise ProgramFailed(f"no answer in {ANSWER_SECONDS:g} s. {self._last_words()}") from None
        if not line:
            raise ProgramFailed(self._last_words())
        answer: Json = json.loads(line)
        return answer

    def _last_words(self) -> str:
        words = self._errors.read_text(errors="replace")[-2000:] if self._errors.exists() else ""
        return f"The program has ended or is stuck. Its last words: {words or 'none'}"

    def freeze(self) -> None:
        """Stop the process as a laptop that sleeps; `thaw` lets it go on."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.killpg(self.process.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """End the process and its children at once, as a crash would; they may have ended already."""
        if not hasattr(self, "process"):
            return
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
