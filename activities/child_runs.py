"""Sub-graph nodes: what their run is started with, and taking its outputs over (S-185, S-186, agent-graphs §14).

Registered by `worker.py`. The child's rows are read, the node's rows written; the workflow starts and stops the child.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic_core import to_json
from temporalio import activity

from activities.block_run import Failure, failure_of
from activities.graphs import GraphCache, PlacedBlock
from activities.ownership import Claims
from activities.records import called_by, now, output_record, stats_json
from activities.routing import routes_of
from activities.spilling import TRAVELS_TOGETHER
from activities.values import Encoded, ValueCodec
from blocks.base import BlockInputError, NodeStats
from blocks.inputs import merged
from contracts.activities import (
    COLLECT_CHILD_OUTPUTS,
    PREPARE_CHILD,
    Collected,
    CollectRequest,
    NodeRequest,
    NodeResult,
    PrepareChildRequest,
    PreparedChild,
)
from contracts.errors import CallerError, SubGraphTooDeep
from contracts.execution import GraphExecutionInput
from engine.identity import node_execution_id
from engine.model import Status
from engine.pins import tokenise
from engine.state import Output
from engine.values import Reference, Value, inline
from store.records import Executions, NodeRecord, OutputRecord
from telemetry.metrics import WorkerMetrics

_TAKEN_AT_ONCE = 200
"""Outputs that are taken over in one go: they travel in the workflow's history."""


class ChildActivities:
    """Activities on sub-graph nodes."""

    def __init__(
        self,
        executions: Executions,
        graphs: GraphCache,
        codec: ValueCodec,
        claims: Claims,
        metrics: WorkerMetrics,
        *,
        max_depth: int,
    ) -> None:
        self._metrics = metrics
        self._executions = executions
        self._claims = claims
        self._graphs = graphs
        self._codec = codec
        self._max_depth = max_depth

    @activity.defn(name=PREPARE_CHILD.name)
    async def prepare_child(self, request: PrepareChildRequest) -> PreparedChild:
        """The child's id and input; the node's row says RUNNING. What keeps it from being run fails the node."""
        node, run = request.node, request.node.run
        placed = await self._placed(node)
        defaults = placed.node.input_default
        child_id = node_execution_id(run.execution_id, node.id, 0)
        try:
            if run.context.depth >= self._max_depth:
                raise SubGraphTooDeep(f"Sub-graphs may be nested {self._max_depth} deep, and this would be one more.")
            child = await self._graphs.load_to_begin(run.user_id, str(defaults.get("graph_id")), _version(defaults))
            inputs = await self._inputs(child_id, node, placed, request.masks.get(node.node_id, {}))
        except (CallerError, BlockInputError) as error:
            return PreparedChild(result=await self._failed(node, placed, failure_of(error)))
        # A node that begins again, in a run that is resumed or was reset, has perhaps begun its child before.
        before = await self._executions.get(run.user_id, child_id)
        masks, mask_refs = _masks(defaults.get("nodes_input_masks"), request.masks)
        asked = GraphExecutionInput(
            graph_id=child.graph.id,
            user_id=run.user_id,
            graph_version=child.version,
            inputs={name: encoded.plain for name, encoded in inputs.items() if not encoded.reference},
            input_refs={name: encoded.reference for name, encoded in inputs.items() if encoded.reference},
            nodes_input_masks=masks,
            mask_refs=mask_refs,
            trigger="sub-graph",
            resume=before is not None and node.resume is not None,
            context=run.context.model_copy(
                update={
                    "root_execution_id": run.context.root_execution_id or run.execution_id,
                    "parent_execution_id": run.execution_id,
                    "parent_node_execution_id": node.id,
                    "depth": run.context.depth + 1,
                }
            ),
        )
        stored = {name: encoded.reference or encoded.json_text or "null" for name, encoded in inputs.items()}
        await self._write(node, placed, Status.RUNNING, inputs=stored)
        return PreparedChild(
            child_id=child_id, name=child.name, input=asked, earlier_run_id=before.run_id if before else None
        )

    @activity.defn(name=COLLECT_CHILD_OUTPUTS.name)
    async def collect_child_outputs(self, request: CollectRequest) -> Collected:
        """The child's outputs since the last time, in the order they were given, stored as the node's own.

        However the child ended, its node is COMPLETED (agent-graphs §14.4), or TERMINATED when it was stopped. Its node
        count and cost count in the parent's.
        """
        node, run = request.node, request.node.run
        placed = await self._placed(node)
        # The end first: what was given before it is then sure to be among the outputs.
        child = await self._executions.get(run.user_id, request.child_id)
        is_earlier = child is not None and child.run_id == (request.earlier_run_id or "")
        if is_earlier and not request.is_closed:
            # What the rows hold is perhaps about to be set aside. The child says so when it has something to tell.
            return Collected(outputs=[], after=request.after, emitted=request.emitted)
        has_ended = request.is_closed or (child is not None and child.status.is_final)
        given = await self._executions.given_outputs(request.child_id, after=request.after, limit=_TAKEN_AT_ONCE)
        after, index, taken = request.after, request.emitted, 0
        has_more = len({seq for seq, _, _ in given}) == _TAKEN_AT_ONCE
        rows: list[OutputRecord] = []
        outputs: list[Output] = []
        for seq, name, value in given:
            if taken > TRAVELS_TOGETHER and seq != after:
                has_more = True
                break
            after = seq
            plain = (await self._codec.decode({name: value}))[name]
            encoded = await self._codec.encode(run.execution_id, plain)
            rows.append(output_record(index, name, encoded))
            routes = await routes_of(self._codec, run.execution_id, placed, name, encoded.plain, encoded.value)
            if routes:
                outputs.append(Output(index, routes))
                taken += sum(len(to_json(route.value)) for route in routes)
            index += 1
        has_ended = has_ended and not has_more
        result = None
        was_stopping = (
            has_ended
            and request.is_joined
            and not request.stopped
            and child is not None
            and child.status is Status.TERMINATED
        )
        if has_ended and not was_stopping:
            stats = child.stats if child else {}
            result = NodeResult(
                status=Status.TERMINATED if request.stopped else Status.COMPLETED,
                walltime=float(stats.get("walltime", 0.0)),
                cputime=float(stats.get("nodes_cputime", 0.0)),
                cost=int(stats.get("cost", 0)),
                extra_steps=int(stats.get("node_count", 0)),
            )
        if rows or result:
            status = result.status if result else Status.RUNNING
            await self._write(node, placed, status, rows=rows, result=result)
        if result:
            self._metrics.node_ended(placed.block.name, result.status.value, result.walltime)
        return Collected(
            outputs=outputs, after=after, emitted=index, result=result, was_stopping=was_stopping, has_more=has_more
        )

    async def _placed(self, request: NodeRequest) -> PlacedBlock:
        run = request.run
        return (await self._graphs.load(run.user_id, run.graph_id, run.graph_version)).placed[request.node_id]

    async def _inputs(
        self, child_id: str, request: NodeRequest, placed: PlacedBlock, mask: Mapping[str, Value]
    ) -> dict[str, Encoded]:
        """The child's inputs by name: defaults, what arrived, the mask; dynamic pins put together. BlockInputError.

        Large values are stored anew as the child's: each run owns what it refers to.
        """
        defaults = placed.node.input_default.get("inputs")
        flat: dict[str, Value] = {
            **{name: inline(value) for name, value in (defaults if isinstance(defaults, Mapping) else {}).items()},
            **request.inputs,
            **mask,
        }
        plain = merged(await self._codec.decode(flat))
        inputs: dict[str, Encoded] = {}
        total = 0
        for name, value in plain.items():
            if tokenise(name) is not None:
                continue
            encoded = await self._codec.encode(child_id, value)
            total += 0 if encoded.reference else encoded.size
            if total > TRAVELS_TOGETHER and not encoded.reference:
                encoded = Encoded(encoded.plain, await self._codec.store(child_id, encoded.plain), None, encoded.size)
            inputs[name] = encoded
        return inputs

    async def _failed(self, request: NodeRequest, placed: PlacedBlock, failure: Failure) -> NodeResult:
        encoded = await self._codec.encode(request.run.execution_id, failure.message)
        rows = [output_record(0, "error", encoded)]
        result = NodeResult(status=Status.FAILED, error=failure.message, error_code=failure.code)
        routes = await routes_of(self._codec, request.run.execution_id, placed, "error", encoded.plain, encoded.value)
        result.outputs = [Output(0, routes)] if routes else []
        await self._write(request, placed, Status.FAILED, rows=rows, result=result)
        self._metrics.node_ended(placed.block.name, result.status.value, result.walltime)
        return result

    async def _write(
        self,
        request: NodeRequest,
        placed: PlacedBlock,
        status: Status,
        *,
        inputs: Mapping[str, str | Reference] | None = None,
        rows: list[OutputRecord] | None = None,
        result: NodeResult | None = None,
    ) -> None:
        record = NodeRecord(
            id=request.id,
            node_id=request.node_id,
            block_id=placed.node.block_id,
            ordinal=request.ordinal,
            seq=request.seq,
            status=status,
            inputs=inputs or {},
            queued_at=now() if inputs is not None else None,
            started_at=now() if inputs is not None else None,
            ended_at=now() if result else None,
            error=result.error if result else None,
            stats={**(_used(result) if result else {}), **called_by(request.called_by)},
            outputs=tuple(rows or ()),
        )
        ref = request.run
        write = partial(self._executions.record, ref.execution_id, run_id=ref.run_id, nodes=[record])
        if await write() and await self._claims.waited(ref):
            await write()


def _used(result: NodeResult) -> dict[str, Any]:
    """What the sub-graph used, as its node's stats; sizes are its own nodes'."""
    stats = NodeStats(
        walltime=result.walltime,
        cputime=result.cputime,
        extra_cost=result.cost,
        extra_steps=result.extra_steps,
        error=result.error,
    )
    return {name: value for name, value in stats_json(stats).items() if not name.endswith("_size")}


def _version(defaults: Mapping[str, Any]) -> int | None:
    version = defaults.get("graph_version")
    return version if isinstance(version, int) else None


def _masks(
    own: Any, passed_down: Mapping[str, Mapping[str, Value]]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Reference]]]:
    """The node's own masks for the sub-graph and the parent's, which go all the way down; plain ones and references."""
    plain = {
        str(node): dict(mask)
        for node, mask in (own if isinstance(own, Mapping) else {}).items()
        if isinstance(mask, Mapping)
    }
    references: dict[str, dict[str, Reference]] = {}
    for node, mask in passed_down.items():
        for pin, value in mask.items():
            if "ref" in value:
                references.setdefault(node, {})[pin] = value
            else:
                plain.setdefault(node, {})[pin] = value["value"]
    return plain, references
