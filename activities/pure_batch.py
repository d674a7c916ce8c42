"""A batch: many pure nodes in one go, by the same scheduler that the workflow drives (architecture §1.4).

Used by `begin_run` and `run_pure_nodes`. It changes a scheduler and collects rows; whoever calls it writes them.
"""

import time
from dataclasses import dataclass, field

from activities.block_run import Failure, context_of, failure_of, log_failure, run_block
from activities.graphs import CompiledGraph, PlacedBlock
from activities.records import agent_output_name, called_by, now, output_record, stats_json, waiting_records
from activities.routing import routes_of
from activities.values import ValueCodec
from blocks.base import WAITS, NodeStats
from blocks.inputs import assemble, validated
from contracts.activities import RunRef
from contracts.errors import SystemFault
from engine.events import Ended
from engine.model import Status
from engine.scheduler import Scheduler
from engine.state import Open, Output
from engine.tool_calls import call_of
from engine.values import Reference
from store.records import NodeRecord, OutputRecord
from telemetry.logging import Logger
from telemetry.metrics import WorkerMetrics

log = Logger("heddle.nodes")


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """A batch ends after so many nodes; the time is a safety net, since a cut by the clock differs between attempts."""

    max_nodes: int
    max_ms: int


@dataclass(slots=True)
class _Outcome:
    """What running one node gave."""

    inputs: dict[str, str | Reference] = field(default_factory=dict)
    agent_output: str | None = None
    outputs: list[Output] = field(default_factory=list)
    rows: list[OutputRecord] = field(default_factory=list)
    failure: Failure | None = None
    stats: NodeStats = field(default_factory=NodeStats)


class PureBatch:
    """Runs pure nodes of one run until only other work is left, or a limit is reached."""

    def __init__(self, codec: ValueCodec, limits: BatchLimits, metrics: WorkerMetrics) -> None:
        self._codec = codec
        self._limits = limits
        self._metrics = metrics

    async def run(self, run: RunRef, compiled: CompiledGraph, scheduler: Scheduler) -> list[NodeRecord]:
        """The rows of what ran and of what now waits. The scheduler has taken everything in."""
        deadline = time.perf_counter() + self._limits.max_ms / 1000
        records: list[NodeRecord] = []
        while len(records) < self._limits.max_nodes and time.perf_counter() < deadline:
            execution = scheduler.next_pure()
            if execution is None:
                break
            placed = compiled.placed[scheduler.plan.nodes[execution.node].id]
            if scheduler.is_skipped(execution):
                log.info(
                    f"Skipping node execution {execution.id} for node {placed.node.id} "
                    "- optional credentials not configured"
                )
                records.append(self._end(placed, scheduler, execution, _Outcome()))
            else:
                outcome = await self._run_node(run, placed, scheduler, execution)
                records.append(self._end(placed, scheduler, execution, outcome))
        records += waiting_records(scheduler.take_unrecorded(queued=False), now())
        return records

    async def _run_node(self, run: RunRef, placed: PlacedBlock, scheduler: Scheduler, execution: Open) -> _Outcome:
        log.debug(f"Start node execution {execution.id}")
        outcome = _Outcome()
        stats = outcome.stats
        started = time.perf_counter()
        try:
            arrived = execution.inputs
            delivered = await self._codec.decode(arrived)
            mask = await self._codec.decode(scheduler.state.masks.get(placed.node.id, {}))
            data = assemble(placed.block, placed.node.input_default, delivered, mask)
            outcome.inputs, stats.input_size = await self._codec.encode_inputs(
                run.execution_id, data, arrived, delivered
            )
            log.debug("Executed node with input", node_execution_id=execution.id, input_size=stats.input_size)
            outcome.agent_output = agent_output_name(placed, data)
            context = context_of(run, node_id=placed.node.id, node_execution_id=execution.id, stats=stats)
            async for item in run_block(placed.block, validated(placed.block, data), context):
                if isinstance(item, WAITS):
                    raise RuntimeError(f"{placed.block.name} is pure and may not wait")
                await self._emit(run, placed, outcome, *item)
        except SystemFault:
            # Ours, not the block's: the whole batch is tried again.
            raise
        except Exception as error:
            outcome.failure = failure_of(error)
            log_failure(execution.id, error, outcome.failure)
            stats.error = outcome.failure.message
            if outcome.failure.status is Status.FAILED:
                await self._emit(run, placed, outcome, "error", outcome.failure.message)
        stats.walltime = time.perf_counter() - started
        return outcome

    async def _emit(self, run: RunRef, placed: PlacedBlock, outcome: _Outcome, name: str, value: object) -> None:
        """An output: its row, and what its links get of it."""
        index = len(outcome.rows)
        encoded = await self._codec.encode_output(run.execution_id, index, name, value)
        outcome.rows.append(output_record(index, name, encoded))
        outcome.stats.output_size += encoded.size
        log.debug("Node produced output", node_id=placed.node.id, output=name, size=encoded.size)
        routes = await routes_of(self._codec, run.execution_id, placed, name, encoded.plain, encoded.value)
        if routes:
            outcome.outputs.append(Output(index, routes))

    def _end(self, placed: PlacedBlock, scheduler: Scheduler, execution: Open, outcome: _Outcome) -> NodeRecord:
        failure, stats = outcome.failure, outcome.stats
        status = failure.status if failure else Status.COMPLETED
        scheduler.apply(
            Ended(
                execution.id,
                status,
                outcome.outputs,
                error=failure.message if failure else None,
                error_code=failure.code if failure else None,
                walltime=stats.walltime,
                cputime=stats.cputime,
                cost=stats.extra_cost,
                extra_steps=stats.extra_steps,
            )
        )
        log.debug(f"Finished node execution {execution.id}")
        self._metrics.node_ended(placed.block.name, status.value, stats.walltime)
        at = now()
        return NodeRecord(
            id=execution.id,
            node_id=placed.node.id,
            block_id=placed.node.block_id,
            ordinal=execution.ordinal,
            seq=execution.seq,
            status=status,
            inputs=outcome.inputs,
            agent_output=outcome.agent_output,
            queued_at=at,
            started_at=at,
            ended_at=at,
            error=failure.message if failure else None,
            stats={**stats_json(stats), **called_by(call_of(execution))},
            outputs=tuple(outcome.rows),
        )
