"""Errors that only the HTTP door can make; the rest are in `contracts/errors.py`.

    CallerError
    ├── InvalidRequest
    │   └── InvalidJson         invalid_json (400)
    ├── Unsupported             unsupported (400)
    ├── RouteNotFound           not_found (404)
    ├── BlockNotFound           block_not_found (404)
    ├── BlockUnavailable        block_unavailable (403)
    ├── BlockDisabled           block_disabled (403)
    ├── BlockInputRefused       invalid_input (400)
    ├── BlockFailed             block_failed (400)
    └── MethodNotAllowed        method_not_allowed (405)
    SystemFault
    └── Unforeseen              system_error (500)

Raised by routes and by what they call; `error_handlers.py` turns them into bodies.
"""

from contracts.errors import CallerError, InvalidRequest, Severity, SystemFault


class InvalidJson(InvalidRequest):
    """The body is not JSON."""

    code = "invalid_json"


class Unsupported(CallerError):
    """The request asks for something that is not supported yet."""

    code = "unsupported"


class RouteNotFound(CallerError):
    """There is nothing at this path."""

    code = "not_found"
    http_status = 404


class BlockNotFound(CallerError):
    """No block has this id."""

    code = "block_not_found"
    http_status = 404


class BlockUnavailable(CallerError):
    """This deployment knows the block, but does not have it."""

    code = "block_unavailable"
    http_status = 403


class BlockDisabled(CallerError):
    """The block is switched off."""

    code = "block_disabled"
    http_status = 403


class BlockInputRefused(CallerError):
    """The inputs do not fit the block."""

    code = "invalid_input"


class BlockFailed(CallerError):
    """The block failed. `details` has its own code and what it gave before."""

    code = "block_failed"


class MethodNotAllowed(CallerError):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    http_status = 405


class Unforeseen(SystemFault):
    """Something went wrong on our side. It has been logged; try again, and tell us if it stays."""

    code = "system_error"
    severity = Severity.CRITICAL
