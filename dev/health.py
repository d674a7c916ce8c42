"""Whether the processes of the stack are well: asked over HTTP and gRPC, never guessed from a log line.

Called by `stack` for each process it starts. A question that gets no answer in time counts as "not yet".
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import httpx
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import ConnectConfig, RPCError, ServiceClient

Probe = Callable[[], Awaitable[bool]]

_ANSWER_SECONDS = 2.0
_PAUSE_SECONDS = 0.1


async def until(probe: Probe, seconds: float) -> bool:
    """Asks again and again until the answer is yes; False when it is not within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while not await probe():  # noqa: ASYNC110 - another process's health: it sends us no event
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        return False
    return True


def http(url: str) -> Probe:
    """Well when `url` answers with a 2xx."""

    async def probe() -> bool:
        # A proxy of the user's has no business between us and 127.0.0.1.
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
            try:
                return (await client.get(url)).is_success
            except httpx.HTTPError:
                return False

    return probe


def temporal(address: str, namespace: str, search_attributes: Collection[str], ui_url: str | None) -> Probe:
    """Well when the frontend serves, the namespace and our search attributes are registered, and the Web UI answers.

    Without `ui_url` there is no Web UI to ask.
    The attributes are registered after the frontend is up; a workflow that sets one before would be refused.
    """
    ui = http(ui_url) if ui_url else None

    async def probe() -> bool:
        try:
            client = await ServiceClient.connect(ConnectConfig(target_host=address))
            limit = timedelta(seconds=_ANSWER_SECONDS)
            if not await client.check_health(timeout=limit):
                return False
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=namespace), timeout=limit
            )
            known = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=namespace), timeout=limit
            )
        except (RPCError, RuntimeError):  # the SDK raises RuntimeError when nothing listens
            return False
        return set(search_attributes) <= set(known.custom_attributes) and (ui is None or await ui())

    return probe
