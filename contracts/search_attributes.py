"""Search attributes of our workflows, by which Temporal's UI and CLI find runs.

`dev/` registers them with the embedded server, `worker.py` with any other; `workflows/` and `api/` set them.
"""

from collections.abc import Mapping
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

USER_ID = SearchAttributeKey.for_keyword("HeddleUserId")
GRAPH_ID = SearchAttributeKey.for_keyword("HeddleGraphId")
GRAPH_VERSION = SearchAttributeKey.for_int("HeddleGraphVersion")
STATUS = SearchAttributeKey.for_keyword("HeddleStatus")
ROOT_EXECUTION_ID = SearchAttributeKey.for_keyword("HeddleRootExecutionId")

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    USER_ID.name: "Keyword",
    GRAPH_ID.name: "Keyword",
    GRAPH_VERSION.name: "Int",
    STATUS.name: "Keyword",
    ROOT_EXECUTION_ID.name: "Keyword",
}
"""Name → type as the `temporal` CLI spells it."""


def of_run(*, user_id: str, graph_id: str, graph_version: int, status: str, root_id: str) -> TypedSearchAttributes:
    """The attributes a run starts with."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(USER_ID, user_id),
            SearchAttributePair(GRAPH_ID, graph_id),
            SearchAttributePair(GRAPH_VERSION, graph_version),
            SearchAttributePair(STATUS, status),
            SearchAttributePair(ROOT_EXECUTION_ID, root_id),
        ]
    )


async def register(client: Client) -> None:
    """Make them known to the client's namespace; those it knows already are left as they are."""
    types = {"Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={name: types[kind] for name, kind in SEARCH_ATTRIBUTES.items()},
        ),
        timeout=timedelta(seconds=10),
    )
