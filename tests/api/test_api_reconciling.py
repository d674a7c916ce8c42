"""A run that looks alive and has been silent is asked for at Temporal when somebody reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from api_doubles import NotedRuns
from fastapi import FastAPI

from contracts.execution import RunStats
from contracts.latest_run import Ending, LatestRun
from engine.model import Status
from store.memory import MemoryStore
from store.records import Finish, NewExecution

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
RUN_ID = "run-1"


@pytest.fixture(autouse=True)
async def silent(app: FastAPI, run: dict[str, Any], store: MemoryStore) -> None:
    """The run began long ago, and any silence is too long."""
    app.state.services.silence = timedelta(0)
    await store.executions.begin(NewExecution(run["id"], "ann", run["graph_id"], 1, {}), run_id=RUN_ID, at=LONG_AGO)


async def shown(ann: httpx.AsyncClient, run: dict[str, Any], below: str = "") -> dict[str, Any]:
    answer = await ann.get(f"/api/executions/{run['id']}{below}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_one_that_goes_on_stays_as_it_is(ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns) -> None:
    runs.known[run["id"]] = LatestRun(RUN_ID)
    assert (await shown(ann, run))["status"] == "RUNNING"


@pytest.mark.parametrize("below", ["", "/results"])
async def test_one_that_was_terminated_says_so(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, below: str
) -> None:
    runs.known[run["id"]] = LatestRun(RUN_ID, Ending(Status.TERMINATED, LONG_AGO, "why", "workflow_terminated"))
    found = await shown(ann, run, below)
    assert (found["status"], found["error"], found["error_code"]) == ("TERMINATED", "why", "workflow_terminated")


async def test_one_that_temporal_does_not_know_failed(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns
) -> None:
    runs.known[run["id"]] = None
    found = await shown(ann, run)
    assert (found["status"], found["error_code"]) == ("FAILED", "workflow_missing")


async def test_a_newer_run_of_the_workflow_counts(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    ending = Ending(Status.COMPLETED, LONG_AGO, stats=RunStats(node_count=3))
    runs.known[run["id"]] = LatestRun("run-2", ending)
    found = await shown(ann, run)
    assert (found["status"], found["stats"]["node_count"]) == ("COMPLETED", 3)
    assert (await store.ownership.owners([run["id"]]))[run["id"]].run_id == "run-2"


async def test_when_temporal_is_away_the_row_is_shown(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns
) -> None:
    runs.down = True
    assert (await shown(ann, run))["status"] == "RUNNING"


async def test_one_that_has_ended_is_not_asked_for(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns, store: MemoryStore
) -> None:
    finish = Finish(Status.COMPLETED, {}, LONG_AGO)
    await store.executions.record(run["id"], run_id=RUN_ID, nodes=[], finish=finish)
    runs.known[run["id"]] = None
    assert (await shown(ann, run))["status"] == "COMPLETED"


async def test_the_stream_of_a_run_that_is_gone_ends(
    ann: httpx.AsyncClient, run: dict[str, Any], runs: NotedRuns
) -> None:
    runs.known[run["id"]] = None
    answer = await ann.get(f"/api/executions/{run['id']}/events")
    assert '"status":"FAILED"' in answer.text
