"""A port that cannot be had is named before anything is started."""

import socket
from collections.abc import Iterator

import pytest

from dev.ports import PortProblem, choose, unlike

FREE = {"HEDDLE_API_PORT": "0", "HEDDLE_TEMPORAL_PORT": "0", "HEDDLE_UI_PORT": "0"}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_its_user_and_its_variable(taken: int) -> None:
    with pytest.raises(PortProblem) as caught:
        choose({**FREE, "HEDDLE_UI_PORT": str(taken)})
    message = str(caught.value)
    assert str(taken) in message
    assert "Temporal's Web UI" in message
    assert "HEDDLE_UI_PORT" in message


def test_all_taken_ports_are_named_at_once(taken: int) -> None:
    with pytest.raises(PortProblem) as caught:
        choose({**FREE, "HEDDLE_UI_PORT": str(taken), "HEDDLE_API_PORT": str(taken)})
    assert len(str(caught.value).splitlines()) == 2


def test_one_port_for_two_is_refused() -> None:
    free = choose(FREE).api
    with pytest.raises(PortProblem, match="HEDDLE_UI_PORT and HEDDLE_API_PORT are both"):
        choose({**FREE, "HEDDLE_API_PORT": str(free), "HEDDLE_UI_PORT": str(free)})


@pytest.mark.parametrize("text", ["eighty", "65536", "-1", "80.5"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(PortProblem, match="HEDDLE_API_PORT"):
        choose({**FREE, "HEDDLE_API_PORT": text})


def test_zero_takes_free_ports_that_differ() -> None:
    ports = choose(FREE)
    assert len({ports.api, ports.temporal, ports.ui, ports.worker_metrics}) == 4
    assert choose({**FREE, "HEDDLE_API_PORT": str(ports.api)}).api == ports.api


def test_ports_that_a_running_stack_does_not_have_are_named() -> None:
    running = {"HEDDLE_API_PORT": "1", "HEDDLE_UI_PORT": "2"}
    assert unlike({"HEDDLE_API_PORT": "3", "HEDDLE_UI_PORT": "2"}, running) == ["HEDDLE_API_PORT=3"]
    assert unlike({"HEDDLE_API_PORT": "0", "HEDDLE_UI_PORT": ""}, running) == []
