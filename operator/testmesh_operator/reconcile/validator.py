"""Asks the engine's own validator about a flow, in a process of its own with a limit of processor time.

A flow is a stranger's text: what it could do to a parser, it does to that process and not to the operator.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from testmesh_engine.contract.problem import Problem
from testmesh_operator.errors import CheckFailed
from testmesh_operator.manifests.names import text_hash
from testmesh_operator.settings import Settings
from testmesh_operator.status.flow import Verified, verified

_REMEMBERED = 512
"""Texts whose answer is kept: a run of an inline flow, created again and again, costs one process."""

_EXIT_VALID, _EXIT_INVALID = 0, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowText:
    """A flow file's text. ``place`` is what messages call it.

    ``inner`` is set where it came as an object: the JSON of what stands under ``flow:``. Messages name paths then.
    """

    text: str
    place: str
    inner: str = ""

    @property
    def hash(self) -> str:
        """The text's hash."""
        return text_hash(self.text)


class Validator:
    """Answers for texts; the last ones are remembered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.validators)
        self._answers: OrderedDict[tuple[str, str], Verified] = OrderedDict()

    async def check(self, flow: FlowText) -> Verified:
        """Whether the flow is valid. Raises :class:`CheckFailed` where the validator itself broke."""
        key = (flow.hash, flow.place)
        answer = self._answers.get(key)
        if answer is None:
            async with self._slots:
                answer = await self._ask(flow)
            self._answers[key] = answer
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return answer

    async def _ask(self, flow: FlowText) -> Verified:
        name = ["--object", flow.place] if flow.inner else ["--stdin-name", flow.place]
        command = [sys.executable, "-m", "testmesh_engine", "validate", "--output", "json", *name, "-"]
        try:
            code, output, complaint = await self._run(command, flow.inner or flow.text)
        except TimeoutError as error:
            # That is the node's doing: the flow had no more than a part of its processor time.
            raise CheckFailed(f"no answer within {self._settings.validate_seconds:g} s; the node is busy") from error
        if code == -signal.SIGXCPU:
            return verified([self._too_long(flow)], text_hash=flow.hash)
        if code not in {_EXIT_VALID, _EXIT_INVALID}:
            raise CheckFailed(f"the validator ended with {code}: {complaint.strip()[-500:]}")
        answer = verified(_problems(output, complaint), text_hash=flow.hash)
        if answer.valid is not (code == _EXIT_VALID):
            raise CheckFailed(f"the validator ended with {code}, but its problems say otherwise: {output[:500]}")
        return answer

    def _too_long(self, flow: FlowText) -> Problem:
        message = f"checking the flow took more than {self._settings.validate_cpu_seconds} s of processor time"
        return Problem(message=message, file=flow.place, hint="make it smaller")

    async def _run(self, command: Sequence[str], text: str) -> tuple[int, str, str]:
        """Exit code, output and complaint of a process that gets the text and nothing of our environment."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
        )
        try:
            _limit(process.pid, self._settings.validate_cpu_seconds)
            async with asyncio.timeout(self._settings.validate_seconds):
                output, complaint = await process.communicate(text.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, output.decode(errors="replace"), complaint.decode(errors="replace")


def _limit(process: int, seconds: int) -> None:
    """SIGXCPU after ``seconds`` of processor time, and no core file. Only Linux can limit a process that runs."""
    if sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_CORE, (0, 0))
            resource.prlimit(process, resource.RLIMIT_CPU, (seconds, seconds + 1))


def _problems(output: str, complaint: str) -> list[Problem]:
    try:
        return [Problem.from_json(item) for item in json.loads(output)["problems"]]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckFailed(f"the validator's answer can't be read ({error!r}): {complaint.strip()[-500:]}") from error
