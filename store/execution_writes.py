"""What activities write about a run, in Postgres: its beginning, node executions with outputs and events, its end.

The base of `executions.Executions`. Each write is one statement in autocommit, hence one round trip; repeating it is
harmless (S-276).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from pydantic_core import to_json

from contracts.errors import SystemFault, Unavailable
from engine.model import Status
from engine.values import Reference, is_reference
from store.admission import fail_open
from store.calls import Pool, execute, fetchrow, fetchval
from store.merging import merge
from store.ownership import OwnedByAnother
from store.records import Begun, Finish, NewExecution, NodeRecord
from store.slots import SlotLimits
from store.sql import statement

_CREATE = statement("create_execution")
_BEGIN = statement("begin_execution")
_CONTINUE = statement("continue_run")
_BEGIN_BATCH = statement("begin_batch")
_ADOPT = statement("adopt_execution")
_ENTER = statement("enter_node")
_RECORD = statement("record")

MAX_ROUNDS = 10
"""How often one write is begun anew because another writer of the same run came in between."""


class _Written(NamedTuple):
    is_ours: bool
    refused: list[str]
    admitted: list[str]


class ExecutionWrites:
    """The writing half of `records.Executions`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, new: NewExecution) -> bool:
        """Insert as QUEUED; False when the id exists."""
        return bool(await fetchval(self._pool, _CREATE, *_row(new), *_continues(new)))

    async def begin(self, new: NewExecution, *, run_id: str, at: datetime, limits: SlotLimits | None = None) -> Begun:
        """RUNNING under `run_id`, one more batch begun, one event unless this run id had begun before."""

        async def begin(slots: int | None, capacity: int) -> asyncpg.Record:
            row = await fetchrow(self._pool, _BEGIN, *_row(new), run_id, at, slots, capacity, *_continues(new))
            if row is None:
                raise OwnedByAnother
            return row

        if limits is None:
            row = await begin(None, 0)
        else:
            row = await fail_open(lambda: begin(limits.per_graph, limits.capacity), lambda: begin(None, 0))
        return Begun(Status(row["previous"]), row["unfinished_batches"], row["is_free"])

    async def continue_run(self, execution_id: str, *, from_run_id: str, to_run_id: str) -> None:
        """The row belongs to another run id from now on, if it belonged to the one before."""
        await execute(self._pool, _CONTINUE, execution_id, from_run_id, to_run_id)

    async def begin_batch(self, execution_id: str, *, run_id: str) -> int:
        """One more batch begun; 0 when the run is not this run id's."""
        return int(await fetchval(self._pool, _BEGIN_BATCH, execution_id, run_id) or 0)

    async def record(
        self,
        execution_id: str,
        *,
        run_id: str,
        nodes: Sequence[NodeRecord],
        ends_batch: bool = False,
        finish: Finish | None = None,
    ) -> list[str]:
        """Rows, outputs, events and the end in one statement; the ids of refused node executions, in order."""
        written = await self._write(execution_id, run_id, nodes, ends_batch, finish)
        return written.refused if written.is_ours else list(dict.fromkeys(node.id for node in nodes))

    async def end(self, execution_id: str, *, run_id: str, nodes: Sequence[NodeRecord], finish: Finish) -> list[str]:
        """The last write of a run; the ids of those that got its slot."""
        return (await self._write(execution_id, run_id, nodes, True, finish)).admitted

    async def finish(self, new: NewExecution, *, run_id: str, finish: Finish) -> list[str]:
        """The end, of a run that has a row or not; the ids of those that got its slot."""
        written = await self._write(new.id, run_id, (), False, finish)
        if not written.is_ours:
            await execute(self._pool, _ADOPT, *_row(new), run_id, finish.ended_at, *_continues(new))
            written = await self._write(new.id, run_id, (), False, finish)
        if not written.is_ours:
            raise OwnedByAnother
        return written.admitted

    async def enter(self, execution_id: str, *, run_id: str, node: NodeRecord) -> bool:
        """Whether this attempt is the one that may run the block; its row then says RUNNING."""
        row = await _expect_row(
            self._pool,
            _ENTER,
            execution_id,
            run_id,
            node.id,
            node.node_id,
            node.block_id,
            node.ordinal,
            node.seq,
            node.attempt,
            inputs_text(node.inputs),
            node.agent_output,
            node.queued_at,
            node.started_at,
        )
        return bool(row["entered"])

    async def _write(
        self,
        execution_id: str,
        run_id: str,
        nodes: Sequence[NodeRecord],
        ends_batch: bool,
        finish: Finish | None,
    ) -> _Written:
        given, refused = merge(nodes, finish)
        admitted: dict[str, None] = {}
        for _ in range(MAX_ROUNDS):
            columns = (
                execution_id,
                run_id,
                *_node_columns(given),
                *_output_columns(given),
                ends_batch,
                *_finish_columns(finish),
            )
            row = await self._record(columns, leaves=finish is not None)
            if not row["is_ours"]:
                return _Written(False, [], [])
            refused += row["refused"]
            admitted |= dict.fromkeys(row["admitted"] or ())
            if not row["unsettled"] and not row["may_have_missed"]:
                ids = dict.fromkeys(node.id for node in nodes)
                return _Written(True, [id for id in ids if id in refused], list(admitted))
            # Another writer came first. Only what it left undecided is asked again.
            unsettled = set(row["unsettled"])
            given = [node for node in given if node.id in unsettled]
            ends_batch = False
        raise Unavailable("Too many writers of one run at once.")

    async def _record(self, columns: tuple[Any, ...], *, leaves: bool) -> asyncpg.Record:
        async def record(leaves: bool) -> asyncpg.Record:
            return await _expect_row(self._pool, _RECORD, *columns, leaves)

        return await fail_open(lambda: record(True), lambda: record(False)) if leaves else await record(False)


async def _expect_row(pool: Pool, query: str, *args: Any) -> asyncpg.Record:
    row = await fetchrow(pool, query, *args)
    if row is None:
        raise SystemFault("A statement that always answers gave no row.")
    return row


def _row(new: NewExecution) -> tuple[Any, ...]:
    return (
        new.id,
        new.user_id,
        new.graph_id,
        new.graph_version,
        new.trigger,
        new.root_id,
        new.parent_id,
        new.inputs,
        new.masks,
    )


def _continues(new: NewExecution) -> tuple[str | None, str | None]:
    return new.rerun_of, new.rerun_from_node


def _node_columns(nodes: Sequence[NodeRecord]) -> tuple[list[Any], ...]:
    """One array a column, in the order of the statement's parameters."""
    return (
        [node.id for node in nodes],
        [node.node_id for node in nodes],
        [node.block_id for node in nodes],
        [node.ordinal for node in nodes],
        [node.status.value for node in nodes],
        [node.seq for node in nodes],
        [node.attempt for node in nodes],
        [inputs_text(node.inputs) for node in nodes],
        [node.agent_output for node in nodes],
        [node.queued_at for node in nodes],
        [node.started_at for node in nodes],
        [node.ended_at for node in nodes],
        [node.error for node in nodes],
        [_text(node.stats) for node in nodes],
        [node.diverged for node in nodes],
    )


def _output_columns(nodes: Sequence[NodeRecord]) -> tuple[list[Any], ...]:
    outputs = [(node.id, output) for node in nodes for output in node.outputs]
    references = [output.reference for _, output in outputs]
    return (
        [id for id, _ in outputs],
        [output.index for _, output in outputs],
        [output.name for _, output in outputs],
        [output.json_text if output.reference is None else None for _, output in outputs],
        [reference and reference["ref"] for reference in references],
        [reference and reference["kind"] for reference in references],
        [reference and reference["size"] for reference in references],
    )


def _finish_columns(finish: Finish | None) -> tuple[Any, ...]:
    if finish is None:
        return (None,) * 6
    return (
        finish.status.value,
        _text(finish.stats),
        finish.ended_at,
        finish.error,
        finish.error_code,
        finish.close_open.value,
    )


def inputs_text(inputs: Mapping[str, str | Reference]) -> str:
    """Flat inputs in the form they travel in, as JSON text; JSON text of values is taken as it is, never parsed."""
    return "{" + ",".join(f"{_text(name)}:{_travelling(value)}" for name, value in inputs.items()) + "}"


def _travelling(value: str | Reference) -> str:
    if isinstance(value, str):
        return f'{{"value":{value}}}'
    assert is_reference(value)
    return _text(value)


def _text(value: Any) -> str:
    return to_json(value, inf_nan_mode="null").decode()
