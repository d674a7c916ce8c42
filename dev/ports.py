"""The ports of a stack: which were asked for, whether they are free, and what to say when one is not.

Called by `up` before anything is started, so that a taken port costs nothing.
"""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

HOST = "127.0.0.1"
"""The only address that the stack listens on."""


class PortProblem(Exception):
    """A port cannot be had; the message names it, who needs it and the variable that chooses another."""


@dataclass(frozen=True)
class Ports:
    """All different, all free when they were chosen."""

    api: int
    temporal: int
    ui: int
    worker_metrics: int


_WANTED = (
    ("HEDDLE_API_PORT", 8006, "the API"),
    ("HEDDLE_TEMPORAL_PORT", 7233, "Temporal's gRPC frontend"),
    ("HEDDLE_UI_PORT", 8233, "Temporal's Web UI"),
)


def choose(environment: Mapping[str, str]) -> Ports:
    """The ports that `environment` asks for; 0 takes a free one, as the worker's metrics always do.

    Raises `PortProblem` that names every port that cannot be had.
    """
    problems: list[str] = []
    chosen: dict[str, int] = {}
    # All sockets stay bound until the last one is: otherwise two zeros might get the same port.
    with ExitStack() as bound:
        for variable, default, user in _WANTED:
            text = environment.get(variable) or str(default)
            if not text.isdecimal() or int(text) > 65535:
                problems.append(f"{variable} is {text!r}: give a port number, or 0 for any free one.")
                continue
            port = int(text)
            if port and port in chosen.values():
                other = next(name for name, value in chosen.items() if value == port)
                problems.append(f"{variable} and {other} are both {port}: {user} needs a port of its own.")
                continue
            try:
                chosen[variable] = _bind(bound, port)
            except OSError as error:
                problems.append(
                    f"Port {port} cannot be used ({error.strerror}), and {user} needs it. "
                    f"Free it, or choose another with {variable}."
                )
        metrics = _bind(bound, 0)
    if problems:
        raise PortProblem("\n".join(problems))
    return Ports(
        api=chosen["HEDDLE_API_PORT"],
        temporal=chosen["HEDDLE_TEMPORAL_PORT"],
        ui=chosen["HEDDLE_UI_PORT"],
        worker_metrics=metrics,
    )


def unlike(environment: Mapping[str, str], running: Mapping[str, str]) -> list[str]:
    """`VARIABLE=value` for each port that `environment` asks for and the stack that is running does not have.

    `running` is the port of each variable, as text; 0 in the environment asks for none in particular.
    """
    asked = {variable: environment.get(variable, "") for variable, *_ in _WANTED}
    return [
        f"{variable}={text}"
        for variable, text in asked.items()
        if text not in ("", "0") and text != running.get(variable, text)
    ]


def _bind(bound: ExitStack, port: int) -> int:
    listener = bound.enter_context(socket.socket())
    # As servers do: connections of the last run that the system still remembers are no obstacle.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    number: int = listener.getsockname()[1]
    return number
