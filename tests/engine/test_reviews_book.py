"""Decisions: the first stands, whoever comes after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contracts.reviews import ReviewDecision
from engine.reviews import MOST_DECIDED, Decided, NotEditable, OpenReview, ReviewBook, ReviewDecided, ReviewUnknown


def book(*ids: str, editable: bool = True) -> ReviewBook:
    made = ReviewBook()
    for id in ids:
        made.opened(id, OpenReview(f"run of {id}", f"node of {id}", editable))
    return made


def decide(on: ReviewBook, id: str, *, approved: bool = True, **more: object) -> tuple[Decided, bool]:
    given: dict[str, object] = {
        "edited": False, "reviewer": "ann", "message": "", "digest": str(approved), "at": 1.0,
    }  # fmt: skip
    return on.decide(id, approved=approved, **given | more)  # type: ignore[arg-type]


def test_a_decision_closes_its_review() -> None:
    one = book("a", "b")
    decided, is_new = decide(one, "a")
    assert is_new
    assert decided.node_execution_id == "run of a"
    assert list(one.open) == ["b"]
    assert one.review_of("run of b") == "b"
    assert one.review_of("run of a") is None


def test_what_is_not_asked_cannot_be_decided() -> None:
    with pytest.raises(ReviewUnknown):
        decide(book("a"), "b")


def test_what_may_not_be_changed() -> None:
    one = book("a", editable=False)
    with pytest.raises(NotEditable):
        decide(one, "a", edited=True)
    assert decide(one, "a")[1]


def test_only_the_latest_decisions_are_remembered() -> None:
    one = ReviewBook()
    for number in range(MOST_DECIDED + 5):
        one.opened(str(number), OpenReview("run", "node", editable=True))
        decide(one, str(number))
    assert len(one.decided) == MOST_DECIDED
    assert "4" not in one.decided
    assert "5" in one.decided


def test_a_review_that_is_asked_again_waits_again() -> None:
    one = book("a")
    decide(one, "a")
    one.opened("a", OpenReview("run of a", "node of a", editable=True))
    assert decide(one, "a", approved=False)[1]


def test_approval_of_all_that_is_to_come() -> None:
    one = book("a", "b", "c")
    decide(one, "a", approved=False, approve_future=True)
    assert one.approved_nodes == []
    decide(one, "b", approve_future=True)
    one.opened("d", OpenReview("run of d", "node of b", editable=True))
    decide(one, "d", approve_future=True)
    assert one.approved_nodes == ["node of b"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30))
def test_the_first_decision_on_each_stands(decisions: list[tuple[str, bool]]) -> None:
    one, first = book("a", "b", "c"), dict[str, bool]()
    for id, approved in decisions:
        stands = first.setdefault(id, approved)
        is_first = id not in one.decided
        if approved is stands:
            decided, is_new = decide(one, id, approved=approved)
            assert (decided.approved, is_new) == (stands, is_first)
        else:
            with pytest.raises(ReviewDecided) as refused:
                decide(one, id, approved=approved)
            assert refused.value.decided.approved is stands
        one = TypeAdapter(ReviewBook).validate_json(TypeAdapter(ReviewBook).dump_json(one))


def test_the_same_decision_has_the_same_digest_whoever_makes_it() -> None:
    def digest(**more: object) -> str:
        return ReviewDecision.model_validate({"review_id": "a", "approved": True, **more}).digest

    assert digest(reviewer="ann") == digest(reviewer="bob") == digest(message="  ") == digest(message=None)
    others = [digest(message="x"), digest(approved=False), digest(reviewed_data=1), digest(approve_future=True)]
    assert len({digest(), *others}) == 5
