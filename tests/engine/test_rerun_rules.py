"""What a run that is run again is given, and which nodes run in any case."""

from engine.model import BlockKind
from engine.reruns import from_node_on, has_node, inputs_again, masks_again
from tests.engine.harness import INPUT, Run, draw


def test_edited_inputs_lie_over_those_that_the_version_still_has() -> None:
    graph, shape_of = draw(
        "In.result -> A.x\nOther.result -> A.y",
        blocks={"In": INPUT, "Other": INPUT},
        defaults={"In": {"name": "kept"}, "Other": {"name": "edited"}, "A": {"name": "no input"}},
    )
    earlier = {"kept": 1, "edited": 2, "gone": 3, "no input": 4}
    assert inputs_again(graph, shape_of, earlier, {"edited": 5, "new": 6}) == {"kept": 1, "edited": 5, "new": 6}
    assert INPUT["kind"] is BlockKind.INPUT
    assert inputs_again(graph, lambda _: None, earlier, {}) == {}


def test_edited_pins_lie_over_the_masks_of_nodes_that_are_still_there() -> None:
    graph, _ = draw("A.out -> B.x")
    earlier = {"A": {"p": 1, "q": 2}, "gone": {"p": 3}}
    assert masks_again(graph, earlier, {"A": {"q": 4}, "B": {"x": 5}}) == {"A": {"p": 1, "q": 4}, "B": {"x": 5}}
    assert earlier == {"A": {"p": 1, "q": 2}, "gone": {"p": 3}}


def test_a_node_and_all_behind_it() -> None:
    plan = Run("A.out -> B.x\nB.out -> C.x\nC.out -> B.y\nA.out -> D.x").plan
    assert from_node_on(plan, "B") == {"B", "C"}
    assert from_node_on(plan, "A") == {"A", "B", "C", "D"}
    assert from_node_on(plan, "D") == {"D"}
    assert from_node_on(plan, None) == frozenset()


def test_whether_the_node_is_there() -> None:
    graph, _ = draw("A.out -> B.x")
    assert has_node(graph, "A")
    assert has_node(graph, None)
    assert not has_node(graph, "C")
