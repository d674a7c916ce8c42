"""A handful of blocks, a Temporal that only takes notes, and graphs made of those blocks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

from pydantic import AliasChoices, Field

from blocks.base import Block, BlockContext, BlockSchema, Category, Cost, Inputs, Outputs, Yielded
from blocks.unavailable import UnavailableBlock
from contracts.activities import EventSent
from contracts.block_execution import BlockExecutionInput, BlockExecutionResult
from contracts.bulk import BulkProgress, BulkResumeInput
from contracts.errors import HeddleError, Unavailable
from contracts.execution import GraphExecutionInput
from contracts.latest_run import LatestRun
from contracts.reviews import ReviewDecision, ReviewOutcome
from engine.model import BlockId, BlockKind, BlockShape, Pin

INPUT, OUTPUT, ADD, DROPDOWN, DISABLED, FAR = "b-input", "b-output", "b-add", "b-dropdown", "b-disabled", "b-far"
AGENT = "e189baac-8c20-45a1-94a7-55177ea42565"


class _Named(Inputs):
    name: str
    value: Any = None


class _Result(BlockSchema):
    result: Any = None


class _Quiet(Block[Any]):
    """A block that is described but never run."""

    description = "For tests."

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "result", None


class TestInput(_Quiet):
    id, name, kind, static_output = INPUT, "Input", BlockKind.INPUT, True
    Input, Output = _Named, _Result


class TestOutput(_Quiet):
    id, name, kind = OUTPUT, "Output", BlockKind.OUTPUT
    Input, Output = _Named, _Result


class _Operands(Inputs):
    a: int = Field(description="First")
    b: int = 1


class _Sum(Outputs):
    result: int = 0


class TestAdd(_Quiet):
    id, name, categories, costs = ADD, "Add", frozenset({Category.LOGIC}), (Cost(2, filter={"b": 3}),)
    Input, Output = _Operands, _Sum


class _Choice(_Named):
    value: str | None = Field(None, description="Chosen", title="Value")
    options: list[str] = Field(default=[], validation_alias=AliasChoices("options", "placeholder_values"))


class TestDropdown(_Quiet):
    id, name, kind, static_output = DROPDOWN, "Dropdown", BlockKind.INPUT, True
    Input, Output = _Choice, _Result


class TestDisabled(_Quiet):
    id, name, disabled = DISABLED, "Disabled", True
    Input, Output = Inputs, Outputs


class _AgentInputs(Inputs):
    graph_id: str
    graph_version: int


class TestAgent(_Quiet):
    id, name, kind = AGENT, "Agent", BlockKind.AGENT
    Input, Output = _AgentInputs, Outputs


FAR_AWAY = UnavailableBlock(
    id=FAR,
    name="Send Telegram",
    why="it needs an account with a telegraph office",
    categories=frozenset({Category.SOCIAL}),
    inputs={"text": Pin(required=True), "credentials": Pin(credentials=True)},
    outputs=frozenset({"sent", "error"}),
)


class TestCatalogue:
    """`api.block_catalogue.Catalogue` of the blocks above."""

    __test__ = False

    def __init__(self) -> None:
        classes = (TestInput, TestOutput, TestAdd, TestDropdown, TestDisabled, TestAgent)
        self._blocks: dict[str, Block[Any]] = {block.id: block() for block in classes}
        self.shapes_asked = 0

    def get(self, block_id: str, /) -> Block[Any] | None:
        return self._blocks.get(block_id)

    def unavailable(self, block_id: str, /) -> UnavailableBlock | None:
        return FAR_AWAY if block_id == FAR else None

    def all_unavailable(self) -> Sequence[UnavailableBlock]:
        return [FAR_AWAY]

    def shape(self, block_id: BlockId, /) -> BlockShape | None:
        self.shapes_asked += 1
        block = self._blocks.get(block_id)
        return block.shape() if block else FAR_AWAY.shape() if block_id == FAR else None

    def __iter__(self) -> Iterator[Block[Any]]:
        return iter(self._blocks.values())


class NotedRuns:
    """`api.runs.Runs` that takes notes and does what a test tells it."""

    def __init__(self) -> None:
        self.started: dict[str, GraphExecutionInput] = {}
        self.starts = 0
        self.names: dict[str, str] = {}
        self.over: set[str] = set()
        self.cancelled: list[str] = []
        self.events: list[tuple[str, EventSent]] = []
        self.decisions: list[tuple[str, ReviewDecision]] = []
        self.blocks: dict[str, BlockExecutionInput] = {}
        self.block_result = BlockExecutionResult(outputs={"value": {"result": [3]}})
        self.refuses: HeddleError | None = None
        self.resumed: dict[str, GraphExecutionInput] = {}
        self.next_run_id: str | None = "run-2"
        self.bulk: dict[str, BulkResumeInput] = {}
        self.terminated: list[str] = []
        self.known: dict[str, LatestRun | None] = {}
        self.down = False
        self.workers = True
        self.when_cancelled: Callable[[str], Awaitable[None]] | None = None
        self.when_terminated: Callable[[str], Awaitable[None]] | None = None

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("Temporal cannot be reached. Try again shortly.")

    async def start(self, execution_id: str, run: GraphExecutionInput, *, graph_version: int, graph_name: str) -> bool:
        self._answer()
        if execution_id in self.over:
            return False
        self.started[execution_id] = run
        self.starts += 1
        self.names[execution_id] = graph_name
        return True

    async def resume(
        self, execution_id: str, run: GraphExecutionInput, *, earlier_run_id: str | None, graph_name: str
    ) -> str | None:
        self._answer()
        self.resumed[execution_id] = run
        return self.next_run_id

    async def start_bulk(self, bulk_id: str, bulk: BulkResumeInput) -> None:
        self._answer()
        self.bulk.setdefault(bulk_id, bulk)

    async def bulk_progress(self, bulk_id: str) -> BulkProgress | None:
        self._answer()
        bulk = self.bulk.get(bulk_id)
        if bulk is None:
            return None
        return BulkProgress(user_id=bulk.user_id, graph_id=bulk.graph_id, total=3, started=1)

    async def cancel(self, execution_id: str) -> None:
        self._answer()
        self.cancelled.append(execution_id)
        if self.when_cancelled:
            await self.when_cancelled(execution_id)

    async def terminate(self, execution_id: str, reason: str) -> None:
        self._answer()
        self.terminated.append(execution_id)
        if self.when_terminated:
            await self.when_terminated(execution_id)

    async def send_event(self, execution_id: str, event: EventSent) -> None:
        self._answer()
        self.events.append((execution_id, event))

    async def decide(self, execution_id: str, decision: ReviewDecision) -> ReviewOutcome:
        self._answer()
        if self.refuses:
            raise self.refuses
        self.decisions.append((execution_id, decision))
        return ReviewOutcome(
            review_id=decision.review_id,
            approved=decision.approved,
            reviewer=decision.reviewer,
            message=decision.message,
            edited=decision.edits,
            at=0.0,
        )

    async def run_block(self, execution_id: str, asked: BlockExecutionInput, *, name: str) -> BlockExecutionResult:
        self._answer()
        self.blocks[execution_id] = asked
        return self.block_result

    async def latest(self, execution_id: str) -> LatestRun | None:
        self._answer()
        return self.known.get(execution_id, LatestRun("run-1"))

    async def check(self) -> None:
        self._answer()

    async def has_workers(self) -> bool:
        return self.workers


def node(id: str, block_id: str, label: str = "", **defaults: Any) -> dict[str, Any]:
    metadata = {"position": {"x": 0, "y": 0}} | ({"customized_name": label} if label else {})
    return {"id": id, "block_id": block_id, "input_default": defaults, "metadata": metadata}


def link(source: str, sink: str) -> dict[str, Any]:
    (source_id, source_name), (sink_id, sink_name) = source.split("."), sink.split(".")
    return {"source_id": source_id, "source_name": source_name, "sink_id": sink_id, "sink_name": sink_name}


def sum_graph(**changes: Any) -> dict[str, Any]:
    """number → add 1 → total"""
    return {
        "name": "Sum",
        "description": "Adds one",
        "nodes": [node("in", INPUT, name="number"), node("add", ADD, "Plus one"), node("out", OUTPUT, name="total")],
        "links": [link("in.result", "add.a"), link("add.result", "out.value")],
        **changes,
    }
