"""The real worker and the real API as processes of their own, with the test blocks beside the catalogue's.

Started by `tests/support/system.py` as `python -m tests.support.process_main worker|api`. Its blocks reach
the internet that `INTERNET` in the environment tells of (`tests/support/web.py`), or none.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

import uvicorn

from api.app import create_app
from blocks.catalogue import CATALOGUE_BLOCKS, Catalogue
from blocks.http.client import Http
from blocks.unavailable import unavailable_blocks
from settings import Settings
from telemetry.logging import configure_logging
from tests.support.blocks import TEST_BLOCKS
from tests.support.keyed_blocks import KEYED_BLOCKS
from tests.support.web import Internet
from worker import run_worker

INTERNET = "TEST_INTERNET"


def local(_: Settings) -> Http:
    """A test's internet. Without one no name leads anywhere: agents of other people's would reach for the world."""
    if told := os.environ.get(INTERNET):
        return Internet.as_told(told).http()

    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError(f"{host} is not looked up in tests")

    return Http(resolve=unknown)


def main() -> None:
    settings = Settings()
    blocks = dict.fromkeys((*CATALOGUE_BLOCKS, *TEST_BLOCKS, *KEYED_BLOCKS))
    catalogue = Catalogue(blocks, unavailable_blocks())
    if sys.argv[1] == "api":
        uvicorn.run(
            create_app(settings, catalogue=catalogue), host="127.0.0.1", port=settings.api_port, log_config=None
        )
        return
    configure_logging(settings.log_level)

    async def work() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await run_worker(settings, stop, catalogue, local)

    asyncio.run(work())


if __name__ == "__main__":
    main()
