"""Reviews in both forms of the store: what waits, what was decided, and how a run in review looks."""

from typing import Any

import pytest

from contracts.errors import InvalidRequest
from engine.model import Status
from store.ownership import Standing, StandingNode
from store.records import NewExecution, Store
from store.reviews import GraphSettings, NewReview, Review, ReviewStatus, SettingsChange
from store.slots import SlotLimits
from tests.store.samples import NOW, RUN, end, execution, later, new_id, node

ONE = SlotLimits(1)


async def asking(store: Store, *ids: str, **changes: Any) -> NewExecution:
    """A run with reviews that wait, a second apart."""
    new = execution(user_id=new_id("user"), graph_id=new_id("graph"))
    await store.executions.begin(new, run_id=RUN, at=NOW)
    for number, id in enumerate(ids):
        await store.executions.record(new.id, run_id=RUN, nodes=[node(id, Status.REVIEW, ordinal=number)])
        await ask(store, new, id, asked_at=later(number), **changes)
    return new


async def ask(store: Store, new: NewExecution, id: str, **changes: Any) -> None:
    given: dict[str, Any] = {
        "execution_id": new.id,
        "id": id,
        "node_execution_id": id,
        "node_id": "n",
        "user_id": new.user_id,
        "attempt": 1,
        "payload": {"value": [1, None]},
        "instructions": "Look",
        "editable": False,
        "asked_at": NOW,
        "expires_at": later(60),
    }
    await store.reviews.ask(NewReview(**given | changes))


async def approve(
    store: Store, new: NewExecution, id: str, run_id: str = RUN, approved: bool = True, lasts: bool = False
) -> bool:
    decision: dict[str, Any] = {"approved": approved, "reviewer": "bob", "message": "fine", "lasts": lasts}
    return await store.reviews.decide(new.id, id, run_id=run_id, data={"value": 2}, at=later(5), **decision)


async def waiting(store: Store, new: NewExecution) -> list[str]:
    return [review.id for review in (await store.reviews.waiting(new.user_id, limit=9, before=None)).items]


async def test_a_review_waits_until_it_is_decided(store: Store) -> None:
    new = await asking(store, "a", "b")
    first, second = await store.reviews.of_execution(new.user_id, new.id)
    assert first == Review(
        execution_id=new.id, id="a", node_execution_id="a", node_id="n", user_id=new.user_id, graph_id=new.graph_id,
        graph_version=1, status=ReviewStatus.WAITING, payload={"value": [1, None]}, instructions="Look",
        editable=False, asked_at=NOW, expires_at=later(60),
    )  # fmt: skip
    assert await waiting(store, new) == ["b", "a"]
    await approve(store, new, "a")
    assert await waiting(store, new) == ["b"]
    first, again = await store.reviews.of_execution(new.user_id, new.id)
    assert again == second
    assert (first.status, first.reviewer, first.message) == (ReviewStatus.APPROVED, "bob", "fine")
    assert (first.data, first.decided_at, first.lasts) == ({"value": 2}, later(5), False)
    await approve(store, new, "b", approved=False, lasts=True)
    (rejected,) = await store.reviews.find(new.user_id, ["b", "none"])
    assert (rejected.status, rejected.lasts) == (ReviewStatus.REJECTED, True)


async def test_only_its_user_sees_it(store: Store) -> None:
    new = await asking(store, "a")
    assert await store.reviews.of_execution("ada", new.id) == []
    assert await store.reviews.find("ada", ["a"]) == []


async def test_a_node_execution_that_is_not_in_review_asks_nothing(store: Store) -> None:
    new = await asking(store)
    await ask(store, new, "a")
    assert await waiting(store, new) == []
    assert await store.reviews.of_execution(new.user_id, new.id) == []
    await store.executions.record(new.id, run_id=RUN, nodes=[node("a", Status.REVIEW)])
    assert await waiting(store, new) == ["a"]


async def test_a_later_attempt_asks_anew_and_an_older_one_changes_nothing(store: Store) -> None:
    new = await asking(store, "a")
    await ask(store, new, "a", payload={"value": "again"})
    assert (await store.reviews.find(new.user_id, ["a"]))[0].payload == {"value": [1, None]}
    await approve(store, new, "a")
    await ask(store, new, "a", attempt=2, payload={"value": "again"})
    (review,) = await store.reviews.find(new.user_id, ["a"])
    assert (review.payload, review.status, review.reviewer) == ({"value": "again"}, ReviewStatus.WAITING, None)


async def test_decisions_of_another_run_are_not_written_and_can_be_taken_back(store: Store) -> None:
    new = await asking(store, "a", "b")
    assert not await approve(store, new, "a", run_id="run-0")
    assert await waiting(store, new) == ["b", "a"]
    assert await approve(store, new, "a")
    rows = [StandingNode(id, f"node of {id}", "block", n, Status.REVIEW, n, {}) for n, id in enumerate("ab")]
    standing = Standing({"node of a": 1, "node of b": 2}, rows)
    assert await store.ownership.take_over(new.id, run_id="run-2", owner=RUN, standing=standing, at=later(6))
    assert await waiting(store, new) == ["b", "a"]
    (open_again,) = await store.reviews.find(new.user_id, ["a"])
    assert (open_again.decided_at, open_again.lasts) == (None, False)


@pytest.mark.parametrize("status", [Status.REVIEW, Status.RUNNING])
async def test_a_reset_takes_decisions_back(store: Store, status: Status) -> None:
    """What asks still is asked again; what is to ask anew has asked nothing yet, and what never came is forgotten."""
    new = await asking(store, "a", "b")
    for id in "ab":
        await approve(store, new, id, approved=False)
    row = StandingNode("a", "node of a", "block", 0, status, 1, {})
    standing = Standing({"node of a": 1}, [row])
    assert await store.ownership.take_over(new.id, run_id="run-2", owner=RUN, standing=standing, at=later(1))
    assert await store.reviews.find(new.user_id, ["b"]) == []
    if status is Status.RUNNING:
        assert await store.reviews.find(new.user_id, ["a"]) == []
        await store.executions.record(new.id, run_id="run-2", nodes=[node("a", Status.REVIEW)])
        await ask(store, new, "a")
    assert await waiting(store, new) == ["a"]


async def test_the_end_of_a_run_closes_its_reviews(store: Store) -> None:
    new = await asking(store, "a", "b")
    await approve(store, new, "a")
    await store.executions.finish(new, run_id=RUN, finish=end(Status.TERMINATED))
    assert await waiting(store, new) == []
    first, second = await store.reviews.of_execution(new.user_id, new.id)
    assert first.status is ReviewStatus.APPROVED
    assert (second.status, second.message) == (ReviewStatus.REJECTED, "Execution was stopped by user")
    assert second.decided_at == later(9)


async def test_pages(store: Store) -> None:
    new = await asking(store, *"abcde")
    page = await store.reviews.waiting(new.user_id, limit=2, before=None)
    seen = [review.id for review in page.items]
    while page.next_cursor:
        assert page.total_count == 5
        page = await store.reviews.waiting(new.user_id, limit=2, before=page.next_cursor)
        seen += [review.id for review in page.items]
    assert seen == list("edcba")
    with pytest.raises(InvalidRequest):
        await store.reviews.waiting(new.user_id, limit=2, before="nonsense")


async def test_a_run_in_review_is_shown_as_such(store: Store) -> None:
    new = await asking(store, "a")
    show = store.reviews.show
    assert await show(new.id, run_id=RUN, status=Status.REVIEW, at=later(2), limits=None) == (Status.REVIEW, [])
    await show(new.id, run_id=RUN, status=Status.REVIEW, at=later(3), limits=None)
    assert await show(new.id, run_id=RUN, status=Status.RUNNING, at=later(4), limits=None) == (Status.RUNNING, [])
    events = await store.executions.events(new.id, after=0, limit=9)
    told = [(event.seq, event.status, event.at) for event in events if event.node_execution_id is None]
    assert told == [(1, Status.RUNNING, NOW), (3, Status.REVIEW, later(2)), (4, Status.RUNNING, later(4))]
    row = await store.executions.get(new.user_id, new.id)
    assert row is not None
    assert (row.status, row.last_event) == (Status.RUNNING, 4)


async def test_what_is_over_or_anothers_is_not_shown_differently(store: Store) -> None:
    new = await asking(store)
    await store.reviews.show(new.id, run_id="run-0", status=Status.REVIEW, at=NOW, limits=ONE)
    await store.executions.finish(new, run_id=RUN, finish=end())
    await store.reviews.show(new.id, run_id=RUN, status=Status.REVIEW, at=NOW, limits=ONE)
    row = await store.executions.get(new.user_id, new.id)
    assert row is not None
    assert (row.status, row.last_event) == (Status.COMPLETED, 2)


async def test_a_run_in_review_has_no_slot_and_needs_one_afterwards(store: Store) -> None:
    graph_id = new_id("graph")
    first, second = (execution(graph_id=graph_id) for _ in range(2))
    limits = {"limits": ONE, "at": NOW}
    assert (await store.executions.begin(first, run_id=RUN, **limits)).is_admitted  # type: ignore[arg-type]
    assert not (await store.executions.begin(second, run_id=RUN, **limits)).is_admitted  # type: ignore[arg-type]
    waits = {"user_id": "ada", "graph_id": graph_id, "limits": ONE}
    assert await store.admission.wait(second.id, **waits) == []  # type: ignore[arg-type]
    show = store.reviews.show
    in_review = await show(first.id, run_id=RUN, status=Status.REVIEW, at=NOW, limits=ONE)
    assert in_review == (Status.REVIEW, [second.id])
    assert (await store.executions.begin(second, run_id=RUN, **limits)).is_admitted  # type: ignore[arg-type]
    assert await show(first.id, run_id=RUN, status=Status.RUNNING, at=NOW, limits=ONE) == (Status.QUEUED, [])
    assert await store.admission.wait(first.id, **waits) == []  # type: ignore[arg-type]
    assert await store.executions.finish(second, run_id=RUN, finish=end()) == [first.id]
    assert await show(first.id, run_id=RUN, status=Status.RUNNING, at=NOW, limits=ONE) == (Status.RUNNING, [])
    assert await show(first.id, run_id=RUN, status=Status.RUNNING, at=NOW, limits=ONE) == (Status.RUNNING, [])


async def test_deleting_a_run_or_a_user_deletes_reviews_and_settings(store: Store) -> None:
    new, other = await asking(store, "a"), await asking(store, "b")
    settings = GraphSettings(human_in_the_loop_safe_mode=False)
    for each in (new, other):
        await store.executions.finish(each, run_id=RUN, finish=end())
        await store.reviews.change_settings(each.user_id, each.graph_id, SettingsChange(False, False))
    assert await store.removal.delete_execution(new.user_id, new.id)
    await store.executions.create(new)
    assert await store.reviews.of_execution(new.user_id, new.id) == []
    assert await store.reviews.settings(new.user_id, new.graph_id) == settings
    await store.removal.delete_user(other.user_id)
    assert await store.reviews.settings(other.user_id, other.graph_id) == GraphSettings()


async def test_settings_of_a_graph_are_each_users_own(store: Store) -> None:
    graph_id = new_id("graph")
    assert await store.reviews.settings("ada", graph_id) == GraphSettings()
    await store.reviews.change_settings("ada", graph_id, SettingsChange(sensitive_action_safe_mode=True))
    await store.reviews.change_settings("ada", graph_id, SettingsChange(human_in_the_loop_safe_mode=False))
    assert await store.reviews.settings("ada", graph_id) == GraphSettings(False, True)
    assert await store.reviews.settings("bob", graph_id) == GraphSettings()
