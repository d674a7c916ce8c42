"""What people and other programs find in the things of the specification's data model (section C) has its name."""

import dataclasses
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from api.schemas.executions import (
    EventBody,
    ExecuteRequest,
    ExecutionDetail,
    ExecutionMeta,
    ExecutionResults,
    NodeResult,
)
from blocks.base import BlockContext, Cost, NodeStats
from contracts.activities import NodeOutputs, NodeRequest, RunRef
from contracts.execution import ExecutionContext, GraphExecutionInput, GraphExecutionResult, RunStats
from engine.model import Graph, GraphPolicy, Link, Node, Status
from store.graph_records import GraphRow
from store.records import Execution, StoredNode, User
from tests.support.blocks import Pass

SHAPES: dict[str, tuple[type, str]] = {
    "S-034": (GraphExecutionInput, "user_id graph_id graph_version nodes_input_masks nodes_to_skip context"),
    "S-035": (ExecutionContext, "timezone locale preferences"),
    "S-036": (Execution, "id graph_id graph_version user_id inputs created_at"),
    "S-037": (NodeRequest, "run id node_id inputs"),
    "S-037 run": (RunRef, "user_id execution_id graph_id graph_version context"),
    "S-038": (
        BlockContext,
        "root_execution_id parent_execution_id node_id node_execution_id graph_execution_id user_id",
    ),
    "S-040": (
        RunStats,
        "cost walltime cputime node_count nodes_walltime nodes_cputime node_error_count error activity_status "
        "correctness_score",
    ),
    "S-041": (NodeStats, "walltime cputime error input_size output_size extra_cost extra_steps"),
    "S-042": (StoredNode, "node_id started_at ended_at status error stats block_id"),
    "S-043": (ExecutionMeta, "id status graph_id created_at stats started_at ended_at"),
    "S-044": (ExecutionDetail, "id graph_id user_id status inputs outputs started_at ended_at error"),
    "S-045": (NodeResult, "id node_id status inputs outputs started_at ended_at stats"),
    "S-045 run": (ExecutionResults, "id nodes"),
    "S-046": (EventBody, "type execution_id status node_execution_id outputs"),
    "S-047": (GraphRow, "id name description user_id version is_active created_at updated_at"),
    "S-047 drawn": (Graph, "nodes links sub_graphs policy"),
    "S-048": (Node, "id block_id input_default metadata"),
    "S-049": (Link, "id source_id sink_id source_name sink_name is_static"),
    "S-051": (User, "id email name timezone"),
    "S-053": (Pass, "id name description categories Input Output costs effects timeout task_queue"),
    "S-053 cost": (Cost, "type amount filter"),
    "S-057": (NodeOutputs, "run_id id outputs"),
    "S-063": (ExecuteRequest, "inputs credentials_inputs nodes_input_masks preset_id"),
    "S-076": (GraphPolicy, "on_node_error max_concurrent_nodes"),
    "S-161": (GraphExecutionResult, "execution_id status stats error"),
}


def names(shape: Any) -> set[str]:
    if issubclass(shape, BaseModel):
        return set(shape.model_fields)
    return {field.name for field in dataclasses.fields(shape)} if dataclasses.is_dataclass(shape) else set(dir(shape))


@pytest.mark.parametrize("row", SHAPES)
def test_a_shape_has_its_fields(row: str) -> None:
    shape, fields = SHAPES[row]
    assert set(fields.split()) <= names(shape)


def test_the_seven_statuses() -> None:
    assert [status.value for status in Status] == [
        "INCOMPLETE",
        "QUEUED",
        "RUNNING",
        "REVIEW",
        "COMPLETED",
        "FAILED",
        "TERMINATED",
    ]


def test_what_a_run_hands_down_cannot_be_changed() -> None:
    context = ExecutionContext()
    with pytest.raises(ValidationError):
        context.timezone = "Europe/Berlin"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        BlockContext("u", "g", 1, "e", "n", "x").node_id = "other"  # type: ignore[misc]
