"""Reads what a run was started with; a bad start fails the run with an error that its starter can read.

Used by `graph_execution.py` alone.
"""

import re
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from contracts.activities import EventSent
from contracts.execution import EXECUTION_ID, GRAPH_EXECUTION, GraphExecutionInput
from contracts.hand_input import nested_too_deep, unstorable, wrong_fields
from engine.events import EventCame
from engine.values import inline


def check_id(execution_id: str) -> None:
    """Fail the run whose workflow id cannot be an execution's."""
    if not re.fullmatch(EXECUTION_ID, execution_id):
        raise ApplicationError(
            f"The workflow id is the execution's id: 1 to 200 of A-Z a-z 0-9 . _ : -, not {execution_id[:200]!r}",
            type="invalid_request",
            non_retryable=True,
        )


def parse(raw: Any) -> GraphExecutionInput:
    """The input, or a failed run whose error says what is wrong with it, field by field."""
    try:
        request = GraphExecutionInput.model_validate(raw)
    except ValidationError as error:
        _refuse(wrong_fields(error, "input"))
    if wrong := unstorable(raw):
        _refuse(wrong)
    return request


def read_event(raw: Any) -> EventCame | None:
    """An event that somebody sent, or None when it is none: a signal cannot be refused."""
    sent, wrong = None, nested_too_deep(raw)
    try:
        sent = EventSent.model_validate(raw)
    except ValidationError as error:
        wrong = wrong_fields(error, "event")
    if sent is None or wrong:
        workflow.logger.warning('Event passed over: %s. Expected {"name": …, "payload": …}', wrong)
        return None
    return EventCame(sent.name, sent.payload_ref or inline(sent.payload))


def _refuse(wrong: str) -> NoReturn:
    raise ApplicationError(
        f'Bad input of {GRAPH_EXECUTION}: {wrong}. Expected {{"graph_id": …, "user_id": …, "inputs": {{…}}}}',
        type="invalid_request",
        non_retryable=True,
    ) from None
