"""What can go wrong between a block and the network, in words for people.

Raised by this package; to whoever runs blocks they are expected failures, like any ValueError. A message names the host
at most, never more of an address: paths and queries carry keys.

    RequestFailed               no answer that can be used
    ├── DestinationRefused      the address is not one that blocks may reach
    ├── RequestInvalid          the request cannot be sent as it is
    ├── RequestTimedOut         no complete answer in time
    ├── AnswerTooLarge          the answer is larger than allowed
    ├── AnswerUnreadable        the answer is not what it claims to be
    └── StatusFailed            an answer, but one that says no
        └── RateLimited         … because there were too many requests; try again later
"""


class RequestFailed(ValueError):
    """The request got no answer that can be used."""

    def __init__(self, message: str, *, host: str = "") -> None:
        self.host = host
        super().__init__(message)


class DestinationRefused(RequestFailed):
    """The address is not one that blocks may reach."""


class RequestInvalid(RequestFailed):
    """The request cannot be sent as it is."""


class RequestTimedOut(RequestFailed):
    """There was no complete answer in time."""


class AnswerTooLarge(RequestFailed):
    """The answer is larger than allowed."""


class AnswerUnreadable(RequestFailed):
    """The answer is not what it claims to be."""


class StatusFailed(RequestFailed):
    """The host answered, and said no. `body` is its answer: only for those who know that it repeats no secret."""

    def __init__(self, message: str, *, host: str, status: int, body: bytes = b"") -> None:
        self.status = status
        self.body = body
        super().__init__(message, host=host)


class RateLimited(StatusFailed):
    """The host wants fewer requests. `retry_after`: the seconds it wants to be left alone; None if it did not say."""

    def __init__(
        self, message: str, *, host: str, status: int, body: bytes = b"", retry_after: float | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, host=host, status=status, body=body)
