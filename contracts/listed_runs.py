"""Runs as the server lists them, and what they were started with: for finding workflows that have no row.

Asked by the reconciler. The list is the server's visibility, which is slow and may lag: never on the path of a run.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest, ListWorkflowExecutionsRequest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from contracts.execution import GRAPH_EXECUTION, GraphExecutionInput
from contracts.hand_input import unstorable

_RPC = timedelta(seconds=10)
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run of a workflow."""

    execution_id: str
    run_id: str
    started_at: datetime


async def runs_started(
    client: Client, task_queue: str, since: datetime, until: datetime
) -> AsyncIterator[list[ListedRun]]:
    """Runs that were started in this time, whatever became of them, page by page."""
    query = (
        f'WorkflowType = "{GRAPH_EXECUTION}" AND TaskQueue = "{task_queue}" '
        f'AND StartTime >= "{since.isoformat()}" AND StartTime < "{until.isoformat()}"'
    )
    token = b""
    while True:
        answer = await client.workflow_service.list_workflow_executions(
            ListWorkflowExecutionsRequest(
                namespace=client.namespace, page_size=_PAGE, next_page_token=token, query=query
            ),
            timeout=_RPC,
        )
        yield [
            ListedRun(each.execution.workflow_id, each.execution.run_id, each.start_time.ToDatetime(UTC))
            for each in answer.executions
        ]
        token = answer.next_page_token
        if not token:
            return


async def asked_for(client: Client, listed: ListedRun) -> GraphExecutionInput | None:
    """What a run was started with. Of an input that cannot be read, whose it is and which graph's; else None."""
    answer = await client.workflow_service.get_workflow_execution_history(
        GetWorkflowExecutionHistoryRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=listed.execution_id, run_id=listed.run_id),
            maximum_page_size=1,
        ),
        timeout=_RPC,
    )
    payloads = answer.history.events[0].workflow_execution_started_event_attributes.input.payloads
    if not payloads:
        return None
    raw = await _decoded(client, payloads[0])
    try:
        request = GraphExecutionInput.model_validate(raw)
    except ValidationError:
        return _what_is_readable(raw)
    return _what_is_readable(raw) if unstorable(raw) else request


async def _decoded(client: Client, payload: Payload) -> Any:
    try:
        [raw] = await client.data_converter.decode([payload])
    except (ValueError, ApplicationError):
        # Nested too deep for whoever reads runs, if not for this; or no JSON at all.
        try:
            return json.loads(payload.data)
        except (ValueError, RecursionError):
            return None
    return raw


def _what_is_readable(raw: Any) -> GraphExecutionInput | None:
    if not isinstance(raw, Mapping):
        return None
    user_id, graph_id = raw.get("user_id"), raw.get("graph_id")
    if not (isinstance(user_id, str) and isinstance(graph_id, str) and user_id and graph_id):
        return None
    return GraphExecutionInput(user_id=user_id, graph_id=graph_id)
