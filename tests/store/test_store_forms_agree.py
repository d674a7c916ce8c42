"""Whatever is written in whatever order, both forms of the store hold the same afterwards."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model import Status
from engine.values import inline
from store.calls import Pool
from store.memory import MemoryStore
from store.ownership import OwnedByAnother, Standing, StandingNode
from store.postgres import PostgresStore
from store.records import Finish, NodeRecord, OutputRecord, Store
from tests.store.samples import NOW, end, execution, later, node

json_texts = st.sampled_from(["null", "1", '"a"', "[1, 2]", "[1]", '{"a": null}'])
ids = st.sampled_from(["a", "b", "c"])
run_ids = st.sampled_from(["run-1", "run-1", "run-1", "run-2"])
attempts = st.integers(1, 3)


@st.composite
def nodes(draw: st.DrawFn) -> NodeRecord:
    status = draw(st.sampled_from(Status))
    id = draw(ids)
    indices = draw(st.lists(st.integers(0, 4), max_size=3))
    return NodeRecord(
        id=id,
        node_id=f"node {id}",
        block_id="block",
        ordinal=0,
        status=status,
        seq=draw(st.none() | st.integers(1, 3)),
        attempt=draw(attempts),
        inputs=draw(st.dictionaries(st.sampled_from(["value", "b"]), json_texts, max_size=2)),
        agent_output=draw(st.none() | st.just("answer")),
        queued_at=NOW,
        started_at=draw(st.none() | st.just(later(1))),
        ended_at=later(2) if status.is_final else None,
        error=draw(st.none() | st.just("why")),
        stats=draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 2), max_size=2)),
        outputs=tuple(OutputRecord(index, "out", draw(json_texts)) for index in indices),
    )


standing_nodes = st.builds(
    lambda name, **rest: StandingNode(id=name, node_id=f"node {name}", **rest),
    name=ids,
    block_id=st.just("block"),
    ordinal=st.just(0),
    status=st.sampled_from([Status.INCOMPLETE, Status.QUEUED, Status.RUNNING]),
    seq=st.integers(1, 3),
    inputs=st.dictionaries(st.sampled_from(["value", "b"]), st.integers(0, 2).map(inline), max_size=2),
    attempt=st.integers(0, 2),
    emitted=st.integers(0, 3),
)
standings = st.builds(
    Standing,
    opened=st.dictionaries(ids.map("node {}".format), st.integers(0, 1)),
    open=st.lists(standing_nodes, max_size=2, unique_by=lambda node: node.id),
)
finishes = st.builds(
    lambda status, close: end(status, close_open=close),
    st.sampled_from([Status.COMPLETED, Status.FAILED, Status.TERMINATED]),
    st.sampled_from([Status.FAILED, Status.TERMINATED]),
)
steps = st.one_of(
    st.tuples(st.just("create")),
    st.tuples(st.just("begin"), run_ids),
    st.tuples(st.just("begin_batch"), run_ids),
    st.tuples(
        st.just("record"), run_ids, st.lists(nodes(), max_size=5), st.booleans(), st.none() | st.none() | finishes
    ),
    st.tuples(st.just("record"), run_ids, st.lists(nodes(), max_size=5), st.booleans(), st.none()),
    st.tuples(st.just("finish"), run_ids, finishes),
    st.tuples(st.just("enter"), ids, attempts),
    st.tuples(st.just("take_over"), run_ids, run_ids, st.none() | standings),
)


async def unless_anothers(write: Awaitable[Any]) -> Any:
    """The answer, or that the row is another run's."""
    try:
        return await write
    except OwnedByAnother:
        return "another's"


async def play(store: Store, id: str, script: list[tuple[Any, ...]]) -> list[Any]:
    """The answers of all steps, and what can be read afterwards."""
    new = execution(id=id)
    answers: list[Any] = []
    for step, *rest in script:
        match step, rest:
            case "create", _:
                await store.executions.create(new)
            case "begin", [run_id]:
                answers.append(await unless_anothers(store.executions.begin(new, run_id=run_id, at=NOW)))
            case "take_over", [run_id, owner, standing]:
                answers.append(
                    await store.ownership.take_over(id, run_id=run_id, owner=owner, standing=standing, at=NOW)
                )
            case "begin_batch", [run_id]:
                answers.append(await store.executions.begin_batch(id, run_id=run_id))
            case "record", [run_id, given_nodes, ends_batch, finish]:
                answers.append(
                    await store.executions.record(
                        id, run_id=run_id, nodes=given_nodes, ends_batch=ends_batch, finish=finish
                    )
                )
            case "finish", [run_id, finish]:
                assert isinstance(finish, Finish)
                answers.append(await unless_anothers(store.executions.finish(new, run_id=run_id, finish=finish)))
            case "enter", [node_id, attempt]:
                entering = replace(node(node_id, Status.RUNNING, attempt=attempt), node_id=f"node {node_id}")
                answers.append(await store.executions.enter(id, run_id="run-1", node=entering))
    row = await store.executions.get("ada", id)
    answers.append(row and replace(row, created_at=NOW))
    answers.append(await store.executions.nodes(id))
    answers.append([replace(event, at=NOW) for event in await store.executions.events(id, after=0, limit=1000)])
    answers.append(await store.executions.agent_outputs(id))
    answers.append(await store.executions.stats_so_far(id))
    return answers


class _Ids:
    """Each example has a run of its own."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> str:
        self.count += 1
        return f"agree-{self.count}"


_ids = _Ids()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(steps, max_size=8).map(lambda script: [("begin", "run-1"), *script]))
async def test_both_forms_agree(pool: Pool, script: list[tuple[Any, ...]]) -> None:
    id = _ids.next()
    assert await play(PostgresStore(pool), id, script) == await play(MemoryStore(), id, script)
