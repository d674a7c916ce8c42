"""Starts a run: everything that can be refused is refused before anything is stored or started (architecture §4).

Called by `routes/starts.py`. It knows no HTTP. The order matters: validate, ask the balance, store large values, start
the workflow, insert the row. The workflow's first activity makes the same insert, so the row may fail without harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from api import credentials
from api.graph_versions import GraphVersion
from api.run_values import Opened, part
from api.services import Services
from contracts.errors import HeddleError, IdempotencyConflict, Unavailable, ValidationFailed
from contracts.execution import ExecutionContext, GraphExecutionInput
from engine.identity import keyed_execution_id
from engine.model import Status
from engine.values import Reference, same_json
from store.records import Execution, Finish, NewExecution
from store.repair import NO_RUN
from telemetry.logging import Logger, add_context

log = Logger(__name__)

TRIGGER = "api"

type _Key = tuple[str | None, str]
"""(None, input name) or (node id, pin)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run as somebody asks for it. `credentials`: by the graph's keys; they become masks of its nodes."""

    user_id: str
    graph_id: str
    version: int | None
    inputs: dict[str, Any]
    masks: Mapping[str, Mapping[str, Any]]
    rerun_of: str | None = None
    rerun_from_node: str | None = None
    timezone: str = "UTC"
    credentials: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """A run that Temporal has taken."""

    execution_id: str
    version: GraphVersion
    at: datetime
    trigger: str = TRIGGER
    rerun_of: str | None = None
    rerun_from_node: str | None = None


async def start(app: Services, wanted: Wanted) -> Started:
    """Start a run of the version, the active one by default.

    GraphNotFound, ValidationFailed with every problem, InsufficientBalance, Unavailable: then nothing was started.
    """
    found, wanted = await _checked(app, wanted)
    execution_id = str(uuid4())
    add_context(graph_execution_id=execution_id)
    run = await _input(app, execution_id, wanted, found)
    await app.runs.start(execution_id, run, graph_version=found.version, graph_name=found.name)
    try:
        await app.store.executions.create(_row(execution_id, run, found))
    except HeddleError as error:
        # The run goes on and will write its own row; refusing now would invite a second start.
        log.warning("row of a started run not written yet", error=error.message)
    log.info("run queued", graph_version=found.version)
    return _started(execution_id, found, wanted)


async def start_once(app: Services, wanted: Wanted, key: str) -> Started | Execution:
    """The same under a key: the run that was started under it before, if there is one and it is the same.

    The row is written first here: its key decides who comes first, for as long as the row is kept, which is longer than
    Temporal remembers. Should the start fail after that, asking again starts it. IdempotencyConflict when the key
    belongs to another run, or to one that was deleted and that Temporal still remembers.
    """
    execution_id = keyed_execution_id(wanted.user_id, key)
    add_context(graph_execution_id=execution_id)
    row = await app.store.executions.get(wanted.user_id, execution_id)
    if row is not None:
        return await _again(app, row, wanted)
    found, wanted = await _checked(app, wanted)
    run = await _input(app, execution_id, wanted, found)
    if not await app.store.executions.create(_row(execution_id, run, found)):
        row = await app.store.executions.get(wanted.user_id, execution_id)
        if row is None:
            raise Unavailable("The run that has this key is being removed. Try again shortly.")
        return await _again(app, row, wanted)
    if not await app.runs.start(execution_id, run, graph_version=found.version, graph_name=found.name):
        await _require_own(app, _row(execution_id, run, found))
    log.info("run queued", graph_version=found.version)
    return _started(execution_id, found, wanted)


async def _require_own(app: Services, new: NewExecution) -> None:
    """IdempotencyConflict when the workflow that has ended is that of a run whose row is deleted, and not of this row.

    Nobody has taken the row then, and nobody ever will: it is deleted too.
    """
    row = await app.store.executions.get(new.user_id, new.id)
    if row is None or row.run_id is not None or row.status.is_final:
        return
    error = "The run that had this Idempotency-Key was deleted, and the key is not free yet."
    finish = Finish(
        Status.FAILED, stats={}, ended_at=datetime.now(UTC), error=error, error_code=IdempotencyConflict.code
    )
    await app.store.executions.finish(new, run_id=NO_RUN, finish=finish)
    await app.store.removal.delete_execution(new.user_id, new.id)
    raise IdempotencyConflict(f"{error} Use another one.")


def _started(execution_id: str, version: GraphVersion, wanted: Wanted) -> Started:
    return Started(
        execution_id,
        version,
        datetime.now(UTC),
        rerun_of=wanted.rerun_of,
        rerun_from_node=wanted.rerun_from_node,
    )


async def _again(app: Services, row: Execution, wanted: Wanted) -> Execution:
    """The run that has the key already, started for sure. IdempotencyConflict when another one is wanted."""
    if wanted.credentials:
        version = await app.versions.get(row.user_id, row.graph_id, row.graph_version)
        wanted = _with_credentials(app, wanted, version)
    masked = [value for mask in row.masks.values() for value in mask.values()]
    opened = await Opened.of(app.store.values, [*row.inputs.values(), *masked])
    inputs = {name: opened[value] for name, value in row.inputs.items()}
    masks = {node_id: {pin: opened[value] for pin, value in mask.items()} for node_id, mask in row.masks.items()}
    # A mask without pins leaves no trace in the row.
    wanted_masks = {node_id: dict(mask) for node_id, mask in wanted.masks.items() if mask}
    if (
        row.graph_id != wanted.graph_id
        or wanted.version not in (None, row.graph_version)
        or (wanted.rerun_of, wanted.rerun_from_node) != (row.rerun_of, row.rerun_from_node)
        or not same_json([inputs, masks], [wanted.inputs, wanted_masks])
    ):
        raise IdempotencyConflict
    if row.run_id is None and not row.status.is_final:
        # Nobody has taken it: whoever wrote the row may have died before the start. A second start is none.
        version = await app.versions.get(row.user_id, row.graph_id, row.graph_version)
        run = await _input(app, row.id, wanted, version)
        await app.runs.start(row.id, run, graph_version=version.version, graph_name=version.name)
    return row


async def _checked(app: Services, wanted: Wanted) -> tuple[GraphVersion, Wanted]:
    """The version, and what is wanted with its credentials where nodes find them."""
    found = await app.versions.get(wanted.user_id, wanted.graph_id, wanted.version)
    wanted = _with_credentials(app, wanted, found)
    problems = found.problems_of_run(app.catalogue.shape, wanted.inputs, wanted.masks)
    if problems := problems + await credentials.problems_of_run(app, wanted.user_id, found, wanted.masks):
        raise ValidationFailed(problems)
    await app.balance.require_positive(wanted.user_id)
    return found, wanted


def _with_credentials(app: Services, wanted: Wanted, version: GraphVersion) -> Wanted:
    if not wanted.credentials:
        return wanted
    masks = credentials.masks_with(app, version.graph, wanted.masks, wanted.credentials)
    return replace(wanted, masks=masks, credentials={})


async def _input(app: Services, execution_id: str, wanted: Wanted, version: GraphVersion) -> GraphExecutionInput:
    entries: dict[_Key, Any] = {(None, name): value for name, value in wanted.inputs.items()}
    entries |= {(node_id, pin): value for node_id, mask in wanted.masks.items() for pin, value in mask.items()}
    parted = await part(app.store.values, execution_id, entries, limit_bytes=app.inline_value_limit_bytes)
    inline_masks: dict[str, dict[str, Any]] = {}
    mask_refs: dict[str, dict[str, Reference]] = {}
    for (node_id, pin), value in parted.inline.items():
        if node_id is not None:
            inline_masks.setdefault(node_id, {})[pin] = value
    for (node_id, pin), reference in parted.references.items():
        if node_id is not None:
            mask_refs.setdefault(node_id, {})[pin] = reference
    return GraphExecutionInput(
        graph_id=version.graph_id,
        user_id=wanted.user_id,
        graph_version=version.version,
        inputs={name: value for (node_id, name), value in parted.inline.items() if node_id is None},
        input_refs={name: reference for (node_id, name), reference in parted.references.items() if node_id is None},
        nodes_input_masks=inline_masks,
        mask_refs=mask_refs,
        trigger=TRIGGER,
        rerun_of=wanted.rerun_of,
        rerun_from_node=wanted.rerun_from_node,
        context=ExecutionContext(timezone=wanted.timezone),
    )


def _row(execution_id: str, run: GraphExecutionInput, version: GraphVersion) -> NewExecution:
    return NewExecution(
        id=execution_id,
        user_id=run.user_id,
        graph_id=run.graph_id,
        graph_version=version.version,
        inputs=run.input_values(),
        masks=run.mask_values(),
        trigger=run.trigger,
        rerun_of=run.rerun_of,
        rerun_from_node=run.rerun_from_node,
    )
