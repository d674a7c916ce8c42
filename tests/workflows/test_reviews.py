"""People and events: a run waits for them without holding anything, and goes on with what came."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from blocks.data.iteration import StepThroughItems
from blocks.people import HumanInTheLoop, WaitForEvent
from contracts import search_attributes
from contracts.activities import EVENT
from contracts.reviews import REVIEW_NODE, ReviewOutcome
from engine.model import Graph, GraphPolicy, Status
from store.postgres import PostgresStore
from store.reviews import Review, ReviewStatus, SettingsChange
from tests.support.blocks import Cautious, Countdown, Drip, PassOn, Sink, Source, Sub
from tests.support.graphs import graph, node
from tests.workflows.conftest import USER, Stack, opened_stack

type Handle = WorkflowHandle[Any, Any]

UPDATE_SECONDS = timedelta(seconds=30)


def asking(**defaults: Any) -> Graph:
    """in → review → one sink for each way."""
    return graph(
        [
            node("in", Source, name="draft"),
            node("ask", HumanInTheLoop, **{"name": "Send it?", **defaults}),
            node("yes", Sink, name="yes"),
            node("no", Sink, name="no"),
            node("said", Sink, name="said"),
        ],
        "in.result -> ask.data",
        "ask.approved_data -> yes.value",
        "ask.rejected_data -> no.value",
        "ask.review_message -> said.value",
    )


async def status_of(stack: Stack, handle: Handle) -> Status | None:
    row = await stack.store.executions.get(USER, handle.id)
    return row.status if row else None


async def shown(stack: Stack, handle: Handle, status: Status) -> None:
    async with asyncio.timeout(30):
        async for _ in stack.watch(handle.id):
            if await status_of(stack, handle) is status:
                return


async def waiting(stack: Stack, handle: Handle, count: int = 1) -> list[Review]:
    """The run's reviews that wait, once there are so many."""
    async with asyncio.timeout(30):
        async for _ in stack.watch(handle.id):
            nodes = [each.id for each in await stack.store.executions.nodes(handle.id) if each.status is Status.REVIEW]
            reviews = await stack.store.reviews.of_execution(USER, handle.id)
            found = [
                each for each in reviews if each.status is ReviewStatus.WAITING and each.node_execution_id in nodes
            ]
            if len(found) >= count:
                return found
    raise AssertionError


async def decide(handle: Handle, review_id: str, approved: bool = True, **more: Any) -> ReviewOutcome:
    return await handle.execute_update(
        REVIEW_NODE,
        {"review_id": review_id, "approved": approved, "reviewer": "ann", **more},
        result_type=ReviewOutcome,
        rpc_timeout=UPDATE_SECONDS,
    )


async def refused(handle: Handle, review_id: str, approved: bool = True, **more: Any) -> str | None:
    """The code with which a decision is refused."""
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        await decide(handle, review_id, approved, **more)
    assert isinstance(failure.value.cause, ApplicationError)
    return failure.value.cause.type


async def test_an_approved_review_lets_the_node_go_on(stack: Stack) -> None:
    handle = await stack.start(asking(), {"draft": {"to": "Ada"}})
    (review,) = await waiting(stack, handle)
    await shown(stack, handle, Status.REVIEW)
    assert (review.payload, review.instructions, review.editable) == ({"value": {"to": "Ada"}}, "Send it?", True)
    async with asyncio.timeout(10):
        while True:
            description = await handle.describe()
            if description.typed_search_attributes.get(search_attributes.STATUS) == "REVIEW":
                break
            await asyncio.sleep(0.02)
    assert description.raw_description.pending_activities == []
    assert (await handle.query("node_executions"))[0]["phase"] == "review"
    outcome = await decide(handle, review.id)
    assert (outcome.approved, outcome.is_repeat) == (True, False)
    row = (await stack.store.reviews.of_execution(USER, handle.id))[0]
    assert (row.status, row.reviewer) == (ReviewStatus.APPROVED, "ann")
    ended = await stack.outcome(handle)
    assert ended.outputs == {"yes": [{"to": "Ada"}], "said": ["Execution approved by reviewer"]}
    assert ended.execution.stats["node_count"] == 4
    events = await stack.store.executions.events(handle.id, after=0, limit=100)
    statuses = [event.status for event in events if event.type == "graph_execution_update"]
    assert statuses == [Status.RUNNING, Status.REVIEW, Status.RUNNING, Status.COMPLETED]


async def test_a_reviewer_may_change_the_data_and_say_why(stack: Stack) -> None:
    handle = await stack.start(asking(), {"draft": "Dear Ada"})
    (review,) = await waiting(stack, handle)
    assert (await decide(handle, review.id, reviewed_data="Dear Bob", message="Wrong name")).edited
    assert (await stack.outcome(handle)).outputs == {"yes": ["Dear Bob"], "said": ["Wrong name"]}
    row = (await stack.store.reviews.of_execution(USER, handle.id))[0]
    assert (row.data, row.message) == ({"value": "Dear Bob"}, "Wrong name")


async def test_a_rejected_review_goes_the_other_way(stack: Stack) -> None:
    handle = await stack.start(asking(), {"draft": 1})
    (review,) = await waiting(stack, handle)
    await decide(handle, review.id, approved=False, message="  ")
    assert (await stack.outcome(handle)).outputs == {"no": [1], "said": ["Execution rejected by reviewer"]}


async def test_the_first_decision_stands(stack: Stack) -> None:
    two = graph(
        [node("a", HumanInTheLoop, data=1, name="a"), node("b", HumanInTheLoop, data=2, name="b", editable=False)]
    )
    handle = await stack.start(two)
    reviews = {review.node_id: review.id for review in await waiting(stack, handle, 2)}
    assert await refused(handle, reviews["b"], reviewed_data=3) == "review_not_editable"
    first = await decide(handle, reviews["a"], message="yes")
    again = await decide(handle, reviews["a"], message="yes", reviewer="bob")
    assert again == first.model_copy(update={"is_repeat": True})
    assert await refused(handle, reviews["a"], approved=False) == "review_decided"
    assert await refused(handle, reviews["a"], message="no") == "review_decided"
    assert await refused(handle, "nobody asked") == "review_not_found"
    assert await refused(handle, "", message="no id") == "invalid_request"
    assert await refused(handle, reviews["b"], message="a\0b") == "invalid_request"
    assert await refused(handle, reviews["b"], reviewed_data="x" * 2_000_000) in ("invalid_request", None)
    assert await status_of(stack, handle) is Status.REVIEW
    await decide(handle, reviews["b"])
    ended = await stack.outcome(handle)
    assert ended.execution.status is Status.COMPLETED
    assert [len(ended.of(name)) for name in "ab"] == [1, 1]


async def test_two_who_decide_at_once_are_one_decision(stack: Stack) -> None:
    handle = await stack.start(asking(), {"draft": 1})
    (review,) = await waiting(stack, handle)
    answers = await asyncio.gather(
        *[decide(handle, review.id, approved=number % 2 == 0) for number in range(6)], return_exceptions=True
    )
    made = [answer for answer in answers if isinstance(answer, ReviewOutcome)]
    assert sum(not answer.is_repeat for answer in made) == 1
    assert len({answer.approved for answer in made}) == 1
    outputs = (await stack.outcome(handle)).outputs
    assert ("yes" in outputs) is made[0].approved
    assert ("no" in outputs) is not made[0].approved


async def test_a_review_that_nobody_decides_expires(stack: Stack) -> None:
    handle = await stack.start(asking(expires_in_hours=0.0004), {"draft": 1})
    outcome = await stack.outcome(handle)
    assert outcome.outputs == {"no": [1], "said": ["Review expired"]}
    row = (await stack.store.reviews.of_execution(USER, handle.id))[0]
    assert (row.status, row.message) == (ReviewStatus.REJECTED, "Review expired")
    assert row.expires_at is not None


async def test_a_decision_before_the_deadline_stops_the_timer(stack: Stack) -> None:
    handle = await stack.start(asking(expires_in_hours=1), {"draft": 1})
    (review,) = await waiting(stack, handle)
    await shown(stack, handle, Status.REVIEW)
    await decide(handle, review.id)
    assert (await stack.outcome(handle)).outputs["yes"] == [1]
    history = await handle.fetch_history()
    assert [e for e in history.events if e.HasField("timer_canceled_event_attributes")]


async def test_the_rest_of_the_run_goes_on_and_it_is_not_in_review(stack: Stack) -> None:
    both = graph(
        [
            node("ask", HumanInTheLoop, data=1, name="a"),
            node("drip", Drip, value=3),
            node("out", Sink, name="n"),
        ],
        "drip.value -> out.value",
    )
    handle = await stack.start(both)
    (review,) = await waiting(stack, handle)
    assert await status_of(stack, handle) is Status.RUNNING
    await shown(stack, handle, Status.REVIEW)
    assert len(await stack.store.executions.agent_outputs(handle.id)) == 3
    await decide(handle, review.id)
    assert (await stack.outcome(handle)).outputs == {"n": [0, 1, 2]}


async def test_all_of_a_node_can_be_approved_at_once(stack: Stack) -> None:
    many = graph(
        [
            node("items", StepThroughItems, items=[1, 2, 3, 4]),
            node("slow", PassOn),
            node("ask", HumanInTheLoop, name="each"),
            node("out", Sink, name="n"),
        ],
        "items.item -> slow.value",
        "slow.value -> ask.data",
        "ask.approved_data -> out.value",
        policy=GraphPolicy(max_concurrent_nodes=1),
    )
    handle = await stack.start(many)
    (first, *_) = await waiting(stack, handle)
    await decide(handle, first.id, approve_future=True, reviewed_data="is ignored")
    done: set[str] = set()
    closed = asyncio.ensure_future(stack.outcome(handle))
    while not closed.done():
        reviews = await stack.store.reviews.of_execution(USER, handle.id)
        open_ones = [r for r in reviews if r.status is ReviewStatus.WAITING and r.id not in done]
        for review in open_ones:  # those that were asked before the approval
            done.add(review.id)
            await decide(handle, review.id)
        await asyncio.wait([closed], timeout=0.05)
    outcome = await closed
    assert sorted(outcome.outputs["n"]) == [1, 2, 3, 4]
    assert len(await stack.store.reviews.of_execution(USER, handle.id)) < 4


async def test_stopping_a_run_in_review(stack: Stack) -> None:
    handle = await stack.start(asking(), {"draft": 1})
    (review,) = await waiting(stack, handle)
    await handle.cancel()
    outcome = await stack.outcome(handle)
    assert outcome.execution.status is Status.TERMINATED
    assert outcome.of("ask")[0].status is Status.TERMINATED
    row = (await stack.store.reviews.of_execution(USER, handle.id))[0]
    assert (row.status, row.message) == (ReviewStatus.REJECTED, "Execution was stopped by user")
    assert (await stack.store.reviews.waiting(USER, limit=100, before=None)).items == []
    assert review.id == row.id


async def test_reviews_and_events_survive_continuing_as_new(short_histories: Stack) -> None:
    loop = graph(
        [
            node("in", Source, name="n"),
            node("count", Countdown),
            node("ask", HumanInTheLoop, data="d", name="a", expires_in_hours=5),
            node("event", WaitForEvent, name="paid"),
            node("yes", Sink, name="yes"),
            node("got", Sink, name="got"),
        ],
        "in.result -> count.value",
        "count.again -> count.value",
        "ask.approved_data -> yes.value",
        "event.payload -> got.value",
    )
    handle = await short_histories.start(loop, {"n": 400})
    (review,) = await waiting(short_histories, handle)
    first_run = (await handle.describe()).run_id
    async with asyncio.timeout(60):
        async for _ in short_histories.watch(handle.id):
            nodes = await short_histories.store.executions.nodes(handle.id)
            if len([each for each in nodes if each.node_id == "count" and each.status.is_final]) == 401:
                break
    assert (await handle.describe()).run_id != first_run
    await decide(handle, review.id, reviewed_data={"k": 1})
    await handle.signal(EVENT, {"name": "paid", "payload": 7})
    outcome = await short_histories.outcome(handle)
    assert outcome.outputs == {"yes": [{"k": 1}], "got": [7]}


async def test_a_run_in_review_gives_its_slot_away_and_waits_for_one_again(
    temporal_client: Client, store: PostgresStore, database_url: str
) -> None:
    async with opened_stack(
        temporal_client, store, database_url, max_concurrent_graph_executions_per_user=1, admission_retry_seconds=600
    ) as stack:
        first = await stack.start(asking(), {"draft": 1})
        (review,) = await waiting(stack, first)
        await shown(stack, first, Status.REVIEW)
        asked = await store.executions.get(USER, first.id)
        assert asked is not None
        second = await stack.client.start_workflow(
            "GraphExecution",
            {"graph_id": asked.graph_id, "user_id": USER, "inputs": {"draft": 2}},
            id=f"{first.id}-second",
            task_queue=stack.settings.task_queue,
        )
        (other,) = await waiting(stack, second)
        await shown(stack, second, Status.REVIEW)
        third = await stack.client.start_workflow(
            "GraphExecution",
            {"graph_id": asked.graph_id, "user_id": USER, "inputs": {"draft": 3}},
            id=f"{first.id}-third",
            task_queue=stack.settings.task_queue,
        )
        await waiting(stack, third)
        await decide(first, review.id)
        await decide(second, other.id)
        assert (await stack.outcome(first)).outputs["yes"] == [1]
        assert (await stack.outcome(second)).outputs["yes"] == [2]
        await third.cancel()
        assert (await stack.outcome(third)).execution.status is Status.TERMINATED


async def test_a_run_that_comes_back_from_review_waits_for_its_turn(
    temporal_client: Client, store: PostgresStore, database_url: str
) -> None:
    async with opened_stack(
        temporal_client, store, database_url, max_concurrent_graph_executions_per_user=1, admission_retry_seconds=600
    ) as stack:
        drawn = graph(
            [
                node("event", WaitForEvent, name="go"),
                node("ask", HumanInTheLoop, name="a"),
                node("out", Sink, name="n"),
            ],
            "event.payload -> ask.data",
            "ask.approved_data -> out.value",
        )
        first = await stack.start(drawn)
        await first.signal(EVENT, {"name": "go", "payload": 1})
        (review,) = await waiting(stack, first)
        await shown(stack, first, Status.REVIEW)
        row = await store.executions.get(USER, first.id)
        assert row is not None
        second = await stack.client.start_workflow(
            "GraphExecution",
            {"graph_id": row.graph_id, "user_id": USER},
            id=f"{first.id}-second",
            task_queue=stack.settings.task_queue,
        )
        await shown(stack, second, Status.RUNNING)
        await decide(first, review.id)
        await shown(stack, first, Status.QUEUED)
        await second.cancel()
        assert (await stack.outcome(second)).execution.status is Status.TERMINATED
        assert (await stack.outcome(first)).outputs == {"n": [1]}


async def test_reviews_can_be_switched_off_for_a_graph(stack: Stack) -> None:
    drawn = asking()
    graph_id, _ = await stack.save(drawn)
    drawn = drawn.model_copy(update={"id": graph_id})
    await stack.store.reviews.change_settings(USER, graph_id, SettingsChange(human_in_the_loop_safe_mode=False))
    outcome = await stack.run(drawn, {"draft": 1})
    assert outcome.outputs == {"yes": [1], "said": ["Auto-approved (safe mode disabled)"]}
    asked = await stack.start(drawn, {"draft": 1}, context={"human_in_the_loop_safe_mode": True})
    await waiting(stack, asked)
    await asked.cancel()


async def test_a_sensitive_block_asks_before_it_runs(stack: Stack) -> None:
    acting = graph(
        [node("act", Cautious, value=5), node("out", Sink, name="n"), node("bad", Sink, name="bad")],
        "act.value -> out.value",
        "act.error -> bad.value",
    )
    graph_id, _ = await stack.save(acting)
    acting = acting.model_copy(update={"id": graph_id})
    assert (await stack.run(acting)).outputs == {"n": [5]}
    await stack.store.reviews.change_settings(USER, graph_id, SettingsChange(sensitive_action_safe_mode=True))
    approved = await stack.start(acting)
    (review,) = await waiting(stack, approved)
    assert review.payload == {"value": {"value": 5, "note": ""}} or review.payload == {"value": {"value": 5}}
    await decide(approved, review.id, reviewed_data={"value": 6})
    assert (await stack.outcome(approved)).outputs == {"n": [6]}
    rejected = await stack.start(acting)
    (review,) = await waiting(stack, rejected)
    await decide(rejected, review.id, approved=False, message="not today")
    outcome = await stack.outcome(rejected)
    assert outcome.outputs == {"bad": ["Block execution rejected by reviewer: not today"]}
    assert outcome.of("act")[0].status is Status.FAILED


async def test_a_sub_graph_asks_for_itself(stack: Stack) -> None:
    inner_id, version = await stack.save(asking())
    outer = graph(
        [
            node("in", Source, name="x", value=9),
            node("sub", Sub, user_id=USER, graph_id=inner_id, graph_version=version, inputs={},
                 input_schema={"properties": {"draft": {}}}, output_schema={"properties": {"yes": {}}}),
            node("out", Sink, name="n"),
        ],
        "in.result -> sub.draft",
        "sub.yes -> out.value",
    )  # fmt: skip
    handle = await stack.start(outer)
    found: list[Review] = []
    async with asyncio.timeout(30):
        while not found:
            page = await stack.store.reviews.waiting(USER, limit=100, before=None)
            found = [review for review in page.items if review.graph_id == inner_id]
            await asyncio.sleep(0.05)
    child = stack.client.get_workflow_handle(found[0].execution_id)
    assert await status_of(stack, handle) is Status.RUNNING
    await decide(child, found[0].id)
    assert (await stack.outcome(handle)).outputs == {"n": [9]}


# --- events -----------------------------------------------------------------------------------


def paying(**defaults: Any) -> Graph:
    return graph(
        [
            node("event", WaitForEvent, name="paid", **defaults),
            node("got", Sink, name="got"),
            node("late", Sink, name="late"),
        ],
        "event.payload -> got.value",
        "event.timed_out -> late.value",
    )


async def listening(stack: Stack, handle: Handle) -> None:
    async with asyncio.timeout(30):
        while not any(each["phase"] == "listening" for each in await handle.query("node_executions")):
            await asyncio.sleep(0.02)


async def test_an_event_lets_the_node_that_waits_for_it_go_on(stack: Stack) -> None:
    handle = await stack.start(paying())
    await listening(stack, handle)
    assert await status_of(stack, handle) is Status.RUNNING
    assert (await handle.query("node_executions"))[0]["event"] == "paid"
    await handle.signal(EVENT, {"name": "another"})
    await handle.signal(EVENT, {"payload": "no name"})
    await handle.signal(EVENT, {"name": "paid", "payload": {"amount": 5}})
    assert (await stack.outcome(handle)).outputs == {"got": [{"amount": 5}]}


async def test_events_are_kept_for_the_first_who_waits(stack: Stack) -> None:
    twice = graph(
        [
            node("go", WaitForEvent, name="go"),
            node("one", WaitForEvent, name="paid"),
            node("two", WaitForEvent, name="paid"),
            node("got", Sink, name="got"),
        ],
        "go.payload -> one.trigger",
        "one.payload -> got.value",
        "one.payload -> two.trigger",
        "two.payload -> got.value",
    )
    handle = await stack.start(twice)
    await listening(stack, handle)
    for number in (1, 2):
        await handle.signal(EVENT, {"name": "paid", "payload": number})
    await handle.signal(EVENT, {"name": "go"})
    assert (await stack.outcome(handle)).outputs == {"got": [1, 2]}


async def test_an_event_that_does_not_come_in_time(stack: Stack) -> None:
    assert (await stack.run(paying(timeout_seconds=0.5))).outputs == {"late": ["paid"]}


async def test_a_large_event_travels_by_reference(stack: Stack) -> None:
    handle = await stack.start(paying())
    await listening(stack, handle)
    reference = await stack.store.values.put(handle.id, b'"' + b"x" * 100_000 + b'"')
    await handle.signal(EVENT, {"name": "paid", "payload_ref": reference})
    outcome = await stack.outcome(handle)
    (value,) = (await stack.store.values.get([reference])).values()
    assert outcome.outputs == {"got": [reference]}
    assert value == "x" * 100_000
