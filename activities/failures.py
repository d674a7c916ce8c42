"""How errors reach Temporal: with their stable code as type, retried only where trying again can help.

Registered by `worker.py` as an interceptor, so that no activity has to think of it.
"""

from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from contracts.errors import HeddleError, Unavailable

ATTEMPTS = 5
"""How often what nobody foresaw is tried: long enough for a hiccup, short enough for a bug."""


class Failures(Interceptor):
    """Turns an error that leaves an activity into an `ApplicationError`.

    Ours bear their code. One that only waiting can mend (`Unavailable`) is tried as long as the activity may be; any
    other, and any exception that nobody foresaw, a few times, so that no run is left waiting for ever (S-157, T-5).
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """The SDK's hook."""
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        is_last = activity.info().attempt >= ATTEMPTS
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise
        except Unavailable as error:
            raise ApplicationError(error.message, type=error.code) from error
        except HeddleError as error:
            final = is_last or not error.retryable
            raise ApplicationError(error.message, type=error.code, non_retryable=final) from error
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise ApplicationError(message, type="system_error", non_retryable=is_last) from error
