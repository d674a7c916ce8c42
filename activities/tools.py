"""Nodes as tools of other nodes: which a node may call, what its calls are told, what became of them.

Used by `run_node.py` and `reviews.py`. That called nodes run, and when, is the engine's affair.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from activities.graphs import CompiledGraph, GraphCache, PlacedBlock
from activities.patience import patiently
from activities.values import ValueCodec
from blocks.base import BlockError, NodeCall
from blocks.tools import LinkedTool, linked_tool, with_names_apart
from contracts.activities import RunRef
from contracts.errors import CallerError
from engine.model import BlockKind
from engine.pins import is_tool_pin
from engine.state import ToolCall
from store.records import Executions, StoredNode

_STORED = "heddle:stored"
"""Key of what stands in history for a state that is too large for it."""

_NONE_LEFT = (
    "No available tools to execute: all nodes that are linked as tools are left out of this run, perhaps since "
    "optional credentials of theirs are missing."
)


async def tools_of(
    graphs: GraphCache, run: RunRef, node_id: str, skipped: Collection[str] = ()
) -> tuple[LinkedTool, ...]:
    """The nodes that links from the node's `tools` pin lead to, in the order of the links, without those left out.

    BlockError when that leaves none of them (agent-graphs §18.5).
    """
    compiled = await graphs.load(run.user_id, run.graph_id, run.graph_version)
    pins: dict[str, list[str]] = {}
    for link in compiled.placed[node_id].links:
        if is_tool_pin(link.source_name):
            pins.setdefault(link.sink_id, []).append(link.sink_name)
    left = {sink: named for sink, named in pins.items() if sink not in skipped}
    if pins and not left:
        raise BlockError(_NONE_LEFT)
    found = [await _tool(graphs, run, compiled, sink, named) for sink, named in left.items() if sink in compiled.placed]
    return with_names_apart(found)


async def _tool(
    graphs: GraphCache, run: RunRef, compiled: CompiledGraph, node_id: str, pins: Sequence[str]
) -> LinkedTool:
    placed = compiled.placed[node_id]
    if placed.block.kind is BlockKind.AGENT:
        return await _sub_graph(graphs, run, placed, pins)
    name = placed.node.title or placed.block.name
    schema = placed.block.Input.model_json_schema()
    return linked_tool(node_id, name, placed.block.description, pins, schema, placed.node.input_default)


async def _sub_graph(graphs: GraphCache, run: RunRef, placed: PlacedBlock, pins: Sequence[str]) -> LinkedTool:
    """A sub-graph's pins are the inputs of its graph, as its node's own schema says."""
    defaults = placed.node.input_default
    name, description = str(defaults.get("agent_name") or ""), ""
    version = defaults.get("graph_version")
    try:
        version = version if isinstance(version, int) else None
        child = await graphs.load(run.user_id, str(defaults.get("graph_id")), version)
        name, description = child.name or name, child.graph.description
    except CallerError:
        pass  # it will fail when it is called, and say why
    schema, fixed = defaults.get("input_schema"), defaults.get("inputs")
    return linked_tool(
        str(placed.node.id),
        placed.node.title or name or placed.block.name,
        description or f"Runs the agent {name}.",
        pins,
        schema if isinstance(schema, Mapping) else {},
        fixed if isinstance(fixed, Mapping) else {},
    )


async def encoded_calls(codec: ValueCodec, execution_id: str, calls: Sequence[NodeCall]) -> list[ToolCall]:
    """Calls as they travel."""
    return [
        ToolCall(
            call.node_id, {pin: (await codec.encode(execution_id, value)).value for pin, value in call.inputs.items()}
        )
        for call in calls
    ]


async def with_results(
    executions: Executions, codec: ValueCodec, execution_id: str, answer: dict[str, Any]
) -> dict[str, Any]:
    """An answer that tells of calls, with what the called nodes gave; any other as it is."""
    if "calls" not in answer:
        return answer
    results = []
    for call in answer["calls"]:
        row = await _row(executions, execution_id, call["id"])
        outputs: dict[str, list[Any]] = {}
        for output in row.outputs if row else ():
            decoded = await codec.decode({"value": output.value})
            outputs.setdefault(output.name, []).append(decoded["value"])
        error = row.error if row else "There is no such node."
        results.append({"id": call["id"], "status": call["status"], "outputs": outputs, "error": error})
    return {**answer, "calls": results}


async def _row(executions: Executions, execution_id: str, id: str) -> StoredNode | None:
    return await patiently(lambda: executions.node(execution_id, id)) if id else None


async def kept_state(codec: ValueCodec, execution_id: str, state: Any) -> Any:
    """What a block wants to keep while it waits, as history may carry it."""
    encoded = await codec.encode(execution_id, state)
    return {_STORED: encoded.reference} if encoded.reference else encoded.plain


async def state_of(codec: ValueCodec, kept: Any) -> Any:
    """What the block had kept."""
    if isinstance(kept, dict) and set(kept) == {_STORED}:
        return (await codec.decode({"state": kept[_STORED]}))["state"]
    return kept
