"""The worker: polls Temporal for workflow tasks and activities. `python worker.py`, configured by the environment.

A composition root: it reads the settings, opens what is needed, hands it to the activities, closes all in reverse.
Roles (`HEDDLE_WORKER_ROLES`): `workflows`, `blocks`, or both in one process, which saves a fifth of a run's time.
"""

import asyncio
import contextlib
import importlib.metadata
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.admitting import Admitting
from activities.block_services import BlockServices, KeepingLimits
from activities.blocks_loop import BlocksLoop
from activities.bulk import BulkActivities
from activities.child_runs import ChildActivities
from activities.continuing import Continuing
from activities.credentials import RunCredentials
from activities.failures import Failures
from activities.graphs import GraphCache
from activities.node_attempt import NodeLimits
from activities.ownership import Claims
from activities.prune import PruneActivities, Retention
from activities.pure_batch import BatchLimits, PureBatch
from activities.rebuild import RebuildActivities
from activities.reconcile import ReconcileActivities, ReconcileLimits
from activities.reviews import Asking, ReviewActivities
from activities.run_node import NodeActivities
from activities.runs import RunActivities
from activities.schedules import Recurring, ensure_schedules
from activities.single_block import BlockActivities
from activities.values import OutputLimits, ValueCodec
from blocks.catalogue import Catalogue, default_catalogue
from blocks.http.client import Http, HttpLimits, no_http
from blocks.http.destinations import Allowed
from blocks.language_models import LanguageModels, NoModels
from blocks.llm.clients import ProviderClients
from blocks.system_credentials import SystemCredentials
from contracts.activities import PRUNE_EXECUTIONS, RECONCILE_RUNS, RunLimits
from contracts.errors import HeddleError
from contracts.hand_input import wrong_fields
from contracts.search_attributes import register
from contracts.temporal_client import connect
from engine.validate import GraphLimits
from settings import Settings
from store.migrate import migrate
from store.pool import open_pool
from store.postgres import PostgresStore
from store.records import Store
from store.sealing import Keys
from store.slots import SlotLimits
from telemetry.logging import Logger, configure_logging
from telemetry.loop_lag import LoopLag
from telemetry.metrics import WorkerMetrics
from telemetry.metrics_server import serve_metrics
from telemetry.sdk_metrics import SdkMetrics
from telemetry.tracing import configure_tracing
from workflows.block_execution import BlockExecution
from workflows.bulk_resume import BulkResume
from workflows.graph_execution import GraphExecution
from workflows.prune import PruneExecutions
from workflows.reconcile import ReconcileRuns

OUR_PACKAGES = ("engine", "contracts", "workflows", "activities", "blocks", "store", "api", "telemetry", "dev")

WORKFLOWS = (GraphExecution, BlockExecution, BulkResume, PruneExecutions, ReconcileRuns)

log = Logger("heddle.worker")


def activities_of(
    settings: Settings,
    client: Client,
    store: Store,
    catalogue: Catalogue,
    blocks_loop: BlocksLoop,
    metrics: WorkerMetrics,
    http: Http | None = None,
    llm: LanguageModels | None = None,
) -> Sequence[Callable[..., Any]]:
    """All activities, with their dependencies. Without `http` blocks reach no network, without `llm` no models."""
    output_limits = OutputLimits(settings.max_value_bytes, settings.max_outputs_per_node)
    codec = ValueCodec(store.values, settings.inline_value_limit_bytes, output_limits)
    graphs = GraphCache(
        store.graphs,
        catalogue,
        max_concurrent_nodes=settings.max_concurrent_nodes,
        limits=GraphLimits(settings.max_nodes_per_graph, settings.max_links_per_graph),
    )
    batch = PureBatch(codec, BatchLimits(settings.batch_max_nodes, settings.batch_max_ms), metrics)
    limits = RunLimits(
        node_timeout=settings.node_timeout_seconds,
        node_heartbeat_timeout=settings.node_heartbeat_timeout_seconds,
        node_max_attempts=settings.node_max_attempts,
        node_stop_timeout=settings.node_stop_timeout_seconds,
        run_timeout=settings.max_run_seconds or None,
        local_batches_ms=settings.local_batches_ms,
        continue_after_events=settings.continue_after_events,
        slot_wait=settings.admission_retry_seconds,
    )
    slots = SlotLimits(settings.max_concurrent_graph_executions_per_user, settings.max_concurrent_graph_executions)
    admitting = Admitting(client, store, slots)
    claims = Claims(client, store.ownership)
    credentials = RunCredentials(
        store.credentials,
        Keys.parse(settings.credential_keys.get_secret_value()),
        SystemCredentials.of(settings.system_keys, settings.llm_base_urls),
        catalogue.get,
    )
    continuing = Continuing(store, graphs, catalogue, codec)
    runs = RunActivities(
        store, graphs, catalogue, batch, codec, limits, admitting, claims, continuing, metrics, credentials
    )
    rebuilding = RebuildActivities(store, graphs, codec, claims, limits, credentials)
    keeping = KeepingLimits(settings.max_run_files_bytes, settings.max_kept_value_bytes, settings.max_kept_values)
    services = BlockServices(store, keeping, http or no_http(), llm or NoModels())
    nodes = NodeActivities(
        client,
        store.executions,
        graphs,
        codec,
        blocks_loop,
        services,
        NodeLimits(
            settings.node_timeout_seconds,
            settings.flush_window_ms / 1000,
            settings.node_max_attempts,
            settings.node_transient_attempts,
        ),
        claims,
        metrics,
        Asking(store, codec),
        credentials,
    )
    blocks = BlockActivities(catalogue, codec, blocks_loop, services, output_limits, credentials)
    reviews = ReviewActivities(store, codec, claims, admitting)
    reconciling = ReconcileActivities(
        client,
        store,
        admitting,
        settings.task_queue,
        ReconcileLimits(
            silence=timedelta(seconds=settings.reconcile_silence_seconds),
            look_back=timedelta(seconds=settings.reconcile_look_back_seconds),
            rows=settings.reconcile_max_rows,
            workflows=settings.reconcile_max_workflows,
        ),
    )
    retention = Retention(settings.execution_retention_days, settings.value_retention_days)
    pruning = PruneActivities(store.removal, retention)
    children = ChildActivities(store.executions, graphs, codec, claims, metrics, max_depth=settings.max_sub_graph_depth)
    bulk = BulkActivities(client, store, graphs, settings.task_queue)
    return [
        runs.begin_run,
        rebuilding.rebuild_run,
        runs.take_over_run,
        runs.continue_run,
        runs.pack_state,
        runs.lighten,
        runs.run_pure_nodes,
        runs.record_node_executions,
        runs.finish_run,
        bulk.list_failed,
        bulk.resume_runs,
        nodes.run_node,
        nodes.fail_node,
        blocks.run_block,
        reviews.record_review,
        reviews.show_status,
        children.prepare_child,
        children.collect_child_outputs,
        reconciling.reconcile,
        pruning.prune,
    ]


def http_of(settings: Settings) -> Http:
    """The blocks' way to the network. ValueError when the setting of further destinations says nothing clear."""
    try:
        allowed = Allowed.parse(settings.network_allowed.split(","))
    except ValueError as error:
        raise ValueError(f"HEDDLE_NETWORK_ALLOWED: {error}") from None
    return Http(allowed, HttpLimits(settings.network_timeout_seconds, settings.network_answer_limit_bytes))


def llm_of(settings: Settings) -> ProviderClients:
    """The blocks' way to language models. ValueError when the setting of endpoints says nothing clear."""
    try:
        return ProviderClients(settings.llm_base_urls, seconds=settings.llm_timeout_seconds)
    except ValueError as error:
        raise ValueError(f"HEDDLE_LLM_BASE_URLS: {error}") from None


def recurring(settings: Settings) -> Sequence[Recurring]:
    """What Temporal is to start again and again, by ids of this deployment: others may share its namespace."""
    return [
        Recurring(
            f"{settings.task_queue}-reconcile",
            RECONCILE_RUNS,
            timedelta(seconds=settings.reconcile_interval_seconds),
            "Makes rows of runs say what Temporal says",
        ),
        Recurring(
            f"{settings.task_queue}-prune",
            PRUNE_EXECUTIONS,
            timedelta(seconds=settings.prune_interval_seconds),
            "Deletes runs and values that are older than the settings say",
        ),
    ]


def worker_of(settings: Settings, client: Client, activities: Sequence[Callable[..., Any]], **options: Any) -> Worker:
    """The SDK's worker for the settings' roles. One that runs workflows needs the activities too, as local ones."""
    runs_workflows = "workflows" in settings.roles
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS if runs_workflows else (),
        activities=activities,
        interceptors=[Failures()],
        workflow_runner=_runner(sandboxed=settings.workflow_sandbox),
        no_remote_activities="blocks" not in settings.roles,
        max_concurrent_workflow_tasks=max(2, settings.num_graph_workers),
        max_concurrent_activities=settings.max_concurrent_activities,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(minimum=2, initial=3, maximum=20),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(minimum=2, initial=3, maximum=20),
        # How long a workflow task waits for a worker that died before another takes it.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
        max_heartbeat_throttle_interval=timedelta(seconds=5),
        graceful_shutdown_timeout=settings.graceful_shutdown_timeout,
        **options,
    )


def _runner(*, sandboxed: bool) -> WorkflowRunner:
    if not sandboxed:
        return UnsandboxedWorkflowRunner()
    restrictions = SandboxRestrictions.default.with_passthrough_modules(
        "engine", "contracts", "pydantic", "pydantic_core"
    )
    return SandboxedWorkflowRunner(restrictions=restrictions)


def refuse_name_clashes() -> None:
    """An installed distribution that brings a top-level name of ours would shadow it, or be shadowed, silently."""
    installed = importlib.metadata.packages_distributions()
    clashes = {name: installed[name] for name in OUR_PACKAGES if name in installed}
    if clashes:
        listed = ", ".join(f"{name} (from {', '.join(dists)})" for name, dists in clashes.items())
        raise SystemExit(f"Installed packages use names of ours: {listed}. Use a virtual environment without them.")


async def run_worker(
    settings: Settings, stop: asyncio.Event, catalogue: Catalogue, http_of: Callable[[Settings], Http] = http_of
) -> None:
    """Open everything, work until `stop` is set, close in reverse: polling ends, then running nodes get their grace.

    `http_of` makes the blocks' way to the network; tests give one that leads nowhere.
    """
    tracing = configure_tracing(settings.otlp_endpoint, service="heddle-worker")
    sdk, metrics = SdkMetrics(), WorkerMetrics()
    async with contextlib.AsyncExitStack() as opened:
        opened.callback(tracing.shutdown)
        store = await opened.enter_async_context(_open_store(settings))
        client = await connect(
            settings.temporal_address,
            settings.temporal_namespace,
            plugins=tracing.client_plugins(),
            runtime=sdk.runtime,
        )
        await register(client)
        if "workflows" in settings.roles:
            await ensure_schedules(client, settings.task_queue, recurring(settings))
        blocks_loop = opened.enter_context(BlocksLoop())
        opened.enter_context(LoopLag(blocks_loop.loop, metrics.loop_lag_seconds, name_of=lambda task: task.get_name()))
        http = http_of(settings)
        opened.push_async_callback(lambda: asyncio.wrap_future(blocks_loop.submit(http.aclose())))
        llm = llm_of(settings)
        opened.push_async_callback(lambda: asyncio.wrap_future(blocks_loop.submit(llm.aclose())))
        activities = activities_of(settings, client, store, catalogue, blocks_loop, metrics, http, llm)
        port = await opened.enter_async_context(
            serve_metrics(
                settings.worker_metrics_host,
                settings.worker_metrics_port,
                metrics.registry,
                sdk,
                _health(store, client, stop),
            )
        )
        async with worker_of(settings, client, activities):
            log.info(
                "Worker started",
                task_queue=settings.task_queue,
                roles=",".join(sorted(settings.roles)),
                metrics_port=port,
            )
            await stop.wait()
            log.info("Stopping: running nodes get their grace", seconds=settings.graceful_shutdown_timeout_seconds)


@contextlib.asynccontextmanager
async def _open_store(settings: Settings) -> AsyncIterator[PostgresStore]:
    pool = await open_pool(
        settings.database_url.get_secret_value(),
        min_size=settings.db_pool_min_size,
        max_size=settings.db_pool_max_size,
        idle_seconds=settings.db_pool_idle_seconds,
    )
    async with pool:
        await migrate(pool)
        yield PostgresStore(pool)


def _health(store: Store, client: Client, stop: asyncio.Event) -> Callable[[], Awaitable[list[str]]]:
    async def missing() -> list[str]:
        if stop.is_set():
            return ["worker: stopping"]
        lacking = []
        try:
            await store.ping()
        except HeddleError as error:
            lacking.append(f"postgres: {error.message}")
        try:
            await client.service_client.check_health(timeout=timedelta(seconds=3))
        except RPCError as error:
            lacking.append(f"temporal: {error.status.name.lower()}")
        return lacking

    return missing


def main() -> int:
    """Run until SIGINT or SIGTERM. Exit code 1, with one line that says why, when it cannot start."""
    refuse_name_clashes()
    try:
        settings = Settings()
    except ValidationError as error:
        print(f"Settings: {wrong_fields(error, 'settings')}", file=sys.stderr)
        return 1
    configure_logging(settings.log_level)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, _stop_on_signal, number, stop)
        await run_worker(settings, stop, default_catalogue())

    try:
        asyncio.run(run())
    except (HeddleError, RuntimeError, OSError, ValueError) as error:
        log.error(f"[worker] unable to start: {error}")
        return 1
    return 0


def _stop_on_signal(number: int, stop: asyncio.Event) -> None:
    log.info(f"Received signal {number}, stopping processes...")
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
