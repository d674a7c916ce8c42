"""Rows of runs as bodies.

Used by the routes about runs. It reads; a row that no longer agrees with Temporal is brought up to date first.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from api.reconciling import up_to_date
from api.run_values import Opened
from api.schemas.executions import (
    ExecutionDetail,
    ExecutionMeta,
    ExecutionResults,
    Links,
    NodeResult,
)
from api.services import Services
from api.starting import Started
from contracts.errors import ExecutionNotFound
from contracts.node_stats import CALLED_BY, KEPT, WAITS
from engine.model import BlockId, Status
from engine.values import Value
from store.records import Execution, StoredNode


def links(app: Services, execution_id: str) -> Links:
    """Where to read on about a run."""
    path = f"/api/executions/{execution_id}"
    ui = f"{app.temporal_ui_url.rstrip('/')}/namespaces/{app.temporal_namespace}/workflows/{execution_id}"
    return Links(self=path, results=f"{path}/results", events=f"{path}/events", temporal_ui=ui)


def started(app: Services, user_id: str, run: Started) -> ExecutionMeta:
    """A run that has just been started; no row is read for it."""
    return ExecutionMeta(
        id=run.execution_id,
        user_id=user_id,
        graph_id=run.version.graph_id,
        graph_version=run.version.version,
        graph_name=run.version.name,
        status=Status.QUEUED,
        trigger=run.trigger,
        rerun_of=run.rerun_of,
        rerun_from_node=run.rerun_from_node,
        created_at=run.at,
        links=links(app, run.execution_id),
    )


def meta(app: Services, row: Execution) -> ExecutionMeta:
    """A run without its values."""
    return ExecutionMeta(
        id=row.id,
        user_id=row.user_id,
        graph_id=row.graph_id,
        graph_version=row.graph_version,
        graph_name=row.graph_name,
        status=row.status,
        trigger=row.trigger,
        rerun_of=row.rerun_of,
        rerun_from_node=row.rerun_from_node,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
        error_code=row.error_code,
        stats=row.stats,
        links=links(app, row.id),
    )


async def owned(app: Services, user_id: str, execution_id: str, graph_id: str | None = None) -> Execution:
    """The user's run. ExecutionNotFound also when it is a run of another graph than named."""
    row = await app.store.executions.get(user_id, execution_id)
    if row is None or graph_id not in (None, row.graph_id):
        raise ExecutionNotFound
    return await up_to_date(app, row)


async def detail(app: Services, row: Execution) -> ExecutionDetail:
    """A run with its inputs and outputs."""
    outputs = await app.store.executions.agent_outputs(row.id)
    opened = await Opened.of(app.store.values, [*_values_of(row), *(value for _, value in outputs)])
    row = await _with_stats(app, row)
    return ExecutionDetail(**_detail(app, row, outputs, opened))


async def results(app: Services, row: Execution) -> ExecutionResults:
    """A run with its node executions."""
    outputs = await app.store.executions.agent_outputs(row.id)
    nodes = await app.store.executions.nodes(row.id)
    values = [value for _, value in outputs]
    for node in nodes:
        values += [*node.inputs.values(), *(output.value for output in node.outputs)]
    opened = await Opened.of(app.store.values, [*_values_of(row), *values])
    row = await _with_stats(app, row)
    return ExecutionResults(**_detail(app, row, outputs, opened), nodes=[_node(app, node, opened) for node in nodes])


async def _with_stats(app: Services, row: Execution) -> Execution:
    """The row of a run that goes on, with what it has used so far; at its end the row says it itself."""
    if row.status not in (Status.RUNNING, Status.REVIEW):
        return row
    return replace(row, stats={**row.stats, **await app.store.executions.stats_so_far(row.id)})


def _detail(app: Services, row: Execution, outputs: Iterable[tuple[str, Value]], opened: Opened) -> dict[str, object]:
    return {
        **dict(meta(app, row)),
        "inputs": {name: opened[value] for name, value in row.inputs.items()},
        "nodes_input_masks": {
            node_id: {pin: opened[value] for pin, value in mask.items()} for node_id, mask in row.masks.items()
        },
        "outputs": by_name(outputs, opened),
    }


def by_name(values: Iterable[tuple[str, Value]], opened: Opened) -> dict[str, list[object]]:
    """Name → its values, in order."""
    found: dict[str, list[object]] = defaultdict(list)
    for name, value in values:
        found[name].append(opened[value])
    return dict(found)


def _values_of(row: Execution) -> list[Value]:
    return [*row.inputs.values(), *(value for mask in row.masks.values() for value in mask.values())]


def _node(app: Services, node: StoredNode, opened: Opened) -> NodeResult:
    shape = app.catalogue.shape(BlockId(node.block_id))
    return NodeResult(
        id=node.id,
        node_id=node.node_id,
        block_id=node.block_id,
        block_name=shape.name if shape else None,
        status=node.status,
        inputs={pin: opened[value] for pin, value in node.inputs.items()},
        outputs=by_name(((output.name, output.value) for output in node.outputs), opened),
        queued_at=node.queued_at,
        started_at=node.started_at,
        ended_at=node.ended_at,
        error=node.error,
        stats={name: value for name, value in node.stats.items() if name not in (CALLED_BY, KEPT, WAITS)},
        kept=bool(node.stats.get(KEPT)),
    )
