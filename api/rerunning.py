"""Makes of a run and what is to differ the run that is wanted: what is given, on which version, from which node on.

Called by `routes/continuing.py`, which hands it to `starting.py`. What is kept of the earlier run is found out when the
new one begins.
"""

from typing import Any

from api.run_values import Opened
from api.schemas.executions import RerunRequest
from api.services import Services
from api.starting import Wanted
from contracts.errors import ExecutionRunning, InvalidRequest, NodeNotFound
from engine.reruns import has_node, inputs_again, masks_again
from engine.values import Value
from store.records import Execution


async def wanted_again(app: Services, row: Execution, asked: RerunRequest) -> Wanted:
    """The run that is asked for. ExecutionRunning, GraphNotFound, NodeNotFound, InvalidRequest when it cannot be."""
    if not row.status.is_final:
        raise ExecutionRunning("The run is not over, so it cannot be run again.")
    if asked.node_inputs and asked.from_node is None:
        raise InvalidRequest("`node_inputs` are for a node: say which by `from_node`.")
    version = await app.versions.get(row.user_id, row.graph_id, asked.graph_version or row.graph_version)
    if not has_node(version.graph, asked.from_node):
        raise NodeNotFound(f"Version {version.version} of the graph has no node {asked.from_node!r}.")
    earlier = {name: value for name, value in row.inputs.items() if name not in asked.inputs}
    masked = [value for mask in row.masks.values() for value in mask.values()]
    opened = await Opened.of(app.store.values, [*earlier.values(), *masked])

    def plain(value: Value, what: str) -> Any:
        if opened.is_gone(value):
            raise InvalidRequest(f"The earlier run's value of {what} is no longer in the store: give it anew.")
        return opened[value]

    inputs = {name: plain(value, f"input {name!r}") for name, value in earlier.items()}
    masks = {
        node_id: {pin: plain(value, f"pin {pin!r} of node {node_id!r}") for pin, value in mask.items()}
        for node_id, mask in row.masks.items()
    }
    edited = {asked.from_node: asked.node_inputs} if asked.from_node and asked.node_inputs else {}
    return Wanted(
        user_id=row.user_id,
        graph_id=row.graph_id,
        version=version.version,
        inputs=inputs_again(version.graph, app.catalogue.shape, inputs, asked.inputs),
        masks=masks_again(version.graph, masks, edited),
        rerun_of=row.id,
        rerun_from_node=asked.from_node,
    )
