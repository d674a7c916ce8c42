"""Every error of ours: a stable code, whose fault it is, whether trying again can help, its HTTP status.

Raised everywhere below the API; `api/error_handlers.py` turns them into bodies, `activities/` into `ApplicationError`s.

    HeddleError
    ├── CallerError                 the request is wrong; never retried
    │   ├── InvalidRequest          invalid_request (400)
    │   ├── ValidationFailed        validation_error (400), with a list of problems
    │   ├── NotAuthenticated        not_authenticated (401)
    │   ├── InsufficientBalance     insufficient_balance (402)
    │   ├── SubGraphTooDeep         sub_graph_too_deep
    │   ├── GraphNotFound           graph_not_found (404)
    │   ├── ExecutionNotFound       execution_not_found (404)
    │   ├── ExecutionRunning        execution_running (409)
    │   ├── ExecutionOver           execution_over (409)
    │   ├── FileNotFound            file_not_found (404)
    │   ├── ReviewNotFound          review_not_found (404)
    │   ├── ReviewDecided           review_decided (409)
    │   ├── ReviewNotEditable       review_not_editable (400)
    │   ├── ReviewsOfSeveralRuns    reviews_of_several_runs (409)
    │   ├── ExecutionCompleted      execution_completed (409)
    │   ├── NodeNotFound            node_not_found (400)
    │   ├── CredentialsNotFound     credentials_not_found (404)
    │   ├── CredentialsUnusable     credentials_unusable
    │   ├── TooManyCredentials      too_many_credentials (409)
    │   ├── ValueTooLarge           value_too_large (413)
    │   ├── ValueTooDeep            value_too_deep
    │   ├── TooManyOutputs          too_many_outputs
    │   ├── IdempotencyConflict     idempotency_conflict (409)
    │   └── BodyTooLarge            body_too_large (413)
    ├── CredentialKeysMissing       credential_keys_missing (503), the operator's to mend
    ├── RunFault                    the run cannot go on; it ends FAILED
    │   ├── OutcomeUnknown          outcome_unknown
    │   ├── ValueMissing            value_missing
    │   ├── StateTooLarge           state_too_large
    │   ├── NodeLost                node_lost
    │   ├── RunTimedOut             run_timed_out
    │   ├── WorkflowMissing         workflow_missing
    │   ├── WorkflowTerminated      workflow_terminated
    │   └── WorkflowTimedOut        workflow_timed_out
    └── SystemFault                 ours; tried again within a bound
        └── Unavailable             unavailable (503)
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar


class Severity(StrEnum):
    """How loud an error is (S-301)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ErrorCategory(StrEnum):
    """What an error is about (S-302)."""

    VALIDATION = "validation"
    AUTHENTICATION = "auth"
    RESOURCE = "resource"
    NETWORK = "network"
    SYSTEM = "system"
    BUSINESS = "business"


class HeddleError(Exception):
    """Something went wrong in Heddle."""

    code: ClassVar[str] = "system_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    severity: ClassVar[Severity] = Severity.MEDIUM
    category: ClassVar[ErrorCategory] = ErrorCategory.SYSTEM

    def __init__(self, message: str | None = None, *, details: Mapping[str, Any] | None = None) -> None:
        self.message = message or (type(self).__doc__ or type(self).__name__).splitlines()[0]
        self.details: dict[str, Any] = dict(details or {})
        super().__init__(self.message)


class CallerError(HeddleError):
    """The request is wrong."""

    http_status = 400
    category = ErrorCategory.VALIDATION


class InvalidRequest(CallerError):
    """The request cannot be read."""

    code = "invalid_request"


class ValidationFailed(CallerError):
    """The graph or its inputs have problems."""

    code = "validation_error"
    severity = Severity.HIGH

    def __init__(self, problems: Sequence[Mapping[str, Any]], message: str | None = None) -> None:
        self.problems = [dict(problem) for problem in problems]
        super().__init__(message or _summary(self.problems), details={"problems": self.problems})

    @property
    def full_message(self) -> str:
        """All problems in one text, for where there is no list to put them in; twenty at the most."""
        shown = "; ".join(str(problem["message"]) for problem in self.problems[:20])
        more = f" (and {len(self.problems) - 20} more)" if len(self.problems) > 20 else ""
        return f"Graph validation failed: {shown}{more}"


def _summary(problems: Sequence[Mapping[str, Any]]) -> str:
    first = problems[0]["message"] if problems else "unknown problem"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"Graph validation failed: {first}{more}"


class NotAuthenticated(CallerError):
    """No valid API key was given. Send it as `X-API-Key` or as a bearer token."""

    code = "not_authenticated"
    http_status = 401
    category = ErrorCategory.AUTHENTICATION


class InsufficientBalance(CallerError):
    """Insufficient balance to execute the agent. Please top up your account."""

    code = "insufficient_balance"
    http_status = 402
    category = ErrorCategory.RESOURCE
    severity = Severity.HIGH


class GraphNotFound(CallerError):
    """The graph does not exist, or it is not yours."""

    code = "graph_not_found"
    http_status = 404


class ExecutionNotFound(CallerError):
    """The execution does not exist, or it is not yours."""

    code = "execution_not_found"
    http_status = 404


class IdempotencyConflict(CallerError):
    """The idempotency key was used for another run. Give each run a key of its own."""

    code = "idempotency_conflict"
    http_status = 409


class SubGraphTooDeep(CallerError):
    """Sub-graphs are nested too deep."""

    code = "sub_graph_too_deep"


class ExecutionRunning(CallerError):
    """The run is not over. Stop it first, and wait until it has ended."""

    code = "execution_running"
    http_status = 409
    category = ErrorCategory.BUSINESS


class ExecutionOver(CallerError):
    """The run has ended: nothing waits in it any more."""

    code = "execution_over"
    http_status = 409
    category = ErrorCategory.BUSINESS


class FileNotFound(CallerError):
    """The run has no such file, or it is gone with its time."""

    code = "file_not_found"
    http_status = 404


class ReviewNotFound(CallerError):
    """The review does not exist, or it is not yours."""

    code = "review_not_found"
    http_status = 404


class ReviewDecided(CallerError):
    """Somebody decided otherwise before, and the first decision stands."""

    code = "review_decided"
    http_status = 409
    category = ErrorCategory.BUSINESS


class ReviewNotEditable(CallerError):
    """The data of this review may not be changed: decide on it as it is."""

    code = "review_not_editable"


class ReviewsOfSeveralRuns(CallerError):
    """The reviews belong to several runs. Send those of each run in a request of its own."""

    code = "reviews_of_several_runs"
    http_status = 409


class ExecutionCompleted(CallerError):
    """The run has completed, so there is nothing to resume. Run it again instead."""

    code = "execution_completed"
    http_status = 409
    category = ErrorCategory.BUSINESS


class NodeNotFound(CallerError):
    """The graph does not have the node that the run is to be run again from."""

    code = "node_not_found"


class CredentialsNotFound(CallerError):
    """The credentials do not exist, or they are not yours."""

    code = "credentials_not_found"
    http_status = 404
    category = ErrorCategory.AUTHENTICATION


class CredentialsUnusable(CallerError):
    """The node's credentials are missing, are not what its block needs, or cannot be read."""

    code = "credentials_unusable"
    category = ErrorCategory.AUTHENTICATION


class TooManyCredentials(CallerError):
    """You have as many credentials as one user may have. Delete some first."""

    code = "too_many_credentials"
    http_status = 409
    category = ErrorCategory.RESOURCE


class ValueTooLarge(CallerError):
    """A node gave a value that is larger than allowed."""

    code = "value_too_large"
    http_status = 413
    category = ErrorCategory.RESOURCE


class ValueTooDeep(CallerError):
    """A value is nested deeper than allowed, or holds itself."""

    code = "value_too_deep"
    category = ErrorCategory.RESOURCE


class TooManyOutputs(CallerError):
    """A node gave more outputs than allowed."""

    code = "too_many_outputs"
    category = ErrorCategory.RESOURCE


class BodyTooLarge(CallerError):
    """The request's body is larger than allowed."""

    code = "body_too_large"
    http_status = 413
    category = ErrorCategory.RESOURCE


class CredentialKeysMissing(HeddleError):
    """This deployment has no key to encrypt credentials with: its operator has to set HEDDLE_CREDENTIAL_KEYS."""

    code = "credential_keys_missing"
    http_status = 503
    severity = Severity.HIGH


class RunFault(HeddleError):
    """The run cannot go on."""

    category = ErrorCategory.BUSINESS


class OutcomeUnknown(RunFault):
    """The block was entered before and its outcome is unknown; it has effects, so it is not run again."""

    code = "outcome_unknown"
    severity = Severity.HIGH


class ValueMissing(RunFault):
    """A stored value that the run refers to is gone."""

    code = "value_missing"
    severity = Severity.HIGH


class StateTooLarge(RunFault):
    """The run has more under way at once than its history can carry."""

    code = "state_too_large"
    severity = Severity.HIGH


class NodeLost(RunFault):
    """The worker that ran the node was lost too often."""

    code = "node_lost"
    severity = Severity.HIGH


class RunTimedOut(RunFault):
    """The run took longer than allowed."""

    code = "run_timed_out"


class WorkflowMissing(RunFault):
    """Temporal has no workflow of this run: it was deleted, or it is lost."""

    code = "workflow_missing"
    severity = Severity.HIGH


class WorkflowTerminated(RunFault):
    """The run was terminated in Temporal."""

    code = "workflow_terminated"


class WorkflowTimedOut(RunFault):
    """The workflow of the run timed out before it could end the run."""

    code = "workflow_timed_out"
    severity = Severity.HIGH


class SystemFault(HeddleError):
    """Something of ours does not work at the moment."""

    retryable = True
    severity = Severity.HIGH


class Unavailable(SystemFault):
    """A service we depend on does not answer. Try again shortly."""

    code = "unavailable"
    http_status = 503
    category = ErrorCategory.NETWORK
