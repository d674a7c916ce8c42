"""Starting one of the scripts beside this module, feeding it, and ending it when its time is over.

Used by blocks that read strangers' documents. The process gets an empty environment: there is nothing for it to tell.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_MOST_OUTPUT = 64 * 1024 * 1024


class Apart:
    """Runs scripts, a few at a time; one instance for all runs of a block."""

    def __init__(self, script: str, *, seconds: float = 20.0, at_once: int = 2) -> None:
        """`seconds`: how long one may take, its start included; others wait meanwhile."""
        self._script = str(_HERE / script)
        self._seconds = seconds
        self._turn = asyncio.Semaphore(at_once)

    async def read(self, document: bytes, arguments: Sequence[str] = ()) -> Any:
        """What the script made of the document. ValueError when it takes too long or cannot make anything of it."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                self._script,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
            )
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await _exchanged(process, document)
                    await process.wait()
            except TimeoutError:
                raise ValueError(f"The document could not be read within {self._seconds:g} seconds.") from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        if process.returncode != 0 or len(answer) > _MOST_OUTPUT:
            raise ValueError("The document could not be read: it is too large or not made for reading.")
        return json.loads(answer)


async def _exchanged(process: asyncio.subprocess.Process, document: bytes) -> bytes:
    """Everything the process writes, while the document is written to it."""
    assert process.stdin
    assert process.stdout
    feeding = asyncio.create_task(_feed(process.stdin, document))
    answer = bytearray()
    try:
        while len(answer) <= _MOST_OUTPUT and (piece := await process.stdout.read(1 << 16)):
            answer += piece
    finally:
        feeding.cancel()
    return bytes(answer)


async def _feed(stdin: asyncio.StreamWriter, document: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        stdin.write(document)
        await stdin.drain()
        stdin.close()
