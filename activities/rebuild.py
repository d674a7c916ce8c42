"""Where a run that continues another begins: its scheduler's state, made of the rows of the earlier run.

Registered by `worker.py`; the rules are those of `engine/rebuilding.py`. A resumed run goes on with its own rows: what
has ended stays, the rest is open again. A re-run gets copies of what is kept of another run, for which nothing is
charged.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.credentials import RunCredentials
from activities.earlier_runs import (
    WRITTEN_FROM_OUTSIDE,
    Earlier,
    approved_nodes,
    cost,
    is_unknown,
    outputs_that_stand,
    record_of,
    reviews_that_wait,
    used,
)
from activities.graphs import CompiledGraph, GraphCache, PlacedBlock
from activities.heartbeats import heartbeats
from activities.likeness import Likeness
from activities.ownership import Claims
from activities.records import called_by, now
from activities.routing import routes_of
from activities.spilling import pack_state
from activities.values import ValueCodec
from contracts.activities import REBUILD_RUN, BeginResult, RebuildRequest, RunLimits
from contracts.errors import ExecutionNotFound, GraphNotFound, ValueMissing
from contracts.node_stats import KEPT, WAITS
from engine.model import BlockKind, OnNodeError, Status
from engine.plan import Mode
from engine.rebuilding import Match, Rebuilding, Record, Told
from engine.reruns import from_node_on
from engine.scheduler import Scheduler
from engine.state import Output, Phase
from engine.tool_calls import call_of
from engine.values import Reference, Value
from store.ownership import StandingNode
from store.records import Execution, NodeRecord, OutputRecord, Store, StoredNode, StoredOutput
from telemetry.logging import Logger

log = Logger("heddle.runs")

_STATUSES = {Phase.READY: Status.QUEUED, Phase.REVIEW: Status.REVIEW}
_EVENTS_AT_ONCE = 500
_COPIES_AT_ONCE = 500
_BREATHES_AFTER = 50

type _Stands = Callable[[CompiledGraph, StoredNode], bool | None]
"""Whether a node execution is kept, or only what it gave so far; None: it is of no use."""


class RebuildActivities:
    """The activity that finds out where a run goes on."""

    def __init__(
        self,
        store: Store,
        graphs: GraphCache,
        codec: ValueCodec,
        claims: Claims,
        limits: RunLimits,
        credentials: RunCredentials,
    ) -> None:
        self._credentials = credentials
        self._store = store
        self._graphs = graphs
        self._codec = codec
        self._claims = claims
        self._limits = limits

    @activity.defn(name=REBUILD_RUN.name)
    async def rebuild_run(self, request: RebuildRequest) -> BeginResult:
        """The state in which the run begins; its rows say the same. Repeatable: what was rebuilt is rebuilt alike."""
        async with heartbeats():
            return await self._rebuild(request)

    async def _rebuild(self, request: RebuildRequest) -> BeginResult:
        asked, id = request.input, request.execution_id
        run_id = activity.info().workflow_run_id or request.run_id
        # After a reset to before this had ended, the row is still the run's before.
        await self._claims.take_over(id, run_id, None)
        row = await self._row(asked.user_id, id)
        compiled = await self._graphs.load(row.user_id, row.graph_id, row.graph_version)
        compiled = self._graphs.masked(compiled, row.masks)
        skipped = await self._credentials.left_out(row.user_id, compiled, row.masks)
        scheduler = Scheduler.start(
            compiled.plan, id, row.inputs, row.masks, skipped_nodes=(*asked.nodes_to_skip, *skipped)
        )
        earlier, likeness = await self._earlier(row), Likeness(self._codec)
        approved = approved_nodes(earlier)
        # A re-run that was stopped before it had copied anything begins with the run that it runs again.
        if row.rerun_of is None or (asked.resume and earlier.nodes):
            rebuilding = Rebuilding(
                scheduler, await self._records(likeness, compiled, earlier, self._stands, is_own=True), earlier.told
            )
            await self._drive(likeness, rebuilding, compiled, earlier, row)
            await self._resume(run_id, earlier, rebuilding)
        else:
            earlier = await self._earlier(await self._row(asked.user_id, row.rerun_of))
            asked_anew = from_node_on(compiled.plan, row.rerun_from_node)
            again = _Again(asked_anew, await self._compiled(earlier.execution))
            rebuilding = Rebuilding(
                scheduler, await self._records(likeness, compiled, earlier, again.stands, is_own=False), earlier.told
            )
            await self._drive(likeness, rebuilding, compiled, earlier, row)
            await self._copy(run_id, row, earlier, rebuilding)
        log.info(
            f"Graph execution #{id} continues where it left off.",
            graph_execution_id=id,
            kept=len(rebuilding.kept),
            open=len(rebuilding.open),
        )
        return BeginResult(
            run=request.run,
            graph_name=compiled.name,
            plan=compiled.packed_plan,
            state=await pack_state(self._codec, scheduler.state),
            limits=self._limits,
            reviews=reviews_that_wait(rebuilding, earlier),
            approved_nodes=approved,
        )

    # --- reading ------------------------------------------------------------------------------

    async def _row(self, user_id: str, execution_id: str) -> Execution:
        row = await self._store.executions.get(user_id, execution_id)
        if row is None:
            raise ExecutionNotFound(f"The run {execution_id} is not there any more.")
        return row

    async def _compiled(self, row: Execution) -> CompiledGraph | None:
        try:
            return await self._graphs.load(row.user_id, row.graph_id, row.graph_version)
        except GraphNotFound:
            return None

    async def _earlier(self, row: Execution) -> Earlier:
        nodes = {node.id: node for node in await self._store.executions.nodes(row.id)}
        told: list[Told] = []
        after = 0
        while events := await self._store.executions.events(row.id, after=after, limit=_EVENTS_AT_ONCE):
            after = events[-1].seq
            told += [
                Told(event.node_execution_id, event.first_output + event.output_count, event.status.is_final)
                for event in events
                if event.node_execution_id is not None
            ]
        reviews = {review.id: review for review in await self._store.reviews.of_execution(row.user_id, row.id)}
        return Earlier(row, nodes, told, reviews)

    @staticmethod
    def _stands(compiled: CompiledGraph, node: StoredNode) -> bool | None:
        """Whether the node execution is kept in its own run; None: it is of no use."""
        if node.status is Status.INCOMPLETE:
            return None
        fails_run = compiled.plan.on_node_error is OnNodeError.FAIL
        return node.status is Status.COMPLETED or (node.status is Status.FAILED and not fails_run)

    async def _records(
        self, likeness: Likeness, compiled: CompiledGraph, earlier: Earlier, stands: _Stands, *, is_own: bool
    ) -> list[Record]:
        records = []
        for number, node in enumerate(earlier.nodes.values()):
            if number % _BREATHES_AFTER == 0:
                await asyncio.sleep(0)
            placed = compiled.placed.get(node.node_id)
            is_kept = stands(compiled, node) if placed is not None else None
            if placed is None or is_kept is None:
                continue
            try:
                alike = await likeness.of_row(placed, node.inputs)
            except ValueMissing:
                continue
            records.append(record_of(node, earlier.reviews, node.stats if is_own else {}, alike, is_kept=is_kept))
        return records

    async def _drive(
        self, likeness: Likeness, rebuilding: Rebuilding, compiled: CompiledGraph, earlier: Earlier, row: Execution
    ) -> None:
        while True:
            for number, execution in enumerate(rebuilding.unidentified()):
                if number % _BREATHES_AFTER == 0:
                    # Heartbeats, and all else that this process does, must go on meanwhile.
                    await asyncio.sleep(0)
                placed = compiled.placed[compiled.plan.nodes[execution.node].id]
                mask = row.masks.get(placed.node.id, {})
                alike = await likeness.of_arrived(placed, execution.inputs, mask)
                if record := rebuilding.match(execution, alike):
                    node = earlier.nodes[record.id]
                    try:
                        record.outputs = await self._outputs(row.id, placed, outputs_that_stand(node, record))
                    except ValueMissing:
                        rebuilding.discard(record)
            if not rebuilding.advance():
                break
        rebuilding.settle()

    async def _outputs(self, id: str, placed: PlacedBlock, stored: Sequence[StoredOutput]) -> list[Output]:
        """What the node's links got of its outputs, in values that are the run's own."""
        plain = await self._codec.decode({str(output.index): output.value for output in stored})
        outputs = []
        for output in stored:
            value = plain[str(output.index)]
            whole = await self._own(id, output.value, value)
            if routes := await routes_of(self._codec, id, placed, output.name, value, whole):
                outputs.append(Output(output.index, routes))
        return outputs

    async def _own(self, id: str, value: Value, plain: Any) -> Value:
        if "ref" not in value or value["ref"].rpartition("/")[0] == id:
            return value
        return await self._codec.store(id, plain)

    # --- a run that is resumed ----------------------------------------------------------------

    async def _resume(self, run_id: str, earlier: Earlier, rebuilding: Rebuilding) -> None:
        """The rows say what the state says, and the stats go on from what the run had used before."""
        plan, state = rebuilding.scheduler.plan, rebuilding.scheduler.state
        open_nodes = [_open(rebuilding.scheduler, match, earlier) for match in rebuilding.open]
        open_nodes += [
            StandingNode(
                id=each.id,
                node_id=plan.nodes[each.node].id,
                block_id=plan.nodes[each.node].block_id,
                ordinal=each.waiting.ordinal,
                status=Status.INCOMPLETE,
                seq=None,
                inputs=each.waiting.inputs,
            )
            for each in rebuilding.waiting
        ]
        state.unrecorded = {}
        totals, before = state.totals, earlier.execution.stats
        # A sub-graph that goes on tells at its end what it has used in all: what it had told before counts no more.
        below = {m.record.id for m in rebuilding.open if m.record and plan.nodes[m.execution.node].mode is Mode.CHILD}
        told = [earlier.nodes[id].stats for id in below]
        stats = [node.stats for node in earlier.nodes.values() if node.id not in below]
        totals.earlier_walltime = float(before.get("walltime") or 0.0)
        totals.nodes_walltime = max(
            used(before, "nodes_walltime") - sum(used(s, "walltime") for s in told),
            sum(used(s, "walltime") for s in stats),
        )
        totals.nodes_cputime = max(
            used(before, "nodes_cputime") - sum(used(s, "cputime") for s in told),
            sum(used(s, "cputime") for s in stats),
        )
        totals.cost = max(int(used(before, "cost")) - sum(map(cost, told)), sum(map(cost, stats)))
        kept = [match.execution.id for match in rebuilding.kept]
        if not await self._store.ownership.resume(
            earlier.execution.id, run_id=run_id, kept=kept, open_nodes=open_nodes, at=now()
        ):
            raise ApplicationError("Another run has taken the row over", type="superseded", non_retryable=True)

    # --- a re-run -----------------------------------------------------------------------------

    async def _copy(self, run_id: str, row: Execution, earlier: Earlier, rebuilding: Rebuilding) -> None:
        """Rows of what is kept, with values that are the run's own."""
        kept = rebuilding.kept
        for first in range(0, len(kept) or 1, _COPIES_AT_ONCE):
            copies = [
                await self._copied(row.id, rebuilding.scheduler, match, earlier)
                for match in kept[first : first + _COPIES_AT_ONCE]
            ]
            is_last = first + _COPIES_AT_ONCE >= len(kept)
            refused = await self._store.executions.record(row.id, run_id=run_id, nodes=copies, ends_batch=is_last)
            if refused:
                raise ApplicationError("Another run has taken the row over", type="superseded", non_retryable=True)

    async def _copied(self, id: str, scheduler: Scheduler, match: Match, earlier: Earlier) -> NodeRecord:
        assert match.record is not None
        node, execution, at = earlier.nodes[match.record.id], match.execution, now()
        outputs = []
        for output in node.outputs:
            text, reference = await self._stored(id, output.value)
            outputs.append(OutputRecord(output.index, output.name, text, reference))
        inputs: dict[str, str | Reference] = {}
        for pin, value in node.inputs.items():
            text, reference = await self._stored(id, value)
            inputs[pin] = reference or text or "null"
        sizes: dict[str, Any] = {name: node.stats[name] for name in ("input_size", "output_size") if name in node.stats}
        return NodeRecord(
            id=execution.id,
            node_id=node.node_id,
            block_id=node.block_id,
            ordinal=execution.ordinal,
            seq=execution.seq,
            status=Status.COMPLETED,
            inputs=inputs,
            agent_output=node.agent_output,
            queued_at=at,
            started_at=at,
            ended_at=at,
            stats={
                **sizes,
                "walltime": 0.0,
                "cputime": 0.0,
                "extra_cost": 0,
                "extra_steps": 0,
                KEPT: True,
                **called_by(call_of(execution)),
            },
            outputs=tuple(outputs),
        )

    async def _stored(self, id: str, value: Value) -> tuple[str | None, Reference | None]:
        plain = (await self._codec.decode({"": value}))[""]
        encoded = await self._codec.encode(id, plain)
        return encoded.json_text, encoded.reference


@dataclass(frozen=True, slots=True)
class _Again:
    """What of an earlier run stands in one that runs it again: work that is the same and is not asked for anew."""

    again: frozenset[str]
    earlier_compiled: CompiledGraph | None

    def stands(self, compiled: CompiledGraph, node: StoredNode) -> bool | None:
        """True or None: what had not completed begins from its beginning."""
        placed = compiled.placed[node.node_id]
        if node.status is not Status.COMPLETED or node.block_id != placed.node.block_id:
            return None
        if node.node_id in self.again:
            return None
        if placed.block.kind is BlockKind.AGENT and not self._is_same_agent(placed):
            return None
        return True

    def _is_same_agent(self, placed: PlacedBlock) -> bool:
        before = self.earlier_compiled.placed.get(placed.node.id) if self.earlier_compiled else None
        if before is None:
            return False
        old, new = before.node.input_default, placed.node.input_default
        same = all(old.get(name) == new.get(name) for name in ("graph_id", "graph_version", "nodes_input_masks"))
        return same and isinstance(new.get("graph_version"), int)


def _attempt(mode: Mode, node: StoredNode | None) -> int:
    """The attempt that later ones must come after: those of activities, which count their rounds."""
    if node is None or mode is not Mode.ACTIVITY or node.attempt >= WRITTEN_FROM_OUTSIDE:
        return 0
    return node.attempt


def _open(scheduler: Scheduler, match: Match, earlier: Earlier) -> StandingNode:
    """The row of an execution that is open again; what an earlier one in its place gave stands."""
    execution, record = match.execution, match.record
    plan_node = scheduler.plan.nodes[execution.node]
    node = earlier.nodes[record.id] if record is not None else None
    outputs = outputs_that_stand(node, record) if node is not None and record is not None else []
    is_asleep = node is not None and bool(node.stats.get(WAITS))
    return StandingNode(
        id=execution.id,
        node_id=plan_node.id,
        block_id=plan_node.block_id,
        ordinal=execution.ordinal,
        status=_STATUSES.get(execution.phase, Status.RUNNING),
        seq=execution.seq,
        # Resolved ones, if they were: a run that is resumed once more must find this row again.
        inputs=execution.inputs if node is None else node.inputs,
        attempt=_attempt(plan_node.mode, node),
        emitted=outputs[-1].index + 1 if outputs else 0,
        entered_attempt=node.entered_attempt if node is not None and is_unknown(node) else None,
        stats={
            **({WAITS: node.stats[WAITS]} if node is not None and is_asleep else {}),
            **called_by(call_of(execution)),
        },
    )
