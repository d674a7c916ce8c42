"""Blocks for tests: each shows one behaviour that the engine and the activities must cope with."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import Field

from blocks.agent_executor import AgentExecutor as Sub
from blocks.ai.orchestrator import Orchestrator
from blocks.ai.summary import AITextSummarizer
from blocks.ai.texts import AITextGenerator
from blocks.base import Block, BlockContext, Inputs, Outputs, Sleep, Yielded
from blocks.data.iteration import StepThroughItems
from blocks.people import HumanInTheLoop, WaitForEvent
from engine.model import BlockKind, Effects


class ValueIn(Inputs):
    value: Any = Field(description="Anything")
    note: str = Field("", description="Not needed")


class ValueOut(Outputs):
    value: Any = Field(None, description="The same")


class _Test(Block[ValueIn]):
    description = "For tests"
    Input = ValueIn
    Output = ValueOut


class Pass(_Test):
    id = "00000000-0000-4000-8000-000000000001"
    name = "TestPass"
    effects = Effects.PURE

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", inputs.value


class PassOn(Pass):
    id = "00000000-0000-4000-8000-000000000002"
    name = "TestPassOn"
    effects = Effects.IDEMPOTENT


class PassOnce(Pass):
    id = "00000000-0000-4000-8000-000000000003"
    name = "TestPassOnce"
    effects = Effects.EFFECTFUL


class Cautious(Pass):
    """Acts in the world, which somebody may want to see first."""

    id = "00000000-0000-4000-8000-000000000051"
    name = "TestCautious"
    effects = Effects.EFFECTFUL
    sensitive = True


class Drip(_Test):
    """Yields `value` items, one every `DRIP_SECONDS`."""

    id = "00000000-0000-4000-8000-000000000004"
    name = "TestDrip"

    class Input(Inputs):
        value: int = Field(description="How many")
        seconds: float = Field(0.2, description="Between two")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        for number in range(inputs.value):
            await asyncio.sleep(inputs.seconds)
            yield "value", number


class DripOnce(Drip):
    """The same, but it may be entered only once."""

    id = "00000000-0000-4000-8000-000000000044"
    name = "TestDripOnce"
    effects = Effects.EFFECTFUL


class Fail(_Test):
    """Yields its value, then raises ValueError."""

    id = "00000000-0000-4000-8000-000000000005"
    name = "TestFail"

    class Output(ValueOut):
        nothing: Any = Field(None, description="Never given")

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", inputs.value
        raise ValueError("boom")


class Hang(_Test):
    """Never ends by itself."""

    id = "00000000-0000-4000-8000-000000000006"
    name = "TestHang"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", inputs.value
        await asyncio.Event().wait()


class Nap(_Test):
    """Sleeps on a timer `value` times, saying each time how often it has slept."""

    id = "00000000-0000-4000-8000-000000000007"
    name = "TestNap"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        slept = context.resume or 0
        yield "value", slept
        if slept < inputs.value:
            yield Sleep(timedelta(milliseconds=10), slept + 1)


class Blocking(_Test):
    """Holds the event loop for a second, as a badly written block does."""

    id = "00000000-0000-4000-8000-000000000008"
    name = "TestBlocking"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        time.sleep(1)
        yield "value", inputs.value


class Countdown(_Test):
    """`again` with one less, until `done`."""

    id = "00000000-0000-4000-8000-00000000000f"
    name = "TestCountdown"
    effects = Effects.PURE

    class Output(Outputs):
        again: int = Field(0, description="One less")
        done: str = Field("", description="At zero")

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.value > 0:
            yield "again", inputs.value - 1
        else:
            yield "done", "done"


class CountdownOn(Countdown):
    """The same, in activities of its own."""

    id = "00000000-0000-4000-8000-000000000045"
    name = "TestCountdownOn"
    effects = Effects.IDEMPOTENT


class Pair(_Test):
    """Needs two values."""

    id = "00000000-0000-4000-8000-000000000010"
    name = "TestPair"
    effects = Effects.PURE

    class Input(Inputs):
        left: Any = Field(description="One")
        right: Any = Field(description="Another")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", [inputs.left, inputs.right]


class Trace(_Test):
    """Appends a line to the file `value` names, then waits until that file's `.go` exists; for counting entries."""

    id = "00000000-0000-4000-8000-000000000009"
    name = "TestTrace"

    class Input(Inputs):
        value: Any = Field(description="Passed on")
        file: str = Field(description="Where to write")
        wait_for: str = Field("", description="A file that must exist before the block ends")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        with Path(inputs.file).open("a") as file:
            file.write(f"{context.node_id} {os.getpid()}\n")
        while inputs.wait_for and not Path(inputs.wait_for).exists():
            await asyncio.sleep(0.02)
        yield "value", inputs.value


class TraceOnce(Trace):
    id = "00000000-0000-4000-8000-00000000000a"
    name = "TestTraceOnce"
    effects = Effects.EFFECTFUL


class FailUntil(_Test):
    """Gives its value and fails, until the file that `file` names exists; a line in `log` tells of each time."""

    id = "00000000-0000-4000-8000-000000000061"
    name = "TestFailUntil"

    class Input(Inputs):
        value: Any = Field(description="Passed on")
        file: str = Field(description="What must exist")

    class Output(ValueOut):
        done: Any = Field(None, description="The value, in the end")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        with Path(f"{inputs.file}.log").open("a") as file:
            file.write(f"{context.node_id}\n")
        yield "value", inputs.value
        if not Path(inputs.file).exists():
            raise ValueError("not yet")
        yield "done", inputs.value


class FailUntilOnce(FailUntil):
    id = "00000000-0000-4000-8000-000000000062"
    name = "TestFailUntilOnce"
    effects = Effects.EFFECTFUL


class Stages(_Test):
    """Says 0, sleeps, says 1, waits until the file that `value` names exists, says 2."""

    id = "00000000-0000-4000-8000-000000000063"
    name = "TestStages"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        if context.resume is None:
            yield "value", 0
            yield Sleep(timedelta(milliseconds=10), "second")
            return
        yield "value", 1
        while not Path(inputs.value).exists():
            await asyncio.sleep(0.02)
        yield "value", 2


class Film(_Test):
    """Begins a job that is paid for, sleeps, looks in vain, sleeps, looks again.

    A line in `file` tells of each step, which ends when the file `file`.begin or `file`.look is there.
    """

    id = "00000000-0000-4000-8000-000000000064"
    name = "TestFilm"
    effects = Effects.EFFECTFUL
    effects_after_sleep = Effects.IDEMPOTENT

    class Input(Inputs):
        value: Any = Field(description="The film")
        file: str = Field(description="Where to write")
        seconds: float = Field(0.01, description="How long it sleeps")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        looks = context.resume
        step = "begin" if looks is None else "look"
        with Path(inputs.file).open("a") as file:
            file.write(f"{step} {os.getpid()}\n")
        while not Path(f"{inputs.file}.{step}").exists():
            await asyncio.sleep(0.02)
        if looks is None:
            yield "value", "begun"
        if looks == 1:
            yield "value", inputs.value
        else:
            yield Sleep(timedelta(seconds=inputs.seconds), 0 if looks is None else 1)


class FilmAnew(Film):
    """The same without saying that its looks may be repeated."""

    id = "00000000-0000-4000-8000-000000000065"
    name = "TestFilmAnew"
    effects_after_sleep = None


class Killer(_Test):
    """Pure by its word, but kills its worker unless the file `value` names exists."""

    id = "00000000-0000-4000-8000-00000000000b"
    name = "TestKiller"
    effects = Effects.PURE

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        marker = Path(inputs.value)
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield "value", "survived"


class Big(_Test):
    """A text of `value` bytes."""

    id = "00000000-0000-4000-8000-00000000000c"
    name = "TestBig"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", "x" * int(inputs.value)


class Spread(_Test):
    """`value` texts of 8,000 characters each."""

    id = "00000000-0000-4000-8000-000000000011"
    name = "TestSpread"
    effects = Effects.PURE

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        for number in range(inputs.value):
            yield "value", sha256(str(number).encode()).hexdigest() * 125


class Crash(_Test):
    """Goes wrong in the way that `value` names."""

    id = "00000000-0000-4000-8000-0000000000f1"
    name = "TestCrash"

    class Output(ValueOut):
        count: int = Field(0, description="A number")

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        match inputs.value:
            case "value error":
                raise ValueError("not acceptable")
            case "no words":
                raise ValueError
            case "unexpected":
                raise RuntimeError("oops")
            case "unexpected, no words":
                raise RuntimeError
            case "error output":
                yield "error", "told"
            case "wrong type":
                yield "count", "many"
            case "no such pin":
                yield "nowhere", 1
            case "long words":
                raise ValueError("x" * 3_000_000)
            case ["nested", levels]:
                yield "value", reduce(lambda inner, _: [inner], range(levels - 1), list[Any]())
            case "in itself":
                endless: list[Any] = []
                endless.append(endless)
                yield "value", endless
            case "exit":
                sys.exit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)


class CrashInBatch(Crash):
    id = "00000000-0000-4000-8000-0000000000f2"
    name = "TestCrashInBatch"
    effects = Effects.PURE


class Slow(Hang):
    """Hangs for longer than it may take."""

    id = "00000000-0000-4000-8000-0000000000f3"
    name = "TestSlow"
    timeout = timedelta(milliseconds=300)


class Lines(_Test):
    """The lines of the file `value` names, as they are just then."""

    id = "00000000-0000-4000-8000-000000000031"
    name = "TestLines"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        for line in Path(inputs.value).read_text().splitlines():
            yield "value", line


class Random(_Test):
    """`value` texts of `size` characters that do not compress, from a block that is not pure."""

    id = "00000000-0000-4000-8000-000000000041"
    name = "TestRandom"

    class Input(Inputs):
        value: int = Field(description="How many")
        size: int = Field(description="How long")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        for number in range(inputs.value):
            digests = (sha256(f"{number} {part}".encode()).hexdigest() for part in range(inputs.size // 64 + 1))
            yield "value", "".join(digests)[: inputs.size]


class Wide(_Test):
    """Four pins, not pure."""

    id = "00000000-0000-4000-8000-000000000042"
    name = "TestWide"

    class Input(Inputs):
        p0: Any = Field(description="A pin")
        p1: Any = Field(description="A pin")
        p2: Any = Field(description="A pin")
        p3: Any = Field(description="A pin")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", len(inputs.p3)


class Raise(_Test):
    """Raises ValueError with the text that `value` spells in UTF-16, in hex."""

    id = "00000000-0000-4000-8000-000000000043"
    name = "TestRaise"
    effects = Effects.PURE

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        raise ValueError(bytes.fromhex(inputs.value).decode("utf-16", "surrogatepass"))
        yield "value", None


class Told(_Test):
    """Gives what its context says."""

    id = "00000000-0000-4000-8000-0000000000c1"
    name = "TestTold"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        names = {each.name for each in fields(context)} - {"stats", "services", "credentials", "tools", "progress"}
        yield "value", {name: getattr(context, name) for name in names}


class ToldInBatch(Told):
    id = "00000000-0000-4000-8000-0000000000c2"
    name = "TestToldInBatch"
    effects = Effects.PURE


class Spend(_Test):
    """Reports cost and steps of its own, uses the processor for a moment, sleeps `rounds` times, perhaps fails."""

    id = "00000000-0000-4000-8000-0000000000c3"
    name = "TestSpend"

    class Input(Inputs):
        value: int = Field(description="Cents, and as many steps")
        rounds: int = Field(0, description="How often it sleeps")
        fails: bool = Field(False, description="Whether it fails in the end")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        context.stats.extra_cost += inputs.value
        context.stats.extra_steps += inputs.value
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        slept = context.resume or 0
        yield "value", slept
        if slept < inputs.rounds:
            yield Sleep(timedelta(milliseconds=1), slept + 1)
        elif inputs.fails:
            raise ValueError("spent")


class SpendInBatch(Spend):
    id = "00000000-0000-4000-8000-0000000000c4"
    name = "TestSpendInBatch"
    effects = Effects.PURE


class Stubborn(_Test):
    """Does not stop when told to, for `value` seconds."""

    id = "00000000-0000-4000-8000-0000000000c5"
    name = "TestStubborn"

    async def run(self, inputs: ValueIn, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "value", inputs.value
        deadline = time.monotonic() + inputs.value
        while (left := deadline - time.monotonic()) > 0:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(left)


class Source(Block[Inputs]):
    """An agent input, as small as can be."""

    id = "00000000-0000-4000-8000-00000000000d"
    name = "TestSource"
    description = "For tests"
    kind = BlockKind.INPUT
    effects = Effects.PURE
    static_output = True

    class Input(Inputs):
        name: str = Field(description="Its name")
        value: Any = Field(None, description="Its value")

    class Output(Outputs):
        result: Any = Field(None, description="Its value")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.value is not None:
            yield "result", inputs.value


class Sink(Block[Inputs]):
    """An agent output, as small as can be."""

    id = "00000000-0000-4000-8000-00000000000e"
    name = "TestSink"
    description = "For tests"
    kind = BlockKind.OUTPUT
    effects = Effects.PURE

    class Input(Inputs):
        name: str = Field(description="Its name")
        value: Any = Field(None, description="Its value")

    class Output(Outputs):
        output: Any = Field(None, description="Its value")

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "output", inputs.value


class Loud(Sink):
    """An agent output that formats its value."""

    id = "00000000-0000-4000-8000-0000000000c6"
    name = "TestLoud"

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "output", str(inputs.value).upper()


TEST_BLOCKS: tuple[type[Block[Any]], ...] = (
    Pass,
    PassOn,
    PassOnce,
    Cautious,
    HumanInTheLoop,
    WaitForEvent,
    StepThroughItems,
    Drip,
    DripOnce,
    Fail,
    Hang,
    Nap,
    Blocking,
    Countdown,
    CountdownOn,
    Pair,
    Spread,
    Random,
    Wide,
    Raise,
    Told,
    ToldInBatch,
    Spend,
    SpendInBatch,
    Stubborn,
    Trace,
    TraceOnce,
    FailUntil,
    FailUntilOnce,
    Stages,
    Film,
    FilmAnew,
    Killer,
    Big,
    Lines,
    Crash,
    CrashInBatch,
    Slow,
    Source,
    Sink,
    Loud,
    Sub,
    Orchestrator,
    AITextGenerator,
    AITextSummarizer,
)
