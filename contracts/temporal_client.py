"""The one way to connect to Temporal, so that API, worker, tools and tests encode everything alike.

Called by the composition roots. Pydantic models travel as JSON; plugins carry tracing.
"""

from collections.abc import Sequence

from temporalio.client import Client, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime


async def connect(
    address: str,
    namespace: str,
    *,
    plugins: Sequence[Plugin] = (),
    runtime: Runtime | None = None,
    lazy: bool = False,
    identity: str | None = None,
) -> Client:
    """A client of the namespace; a lazy one connects at its first call (workers need one that is not)."""
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=pydantic_data_converter,
        plugins=list(plugins),
        runtime=runtime,
        lazy=lazy,
        identity=identity,
    )
