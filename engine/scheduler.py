"""Which node runs next, and with what: the rules of dataflow, as `step(event) -> commands` on a `RunState`.

Driven by the workflow, and by a batch of pure nodes, with the same code. It has no clock and no I/O, and never opens a
value. Rules: specification sections M and O, agent-graphs §7 and its worked traces §27.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter

from pydantic_core import to_json

from engine import tool_calls, waits
from engine.events import (
    Cancelled,
    CancelNodes,
    Command,
    Emitted,
    Ended,
    Event,
    EventCame,
    RunNode,
    Slept,
    StartTimer,
    StopTimer,
    TimedOut,
    Unrecorded,
    Woke,
)
from engine.identity import node_execution_id
from engine.model import OnNodeError, Status
from engine.pins import base_name
from engine.plan import Mode, Plan, PlanNode
from engine.state import NodeState, Open, Output, Phase, RunState, Waiting
from engine.values import Value, is_null, is_reference

_TASK_BUDGET = 1024 * 1024
"""Bytes of inputs that leave in one workflow task: the server takes four times as much, and the rest needs room too."""

_UNDER_WAY = (Phase.RUNNING, Phase.BATCHED)


class LostOutput(AssertionError):
    """An output that was told never arrived: a bug of the driver, which must not be papered over."""


class Scheduler:
    """The rules, over one plan and one state."""

    def __init__(self, plan: Plan, state: RunState) -> None:
        self.plan = plan
        self.state = state

    @classmethod
    def start(
        cls,
        plan: Plan,
        execution_id: str,
        inputs: Mapping[str, Value],
        masks: Mapping[str, Mapping[str, Value]] | None = None,
        skipped_nodes: Iterable[str] = (),
    ) -> "Scheduler":
        """A run at its beginning: each starting node has one execution, agent inputs with their value.

        Source: agent-graphs §6.
        """
        state = RunState(
            execution_id,
            masks={node_id: dict(mask) for node_id, mask in (masks or {}).items()},
            skipped_nodes=list(skipped_nodes),
        )
        scheduler = cls(plan, state)
        for position, node in enumerate(plan.nodes):
            if not node.starts:
                continue
            given = inputs.get(node.input_name) if node.input_name is not None else None
            node_state = scheduler._node_state(position)
            waiting = scheduler._open(node_state)
            if given is not None:
                waiting.inputs["value"] = given
                node_state.filled["value"] = 1
            scheduler._queue_if_ready(position, 0)
        return scheduler

    # --- what drivers call --------------------------------------------------------------------

    def step(self, event: Event) -> list[Command]:
        """Take in what happened and answer what is to be done now."""
        self.apply(event)
        return self.dispatch()

    def apply(self, event: Event) -> None:
        """Take in what happened. What comes late or a second time changes nothing: outputs and ends of executions that
        have ended, ends and sleeps of those that do not run, wakings of those that do not wait."""
        if isinstance(event, Cancelled):
            if not self.state.cancelled:
                self.state.cancelled = True
                self._stop()
            return
        if isinstance(event, TimedOut):
            if not self.is_stopping:
                self.state.error, self.state.error_code = "The run took longer than allowed", "run_timed_out"
                self._stop()
            return
        if isinstance(event, EventCame):
            waits.take_event(self.state, event)
            return
        execution = self.state.open.get(event.id)
        if execution is None or execution.ended:
            return
        match event:
            case Emitted():
                self._take_outputs(execution, event.outputs)
            case Ended() if execution.phase is not Phase.READY:
                self._end(execution, event)
            case Slept() if execution.phase in _UNDER_WAY:
                self._sleep(execution, event)
            case Woke() if execution.phase in waits.PHASES:
                waits.end(self.state, execution, event.answer)

    def dispatch(self, *, holding: bool = False) -> list[Command]:
        """Timers and cancellations that are due, then executions that may start in an activity, first come first.

        `holding`: none is started, since the driver waits for a quiet moment.
        """
        commands: list[Command] = [StartTimer(id, seconds) for id, seconds in self.state.due_timers.items()]
        self.state.due_timers = {}
        commands += [StopTimer(id) for id in self.state.due_stops]
        self.state.due_stops = []
        if self.state.due_cancels:
            commands.append(CancelNodes(tuple(self.state.due_cancels)))
            self.state.due_cancels = []
        if holding or self.is_stopping or not self.state.ready:
            return commands
        limit = self.plan.max_concurrent_nodes
        free = max(0, limit - self.state.running) if limit else len(self.state.ready)
        starting = self._within_budget(self.state.ready[:free])
        self.state.ready = self.state.ready[len(starting) :]
        for execution_id in starting:
            execution = self.state.open[execution_id]
            execution.phase = Phase.RUNNING
            self.state.running += 1
            self.state.unrecorded.pop(execution_id, None)
            commands.append(RunNode(execution))
        return commands

    def _within_budget(self, candidates: list[str]) -> list[str]:
        """As many as one workflow task can carry, at least one: the rest goes with the next event."""
        total = 0
        for count, execution_id in enumerate(candidates):
            execution = self.state.open[execution_id]
            total += len(to_json((execution.inputs, execution.resume)))
            if total > _TASK_BUDGET and count:
                return candidates[:count]
        return candidates

    def next_pure(self) -> Open | None:
        """The next execution for a batch, which is from now on running; None when there is none."""
        if self.is_stopping or not self.state.ready_batch:
            return None
        execution = self.state.open[self.state.ready_batch.pop(0)]
        execution.phase = Phase.BATCHED
        self.state.unrecorded.pop(execution.id, None)
        return execution

    def run_alone(self) -> None:
        """Pure nodes that are ready now get activities of their own, where retries are bounded: one of them may have
        killed its worker. Skipped ones do not run anyway; those that become ready later are batched again."""
        waiting, self.state.ready_batch = self.state.ready_batch, []
        for execution_id in waiting:
            skipped = self.is_skipped(self.state.open[execution_id])
            (self.state.ready_batch if skipped else self.state.ready).append(execution_id)

    def is_skipped(self, execution: Open) -> bool:
        """Whether the node is not to be run: it ends COMPLETED without outputs or charge (S-165)."""
        return self.plan.nodes[execution.node].id in self.state.skipped_nodes

    def take_unrecorded(self, *, queued: bool = True) -> list[Unrecorded]:
        """Executions whose rows are behind, as they stand now; from now on they count as recorded.

        A batch leaves the queued ones aside: most are dispatched right after it, and their row then says RUNNING at
        once.
        """
        behind = [each for each in self._unrecorded() if queued or each.status is Status.INCOMPLETE]
        for each in behind:
            del self.state.unrecorded[each.id]
        return behind

    @property
    def has_pure(self) -> bool:
        """Whether a batch would find something to do."""
        return bool(self.state.ready_batch) and not self.is_stopping

    @property
    def is_stopping(self) -> bool:
        """Whether nothing new may start."""
        return self.state.cancelled or self.state.error is not None

    @property
    def is_done(self) -> bool:
        """Whether the run is over: nothing queued, nothing under way; INCOMPLETE ones do not matter (T-22)."""
        if self.is_stopping:
            return not any(e.phase is Phase.RUNNING and not e.ended for e in self.state.open.values())
        return not self.state.open

    @property
    def status(self) -> Status:
        """RUNNING, or REVIEW while nothing goes on but waiting for decisions (S-074, S-254)."""
        return Status.REVIEW if waits.only_reviews(self.state) else Status.RUNNING

    @property
    def outcome(self) -> Status:
        """How the run ends (S-074)."""
        if self.state.cancelled:
            return Status.TERMINATED
        return Status.FAILED if self.state.error is not None else Status.COMPLETED

    @property
    def incomplete_count(self) -> int:
        """Executions that still wait for a pin."""
        return sum(len(node.waiting) for node in self.state.nodes.values())

    def under_way(self) -> Iterator[tuple[PlanNode, Open]]:
        """Executions that run or wait; a driver that takes a run over must take these up again."""
        for execution in self.state.open.values():
            if execution.phase is not Phase.READY and not execution.ended:
                yield self.plan.nodes[execution.node], execution

    # --- events -------------------------------------------------------------------------------

    def _take_outputs(self, execution: Open, outputs: Iterable[Output]) -> None:
        new = [output for output in outputs if output.index >= execution.received]
        if not new:
            return
        execution.received = new[-1].index + 1
        if self._node_state(execution.node).lane[0] == execution.id:
            for output in new:
                self._route(output)
        else:
            execution.held.extend(new)

    def _end(self, execution: Open, end: Ended) -> None:
        if execution.received < end.sent:
            raise LostOutput(f"{execution.id}: {end.sent} outputs were sent, {execution.received} arrived")
        self._take_outputs(execution, end.outputs)
        self.state.running -= execution.phase is Phase.RUNNING
        execution.ended = True
        self._add_up(end, gives=self.plan.nodes[execution.node].is_output)
        tool_calls.ended(self.state, execution, end)
        self._advance_lane(execution.node)
        if end.status is Status.FAILED and self.plan.on_node_error is OnNodeError.FAIL and not self.is_stopping:
            self.state.error = end.error or "A node failed"
            self.state.error_code = end.error_code or "node_failed"
            self._stop()

    def _add_up(self, end: Ended, *, gives: bool) -> None:
        totals = self.state.totals
        totals.node_count += 1 + end.extra_steps
        totals.nodes_walltime += end.walltime
        totals.nodes_cputime += end.cputime
        totals.cost += end.cost
        totals.node_error_count += end.status is Status.FAILED
        totals.agent_outputs += gives and end.status is Status.COMPLETED

    def _advance_lane(self, position: int) -> None:
        """Drop ended executions from the head of the node's lane and route what the next one has ready."""
        lane = self._node_state(position).lane
        while lane and self.state.open[lane[0]].ended:
            del self.state.open[lane.pop(0)]
            if lane:
                following = self.state.open[lane[0]]
                held, following.held = following.held, []
                for output in held:
                    self._route(output)

    def _sleep(self, execution: Open, sleep: Slept) -> None:
        self._take_outputs(execution, sleep.outputs)
        self.state.running -= execution.phase is Phase.RUNNING
        waits.begin(self.state, execution, sleep, is_stopping=self.is_stopping)
        tool_calls.begin(self.plan, self.state, execution, sleep, self._queue)

    def _stop(self) -> None:
        """Start no more timers; cancel what runs and the timers that were started."""
        unstarted, self.state.due_timers = self.state.due_timers, {}
        self.state.due_cancels = [
            execution.id
            for execution in self.state.open.values()
            if execution.phase is not Phase.READY and not execution.ended and execution.id not in unstarted
        ]

    # --- routing ------------------------------------------------------------------------------

    def _route(self, output: Output) -> None:
        """Send an output along its links, in the order of the links (S-193)."""
        if self.is_stopping:
            return
        ways = [(link, route.value) for route in output.routes for link in route.links]
        if len(output.routes) > 1:
            ways.sort(key=itemgetter(0))
        for link, value in ways:
            self._deliver(link, value)

    def _deliver(self, link_position: int, value: Value) -> None:
        """Give a value to the oldest incomplete execution that lacks the pin, or to a new one (S-195, S-201)."""
        link = self.plan.links[link_position]
        if self.plan.nodes[link.sink].mode is Mode.NEVER:
            return
        state = self._node_state(link.sink)
        place = state.filled.get(link.pin, 0)
        waiting = state.waiting[place] if place < len(state.waiting) else self._open(state)
        waiting.inputs[link.pin] = value
        state.filled[link.pin] = place + 1
        if self._queue_if_ready(link.sink, place) and link.is_static:
            # The newest first, as upstream does (S-200).
            for other in range(len(state.waiting) - 1, -1, -1):
                self._queue_if_ready(link.sink, other)

    @staticmethod
    def _open(state: NodeState) -> Waiting:
        waiting = Waiting(state.opened)
        state.opened += 1
        state.waiting.append(waiting)
        return waiting

    def _queue_if_ready(self, position: int, place: int) -> bool:
        """Queue a waiting execution if nothing is missing; the latest one fills static pins (S-196, S-198)."""
        node, state = self.plan.nodes[position], self._node_state(position)
        waiting = state.waiting[place]
        inputs = waiting.inputs
        if state.sticky:
            # Behind what arrived, since the order of pins counts when dynamic pins are merged.
            inputs = inputs | {pin: value for pin, value in state.sticky.items() if pin not in inputs}
        if not self._is_ready(node, inputs):
            self.state.unrecorded[self._id(node, waiting.ordinal)] = (position, waiting.ordinal)
            return False
        state.waiting.pop(place)
        for pin, filled in state.filled.items():
            if place < filled:
                state.filled[pin] = filled - 1
        self._queue(position, node, state, waiting.ordinal, inputs)
        return True

    def _queue(self, position: int, node: PlanNode, state: NodeState, ordinal: int, inputs: dict[str, Value]) -> None:
        execution = Open(self._id(node, ordinal), position, ordinal, self.state.queued, inputs)
        self.state.queued += 1
        self.state.open[execution.id] = execution
        self.state.unrecorded[execution.id] = (position, ordinal)
        if node.static:
            state.sticky = {pin: inputs[pin] for pin in node.static if pin in inputs}
        state.lane.append(execution.id)
        if self._goes_to_batch(node, inputs):
            self.state.ready_batch.append(execution.id)
        else:
            self.state.ready.append(execution.id)

    def _goes_to_batch(self, node: PlanNode, inputs: Mapping[str, Value]) -> bool:
        """Pure nodes, unless a value is large (the block would not be bounded); skipped nodes, which do not run."""
        if node.id in self.state.skipped_nodes:
            return True
        return node.mode is Mode.BATCH and not any(map(is_reference, inputs.values()))

    def _is_ready(self, node: PlanNode, inputs: Mapping[str, Value]) -> bool:
        """Every linked pin arrived, or none of those awaited together; no required field lacks (architecture §5)."""
        mask = self.state.masks.get(node.id)
        laid = {**inputs, **mask} if mask else inputs
        is_lacking = any(pin not in laid for pin in node.awaited)
        if is_lacking or (node.together and len({pin in laid for pin in node.together}) > 1):
            return False
        for required in node.required:
            if required.field in laid:
                if is_null(laid[required.field]):
                    return False
            elif not (
                required.has_default
                or any(piece in laid for piece in required.pieces)
                or (mask and any(base_name(pin) == required.field for pin in mask))
            ):
                return False
        return True

    # --- small matters ------------------------------------------------------------------------

    def _node_state(self, position: int) -> NodeState:
        state = self.state.nodes.get(position)
        if state is None:
            state = self.state.nodes[position] = NodeState()
        return state

    def _id(self, node: PlanNode, ordinal: int) -> str:
        return node_execution_id(self.state.execution_id, node.id, ordinal)

    def _unrecorded(self) -> Iterator[Unrecorded]:
        for execution_id, (position, ordinal) in self.state.unrecorded.items():
            node = self.plan.nodes[position]
            if execution := self.state.open.get(execution_id):
                yield Unrecorded(execution_id, node, ordinal, Status.QUEUED, execution.inputs, execution.seq)
            else:
                waiting = self._node_state(position).waiting
                place = bisect_left(waiting, ordinal, key=lambda each: each.ordinal)
                yield Unrecorded(execution_id, node, ordinal, Status.INCOMPLETE, waiting[place].inputs)
