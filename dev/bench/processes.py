"""The processes that are measured: a worker with our workflow and the raw ones, and the API.

Started by `dev.bench.__main__` as `python -m dev.bench.processes worker|api`; configured by the environment alone.
"""

import asyncio
import signal
import sys

import uvicorn
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.blocks_loop import BlocksLoop
from api.app import create_app
from contracts.search_attributes import register
from contracts.temporal_client import connect
from dev.bench.blocks import bench_catalogue
from dev.bench.raw import RAW_WORKFLOWS, no_op
from settings import Settings
from store.migrate import migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from telemetry.metrics import WorkerMetrics
from worker import activities_of, worker_of

RAW_QUEUE = "bench-raw"


async def work(settings: Settings) -> None:
    """Both workers, until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(settings.temporal_address, settings.temporal_namespace)
    await register(client)
    async with await open_pool(
        settings.database_url.get_secret_value(), min_size=2, max_size=settings.db_pool_max_size, idle_seconds=60
    ) as pool:
        await migrate(pool)
        with BlocksLoop() as blocks_loop:
            activities = activities_of(
                settings, client, PostgresStore(pool), bench_catalogue(), blocks_loop, WorkerMetrics()
            )
            raw = Worker(
                client,
                task_queue=RAW_QUEUE,
                workflows=RAW_WORKFLOWS,
                activities=[no_op],
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            async with worker_of(settings, client, activities), raw:
                print("ready", flush=True)
                await stop.wait()


def main() -> None:
    """One of the two, by the first argument."""
    settings = Settings()
    if sys.argv[1] == "worker":
        asyncio.run(work(settings))
    else:
        app = create_app(settings, catalogue=bench_catalogue())
        uvicorn.run(app, host="127.0.0.1", port=settings.api_port, log_level="warning")


if __name__ == "__main__":
    main()
