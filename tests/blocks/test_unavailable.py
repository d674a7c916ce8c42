"""Blocks that are known but not here: complete, harmless, and gone as soon as the block itself is registered."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from blocks.base import Block, BlockContext, Inputs, Outputs
from blocks.catalogue import CATALOGUE_BLOCKS, Catalogue, own_catalogue
from blocks.legacy import LEGACY_IDS, SUCCESSORS
from blocks.unavailable import unavailable_blocks
from engine.model import BlockId, BlockKind, Graph, Link, Node
from engine.problems import Code, Level
from engine.validate import check_all, check_structure

TABLE = Path(__file__).parents[3] / "shared" / "spec" / "blocks.csv"
STAGEHAND_ACT = "86eba68b-9549-4c0b-a0db-47d85a56cc27"
REMOVED = "be45299a-193b-4852-bda4-510883d21814"
MISTAKEN = ("agent_mail", "airtable", "baas", "dataforseo", "linear", "slant3d", "wordpress")
"""Families for whose blocks the table of upstream's often repeats the pins of the first in the same file."""

every_row = pytest.mark.parametrize("block", unavailable_blocks(), ids=lambda block: block.name)


@every_row
def test_every_row_tells_people_what_it_is(block: Any) -> None:
    assert re.fullmatch(r"[A-Z][\w ().-]+", block.name)
    assert re.fullmatch(r"it [a-z].*[^.]", block.why), "it goes on after a colon, and a full stop follows"
    shape = block.shape()
    assert shape.unavailable == block.why
    assert not shape.disabled
    for name, pin in shape.inputs.items():
        assert pin.credentials == name.endswith("credentials")


def test_no_id_is_here_and_unavailable() -> None:
    catalogue = own_catalogue()
    here, not_here = {block.id for block in catalogue}, {block.id for block in catalogue.all_unavailable()}
    assert here
    assert not_here
    assert not here & not_here
    assert not not_here & set(LEGACY_IDS)
    for block_id in here:
        assert catalogue.unavailable(block_id) is None
    for block_id in not_here:
        assert catalogue.get(block_id) is None
    ids = [block.id for block in unavailable_blocks()]
    assert len(ids) == len(set(ids))


def test_a_block_that_is_registered_wins() -> None:
    class StagehandAct(Block[Inputs]):
        id = STAGEHAND_ACT
        name = "Stagehand act"
        description = "Stands in for a real one."
        Input = Inputs
        Output = Outputs

        async def run(self, inputs: Inputs, context: BlockContext) -> Any:
            yield "error", "not really"

    catalogue = Catalogue((*CATALOGUE_BLOCKS, StagehandAct), unavailable_blocks())
    assert isinstance(catalogue.get(STAGEHAND_ACT), StagehandAct)
    assert catalogue.unavailable(STAGEHAND_ACT) is None
    assert STAGEHAND_ACT not in {block.id for block in catalogue.all_unavailable()}
    shape = catalogue.shape(BlockId(STAGEHAND_ACT))
    assert shape is not None
    assert not shape.unavailable


@pytest.mark.parametrize("block_id", [STAGEHAND_ACT, "97881292-a597-4410-a243-a05c6fc1e695"])
def test_a_graph_with_such_a_block_is_kept_and_not_run(block_id: str) -> None:
    node = Node(id="n", block_id=block_id, input_default={})  # type: ignore[arg-type]
    graph = Graph(nodes=[node])
    shape_of = own_catalogue().shape
    (problem,) = check_all(graph, shape_of)
    assert (problem.code, problem.level) == (Code.BLOCK_UNAVAILABLE, Level.RUN)
    assert problem.message == (
        "Node n uses block ‘Stagehand Act’, which this deployment does not have: it needs an account with Stagehand."
    )
    titled = node.model_copy(update={"metadata": {"customized_name": "Tell them"}})
    (problem,) = check_all(Graph(nodes=[titled]), shape_of)
    assert problem.message.startswith("Node Tell them uses")


def link(source: str, sink: str) -> Graph:
    store = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
    nodes = [
        Node(id="far", block_id=REMOVED if "old" in source else STAGEHAND_ACT),
        Node(id="S", block_id=store),
    ]  # type: ignore[arg-type]
    return Graph(nodes=nodes, links=[Link(source_id="far", source_name=source, sink_id="S", sink_name=sink)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "codes"), [("success", []), ("never", [Code.UNKNOWN_SOURCE_PIN]), ("old pin", []), ("error", [])]
)
def test_pins_are_checked_as_far_as_they_are_known(source: str, codes: list[Code]) -> None:
    found = check_structure(link(source, "input"), own_catalogue().shape)
    assert [problem.code for problem in found if problem.level is Level.SAVE] == codes


@pytest.mark.skipif(not TABLE.exists(), reason="the table of upstream's blocks is not here")
def test_every_id_of_upstream_is_known() -> None:
    catalogue = own_catalogue()
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            shape = catalogue.shape(BlockId(row["id"]))
            assert shape is not None, row["id"]
            if catalogue.unavailable(row["id"]) is None or row["category"] in ("REMOVED", "LEGACY_ALIAS"):
                continue
            if row["file"].startswith(tuple(f"blocks/{family}/" for family in MISTAKEN)):
                continue
            pins = re.findall(r"(?:^|; )(\w+)(\*?):", row["inputs"])
            assert {(name, pin.required) for name, pin in shape.inputs.items()} == {(n, bool(star)) for n, star in pins}
            assert shape.outputs == set(re.findall(r"(?:^|; )(\w+)\*?:", row["outputs"]))
            assert shape.static_output == (row["static_output"] == "yes")
            assert shape.kind.name == row["block_type"].replace("AYRSHARE", BlockKind.STANDARD.name)


@pytest.mark.parametrize(
    ("name", "sink", "source"),
    [
        ("Airtable Create Records", "records", "details"),
        ("Airtable Update Records", "records", "records"),
        ("Airtable Delete Records", "record_ids", "records"),
        ("Airtable Get Record", "record_id", "fields"),
        ("Airtable List Bases", "trigger", "bases"),
        ("Airtable Create Table", "table_fields", "table_id"),
        ("Airtable Create Field", "field_type", "field_id"),
        ("AgentMail List Messages", "page_token", "messages"),
        ("AgentMail Reply To Message", "message_id", "thread_id"),
        ("AgentMail Get Inbox Thread", "thread_id", "messages"),
        ("AgentMail Update Draft", "send_at", "send_status"),
        ("AgentMail List Pods", "limit", "pods"),
        ("BaaS Bot Fetch Meeting Data", "bot_id", "transcript"),
        ("Keyword Suggestion Extractor", "suggestion", "search_volume"),
        ("Linear Search Issues", "term", "issues"),
        ("Slant3 D Tracking", "order_id", "tracking_numbers"),
        ("WordPress Get All Posts", "number", "posts"),
    ],
)
def test_blocks_of_one_family_have_pins_of_their_own(name: str, sink: str, source: str) -> None:
    [block] = [block for block in unavailable_blocks() if block.name == name]
    store = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
    nodes = [Node(id=each, block_id=store) for each in ("before", "after")] + [Node(id="far", block_id=block.id)]  # type: ignore[arg-type]
    links = [
        Link(source_id="before", source_name="output", sink_id="far", sink_name=sink),  # type: ignore[arg-type]
        Link(source_id="far", source_name=source, sink_id="after", sink_name="input"),  # type: ignore[arg-type]
    ]
    found = check_structure(Graph(nodes=nodes, links=links), own_catalogue().shape)
    assert [problem.code for problem in found] == [Code.BLOCK_UNAVAILABLE]


def test_what_has_a_successor_is_known_under_its_former_id_too() -> None:
    """A file that was not brought up to date on import."""
    for former in SUCCESSORS:
        assert own_catalogue().unavailable(former) is not None
