"""What long runs are judged by: the memory of the worker, and how long each history of a run became."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

MB = 1_000_000


def memory_mb(pid: int, line: str = "VmRSS") -> float:
    """What a process takes now, in megabytes; with `VmHWM` the most it ever took."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [int(each.split()[1]) for each in status.splitlines() if each.startswith(f"{line}:")]
    return kilobytes * 1024 / MB


@dataclass
class Memory:
    """A process's memory over time: (seconds since the start, megabytes)."""

    samples: list[tuple[float, float]] = field(default_factory=list)

    def between(self, start: float, end: float) -> list[float]:
        """The samples of a part of the time, which goes from 0 to 1."""
        last = self.samples[-1][0]
        return [megabytes for at, megabytes in self.samples if start * last <= at <= end * last]

    def __str__(self) -> str:
        step = max(1, len(self.samples) // 12)
        return ", ".join(f"{at:.0f} s: {megabytes:.0f} MB" for at, megabytes in self.samples[::step])


@asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Memory]:
    """Take a sample of a process's memory twice a second."""
    memory = Memory()
    began = time.monotonic()

    async def watch() -> None:
        while True:
            memory.samples.append((time.monotonic() - began, memory_mb(pid)))
            await asyncio.sleep(0.5)

    task = asyncio.create_task(watch())
    try:
        yield memory
    finally:
        task.cancel()
        memory.samples.append((time.monotonic() - began, memory_mb(pid)))


@dataclass(frozen=True)
class HistorySize:
    """One history of a run: events and bytes, as the server counts them."""

    events: int
    bytes: int


async def history_sizes(client: Client, execution_id: str) -> list[HistorySize]:
    """The histories of a run, the newest first: more than one when it continued as new."""
    sizes: list[HistorySize] = []
    run_id: str | None = (await client.get_workflow_handle(execution_id).describe()).run_id
    while run_id:
        handle = client.get_workflow_handle(execution_id, run_id=run_id)
        info = (await handle.describe()).raw_description.workflow_execution_info
        sizes.append(HistorySize(info.history_length, info.history_size_bytes))
        async for first in handle.fetch_history_events(page_size=1):
            run_id = first.workflow_execution_started_event_attributes.continued_execution_run_id
            break
    return sizes
