"""The worked traces of agent-graphs §27: what real graphs rely on, one test each, under the number of its trace.

Trace 13 (a preset's inputs with some of them overridden) is missing on purpose: presets are merged by the API before
a run exists, the engine sees only the inputs that result. It is shown with the API's presets.
"""

from typing import Any

import pytest

from engine.model import Status
from engine.pins import merge_dynamic
from tests.engine.harness import INPUT, PURE, Run, interleavings

JOIN = """
    A.out -> S.a
    B.out -> S.b
"""


def test_trace_01_join_by_arrival() -> None:
    emissions = [[("A", 1), ("A", 2), ("A", 3)], [("B", 10), ("B", 20)]]
    for order in interleavings(*emissions):
        run = Run(JOIN)
        for source, value in order:
            run.emit(source, out=value)
        for who in ("A", "B"):
            run.end(who)
        assert run.got("S") == [{"a": 1, "b": 10}, {"a": 2, "b": 20}], order
        assert run.waiting("S") == [{"a": 3}]
        run.drain()
        assert run.outcome is Status.COMPLETED


CONSTANT = """
    Step.item -> S.item
    Store.output => S.const
"""


def test_trace_02_constant_and_stream_constant_first() -> None:
    run = Run(CONSTANT)
    run.emit("Store", output="k")
    assert run.waiting("S") == [{"const": "k"}]
    for item in (1, 2, 3):
        run.emit("Step", item=item)
    assert run.got("S") == [{"const": "k", "item": item} for item in (1, 2, 3)]
    assert run.order[2:] == ["S/0", "S/1", "S/2"]


def test_trace_02_constant_and_stream_constant_last() -> None:
    run = Run(CONSTANT)
    for item in (1, 2, 3):
        run.emit("Step", item=item)
    assert run.got("S") == []
    run.emit("Store", output="k")
    assert run.order[2:] == ["S/0", "S/2", "S/1"], "the one it fills, then the others, newest first"
    assert [got["item"] for got in run.got("S")] == [1, 3, 2]
    assert {got["const"] for got in run.got("S")} == {"k"}


def test_trace_02_constant_and_stream_always_three_runs() -> None:
    for order in interleavings([("Store", "output", "k")], [("Step", "item", item) for item in (1, 2, 3)]):
        run = Run(CONSTANT)
        for who, name, value in order:
            run.emit(who, (name, value))
        assert sorted(got["item"] for got in run.got("S")) == [1, 2, 3]
        assert run.waiting("S") == []


def test_trace_03_constant_emitted_again() -> None:
    run = Run(CONSTANT)
    run.emit("Store", output="k")
    for item in (1, 2, 3):
        run.emit("Step", item=item)
    run.emit("Store", output="k'")
    assert run.waiting("S") == [{"const": "k'"}], "an arrival: it opens a fourth execution"
    run.emit("Step", item=4)
    assert run.got("S")[3:] == [{"const": "k'", "item": 4}]
    run.emit("Step", item=5)
    assert run.got("S")[4:] == [{"const": "k'", "item": 5}], "later items use the latest constant"


def test_trace_03_constant_emitted_again_goes_to_the_earliest_that_lacks_it() -> None:
    run = Run(CONSTANT + "Other.out -> S.other")
    run.emit("Step", item=1)
    run.emit("Step", item=2)
    run.emit("Store", output="k")
    run.emit("Store", output="k'")
    assert run.waiting("S") == [{"item": 1, "const": "k"}, {"item": 2, "const": "k'"}]


def test_trace_04_all_pins_static() -> None:
    blocks = {"A": INPUT, "B": INPUT, "Again": {"static_output": True}}
    run = Run(
        """
            A.result -> S.a
            B.result -> S.b
            S.out -> Again.input
            Again.output -> S.a
        """,
        blocks=blocks,
        defaults={"A": {"name": "a"}, "B": {"name": "b"}},
        inputs={"a": 1, "b": 2},
    )
    run.end("A", result=1)
    assert run.got("S") == []
    run.end("B", result=2)
    assert run.got("S") == [{"a": 1, "b": 2}]
    run.end("S", out="x")
    run.end("Again", output="x")
    assert run.got("S")[1:] == [{"a": "x", "b": 2}], "the arrival opens an execution, the other static pin is copied"
    run.end("S", out="y")
    run.end("Again", output="y")
    assert run.got("S")[2:] == [{"a": "y", "b": 2}]
    run.drain()
    assert len(run.got("S")) == 3


def test_trace_05_fan_in_on_one_pin() -> None:
    run = Run(
        """
            X.out -> S.p
            Y.out -> S.p
        """
    )
    run.emit("Y", out="from y")
    run.emit("X", out="from x")
    assert run.got("S") == [{"p": "from y"}, {"p": "from x"}], "two runs, never a merge"


def test_trace_06_condition_false() -> None:
    run = Run(
        """
            C.yes_output -> Yes.a
            Other.out -> Yes.b
            C.no_output -> No.a
        """
    )
    run.end("Other", out=1)
    run.end("C", result=False, no_output="n")
    assert run.got("No") == [{"a": "n"}]
    run.drain()
    assert run.got("Yes") == []
    assert run.waiting("Yes") == [{"b": 1}]
    assert run.outcome is Status.COMPLETED
    assert run.scheduler.incomplete_count == 1


def test_trace_07_linked_pin_with_default() -> None:
    run = Run("A.out -> S.linked", required={"S": "linked free"}, defaults={"S": {"linked": "default", "free": "d"}})
    assert run.got("S") == [], "the default of a linked pin does not start the node"
    run.end("A", out="arrived")
    assert run.got("S") == [{"linked": "arrived", "free": "d"}]


def test_trace_08_dynamic_pins() -> None:
    run = Run(
        """
            A.out -> S.values_#_a
            B.out -> S.values_#_b
        """,
        required={"S": "values"},
        defaults={"S": {"values": {}, "values_#_c": "!!!"}},
    )
    run.emit("A", out=1)
    run.emit("A", out=10)
    assert run.waiting("S") == [{"values_#_a": 1}, {"values_#_a": 10}], "each dynamic pin is a pin of its own"
    run.emit("B", out=2)
    (got,) = run.got("S")
    assert merge_dynamic(got)["values"] == {"a": 1, "b": 2, "c": "!!!"}
    assert run.waiting("S") == [{"values_#_a": 10}]


def test_trace_09_failure() -> None:
    run = Run(
        """
            S.out -> Used.a
            S.error -> Handler.message
            Used.out -> Output.value
        """
    )
    run.emit("S", out=1)
    run.fail("S", "boom")
    assert run.got("Used") == [{"a": 1}]
    assert run.got("Handler") == [{"message": "boom"}]
    run.drain(Used=lambda got: [("out", got["a"])])
    assert run.got("Output") == [{"value": 1}]
    assert run.outcome is Status.COMPLETED
    assert run.scheduler.state.totals.node_error_count == 1


@pytest.mark.parametrize(("required", "runs"), [("", [{"p": None}]), ("p", [])])
def test_trace_10_none(required: str, runs: list[dict[str, Any]]) -> None:
    run = Run("A.out -> S.p", required={"S": required})
    run.end("A", out=None)
    assert run.got("S") == runs, "delivered: an optional field may be None, a required one not"
    assert len(run.waiting("S")) == 1 - len(runs)


def test_trace_10_none_behind_a_selector_is_not_delivered() -> None:
    run = Run("A.out_#_k -> S.p")
    run.emit("A", out={"k": None})
    assert run.got("S") == run.waiting("S") == []
    run.emit("A", out={"k": 1})
    assert run.got("S") == [{"p": 1}]


def test_trace_11_loop() -> None:
    run = Run(
        """
            First.out -> Add.a
            Step.out => Add.b
            Add.result -> Condition.value1
            Condition.yes_output -> Add.a
            Condition.no_output -> Done.value
        """,
        blocks={"Add": PURE, "Condition": PURE},
    )
    run.drain(
        First=lambda _: [("out", 0)],
        Step=lambda _: [("out", 1)],
        Add=lambda got: [("result", got["a"] + got["b"])],
        Condition=lambda got: [("yes_output" if got["value1"] < 5 else "no_output", got["value1"])],
    )
    assert run.got("Done") == [{"value": 5}]
    assert run.got("Add") == [{"a": a, "b": 1} for a in range(5)]
    assert len({name for name in run.order if name.startswith("Condition")}) == 5, "each pass is a new execution"
    assert run.outcome is Status.COMPLETED


ACCUMULATOR = """
    Step.item -> List.entry
    First.output -> List.list
    List.updated_list -> List.list
"""


def test_trace_12_self_loop_accumulator() -> None:
    for order in interleavings([("First", "output", [])], [("Step", "item", item) for item in "xyz"]):
        run = Run(ACCUMULATOR)
        for who, name, value in order:
            run.emit(who, (name, value))
        run.end("Step")
        run.end("First")
        run.drain(List=lambda got: [("updated_list", [*got["list"], got["entry"]])])
        assert run.got("List") == [{"list": list("xyz"[:n]), "entry": "xyz"[n]} for n in range(3)], order
        assert run.waiting("List") == [{"list": ["x", "y", "z"]}]


def test_trace_12_a_static_first_list_is_given_to_every_entry_that_waits_for_none() -> None:
    """What a StoreValue does as the source of the first list: its links are static, so `list` is sticky."""
    run = Run(ACCUMULATOR, blocks={"First": {"static_output": True}})
    run.emit("First", output=[])
    run.emit("Step", item="x")
    run.emit("Step", item="y")
    assert run.got("List") == [{"list": [], "entry": "x"}, {"list": [], "entry": "y"}]


def test_trace_14_masks() -> None:
    run = Run(
        """
            A.out -> S.linked
            A.other -> S.other
        """,
        required={"S": "free"},
        masks={"S": {"linked": "mask", "free": "f"}},
    )
    assert run.got("S") == [], "a mask makes no arrival"
    run.emit("A", other=1)
    assert run.got("S") == [{"other": 1, "linked": "mask", "free": "f"}], "it satisfies pins, linked or not"
    run.emit("A", out="arrived")
    run.emit("A", other=2)
    assert run.got("S")[1:] == [{"linked": "mask", "other": 2, "free": "f"}], "it wins over what a link brought"


def test_trace_15_outputs_of_the_same_name() -> None:
    run = Run(
        """
            A.x -> First.value
            B.x -> Second.value
        """,
        defaults={"First": {"name": "result"}, "Second": {"name": "result"}},
    )
    run.emit("A", x=1)
    run.emit("B", x=2)
    run.emit("A", x=3)
    run.emit("A", x=4)
    outputs = {execution.seq: execution.inputs["value"]["value"] for execution in _outputs(run)}
    assert [outputs[seq] for seq in sorted(outputs)] == [1, 2, 3, 4], "in queue order, each hit an entry"


def _outputs(run: Run) -> list[Any]:
    return [e for e in run.scheduler.state.open.values() if run.plan.nodes[e.node].id in ("First", "Second")]
