"""What a run is really asked for when it continues another: a resumed run what its row says, a re-run what the row of
the other run says, with what is edited.

Used by `runs.py` when a run begins. It reads; for a re-run it stores large values anew as the run's own.
"""

from activities.graphs import GraphCache
from activities.values import ValueCodec
from blocks.catalogue import Catalogue
from contracts.activities import BeginRequest
from contracts.errors import ExecutionNotFound, ExecutionRunning, InvalidRequest, NodeNotFound
from contracts.execution import GraphExecutionInput
from engine.reruns import has_node, inputs_again, masks_again
from engine.values import Reference, Value
from store.records import Execution, Store


class Continuing:
    """Reads what runs were asked for before."""

    def __init__(self, store: Store, graphs: GraphCache, catalogue: Catalogue, codec: ValueCodec) -> None:
        self._store = store
        self._graphs = graphs
        self._catalogue = catalogue
        self._codec = codec

    async def asked(self, request: BeginRequest) -> GraphExecutionInput:
        """The whole input. ExecutionNotFound, ExecutionRunning, InvalidRequest or NodeNotFound when it is none."""
        asked = request.input
        if asked.resume:
            return await self._resumed(request.execution_id, asked)
        if asked.rerun_of is not None:
            return await self._again(request.execution_id, asked, asked.rerun_of)
        return asked

    async def _resumed(self, execution_id: str, asked: GraphExecutionInput) -> GraphExecutionInput:
        row = await self._row(asked, execution_id)
        return _with_values(asked, row.inputs, row.masks).model_copy(
            update={
                "graph_version": row.graph_version,
                "trigger": row.trigger,
                "context": asked.context.model_copy(
                    update={"root_execution_id": row.root_id, "parent_execution_id": row.parent_id}
                ),
                "rerun_of": row.rerun_of,
                "rerun_from_node": row.rerun_from_node,
            }
        )

    async def _again(self, execution_id: str, asked: GraphExecutionInput, rerun_of: str) -> GraphExecutionInput:
        row = await self._row(asked, rerun_of)
        if not row.status.is_final:
            raise ExecutionRunning(f"The run {rerun_of} is not over, so it cannot be run again.")
        version = asked.graph_version or row.graph_version
        graph = (await self._graphs.load_to_begin(asked.user_id, asked.graph_id, version)).graph
        if not has_node(graph, asked.rerun_from_node):
            raise NodeNotFound(f"Version {version} of the graph has no node {asked.rerun_from_node!r}.")
        inputs = inputs_again(graph, self._catalogue.shape, row.inputs, asked.input_values())
        masks = masks_again(graph, row.masks, asked.mask_values())
        own = {name: await self._own(execution_id, value) for name, value in inputs.items()}
        own_masks = {
            node_id: {pin: await self._own(execution_id, value) for pin, value in mask.items()}
            for node_id, mask in masks.items()
        }
        return _with_values(asked, own, own_masks).model_copy(update={"graph_version": version})

    async def _row(self, asked: GraphExecutionInput, execution_id: str) -> Execution:
        row = await self._store.executions.get(asked.user_id, execution_id)
        if row is None:
            raise ExecutionNotFound(f"There is no run {execution_id} of this user.")
        if row.graph_id != asked.graph_id:
            raise InvalidRequest(f"The run {execution_id} is one of the graph {row.graph_id}.")
        return row

    async def _own(self, execution_id: str, value: Value) -> Value:
        """The value as the run's own: each run owns what it refers to."""
        if "ref" not in value or value["ref"].rpartition("/")[0] == execution_id:
            return value
        return await self._codec.store(execution_id, (await self._codec.decode({"": value}))[""])


def _with_values(
    asked: GraphExecutionInput, inputs: dict[str, Value], masks: dict[str, dict[str, Value]]
) -> GraphExecutionInput:
    references: dict[str, Reference] = {name: value for name, value in inputs.items() if "ref" in value}
    return asked.model_copy(
        update={
            "inputs": {name: value["value"] for name, value in inputs.items() if "ref" not in value},
            "input_refs": references,
            "nodes_input_masks": {
                node_id: {pin: value["value"] for pin, value in mask.items() if "ref" not in value}
                for node_id, mask in masks.items()
            },
            "mask_refs": {
                node_id: {pin: value for pin, value in mask.items() if "ref" in value}
                for node_id, mask in masks.items()
            },
        }
    )
