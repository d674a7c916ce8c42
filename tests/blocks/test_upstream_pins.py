"""Ids and pins against the table of upstream's blocks, where that table is at hand."""

import csv
import re
from pathlib import Path

import pytest

from blocks.catalogue import CATALOGUE_BLOCKS
from blocks.legacy import LEGACY_IDS, SUCCESSORS

TABLE = Path(__file__).parents[3] / "shared" / "spec" / "blocks.csv"

pytestmark = pytest.mark.skipif(not TABLE.exists(), reason="the table of upstream's blocks is not here")

OUR_BLOCKS = {
    "CreateZipArchive",
    "ExtractZipArchive",
    "CompressText",
    "DecompressText",
    "WaitForEvent",
    "WaitUntil",
}
ADDED_OUTPUTS = {"Orchestrator": {"tool_functions", "tool_calls"}}
"""Emitted upstream too, which does not declare them."""

ADDED_PINS = {"HumanInTheLoop": {"expires_in_hours"}} | {
    block.__name__: {name} for block in CATALOGUE_BLOCKS for name, wanted in block.credentials.items() if wanted.file_by
}
"""A file that was picked names its credential upstream; here a node may name it, too."""

# A provider reads the page there, or a proxy is asked; here the worker does it, without an account. A deployment's own
# models may need no key.
NO_ACCOUNT_NEEDED = {
    "ExtractWebsiteContent",
    "TranscribeYoutubeVideo",
    "AITextGenerator",
    "AIStructuredResponseGenerator",
    "AIConversation",
    "AITextSummarizer",
    "AIListGenerator",
    "AICondition",
    "Orchestrator",
}
UPSTREAM = [block for block in CATALOGUE_BLOCKS if block.__name__ not in OUR_BLOCKS]


def rows() -> dict[str, dict[str, str]]:
    with TABLE.open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def pins(column: str) -> dict[str, bool]:
    """Name → whether it is required, from `name*:type=default; …`."""
    return {match[1]: bool(match[2]) for match in re.finditer(r"(?:^|; )(\w+)(\*?):", column)}


@pytest.mark.parametrize("block", UPSTREAM, ids=lambda block: block.__name__)
def test_pins_are_upstreams(block: type) -> None:
    row, shape = rows()[block.id], block.shape()  # type: ignore[attr-defined]
    added = ADDED_PINS.get(block.__name__, set())
    assert not any(shape.inputs[name].required for name in added)
    ours = {name: pin.required for name, pin in shape.inputs.items() if name not in added}
    expected = pins(row["inputs"])
    if block.__name__ in NO_ACCOUNT_NEEDED:
        assert expected["credentials"]
        expected["credentials"] = False
    assert ours == expected
    # The table gives a sub-graph no outputs; like every block it can fail, and a link may lead from that.
    assert shape.outputs - ADDED_OUTPUTS.get(block.__name__, set()) - (
        {"error"} if row["block_type"] == "AGENT" else set()
    ) == set(pins(row["outputs"]))
    assert shape.static_output == (row["static_output"] == "yes")
    assert shape.kind.name == row["block_type"]


def test_our_own_blocks_have_ids_of_their_own() -> None:
    own = [block for block in CATALOGUE_BLOCKS if block.__name__ in OUR_BLOCKS]
    assert len(own) == len(OUR_BLOCKS)
    assert not {block.id for block in own} & set(rows())


def test_former_ids_are_upstreams() -> None:
    former = {
        block_id: row["file"].removeprefix("alias of ")
        for block_id, row in rows().items()
        if row["category"] == "LEGACY_ALIAS"
    }
    assert former == dict(LEGACY_IDS)


def test_successors_stand_in_for_removed_blocks() -> None:
    table = rows()
    for former, successor in SUCCESSORS.items():
        assert table[former]["category"] == "REMOVED"
        assert set(successor.inputs.values()) <= set(pins(table[successor.block_id]["inputs"]))
        assert set(successor.outputs.values()) <= set(pins(table[successor.block_id]["outputs"]))
