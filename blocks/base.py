"""The block: the unit of work that a node places in a graph (S-268).

Every block of `catalogue.py` derives from it; `activities/` runs blocks, `api/` describes them.
A block says what it takes and gives (two pydantic models), what it does to the world (`effects`) and what it costs;
its `run` yields `(output name, value)` as often as it likes and repeats names freely (S-272).
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from blocks.credentials import Credential, CredentialsField
from blocks.services import Services
from blocks.tools import LinkedTool
from engine.model import BlockId, BlockKind, BlockShape, Effects, Filled, Pin


class Category(StrEnum):
    """Where a person looks for a block."""

    AGENT = "AGENT"
    AI = "AI"
    BASIC = "BASIC"
    COMMUNICATION = "COMMUNICATION"
    CRM = "CRM"
    DATA = "DATA"
    DEVELOPER_TOOLS = "DEVELOPER_TOOLS"
    HARDWARE = "HARDWARE"
    INPUT = "INPUT"
    ISSUE_TRACKING = "ISSUE_TRACKING"
    LOGIC = "LOGIC"
    MARKETING = "MARKETING"
    MULTIMEDIA = "MULTIMEDIA"
    OUTPUT = "OUTPUT"
    PRODUCTIVITY = "PRODUCTIVITY"
    SAFETY = "SAFETY"
    SEARCH = "SEARCH"
    SOCIAL = "SOCIAL"
    TEXT = "TEXT"


class CostType(StrEnum):
    """What a cost counts (S-219 to S-221, agent-graphs §11.6).

    Each run; each byte or second; each of the `items` or US dollars of `provider_cost` that the block told its stats; a
    language model's tokens by its own prices, where `amount` is for a call whose tokens are not known (yet).
    """

    RUN = "run"
    BYTE = "byte"
    SECOND = "second"
    ITEMS = "items"
    COST_USD = "cost_usd"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Cost:
    """A price in cents; it applies when every key of `filter` equals the input's (S-222). The first match wins.

    It is for so many seconds or items as `divisor` says, begun ones included.
    """

    amount: int
    type: CostType = CostType.RUN
    filter: Mapping[str, Any] = field(default_factory=dict)
    divisor: int = 1


class BlockSchema(BaseModel):
    """Base of every block's `Input` and `Output`."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, protected_namespaces=())


@cache
def json_schema(model: type[BlockSchema]) -> Mapping[str, Any]:
    """The JSON Schema of a block's inputs or outputs. Made once, for that takes long: it must not be changed."""
    return model.model_json_schema()


class Inputs(BlockSchema):
    """Base of a block's inputs. Extra keys are the flat names of dynamic pins and are kept."""


class Outputs(BlockSchema):
    """Base of a block's outputs: one field per pin. Every block but agent inputs and outputs also has `error`."""

    error: str = Field("", description="Why the block failed")


@dataclass(slots=True)
class NodeStats:
    """What one node execution used (S-041). A block adds to the `extra_` fields through its context.

    `items`: what it got by the piece from a provider; `provider_cost`: what a provider took for it, in US dollars.
    """

    walltime: float = 0.0
    cputime: float = 0.0
    input_size: int = 0
    output_size: int = 0
    extra_cost: int = 0
    extra_steps: int = 0
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    items: int = 0
    provider_cost: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BlockContext:
    """Who runs the block, for whom, and where it stands; made anew for each node execution (S-038, S-187).

    After a `Wait`, `resume` holds its `state`, and `answer` what came of an event (`payload`), of tools (`calls`, see
    `CallTools`) or of a review (`approved`, `message`, `reviewer`, `data` where it was edited); it is empty when that
    did not come in time. `is_approved`: a reviewer has approved all that the node will ask in this run. `asks_people`:
    reviews are not switched off. `credentials`: the secrets that the block declares, by input; an optional one that the
    node lacks is absent. `tools`: the nodes that the node may call. `progress` takes the pieces of a text that grows,
    for people to see meanwhile.
    """

    user_id: str
    graph_id: str
    graph_version: int
    graph_execution_id: str
    node_id: str
    node_execution_id: str
    root_execution_id: str | None = None
    parent_execution_id: str | None = None
    timezone: str = "UTC"
    locale: str = "en-US"
    preferences: Mapping[str, Any] = field(default_factory=dict)
    resume: Any = None
    answer: Mapping[str, Any] | None = None
    is_approved: bool = False
    asks_people: bool = True
    credentials: Mapping[str, Credential] = field(default_factory=dict, repr=False)
    tools: Sequence[LinkedTool] = ()
    progress: Callable[[str], None] = lambda _: None
    stats: NodeStats = field(default_factory=NodeStats)
    services: Services = field(default_factory=Services)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Yielded instead of an output: end this activity, wait on a workflow timer, then run the block again with `state`.

    It holds no worker meanwhile and survives any restart. `state` is JSON; nothing may be yielded after it.
    """

    duration: timedelta
    state: Any


@dataclass(frozen=True, slots=True)
class AwaitEvent:
    """The same, until somebody sends the run the event `name`, at the longest for `patience` (None: for ever)."""

    name: str
    patience: timedelta | None = None
    state: Any = None


@dataclass(frozen=True, slots=True)
class AskReview:
    """The same, until a person has decided on `data`, at the longest for `patience`; then it counts as rejected."""

    data: Any
    instructions: str = ""
    editable: bool = True
    patience: timedelta | None = None
    state: Any = None


@dataclass(frozen=True, slots=True)
class NodeCall:
    """A node to be run as a tool, with values for some of its input pins; the graph says the rest."""

    node_id: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallTools:
    """The same, until the nodes called have ended: each is a node execution of its own, with a row and outputs that
    are routed on. `answer["calls"]` then tells in the order of `calls` its `status`, its `outputs` (name → values) and
    its `error`. Without calls the block is run again at once: what is in `state` is then never done a second time.
    """

    calls: Sequence[NodeCall] = ()
    state: Any = None


type Wait = Sleep | AwaitEvent | AskReview | CallTools

WAITS = (Sleep, AwaitEvent, AskReview, CallTools)


class BlockError(Exception):
    """A failure that the block foresaw; its text is shown to people and routed to the `error` pin."""


class BlockInputError(BlockError):
    """The inputs do not fit the block."""


class BlockOutputError(BlockError):
    """The block gave something that its own output schema does not allow."""


type Yielded = tuple[str, Any] | Wait


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that an example makes, as `METHOD URL`, and what the network answers."""

    request: str
    body: str | bytes = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: with these inputs the block yields these outputs, in order. It is documentation and test.

    `web`: the requests the block makes meanwhile, with their answers, so that the test needs no network.
    """

    inputs: Mapping[str, Any]
    outputs: tuple[tuple[str, Any], ...]
    web: tuple[Exchange, ...] = ()
    mail_server: str = ""
    """`HOST:PORT` of a mail server, which takes the one mail that the block sends meanwhile."""
    gateway: tuple[Mapping[str, Any], ...] = ()
    """What Discord's gateway says meanwhile, message by message."""
    replies: tuple[Any, ...] = ()
    """What language models answer meanwhile, in turn: texts, or lists of (tool, arguments)."""


class Block[InputT: BlockSchema](ABC):
    """A unit of work. Subclasses are stateless: one instance serves all runs, whose own things are in the context."""

    id: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    categories: ClassVar[frozenset[Category]] = frozenset({Category.BASIC})
    kind: ClassVar[BlockKind] = BlockKind.STANDARD
    effects: ClassVar[Effects] = Effects.IDEMPOTENT
    effects_after_sleep: ClassVar[Effects | None] = None
    """What a round does that follows a `Sleep`, where that is less than `effects`.

    An effectful block is entered once, so it can sleep only if what it does then may be repeated: it begins a job,
    keeps its id, and afterwards only looks (`jobs.py`).
    """
    Input: ClassVar[type[BlockSchema]]
    Output: ClassVar[type[BlockSchema]] = Outputs
    static_output: ClassVar[bool] = False
    disabled: ClassVar[bool] = False
    sensitive: ClassVar[bool] = False
    """Whether a person may want to see each execution's inputs before it runs (agent-graphs §12.3)."""
    credentials: ClassVar[Mapping[str, CredentialsField]] = {}
    """What the block needs to be let in elsewhere, by input. Such a block is never PURE."""
    transient: ClassVar[tuple[type[Exception], ...]] = ()
    """Failures that waiting mends: the block is then begun anew, a few times, after the error's `retry_after` seconds.

    What it gave before stands and is not given twice. Not for effectful blocks, which are entered once.
    """
    calls_tools: ClassVar[bool] = False
    """Whether it is told in `context.tools` of the nodes that its `tools` pin is linked to."""
    together: ClassVar[frozenset[str]] = frozenset()
    """Inputs that, where all of them are linked, are awaited together or not at all."""
    costs: ClassVar[tuple[Cost, ...]] = ()
    timeout: ClassVar[timedelta | None] = None
    task_queue: ClassVar[str] = ""
    examples: ClassVar[tuple[Example, ...]] = ()

    @abstractmethod
    def run(self, inputs: InputT, context: BlockContext) -> AsyncIterator[Yielded]:
        """Yield outputs as they come. A ValueError is an expected failure, any other exception is not (S-309)."""

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """What running it does as a node with these inputs; those that only a run knows stand as `...`."""
        return self.effects

    def effects_of_round(self, input_default: Mapping[str, Any], *, has_slept: bool) -> Effects:
        """The same of one round; `has_slept`: the block goes on with the state of a `Sleep`."""
        return (self.effects_after_sleep if has_slept else None) or self.effects_for(input_default)

    @classmethod
    def refusals(cls, filled: Filled) -> Iterator[tuple[str, str]]:
        """What the block will not take, as far as it can be known before a run: (input, message for people).

        `filled.values` may hold `...` for a value that is not known yet.
        """
        for wanted in cls.credentials.values():
            by = wanted.provider_by
            value = filled.values.get(by.field) if by else None
            if by and isinstance(value, str) and by.provider_of(value) is None:
                yield by.field, by.refusal(value)

    @classmethod
    def shape(cls) -> BlockShape:
        """What validation and planning need to know of the block."""
        return BlockShape(
            id=BlockId(cls.id),
            name=cls.name,
            kind=cls.kind,
            effects=cls.effects,
            inputs={
                info.alias or name: Pin(
                    required=info.is_required(),
                    credentials=name.endswith("credentials"),
                    optional=not info.is_required() and info.get_default(call_default_factory=True) is not None,
                )
                for name, info in cls.Input.model_fields.items()
            },
            outputs=frozenset(info.alias or name for name, info in cls.Output.model_fields.items()),
            together=cls.together,
            static_output=cls.static_output,
            disabled=cls.disabled,
            timeout_seconds=cls.timeout.total_seconds() if cls.timeout else None,
            task_queue=cls.task_queue,
            refusals=cls.refusals,
        )
