"""What blocks get from their host in a real run: files of the run, values kept between runs, timers."""

import base64
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from blocks.data.iteration import StepThroughItems
from blocks.data.sampling import DataSampling
from blocks.data.spreadsheet import ReadSpreadsheet
from blocks.files.archives import CreateZipArchive, ExtractZipArchive
from blocks.files.kept import FileRead, FileStore
from blocks.persistence import PersistInformation, RetrieveInformation
from blocks.waiting import WaitUntil
from engine.model import Status
from store.postgres import PostgresStore
from tests.support.blocks import Sink, Source
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Stack, opened_stack
from tests.workflows.test_sub_graphs import child_of, parent_of

BLOCKS = (
    FileStore,
    FileRead,
    ReadSpreadsheet,
    CreateZipArchive,
    ExtractZipArchive,
    PersistInformation,
    RetrieveInformation,
    WaitUntil,
    StepThroughItems,
    DataSampling,
)


@pytest.fixture(scope="module")
async def host(temporal_client: Client, store: PostgresStore, database_url: str) -> AsyncIterator[Stack]:
    async with opened_stack(
        temporal_client,
        store,
        database_url,
        further_blocks=BLOCKS,
        max_run_files_bytes=1_000,
        max_kept_value_bytes=100,
    ) as opened:
        yield opened


def uri(content: bytes, content_type: str = "text/csv") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


async def test_a_file_goes_from_node_to_node_by_its_uri(host: Stack) -> None:
    outcome = await host.run(
        graph(
            [
                node("in", Source, name="file", value=uri(b"tea,cups\ngreen,2")),
                node("keep", FileStore),
                node("zip", CreateZipArchive),
                node("unzip", ExtractZipArchive),
                node("read", ReadSpreadsheet),
                node("out", Sink, name="rows"),
                node("where", Sink, name="where"),
            ],
            "in.result -> keep.file_in",
            "keep.file_out -> zip.files_$_0",
            "zip.archive -> unzip.archive",
            "unzip.file -> read.file_input",
            "read.rows -> out.value",
            "keep.file_out -> where.value",
        )
    )
    assert outcome.outputs["rows"] == [[{"tea": "green", "cups": "2"}]]
    [where] = outcome.outputs["where"]
    assert where.startswith("heddle://files/")
    _, _, name = where.rpartition("/")
    assert await host.store.files.get(outcome.handle.id, name) is not None
    assert await host.store.removal.delete_execution(USER, outcome.handle.id)
    assert await host.store.files.get(outcome.handle.id, name) is None, "the file goes with its run"


async def test_another_runs_file_is_not_found(host: Stack) -> None:
    kept = await host.run(
        graph([node("keep", FileStore, file_in=uri(b"secret")), node("o", Sink, name="o")], "keep.file_out -> o.value")
    )
    [where] = kept.outputs["o"]
    outcome = await host.run(graph([node("read", FileRead, file_input=where)]))
    [read] = outcome.of("read")
    assert read.status is Status.FAILED
    assert read.error == "The run has no file 'file.csv'."


async def test_a_sub_graph_shares_the_files_of_the_run(host: Stack) -> None:
    child = graph(
        [node("a", Source, name="a"), node("keep", FileStore), node("o", Sink, name="out")],
        "a.result -> keep.file_in",
        "keep.file_out -> o.value",
    )
    parent = await parent_of(host, child, "sub.out -> read.file_input", "read.content -> text.value")
    parent.nodes += [node("read", FileRead), node("text", Sink, name="text")]
    outcome = await host.run(parent, {"x": uri(b"tea")})
    assert outcome.outputs["text"] == ["tea"]
    below = await child_of(host, outcome)
    assert await host.store.files.get(below.handle.id, "file.csv") is None
    assert await host.store.files.get(outcome.handle.id, "file.csv") is not None


async def test_files_of_a_run_have_a_limit_together(host: Stack) -> None:
    outcome = await host.run(graph([node("a", FileStore, file_in=uri(b"a" * 1_001))]))
    [refused] = outcome.of("a")
    assert refused.error == "The files of the run would have more than 1,000 bytes together."


async def test_values_are_kept_between_runs_of_an_agent(host: Stack) -> None:
    keeping = graph(
        [node("k", PersistInformation, key="mood", value={"tea": 1}), node("o", Sink, name="o")],
        "k.value -> o.value",
    )
    finding = graph(
        [
            node("mine", RetrieveInformation, key="mood"),
            node("o", Sink, name="mine"),
            node("all", RetrieveInformation, key="mood", scope="across_agents", default_value="none"),
            node("p", Sink, name="all"),
        ],
        "mine.value => o.value",
        "all.value => p.value",
    )
    graph_id, _ = await host.save(keeping)
    assert (await host.run(keeping.model_copy(update={"id": graph_id}))).outputs == {"o": [{"tea": 1}]}
    found = await host.run(finding.model_copy(update={"id": graph_id}))
    assert found.outputs == {"mine": [{"tea": 1}], "all": ["none"]}
    assert (await host.run(finding)).outputs == {"all": ["none"]}, "another agent finds nothing"
    assert await host.store.removal.delete_graph(USER, graph_id)
    assert await host.store.key_values.get(USER, graph_id, "mood") is None


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("k", "x" * 200, "The value has 202 bytes; 100 can be kept."),
        ("", 1, "A key has 1 to 1,000 characters."),
        ("k" * 1_001, 1, "A key has 1 to 1,000 characters."),
    ],
)
async def test_values_that_cannot_be_kept(host: Stack, key: str, value: object, error: str) -> None:
    outcome = await host.run(graph([node("k", PersistInformation, key=key, value=value)]))
    [kept] = outcome.of("k")
    assert (kept.status, kept.error) == (Status.FAILED, error)


async def test_executions_of_a_node_collect_together(host: Stack) -> None:
    outcome = await host.run(
        graph(
            [
                node("each", StepThroughItems, items=[{"n": n} for n in range(7)]),
                node("some", DataSampling, sample_size=3, accumulate=True),
                node("out", Sink, name="sample"),
            ],
            "each.item -> some.data",
            "some.sampled_data -> out.value",
        )
    )
    samples = outcome.outputs["sample"]
    assert [len(sample) for sample in samples] == [3, 3]
    assert len({item["n"] for sample in samples for item in sample}) == 6, "no item is sampled twice"
    assert len(outcome.of("some")) == 7


async def test_waiting_until_a_moment_is_a_timer_of_the_workflow(host: Stack) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    started = time.monotonic()
    outcome = await host.run(
        graph(
            [node("w", WaitUntil, moment=moment.isoformat(), data="tea"), node("o", Sink, name="o")],
            "w.data -> o.value",
        )
    )
    assert time.monotonic() - started < 20
    assert datetime.now(UTC) >= moment
    assert outcome.outputs == {"o": ["tea"]}
    history = await outcome.handle.fetch_history()
    timers = [e for e in history.events if e.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
    assert len(timers) == 1
