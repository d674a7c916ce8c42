"""Exa: research, which takes minutes and is kept by Exa under an id."""

from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Outputs, Sleep, Yielded
from blocks.credentials import key_of
from blocks.http.client import Http
from blocks.jobs import Job
from blocks.knowledge.exa_settings import EXA_COSTS, EXA_CREDENTIALS, MINE, ExaInputs
from blocks.providers import exa
from engine.model import Effects

_JSON = {"Content-Type": "application/json"}
_URL = "https://api.exa.ai/research/v1"
_LONGEST_WAIT = 3_600
_EVERY = 10.0
_DONE = (
    '{"researchId": "t1", "createdAt": 1700000000000, "model": "exa-research", "instructions": "Tea?", '
    '"status": "completed", "finishedAt": 1700000060000, "output": {"content": "Yes.", "parsed": {"tea": true}}, '
    '"costDollars": {"total": 0.2, "numSearches": 3, "numPages": 4.4, "reasoningTokens": 900}}'
)


class ResearchModel(StrEnum):
    """How thorough the research is."""

    FAST = "exa-research-fast"
    STANDARD = "exa-research"
    PRO = "exa-research-pro"


class ResearchOutputs(Outputs):
    """What every look at research tells."""

    research_id: str = Field(title="Id", description="Exa's id of the research")
    output_content: str | None = Field(title="Findings", description="What was found, once it has ended")
    output_parsed: dict[str, Any] | None = Field(
        title="Structured findings", description="The same by the schema that was given"
    )
    cost_total: float | None = Field(
        title="Cost", description="What Exa takes for it, in US dollars, once it has ended"
    )


def _findings(research: exa.Research) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if research.content is not None:
        found += [("output_content", research.content), ("output_parsed", research.parsed)]
    if research.cost is not None:
        found.append(("cost_total", research.dollars))
    return found


class ExaCreateResearchInputs(ExaInputs):
    instructions: str = Field(
        title="Instructions", description="What to find out, and how to tell it", examples=["Compare five teas"]
    )
    model: ResearchModel = Field(ResearchModel.STANDARD, title="Model", description="How thorough the research is")
    output_schema: dict[str, Any] | None = Field(
        None, title="Schema", description="JSON Schema of the findings, where they are to be structured"
    )
    wait_for_completion: bool = Field(True, title="Wait", description="Whether to wait for the findings")
    polling_timeout: int = Field(
        600, title="Longest wait", description="For how many seconds, at the most", ge=1, le=_LONGEST_WAIT
    )


class ExaCreateResearchOutputs(ResearchOutputs):
    status: str = Field(title="Status", description="`pending`, `running`, `completed`, `failed` or `canceled`")
    model: str = Field(title="Model", description="The model that is used")
    instructions: str = Field(title="Instructions", description="What is to be found out")
    created_at: int = Field(title="Begun at", description="When, in milliseconds since 1970")
    elapsed_time: float | None = Field(title="Time", description="How many seconds it took, where it was waited for")


class ExaCreateResearch(Block[ExaCreateResearchInputs]):
    id = "a1f2e3d4-c5b6-4a78-9012-3456789abcde"
    name = "Exa create research"
    description = "Has Exa research a question, and waits for the findings if asked to. It is begun once at the most."
    categories = frozenset({Category.SEARCH, Category.AI})
    effects = Effects.EFFECTFUL
    effects_after_sleep = Effects.IDEMPOTENT
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaCreateResearchInputs
    Output = ExaCreateResearchOutputs
    examples = (
        Example(
            {"credentials": MINE, "instructions": "Tea?", "wait_for_completion": False},
            (
                ("research_id", "t1"),
                ("status", "running"),
                ("model", "exa-research"),
                ("instructions", "Tea?"),
                ("created_at", 1_700_000_000_000),
            ),
            web=(
                Exchange(
                    f"POST {_URL}",
                    '{"researchId": "t1", "createdAt": 1700000000000, "model": "exa-research", '
                    '"instructions": "Tea?", "status": "running"}',
                    status=201,
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: ExaCreateResearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        job: Job | None = None
        if context.resume is None:
            schema = inputs.output_schema
            research = await exa.create_research(http, key, inputs.instructions, inputs.model.value, schema)
            # At once, so that a wait that fails does not lose what was paid for.
            yield "research_id", research.id
            if inputs.wait_for_completion:
                yield Job.begun(research.id).sleep(_EVERY)
                return
        else:
            job = Job.kept(context.resume)
            ended = await _ended(http, key, job, inputs.polling_timeout)
            if isinstance(ended, Sleep):
                yield ended
                return
            research = ended
            context.stats.provider_cost = research.dollars
        yield "status", research.status
        yield "model", research.model or inputs.model.value
        yield "instructions", research.instructions or inputs.instructions
        yield "created_at", research.created_at
        if job:
            yield "elapsed_time", float(round(job.seconds))
            for output in _findings(research):
                yield output


async def _ended(http: Http, key: str, job: Job, seconds: int) -> exa.Research | Sleep:
    """The research once it has ended; else how to wait on."""

    async def ask() -> exa.Research | None:
        research = await exa.get_research(http, key, job.id)
        return research if research.ended else None

    too_long = (
        f"The research did not end within {seconds} seconds; it goes on at Exa as {job.id}. "
        "Wait for it with Exa wait for research."
    )
    return await job.ended(ask, timedelta(seconds=seconds), too_long, every=_EVERY)


class ExaGetResearchInputs(ExaInputs):
    research_id: str = Field(title="Id", description="Exa's id of the research", min_length=1)
    include_events: bool = Field(False, title="With events", description="Whether to tell each step that Exa took")


class ExaGetResearchOutputs(ResearchOutputs):
    status: str = Field(title="Status", description="`pending`, `running`, `completed`, `failed` or `canceled`")
    instructions: str = Field(title="Instructions", description="What is to be found out")
    model: str = Field(title="Model", description="The model that is used")
    created_at: int = Field(title="Begun at", description="When, in milliseconds since 1970")
    finished_at: int | None = Field(title="Ended at", description="When, in milliseconds since 1970")
    cost_searches: int | None = Field(title="Searches", description="How many searches Exa made")
    cost_pages: int | None = Field(title="Pages", description="How many pages Exa read")
    cost_reasoning_tokens: int | None = Field(title="Tokens", description="How many tokens Exa's model used")
    error_message: str | None = Field(title="Why it failed", description="In Exa's words, if it did")
    events: list[dict[str, Any]] | None = Field(title="Events", description="Each step that Exa took, if asked for")


class ExaGetResearch(Block[ExaGetResearchInputs]):
    id = "b2e3f4a5-6789-4bcd-9012-3456789abcde"
    name = "Exa get research"
    description = "Tells how far research at Exa is, and what it found."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaGetResearchInputs
    Output = ExaGetResearchOutputs
    examples = (
        Example(
            {"credentials": MINE, "research_id": "t1"},
            (
                ("research_id", "t1"),
                ("status", "completed"),
                ("instructions", "Tea?"),
                ("model", "exa-research"),
                ("created_at", 1_700_000_000_000),
                ("finished_at", 1_700_000_060_000),
                ("output_content", "Yes."),
                ("output_parsed", {"tea": True}),
                ("cost_total", 0.2),
                ("cost_searches", 3),
                ("cost_pages", 4),
                ("cost_reasoning_tokens", 900),
                ("error_message", None),
            ),
            web=(Exchange(f"GET {_URL}/t1", _DONE, headers=_JSON),),
        ),
    )

    async def run(self, inputs: ExaGetResearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        research = await exa.get_research(
            context.services.http, key_of(context.credentials), inputs.research_id, events=inputs.include_events
        )
        yield "research_id", research.id
        yield "status", research.status
        yield "instructions", research.instructions
        yield "model", research.model
        yield "created_at", research.created_at
        yield "finished_at", research.finished_at
        for output in _findings(research):
            yield output
        if research.cost is not None:
            yield "cost_searches", round(research.cost.get("numSearches", 0))
            yield "cost_pages", round(research.cost.get("numPages", 0))
            yield "cost_reasoning_tokens", round(research.cost.get("reasoningTokens", 0))
        yield "error_message", research.error
        if inputs.include_events:
            yield "events", research.events


class ExaWaitForResearchInputs(ExaInputs):
    research_id: str = Field(title="Id", description="Exa's id of the research", min_length=1)
    timeout: int = Field(
        600, title="Longest wait", description="For how many seconds, at the most", ge=1, le=_LONGEST_WAIT
    )
    check_interval: int = Field(10, title="Interval", description="How many seconds between two looks", ge=1, le=60)


class ExaWaitForResearchOutputs(ResearchOutputs):
    final_status: str = Field(title="Status", description="`completed`, `failed`, `canceled`, or how far it got")
    elapsed_time: float = Field(title="Time", description="How many seconds it was waited for")
    timed_out: bool = Field(title="Timed out", description="Whether it did not end in that time")


class ExaWaitForResearch(Block[ExaWaitForResearchInputs]):
    id = "c3d4e5f6-7890-4abc-9012-3456789abcde"
    name = "Exa wait for research"
    description = "Waits until research at Exa ends, for a bounded time."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaWaitForResearchInputs
    Output = ExaWaitForResearchOutputs

    examples = (
        Example(
            {"credentials": MINE, "research_id": "t1"},
            (
                ("research_id", "t1"),
                ("final_status", "completed"),
                ("elapsed_time", 0.0),
                ("timed_out", False),
                ("output_content", "Yes."),
                ("output_parsed", {"tea": True}),
                ("cost_total", 0.2),
            ),
            web=(Exchange(f"GET {_URL}/t1", _DONE, headers=_JSON),),
        ),
    )

    async def run(self, inputs: ExaWaitForResearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        job = Job.kept(context.resume) if context.resume else Job.begun(inputs.research_id)
        last: exa.Research | None = None

        async def ask() -> exa.Research | None:
            nonlocal last
            last = await exa.get_research(http, key, job.id)
            return last if last.ended else None

        ended = await job.look(ask, inputs.timeout, inputs.check_interval)
        if isinstance(ended, Sleep):
            yield ended
            return
        research = ended or last or await exa.get_research(http, key, job.id)
        yield "research_id", research.id
        yield "final_status", research.status
        yield "elapsed_time", float(round(job.seconds))
        yield "timed_out", ended is None
        if ended is not None:
            for output in _findings(research):
                yield output


class ExaListResearchInputs(ExaInputs):
    cursor: str | None = Field(None, title="Cursor", description="`next_cursor` of the page before")
    limit: int = Field(10, title="Most", description="How many at the most", ge=1, le=50)


class ExaListResearchOutputs(Outputs):
    research_tasks: list[dict[str, Any]] = Field(title="Research", description="What there is, before each of it")
    research_task: dict[str, Any] = Field(
        title="One of it",
        description="Each: `research_id`, `status`, `instructions`, `output`, `cost_dollars` and more",
    )
    has_more: bool = Field(title="More", description="Whether there is more")
    next_cursor: str | None = Field(title="Next cursor", description="What to ask for more with")


class ExaListResearch(Block[ExaListResearchInputs]):
    id = "d4e5f6a7-8901-4bcd-9012-3456789abcde"
    name = "Exa list research"
    description = "Lists what was researched at Exa, a page at a time."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = EXA_CREDENTIALS
    costs = EXA_COSTS
    Input = ExaListResearchInputs
    Output = ExaListResearchOutputs
    examples = (
        Example(
            {"credentials": MINE},
            (("research_tasks", []), ("has_more", False), ("next_cursor", None)),
            web=(
                Exchange(f"GET {_URL}?limit=10", '{"data": [], "hasMore": false, "nextCursor": null}', headers=_JSON),
            ),
        ),
    )

    async def run(self, inputs: ExaListResearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        found, has_more, onward = await exa.list_research(
            context.services.http, key_of(context.credentials), inputs.cursor, inputs.limit
        )
        tasks = [_task(research) for research in found]
        yield "research_tasks", tasks
        for task in tasks:
            yield "research_task", task
        yield "has_more", has_more
        yield "next_cursor", onward


def _task(research: exa.Research) -> dict[str, Any]:
    cost = research.cost
    return {
        "research_id": research.id,
        "created_at": research.created_at,
        "model": research.model,
        "instructions": research.instructions,
        "status": research.status,
        "output_schema": research.schema,
        "output": None if research.content is None else {"content": research.content, "parsed": research.parsed},
        "cost_dollars": None
        if cost is None
        else {
            "total": research.dollars,
            "num_searches": round(cost.get("numSearches", 0)),
            "num_pages": round(cost.get("numPages", 0)),
            "reasoning_tokens": round(cost.get("reasoningTokens", 0)),
        },
        "finished_at": research.finished_at,
        "error": research.error,
    }
