"""Ids of node executions are part of the product: rows, workflows and ledgers of old runs hold them."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from engine.identity import node_execution_id


def test_the_ids_of_a_work_never_change() -> None:
    assert [node_execution_id("run", "node", ordinal) for ordinal in range(8)] == [
        "21dae71c-063d-8696-8b4b-0aebbc37ad45",
        "7d69a990-975b-8680-854d-308ee554dcdd",
        "b26f034a-94bf-87ad-93ef-f4965982e23b",
        "65177c7c-1f75-8e14-8591-4840c0a19a47",
        "71f615e7-b78c-857c-9ca6-5af44d2af4a7",
        "5a4e4228-693e-895f-b2e0-6f67df41b2c6",
        "439bab77-d7cc-83b5-8ccb-eb004d6cb605",
        "3820bb32-4147-8440-80a9-f0642fef4991",
    ]


@given(st.text(), st.text(), st.integers(0))
def test_ids_are_uuids_of_version_eight(execution_id: str, node_id: str, ordinal: int) -> None:
    text = node_execution_id(execution_id, node_id, ordinal)
    id = UUID(text)
    assert (str(id), id.version, id.variant) == (text, 8, RFC_4122)


PARTS = st.tuples(st.text(alphabet="ab:1"), st.text(alphabet="ab:1\0"), st.integers(0, 20))


@given(PARTS, PARTS)
def test_different_work_has_different_ids(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    """Also where the parts of one run into the parts of the other: run ids hold no NUL."""
    assert (node_execution_id(*one) == node_execution_id(*other)) is (one == other)
