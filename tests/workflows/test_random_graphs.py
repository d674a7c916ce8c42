"""Random graphs through the real workflow, server and database come to what the bare engine says."""

import uuid

import pytest
from hypothesis import HealthCheck, given, settings

from engine.model import Status
from store.postgres import PostgresStore
from tests.support.random_graphs import CHILD, Account, Case, Model, Told, cases
from tests.workflows.conftest import Outcome, Stack

BOUNDED = settings(
    deadline=None, derandomize=True, database=None, max_examples=25, suppress_health_check=list(HealthCheck)
)


async def plain(store: PostgresStore, value: object) -> object:
    """The JSON value, out of the store if it is large."""
    assert isinstance(value, dict)
    if "ref" not in value:
        return value["value"]
    return (await store.values.get([value]))[value["ref"]]  # type: ignore[list-item]


async def account_of(stack: Stack, outcome: Outcome) -> Account:
    """What the rows tell."""
    stats = outcome.execution.stats
    counted = ("node_count", "node_error_count", "incomplete_count")
    account = Account(outcome.execution.status.value, counts={name: stats[name] for name in counted})
    for row in outcome.nodes:
        outputs = [(output.name, await plain(stack.store, output.value)) for output in row.outputs]
        waiting = None
        if row.status is Status.INCOMPLETE:
            waiting = {pin: await plain(stack.store, value) for pin, value in row.inputs.items()}
        account.nodes.setdefault(row.node_id, []).append(Told(row.status.value, outputs, waiting))
    return account


def with_own_child(case: Case) -> Case:
    """Sub-graphs are kept under their ids, so each run gets one of its own."""
    text = case.graph.model_dump_json().replace(f'"{CHILD}"', f'"{uuid.uuid4()}"')
    return Case(
        type(case.graph).model_validate_json(text), case.inputs, case.masks, case.ordered, case.has_short_history
    )


async def compare(case: Case, stack: Stack, short_histories: Stack) -> None:
    """Make the run both ways."""
    expected = await Model(case.graph, stack.catalogue, case.inputs, case.masks).run()
    real = short_histories if case.has_short_history else stack
    outcome = await real.run(with_own_child(case).graph, case.inputs, nodes_input_masks=case.masks)
    found = await account_of(real, outcome)
    assert found.status == expected.status, outcome.execution.error
    if expected.status == "FAILED":
        return  # what else had run by then is a matter of time
    assert found.compared(case.ordered) == expected.compared(case.ordered)
    assert found.counts == expected.counts


@BOUNDED
@given(cases())
async def test_a_random_graph(stack: Stack, short_histories: Stack, case: Case) -> None:
    await compare(case, stack, short_histories)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(BOUNDED, derandomize=False, max_examples=500)
@given(cases())
async def test_many_random_graphs(stack: Stack, short_histories: Stack, case: Case) -> None:
    await compare(case, stack, short_histories)
