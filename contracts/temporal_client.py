"""The one way to connect to Temporal, so that API, worker, tools and tests encode everything alike.

Called by the composition roots. Pydantic models travel as JSON; plugins carry tracing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client, Plugin
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.runtime import Runtime


class JsonPayloadConverter(PydanticPayloadConverter):
    """Reads JSON as pydantic does. What is nested too deep for that fails its workflow.

    Any other error would fail the workflow's task, which the server then repeats for ever: the run could not even be
    cancelled.
    """

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """The values. ApplicationError with a code where one is nested too deep."""
        try:
            return super().from_payloads(payloads, type_hints)
        except ValueError as error:
            if "recursion limit" not in str(error):
                raise
            message = "Bad input: it is nested deeper than can be read."
            raise ApplicationError(message, type="invalid_request", non_retryable=True) from None


DATA_CONVERTER = replace(pydantic_data_converter, payload_converter_class=JsonPayloadConverter)


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
        data_converter=DATA_CONVERTER,
        plugins=list(plugins),
        runtime=runtime,
        lazy=lazy,
        identity=identity,
    )
