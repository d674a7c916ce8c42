"""A graph as people draw and export it, and what the engine needs to know of the blocks it names.

Read by validation and planning; filled by `api/` from request bodies and by `store/` from rows.
Unknown keys of exported files are ignored, redundant ones (a node's own link lists) too: `links` at the
top is authoritative (agent-graphs §1).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, NewType

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NodeId = NewType("NodeId", str)
BlockId = NewType("BlockId", str)


class Status(StrEnum):
    """States of a run and of a node execution (S-068 to S-070, C-7)."""

    INCOMPLETE = "INCOMPLETE"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    REVIEW = "REVIEW"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows, short of a resume or a reset."""
        return self in (Status.COMPLETED, Status.FAILED, Status.TERMINATED)


class Effects(StrEnum):
    """What running a block does to the world; decides how often it may be begun (architecture §1.4)."""

    PURE = "pure"
    IDEMPOTENT = "idempotent"
    EFFECTFUL = "effectful"


class BlockKind(StrEnum):
    """The kinds of blocks that the engine or validation treats in a way of its own."""

    STANDARD = "Standard"
    INPUT = "Input"
    OUTPUT = "Output"
    NOTE = "Note"
    WEBHOOK = "Webhook"
    WEBHOOK_MANUAL = "Webhook (manual)"
    AGENT = "Agent"
    AI = "AI"
    HUMAN_IN_THE_LOOP = "Human In The Loop"
    MCP_TOOL = "MCP Tool"


class OnNodeError(StrEnum):
    """What a failed node means for its run (S-076, C-8)."""

    CONTINUE = "continue"
    FAIL = "fail"


def _empty_when_none(value: Any) -> Any:
    return {} if value is None else value


def _text_when_none(value: Any) -> Any:
    return "" if value is None else value


def _text_of_number(value: Any) -> Any:
    return str(value) if type(value) is int else value


_Text = Annotated[str, BeforeValidator(_text_when_none)]
_Id = Annotated[NodeId, BeforeValidator(_text_of_number)]
"""Files written by hand or by programs also number their nodes."""
_Object = Annotated[dict[str, Any], BeforeValidator(_empty_when_none)]


class _FileModel(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Node(_FileModel):
    """A block placed in a graph. `metadata` holds position, `customized_name` and alike."""

    id: _Id = NodeId("")
    block_id: BlockId
    input_default: _Object = Field(default_factory=dict)
    metadata: _Object = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name a person gave the node, or an empty text."""
        name = self.metadata.get("customized_name")
        return name if isinstance(name, str) else ""


class Link(_FileModel):
    """A connection from an output pin to an input pin."""

    id: Annotated[str, BeforeValidator(_text_of_number)] = ""
    source_id: _Id
    sink_id: _Id
    source_name: str
    sink_name: str
    is_static: Annotated[bool, BeforeValidator(bool)] = False

    def __str__(self) -> str:
        return f"{self.source_id}.{self.source_name} -> {self.sink_id}.{self.sink_name}"


MOST_CONCURRENT_NODES = 500
"""More nodes of one run under way at once would near what the server takes (2,000 pending activities)."""


class GraphPolicy(_FileModel):
    """What a graph may say of its own runs; absent fields take the deployment's settings."""

    on_node_error: OnNodeError = Field(
        OnNodeError.CONTINUE, description="Whether a run goes on when a node fails, or fails too."
    )
    max_concurrent_nodes: int | None = Field(
        None, ge=1, le=MOST_CONCURRENT_NODES, description="Nodes of a run that work at once, at the most."
    )


class Graph(_FileModel):
    """A graph in the export format (agent-graphs §1)."""

    id: str = ""
    version: int = 1
    is_active: bool = True
    name: _Text = ""
    description: _Text = ""
    instructions: str | None = None
    recommended_schedule_cron: str | None = None
    forked_from_id: str | None = None
    forked_from_version: int | None = None
    policy: GraphPolicy = Field(default_factory=GraphPolicy)
    nodes: list[Node] = Field(default_factory=list)
    links: list[Link] = Field(default_factory=list)
    sub_graphs: list["Graph"] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pin:
    """One input pin of a block: whether its schema requires it, whether it names credentials, and, for the `value` of
    an agent input, whether a run may leave it out although it has no default (a toggle is then off)."""

    required: bool = False
    credentials: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """What is known of a node's inputs before a run: the values that no link can change, and the inputs that links lead
    into, all of them and those with a static link."""

    values: Mapping[str, Any]
    linked: frozenset[str] = frozenset()
    static: frozenset[str] = frozenset()


type Refusals = Callable[[Filled], Iterable[tuple[str, str]]]
"""What a block will not take, found before a run: (input, message for people)."""


@dataclass(frozen=True, slots=True)
class BlockShape:
    """What the engine knows of a block: its pins and its nature, nothing of what it does."""

    id: BlockId
    name: str
    kind: BlockKind = BlockKind.STANDARD
    effects: Effects = Effects.IDEMPOTENT
    inputs: Mapping[str, Pin] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()
    together: frozenset[str] = frozenset()
    """Inputs that, where all of them are linked, are awaited together or not at all: a conversation and its answer."""
    static_output: bool = False
    disabled: bool = False
    unavailable: str = ""
    """Why the block is not here, or an empty text. Its pins are known all the same, unless it has none at all."""
    timeout_seconds: float | None = None
    task_queue: str = ""
    refusals: Refusals | None = None


type ShapeOf = Callable[[BlockId], BlockShape | None]
"""Looks a block up in a catalogue; None when nobody knows its id."""
