"""Starts a run: everything that can be refused is refused before anything is stored or started (architecture §4).

Called by `routes/starts.py`. It knows no HTTP. The order matters: validate, ask the balance, store large values, start
the workflow, insert the row. The workflow's first activity makes the same insert, so the row may fail without harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from api.graph_versions import GraphVersion
from api.run_values import part
from api.services import Services
from contracts.errors import HeddleError, ValidationFailed
from contracts.execution import GraphExecutionInput
from engine.values import Reference
from store.records import NewExecution
from telemetry.logging import Logger, add_context

log = Logger(__name__)

TRIGGER = "api"

type _Key = tuple[str | None, str]
"""(None, input name) or (node id, pin)."""


@dataclass(frozen=True, slots=True)
class Started:
    """A run that Temporal has taken."""

    execution_id: str
    version: GraphVersion
    at: datetime
    trigger: str = TRIGGER


async def start(
    app: Services,
    user_id: str,
    graph_id: str,
    version: int | None,
    inputs: dict[str, Any],
    masks: Mapping[str, Mapping[str, Any]],
) -> Started:
    """Start a run of the version, the active one by default.

    GraphNotFound, ValidationFailed with every problem, InsufficientBalance, Unavailable: then nothing was started.
    """
    found = await app.versions.get(user_id, graph_id, version)
    if problems := found.problems_of_run(app.catalogue.shape, inputs, masks):
        raise ValidationFailed(problems)
    await app.balance.require_positive(user_id)
    execution_id = str(uuid4())
    add_context(graph_execution_id=execution_id)
    run = await _input(app, execution_id, user_id, found, inputs, masks)
    await app.runs.start(execution_id, run, graph_version=found.version, graph_name=found.name)
    await _insert(app, execution_id, run, found.version)
    log.info("run queued", graph_version=found.version)
    return Started(execution_id, found, datetime.now(UTC))


async def _input(
    app: Services,
    execution_id: str,
    user_id: str,
    version: GraphVersion,
    inputs: Mapping[str, Any],
    masks: Mapping[str, Mapping[str, Any]],
) -> GraphExecutionInput:
    entries: dict[_Key, Any] = {(None, name): value for name, value in inputs.items()}
    entries |= {(node_id, pin): value for node_id, mask in masks.items() for pin, value in mask.items()}
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
        user_id=user_id,
        graph_version=version.version,
        inputs={name: value for (node_id, name), value in parted.inline.items() if node_id is None},
        input_refs={name: reference for (node_id, name), reference in parted.references.items() if node_id is None},
        nodes_input_masks=inline_masks,
        mask_refs=mask_refs,
        trigger=TRIGGER,
    )


async def _insert(app: Services, execution_id: str, run: GraphExecutionInput, version: int) -> None:
    new = NewExecution(
        id=execution_id,
        user_id=run.user_id,
        graph_id=run.graph_id,
        graph_version=version,
        inputs=run.input_values(),
        masks=run.mask_values(),
        trigger=run.trigger,
    )
    try:
        await app.store.executions.create(new)
    except HeddleError as error:
        # The run goes on and will write its own row; refusing now would invite a second start.
        log.warning("row of a started run not written yet", error=error.message)
