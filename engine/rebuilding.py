"""Brings a scheduler to where rows say that a run had come: what happened before is told anew, nothing is run.

Driven by `activities/rebuild.py`, for runs that are resumed and for re-runs (S-073, architecture §5). It has no I/O:
the driver says what the inputs of an execution come to, and what a record's outputs are.

What happened is told in the order of the run's events, so that values pair as they did. An event of an execution that
is not queued yet waits until it is. An execution is the one of a record when both are of the same node and their inputs
come to the same; its place among the node's executions decides between equals.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from engine.events import Emitted, Ended, Slept
from engine.identity import node_execution_id
from engine.model import Status
from engine.scheduler import Scheduler
from engine.state import Open, Output, Phase, Resume, ToolCall, Waiting
from engine.values import Value, inline


@dataclass(frozen=True, slots=True)
class Nap:
    """Where an execution that waited goes on, with what it asked to keep.

    It waits still, at the most so many seconds (None: as long as it takes), unless its time is up or `answer` is there.
    """

    seconds: float | None
    emitted: int
    state: Any = None
    phase: Phase = Phase.SLEEPING
    event: str = ""
    answer: dict[str, Value] | None = None
    round: int = 1
    """In which round of the execution it waited."""
    calls: list[ToolCall] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.answer is not None or (self.phase is Phase.SLEEPING and not self.seconds)


@dataclass(frozen=True, slots=True)
class CalledBy:
    """The call of a record: by which other record, in which of its rounds, and which of the round's calls."""

    caller: str
    round: int
    index: int


@dataclass(slots=True)
class Record:
    """An execution of the earlier run. One that is kept has ended; one that is not begins again, what it gave stands.

    `likeness` says what its inputs came to; None: nothing that could be compared. `outputs` may be left out until the
    record is matched. Times in seconds, cost in cents. `inputs` of one that was called as a tool, which no link brings.
    """

    id: str
    node_id: str
    ordinal: int
    status: Status
    likeness: str | None
    is_kept: bool
    outputs: list[Output] = field(default_factory=list)
    nap: Nap | None = None
    round: int = 1
    """The round in which it goes on: later than all before, so that its attempts count as later."""
    error: str | None = None
    walltime: float = 0.0
    cputime: float = 0.0
    cost: int = 0
    extra_steps: int = 0
    called_by: CalledBy | None = None
    inputs: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the earlier run: the record has given its outputs before index `upto`, and perhaps has ended."""

    id: str
    upto: int
    is_end: bool


@dataclass(frozen=True, slots=True)
class Match:
    """An execution of the rebuilt run, with the record whose place it takes, if there is one."""

    execution: Open
    record: Record | None


@dataclass(frozen=True, slots=True)
class WaitingIn:
    """An execution of the rebuilt run that waits for pins."""

    id: str
    node: int
    waiting: Waiting


class Rebuilding:
    """One scheduler on its way. Ask `unidentified` and `match` for each, then `advance`, until that answers False."""

    def __init__(self, scheduler: Scheduler, records: Iterable[Record], told: Iterable[Told]) -> None:
        self.scheduler = scheduler
        self._state = scheduler.state
        self._told: Iterator[Told] = iter(told)
        self._by_place: dict[tuple[str, int], Record] = {}
        self._alike: dict[tuple[str, str], list[Record]] = {}
        self._matched: dict[str, Match] = {}
        """By the record's id."""
        self._owners: dict[str, Match] = {}
        """By the execution's id."""
        self._due: dict[str, Told] = {}
        """Events of records that have no execution yet, in the order in which they came first."""
        self._done: set[str] = set()
        self._identified = 0
        self._calls: dict[str, dict[int, dict[int, Record]]] = {}
        """What a record called that is not called again yet: by its id, by round, by index."""
        self._assigned: dict[str, Record] = {}
        """Records of executions that were called again, by the execution's id."""
        records = list(records)
        self._known = {record.id for record in records}
        for record in sorted(records, key=lambda each: (not each.is_kept, each.ordinal)):
            if record.nap is not None and record.nap.phase is Phase.CALLING:
                self._calls.setdefault(record.id, {}).setdefault(record.nap.round, {})
            if (called := record.called_by) is not None:
                self._calls.setdefault(called.caller, {}).setdefault(called.round, {})[called.index] = record
                continue
            self._by_place[record.node_id, record.ordinal] = record
            if record.likeness is not None:
                self._alike.setdefault((record.node_id, record.likeness), []).append(record)

    # --- driving ------------------------------------------------------------------------------

    def unidentified(self) -> list[Open]:
        """Executions that were queued since this was asked last."""
        identified, self._identified = self._identified, self._state.queued
        new = takewhile(lambda each: each.seq >= identified, reversed(self._state.open.values()))
        return list(new)[::-1]

    def match(self, execution: Open, likeness: str | None) -> Record | None:
        """The record whose place the execution takes. None as likeness: its inputs cannot be resolved."""
        if execution.caller:
            record = self._assigned.pop(execution.id, None)
        else:
            record = self._find(self.scheduler.plan.nodes[execution.node].id, execution.ordinal, likeness)
        match = Match(execution, record)
        self._owners[execution.id] = match
        if record is not None:
            self._matched[record.id] = match
        return record

    def discard(self, record: Record) -> None:
        """The record cannot be used after all: its execution begins anew."""
        match = self._matched.pop(record.id)
        self._owners[match.execution.id] = Match(match.execution, None)
        self._known.discard(record.id)

    def advance(self) -> bool:
        """Tell what comes next; False when there is nothing left to tell and nothing new to identify."""
        for id in [id for id in self._due if id in self._matched]:
            self._tell(self._due.pop(id))
        while self._state.queued == self._identified:
            self._call_again()
            if self._state.queued > self._identified:
                break
            told = next(self._told, None)
            if told is None:
                return self._tell_the_rest()
            if told.id not in self._known:
                continue
            if told.id in self._matched:
                self._tell(told)
            else:
                earlier = self._due.get(told.id, told)
                self._due[told.id] = Told(told.id, max(told.upto, earlier.upto), told.is_end or earlier.is_end)
        return True

    def settle(self) -> None:
        """At the end: what is open gets the ids that are free, those that slept go on sleeping."""
        names = self._rename()
        self._state.due_stops = []
        for match in self._owners.values():
            execution, record = match.execution, match.record
            if record is None or record.is_kept:
                continue
            nap = record.nap
            if nap is not None and nap.phase is Phase.CALLING:
                _answer_by_names(execution, names)
            elif nap is None:
                execution.resume = Resume(record.round, 0)
            elif nap.is_over:
                execution.resume = Resume(record.round, nap.emitted, nap.state, nap.answer)
            else:
                self._take_out(execution)
                execution.resume = Resume(record.round - 1, nap.emitted)
                self.scheduler.apply(
                    Slept(execution.id, nap.seconds, nap.state, nap.emitted, phase=nap.phase, event=nap.event)
                )
        self._state.unrecorded = {
            **{m.execution.id: (m.execution.node, m.execution.ordinal) for m in self.open},
            **{each.id: (each.node, each.waiting.ordinal) for each in self.waiting},
        }

    # --- what came of it ----------------------------------------------------------------------

    @property
    def kept(self) -> list[Match]:
        """Executions that had ended and are not run again, in queue order."""
        return [m for m in self._owners.values() if m.record is not None and m.record.is_kept]

    @property
    def open(self) -> list[Match]:
        """Executions that are queued or sleep, with the record whose outputs stand, in queue order."""
        return [m for m in self._owners.values() if m.record is None or not m.record.is_kept]

    @property
    def waiting(self) -> list[WaitingIn]:
        """Executions that wait for pins."""
        nodes, execution_id = self.scheduler.plan.nodes, self._state.execution_id
        return [
            WaitingIn(node_execution_id(execution_id, nodes[position].id, each.ordinal), position, each)
            for position, state in self._state.nodes.items()
            for each in state.waiting
        ]

    # --- steps --------------------------------------------------------------------------------

    def _find(self, node_id: str, ordinal: int, likeness: str | None) -> Record | None:
        here = self._by_place.get((node_id, ordinal))
        if here is not None and here.id not in self._matched:
            if likeness is None:
                return here if here.status is Status.FAILED else None
            if here.likeness == likeness:
                return here
        if likeness is None:
            return None
        alike = self._alike.get((node_id, likeness), [])
        while alike and alike[0].id in self._matched:
            alike.pop(0)
        return alike[0] if alike else None

    def _tell(self, told: Told) -> None:
        match = self._matched[told.id]
        record, execution = match.record, match.execution
        assert record is not None
        if told.id in self._done:
            return
        if told.is_end and record.is_kept:
            self._done.add(told.id)
            self._take_out(execution)
            self.scheduler.apply(
                Ended(
                    execution.id,
                    record.status,
                    record.outputs,
                    error=record.error,
                    walltime=record.walltime,
                    cputime=record.cputime,
                    cost=record.cost,
                    extra_steps=record.extra_steps,
                )
            )
            return
        outputs = [output for output in record.outputs if execution.received <= output.index < told.upto]
        if outputs:
            self.scheduler.apply(Emitted(execution.id, outputs))

    def _tell_the_rest(self) -> bool:
        """Ends and outputs that no event told of."""
        for match in list(self._matched.values()):
            record = match.record
            assert record is not None
            last = record.outputs[-1].index + 1 if record.outputs else 0
            if record.id not in self._done and (record.is_kept or match.execution.received < last):
                self._tell(Told(record.id, last, is_end=record.is_kept))
        if self._state.queued == self._identified:
            self._call_again(last=True)
        return self._state.queued > self._identified

    def _take_out(self, execution: Open) -> None:
        """It leaves the queue as if a batch had taken it, which counts against no limit."""
        for queue in (self._state.ready, self._state.ready_batch):
            if execution.id in queue:
                queue.remove(execution.id)
        execution.phase = Phase.BATCHED

    def _call_again(self, *, last: bool = False) -> None:
        """Call what the executions called that have their place, round by round; the next when all of one have ended.

        What an execution waits for still comes last, when all is told that may bring inputs of what it calls.
        """
        for id, rounds in self._calls.items():
            match = self._matched.get(id)
            record = match.record if match else None
            if match is None or record is None or (record.nap is None and not record.is_kept):
                continue
            while rounds and match.execution.phase is Phase.READY and not match.execution.ended:
                round = min(rounds)
                waits = record.nap is not None and record.nap.phase is Phase.CALLING and record.nap.round == round
                if waits and not last:
                    break
                self._begin_round(match.execution, record, round, rounds.pop(round), record.nap if waits else None)

    def _begin_round(
        self, execution: Open, record: Record, round: int, called: dict[int, Record], nap: Nap | None
    ) -> None:
        """Queue what was called in the round: all that the execution waits for (`nap`), or what is kept of it."""
        calls = list(enumerate(nap.calls)) if nap else []
        if nap is None:
            kept = {index: each for index, each in sorted(called.items()) if each.is_kept}
            calls = [(index, ToolCall(each.node_id, each.inputs)) for index, each in kept.items()]
            if not calls:
                return
        self._take_out(execution)
        execution.resume = Resume((record.round if nap else round) - 1, execution.received)
        sleep = Slept(
            execution.id,
            None,
            nap.state if nap else None,
            nap.emitted if nap else execution.received,
            phase=Phase.CALLING,
            calls=[call for _, call in calls],
        )
        self.scheduler.apply(sleep)
        for (index, _), call in zip(calls, execution.calls, strict=False):
            opened = self._state.open.get(call.id)
            if opened is not None:
                opened.call = f"{round}.{index}"
                if index in called:
                    self._assigned[opened.id] = called[index]

    def _rename(self) -> dict[str, str]:
        """Ordinals and ids of their records for executions that took a record's place, free ones for all others.

        Answers the new ids by the former ones.
        """
        plan, state = self.scheduler.plan, self._state
        names: dict[str, str] = {}
        of_node: dict[int, list[Match]] = {}
        for match in self._owners.values():
            of_node.setdefault(match.execution.node, []).append(match)
        for position, node_state in state.nodes.items():
            mine = of_node.get(position, [])
            taken = {m.record.ordinal for m in mine if m.record is not None}
            free = (number for number in range(len(taken) + node_state.opened) if number not in taken)
            others: list[Open | Waiting] = [m.execution for m in mine if m.record is None]
            for each in sorted([*others, *node_state.waiting], key=lambda each: each.ordinal):
                each.ordinal = next(free)
                node_state.opened = max(node_state.opened, each.ordinal + 1)
            for m in mine:
                if m.record is not None:
                    m.execution.ordinal = m.record.ordinal
                    node_state.opened = max(node_state.opened, m.record.ordinal + 1)
                new_id = node_execution_id(state.execution_id, plan.nodes[position].id, m.execution.ordinal)
                names[m.execution.id] = new_id
                m.execution.id = new_id
            node_state.lane = [names[id] for id in node_state.lane]
        state.open = {each.id: each for each in state.open.values()}
        state.ready = [names[id] for id in state.ready]
        state.ready_batch = [names[id] for id in state.ready_batch]
        for each in state.open.values():
            each.caller = names.get(each.caller, each.caller)
            for call in each.calls:
                call.id = names.get(call.id, call.id)
        return names


def _answer_by_names(execution: Open, names: Mapping[str, str]) -> None:
    """What is told to a caller that has all it waited for speaks of executions by the ids that they have now."""
    answer = execution.resume.answer if execution.resume else None
    if answer and "calls" in answer:
        told = answer["calls"]
        assert "value" in told
        answer["calls"] = inline([{**call, "id": names.get(call["id"], call["id"])} for call in told["value"]])
