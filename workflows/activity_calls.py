"""How each kind of activity is scheduled: its time-outs and retries in one place.

Called by the modules of this folder. Every call is bounded; types come from the references of `contracts/`.
"""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RetryPolicy

from contracts.activities import (
    FAIL_NODE,
    LIST_FAILED,
    PRUNE,
    REBUILD_RUN,
    RECONCILE,
    RESUME_RUNS,
    RUN_BLOCK,
    RUN_NODE,
    RUN_PURE_NODES,
    ActivityRef,
    BatchRequest,
    BeginRequest,
    BeginResult,
    FailNodeRequest,
    NodeRequest,
    NodeResult,
    RebuildRequest,
    RunLimits,
    RunRef,
)
from contracts.block_execution import BlockRequest, BlockRound
from contracts.bulk import FailedPage, ListFailedRequest, ResumedRuns, ResumeRunsRequest
from contracts.fairness import fair_to
from contracts.upkeep import Pruned, PruneRequest, Reconciled, ReconcileRequest
from engine.plan import PlanNode

_STORE_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=10)
)
_STORE_OUTAGE = timedelta(minutes=30)
"""How long a run waits for a database that does not answer before it gives up."""

_SHUTDOWNS = 100
"""So many deployments may cut one long node short."""

BLOCK_GRACE = timedelta(seconds=30)
"""Beyond the limit of a block that runs by itself: time to find a worker and to load and store values."""

_GRACE = timedelta(seconds=60)
"""Beyond a block's own limit, which its activity enforces: time to load values and to write the end."""


def start_local[RequestT: BaseModel, ResultT](
    ref: ActivityRef[RequestT, ResultT], request: RequestT
) -> workflow.ActivityHandle[ResultT]:
    """A local activity: short, repeatable database work. Signals wait while it runs, hence the limit."""
    handle: workflow.ActivityHandle[ResultT] = workflow.start_local_activity(
        ref.name,
        request,
        result_type=ref.result,
        start_to_close_timeout=timedelta(seconds=10),
        schedule_to_close_timeout=_STORE_OUTAGE,
        retry_policy=_STORE_RETRIES,
        cancellation_type=workflow.ActivityCancellationType.ABANDON,
    )
    return handle


def start_pure_batch(request: BatchRequest) -> workflow.ActivityHandle[Any]:
    """A batch of pure nodes as an ordinary activity, so that signals are heard between local ones."""
    handle: workflow.ActivityHandle[Any] = workflow.start_activity(
        RUN_PURE_NODES.name,
        request,
        result_type=RUN_PURE_NODES.result,
        summary="pure nodes",
        heartbeat_timeout=timedelta(seconds=10),
        priority=fair_to(request.run.user_id),
        start_to_close_timeout=timedelta(seconds=30),
        schedule_to_close_timeout=_STORE_OUTAGE,
        retry_policy=_STORE_RETRIES,
        cancellation_type=workflow.ActivityCancellationType.ABANDON,
    )
    return handle


def start_rebuild(begin: BeginRequest, run: RunRef) -> workflow.ActivityHandle[BeginResult]:
    """Find out where a run that continues another begins; may take a while where that one was large."""
    request = RebuildRequest(run=run, **dict(begin))
    handle: workflow.ActivityHandle[BeginResult] = workflow.start_activity(
        REBUILD_RUN.name,
        request,
        result_type=REBUILD_RUN.result,
        summary="what is kept of the earlier run",
        heartbeat_timeout=timedelta(seconds=10),
        priority=fair_to(request.input.user_id),
        start_to_close_timeout=timedelta(minutes=10),
        schedule_to_close_timeout=_STORE_OUTAGE,
        retry_policy=_STORE_RETRIES,
        cancellation_type=workflow.ActivityCancellationType.ABANDON,
    )
    return handle


def start_node(node: PlanNode, request: NodeRequest, limits: RunLimits) -> workflow.ActivityHandle[NodeResult]:
    """One node in an activity of its own, whose id is the node execution's: a reordering bug fails replay loudly."""
    timeout = timedelta(seconds=node.timeout or limits.node_timeout) + _GRACE
    handle: workflow.ActivityHandle[NodeResult] = workflow.start_activity(
        RUN_NODE.name,
        request,
        result_type=RUN_NODE.result,
        activity_id=request.id if request.resume is None else f"{request.id}:{request.resume.round}",
        task_queue=node.task_queue or None,
        summary=_summary(node),
        priority=fair_to(request.run.user_id),
        start_to_close_timeout=timeout,
        schedule_to_close_timeout=timeout * (limits.node_max_attempts + _SHUTDOWNS),
        heartbeat_timeout=timedelta(seconds=limits.node_heartbeat_timeout),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1),
            backoff_coefficient=3.0,
            maximum_interval=timedelta(seconds=60),
            # Lost workers are counted by the activity, which can tell them from orderly shutdowns.
            maximum_attempts=limits.node_max_attempts + _SHUTDOWNS,
        ),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
    return handle


def start_block(request: BlockRequest) -> workflow.ActivityHandle[BlockRound]:
    """A round of a block outside any graph. Somebody waits for it, so all attempts have little more than its time."""
    limit = timedelta(seconds=request.input.seconds)
    handle: workflow.ActivityHandle[BlockRound] = workflow.start_activity(
        RUN_BLOCK.name,
        request,
        result_type=RUN_BLOCK.result,
        task_queue=request.input.task_queue or None,
        summary=request.input.block_id[:200],
        priority=fair_to(request.input.user_id),
        start_to_close_timeout=limit + BLOCK_GRACE,
        schedule_to_close_timeout=limit + BLOCK_GRACE,
        heartbeat_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(maximum_attempts=3),
    )
    return handle


def start_fail_node(request: FailNodeRequest) -> workflow.ActivityHandle[NodeResult]:
    """Write the failure of a node whose activity could not."""
    return start_local(FAIL_NODE, request)


def start_list_failed(request: ListFailedRequest) -> workflow.ActivityHandle[FailedPage]:
    """A page of failed runs."""
    handle: workflow.ActivityHandle[FailedPage] = workflow.start_activity(
        LIST_FAILED.name,
        request,
        result_type=LIST_FAILED.result,
        start_to_close_timeout=timedelta(seconds=30),
        heartbeat_timeout=timedelta(seconds=10),
        schedule_to_close_timeout=_STORE_OUTAGE,
        retry_policy=_STORE_RETRIES,
    )
    return handle


def start_resume_runs(request: ResumeRunsRequest) -> workflow.ActivityHandle[ResumedRuns]:
    """Start some runs once more."""
    handle: workflow.ActivityHandle[ResumedRuns] = workflow.start_activity(
        RESUME_RUNS.name,
        request,
        result_type=RESUME_RUNS.result,
        start_to_close_timeout=timedelta(seconds=30 + 5 * len(request.ids)),
        heartbeat_timeout=timedelta(seconds=10),
        schedule_to_close_timeout=_STORE_OUTAGE,
        retry_policy=_STORE_RETRIES,
    )
    return handle


def start_prune(request: PruneRequest) -> workflow.ActivityHandle[Pruned]:
    """One round of pruning. What it cannot do within its time is left to the next round."""
    handle: workflow.ActivityHandle[Pruned] = workflow.start_activity(
        PRUNE.name,
        request,
        result_type=PRUNE.result,
        start_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(maximum_attempts=5),
    )
    return handle


def start_reconcile(request: ReconcileRequest) -> workflow.ActivityHandle[Reconciled]:
    """One round of reconciling. It is not repeated: the next round begins a few seconds later."""
    handle: workflow.ActivityHandle[Reconciled] = workflow.start_activity(
        RECONCILE.name,
        request,
        result_type=RECONCILE.result,
        start_to_close_timeout=timedelta(minutes=1),
        # The next round begins when this one has ended: a killed worker must not hold it up for the whole minute.
        heartbeat_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(maximum_attempts=1),
    )
    return handle


def _summary(node: PlanNode) -> str:
    """ "block · title", at most 200 characters: the server takes 400 bytes."""
    return " · ".join(part for part in (node.block_name, node.title) if part)[:200]
