"""Blocks whose providers take their time: in a run and by themselves they begin a job once and wait by timers."""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from temporalio.client import Client

from api.runs import TemporalRuns
from blocks.base import Block, Exchange
from blocks.knowledge.exa_research import ExaCreateResearch
from blocks.media import AIImageGenerator, CreateTalkingAvatarVideo
from blocks.system_credentials import system_id
from contracts.block_execution import BlockExecutionInput
from engine.model import Status
from store.postgres import PostgresStore
from tests.support.blocks import Sink
from tests.support.graphs import graph, node
from tests.support.web import Internet, internet
from tests.workflows.conftest import USER, Stack, opened_stack

KEY = "s3cret-key-of-the-deployment"
FILM = "https://d-id.example/film.mp4"
PICTURE = "https://replicate.delivery/p1/out.png"
REPLICATE = "https://api.replicate.com/v1"
RESEARCH = "https://api.exa.ai/research/v1"
CLIPS = "https://api.d-id.com/clips"


def says(**answer: Any) -> Exchange:
    return Exchange("", json.dumps(answer))


JOBS: Mapping[type[Block[Any]], tuple[str, dict[str, Any], str, str, dict[str, Any]]] = {
    AIImageGenerator: (
        "replicate",
        {"prompt": "tea"},
        "image_url",
        PICTURE,
        {
            f"POST {REPLICATE}/models/google/nano-banana-2/predictions": says(id="p1", status="starting"),
            f"GET {REPLICATE}/predictions/p1": says(id="p1", status="succeeded", output=PICTURE),
        },
    ),
    ExaCreateResearch: (
        "exa",
        {"instructions": "Tea?"},
        "output_content",
        "Yes.",
        {
            f"POST {RESEARCH}": says(researchId="t1", status="pending"),
            f"GET {RESEARCH}/t1": [
                says(researchId="t1", status="running"),
                says(researchId="t1", status="completed", output={"content": "Yes."}),
            ],
        },
    ),
    CreateTalkingAvatarVideo: (
        "d_id",
        {"script_input": "Tea", "polling_interval": 5},
        "video_url",
        FILM,
        {
            f"POST {CLIPS}": says(id="clp_1", status="created"),
            f"GET {CLIPS}/clp_1": says(id="clp_1", status="done", result_url=FILM),
            f"GET {FILM}": Exchange("", "gone", 404),
        },
    ),
}
each_job = pytest.mark.parametrize("block", JOBS, ids=lambda block: block.__name__)


@pytest.fixture(scope="module")
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture(scope="module")
async def jobs(temporal_client: Client, store: PostgresStore, database_url: str, net: Internet) -> AsyncIterator[Stack]:
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        further_blocks=JOBS,
        http=net.http(),
        system_credentials=json.dumps({provider: KEY for provider, *_ in JOBS.values()}),
    ) as opened:
        yield opened


def begun(net: Internet, block: type[Block[Any]], monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str, str]:
    """The inputs, and what comes of them under which name, once the network knows the job."""
    provider, inputs, name, value, answers = JOBS[block]
    net.answers = {request: list(given) if isinstance(given, list) else given for request, given in answers.items()}
    net.seen.clear()
    monkeypatch.setattr("blocks.media.predictions.FIRST_PAUSE", 0.1)
    monkeypatch.setattr("blocks.knowledge.exa_research._EVERY", 0.1)
    credentials = {"id": system_id(provider), "provider": provider, "type": "api_key"}
    return {**inputs, "credentials": credentials}, name, value


@each_job
async def test_a_job_in_a_run(
    jobs: Stack, net: Internet, block: type[Block[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, name, value = begun(net, block, monkeypatch)
    outcome = await jobs.run(
        graph([node("job", block, **inputs), node("out", Sink, name="y")], f"job.{name} -> out.value")
    )
    (job,) = outcome.of("job")
    assert job.status is Status.COMPLETED, job.error
    assert outcome.outputs == {"y": [value]}
    assert job.entered_attempt == 1
    assert job.attempt > 1_000, "it ended in a later round"
    assert [request.method for request in net.seen].count("POST") == 1
    history = await outcome.handle.fetch_history()
    assert any(event.HasField("timer_fired_event_attributes") for event in history.events)
    assert KEY not in history.to_json()


@each_job
async def test_a_job_by_itself(
    jobs: Stack, net: Internet, block: type[Block[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, name, value = begun(net, block, monkeypatch)
    asked = BlockExecutionInput(block_id=block.id, user_id=USER, inputs=inputs, seconds=30)
    runs = TemporalRuns(jobs.client, task_queue=jobs.settings.task_queue)
    result = await runs.run_block(f"block-{uuid.uuid4()}", asked, name="A job")
    assert result.error is None
    outputs = result.outputs["value"]
    assert outputs[name] == [value]
    assert all(len(given) == 1 for given in outputs.values()), "nothing is given twice"
    assert [request.method for request in net.seen].count("POST") == 1
