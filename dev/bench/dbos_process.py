"""DBOS on the same Postgres, in a process of its own: reads what to measure from standard input, answers seconds.

Started by `dev.bench.__main__`. A line is `chain N` (one workflow of N steps) or `runs R N` (R such workflows at once).
"""

import asyncio
import sys
import time

from dbos import DBOS, DBOSConfig


@DBOS.step()
async def no_op(value: int) -> int:
    """Does nothing."""
    return value


@DBOS.workflow()
async def chain(count: int) -> int:
    """So many steps, one after the other."""
    value = 0
    for _ in range(count):
        value = await no_op(value)
    return value


async def measure(words: list[str]) -> float:
    """Seconds for what the words ask."""
    started = time.perf_counter()
    if words[0] == "chain":
        await chain(int(words[1]))
    else:
        runs, count = int(words[1]), int(words[2])
        handles = await asyncio.gather(*(DBOS.start_workflow_async(chain, count) for _ in range(runs)))
        await asyncio.gather(*(handle.get_result() for handle in handles))
    return time.perf_counter() - started


async def main(url: str) -> None:
    """Serve until standard input ends."""
    DBOS(config=DBOSConfig(name="bench", system_database_url=url, log_level="ERROR"))
    DBOS.launch()
    print("ready", flush=True)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await measure(line.split()), flush=True)
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
