"""One graph for every kind of run whose history is kept: what a change of workflow code must still replay."""

from collections.abc import Mapping
from typing import Any

from blocks.ai.orchestrator import Orchestrator
from blocks.people import HumanInTheLoop, WaitForEvent
from engine.model import Graph, GraphPolicy, OnNodeError
from tests.support.blocks import (
    Big,
    Countdown,
    Drip,
    Fail,
    Hang,
    Nap,
    Pair,
    Pass,
    PassOn,
    PassOnce,
    Sink,
    Source,
    Spread,
    Sub,
    TraceOnce,
)
from tests.support.graphs import graph, node

CANCELLED = frozenset({"stopped", "stopped_while_sleeping", "queued"})
"""Kinds that are stopped as soon as a node is under way."""

RESUMED = frozenset({"resumed"})
"""Kinds that are stopped as soon as a node is under way, and then resumed; the second run's history is kept."""

RERUN = frozenset({"rerun"})
"""Kinds that are run again from `b` once they have ended; the second run's history is kept."""

RESET = frozenset({"reset", "reset_after_continuing"})
"""Kinds that are reset to the middle once they have ended; the history kept is that of the second run."""

REVIEWED = frozenset({"reviewed"})
"""Kinds whose review is approved, and that are sent the event `go`, once a node waits for a person."""

QUEUED = frozenset({"queued"})
"""Kinds that wait for a slot until another run of the same graph is stopped."""

FAILED_BY_HAND = frozenset({"failed_activity"})
"""Kinds whose node's activity is failed by somebody else as soon as it is under way."""

LOST = frozenset({"lost_worker"})
"""Kinds whose worker is killed as soon as a node is under way; another one goes on."""

UPKEEP = frozenset({"block", "block_that_sleeps", "bulk_resume", "prune", "reconcile"})
"""Workflows of other types than `GraphExecution`."""

CONTINUED = frozenset(
    {
        "continuing",
        "continued",
        "continued_while_sleeping",
        "continued_with_a_sub_graph",
        "reset_after_continuing",
    }
)
"""Kinds that continue as new after a few events; kept is the last history, of `continuing` the first."""

REPLIES: Mapping[str, tuple[Any, ...]] = {
    "orchestrated": (
        [("testpasson", {"value": 1}), ("testpass", {"value": 2})],
        [("nothing", {})],
        [("testpasson", {"value": 3})],
        "Done.",
    ),
}
"""What the language model answers in runs of these kinds: texts, or lists of (tool, arguments)."""

SETTINGS: Mapping[str, dict[str, Any]] = {
    **{name: {"continue_after_events": 16} for name in CONTINUED},
    "orchestrated": {"llm_base_urls": {"ollama": "http://127.0.0.1:9/v1"}},
    **{name: {"max_concurrent_graph_executions_per_user": 1} for name in QUEUED},
}
"""What the worker of a kind has set."""


_PINS: dict[str, Any] = {
    "input_schema": {"properties": {"a": {}}},
    "output_schema": {"properties": {"out": {}}},
}


def _chain() -> tuple[Graph, dict[str, Any]]:
    nodes = [node("n0", PassOn, value=1), *(node(f"n{i}", PassOn) for i in range(1, 7))]
    return graph(nodes, *(f"n{i}.value -> n{i + 1}.value" for i in range(6))), {}


def kinds() -> Mapping[str, tuple[Graph, dict[str, Any]]]:
    """Name → graph and inputs."""
    return {
        "pure": (
            graph(
                [node("in", Source, name="x"), node("a", Pass), node("out", Sink, name="y")],
                "in.result -> a.value",
                "a.value -> out.value",
            ),
            {"x": 1},
        ),
        "activities": (
            graph(
                [node("a", PassOn, value=1), node("b", PassOnce), node("p", Pass), node("out", Sink, name="y")],
                "a.value -> b.value",
                "b.value -> p.value",
                "p.value -> out.value",
            ),
            {},
        ),
        "join": (
            graph(
                [
                    node("a", PassOn, value=1),
                    node("b", Drip, value=2, seconds=0.05),
                    node("join", Pair),
                    node("c", PassOn),
                ],
                "a.value => join.left",
                "b.value -> join.right",
                "join.value -> c.value",
            ),
            {},
        ),
        "streaming": (
            graph([node("drip", Drip, value=6, seconds=0.05), node("next", PassOn)], "drip.value -> next.value"),
            {},
        ),
        "resumed": (
            graph(
                [node("drip", Drip, value=6, seconds=0.05), node("p", Pass), node("nap", Nap, value=1)],
                "drip.value -> p.value",
            ),
            {},
        ),
        "rerun": (
            graph(
                [node("a", PassOn, value=1), node("b", PassOn), node("out", Sink, name="y")],
                "a.value -> b.value",
                "b.value -> out.value",
            ),
            {},
        ),
        "reset": (
            graph([node("drip", Drip, value=6, seconds=0.05), node("next", PassOn)], "drip.value -> next.value"),
            {},
        ),
        "sleeping": (graph([node("nap", Nap, value=2), node("out", Sink, name="n")], "nap.value -> out.value"), {}),
        "failing_node": (graph([node("f", Fail, value=1), node("bad", PassOn)], "f.error -> bad.value"), {}),
        "failing_run": (
            graph(
                [node("f", Fail, value=1), node("hang", Hang, value=1)],
                policy=GraphPolicy(on_node_error=OnNodeError.FAIL),
            ),
            {},
        ),
        "refused": (graph([node("in", Source, name="x")]), {"y": 1}),
        "stopped": (graph([node("hang", Hang, value=1), node("after", PassOn)], "hang.value -> after.value"), {}),
        "stopped_while_sleeping": (graph([node("hang", Hang, value=1), node("nap", Nap, value=1)]), {}),
        "sub_graph": (
            graph(
                [
                    node("in", Source, name="x"),
                    node("sub", Sub, graph_id="recorded-child", graph_version=1, inputs={}, **_PINS),
                    node("after", PassOn),
                ],
                "in.result -> sub.a",
                "sub.out -> after.value",
                sub_graphs=[
                    graph(
                        [node("a", Source, name="a"), node("p", PassOn), node("o", Sink, name="out")],
                        "a.result -> p.value",
                        "p.value -> o.value",
                        id="recorded-child",
                    )
                ],
            ),
            {"x": 1},
        ),
        "orchestrated": (
            graph(
                [
                    node(
                        "agent",
                        Orchestrator,
                        prompt="?",
                        model="ollama/any",
                        agent_mode_max_iterations=-1,
                        multiple_tool_calls=True,
                    ),
                    node("tool", PassOn),
                    node("pure", Pass),
                    node("each", PassOn),
                    node("out", Sink, name="y"),
                ],
                "agent.tools -> tool.value",
                "agent.tools -> pure.value",
                "tool.value -> each.value",
                "agent.finished -> out.value",
            ),
            {},
        ),
        "large_value": (graph([node("big", Big, value=100_000), node("a", Pass)], "big.value -> a.value"), {}),
        "reviewed": (
            graph(
                [
                    node("ask", HumanInTheLoop, data=1, name="?", expires_in_hours=24),
                    node("event", WaitForEvent, name="go"),
                    node("out", Sink, name="y"),
                ],
                "ask.approved_data -> out.value",
            ),
            {},
        ),
        "expired_review": (
            graph(
                [node("ask", HumanInTheLoop, data=1, name="?", expires_in_hours=0.0003), node("out", Sink, name="y")],
                "ask.rejected_data -> out.value",
            ),
            {},
        ),
        "loop": (
            graph(
                [node("in", Source, name="n"), node("count", Countdown), node("each", PassOn)],
                "in.result -> count.value",
                "count.again -> count.value",
                "count.done -> each.value",
            ),
            {"n": 2500},
        ),
        "queued": (graph([node("hang", Hang, value=1)]), {}),
        "lost_worker": (
            graph(
                [node("lost", TraceOnce, value=1, file="/dev/null", wait_for="/dev/null/never"), node("bad", PassOn)],
                "lost.error -> bad.value",
            ),
            {},
        ),
        "spilled_state": (
            graph(
                [
                    node("many", Spread, value=80),
                    node("pair", Pair),
                    node("late", PassOn, value=1),
                    node("after", Pass),
                ],
                "many.value -> pair.left",
                "after.value -> pair.right",
                "late.value -> after.value",
            ),
            {},
        ),
        "failed_activity": (
            graph([node("hang", Hang, value=1), node("bad", PassOn)], "hang.error -> bad.value"),
            {},
        ),
        "continuing": _chain(),
        "continued": _chain(),
        "reset_after_continuing": _chain(),
        "continued_while_sleeping": (
            graph(
                [node("nap", Nap, value=6), node("one", Pass, value="one"), node("pair", Pair)],
                "one.value -> pair.left",
                "nap.value -> pair.right",
            ),
            {},
        ),
        "continued_with_a_sub_graph": (
            graph(
                [
                    node("sub", Sub, graph_id="dripping-child", graph_version=1, inputs={}, **_PINS),
                    node("after", PassOn),
                ],
                "sub.out -> after.value",
                sub_graphs=[
                    graph(
                        [node("d", Drip, value=8, seconds=0.1), node("o", Sink, name="out")],
                        "d.value -> o.value",
                        id="dripping-child",
                    )
                ],
            ),
            {},
        ),
    }
