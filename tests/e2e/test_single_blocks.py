"""Single blocks through HTTP, with the real worker behind: what people try a block with before they draw a graph."""

from typing import Any

import pytest

from blocks.data.spreadsheet import ReadSpreadsheet
from blocks.files.archives import ExtractZipArchive
from blocks.files.kept import FileRead
from blocks.maths import Calculator
from blocks.persistence import PersistInformation, RetrieveInformation
from blocks.waiting import WaitUntil
from tests.support.blocks import Sink
from tests.support.graphs import graph, node
from tests.support.system import System


async def execute(system: System, block_id: str, **inputs: Any) -> tuple[int, Any]:
    answer = await system.http.post(f"/api/blocks/{block_id}/execute", json=inputs)
    return answer.status_code, answer.json()


async def test_a_block_runs_by_itself(system: System) -> None:
    assert await execute(system, Calculator.id, operation="Multiply", a="6", b=7) == (200, {"result": [42]})
    rows = [{"n": str(n), "text": "x" * 100} for n in range(500)]
    contents = "n,text\n" + "\n".join(",".join(row.values()) for row in rows)
    assert await execute(system, ReadSpreadsheet.id, contents=contents) == (200, {"rows": [rows]})


async def test_what_one_keeps_a_graph_finds(system: System) -> None:
    kept = await execute(system, PersistInformation.id, key="e2e", value={"tea": 1}, scope="across_agents")
    assert kept == (200, {"value": [{"tea": 1}]})
    finding = graph(
        [node("find", RetrieveInformation, key="e2e", scope="across_agents"), node("out", Sink, name="found")],
        "find.value -> out.value",
    )
    assert (await system.run(await system.save(finding)))["outputs"] == {"found": [{"tea": 1}]}


@pytest.mark.parametrize(
    ("block_id", "inputs", "status", "code"),
    [
        (Calculator.id, {"a": 1}, 400, "invalid_input"),
        (ExtractZipArchive.id, {"archive": "data:,tea"}, 400, "block_failed"),
        (FileRead.id, {"file_input": "/etc/passwd"}, 400, "block_failed"),
        (WaitUntil.id, {"moment": "2999-01-01"}, 400, "block_failed"),
        ("86eba68b-9549-4c0b-a0db-47d85a56cc27", {}, 403, "block_unavailable"),
    ],
)
async def test_why_a_block_does_not_run(
    system: System, block_id: str, inputs: dict[str, Any], status: int, code: str
) -> None:
    told, body = await execute(system, block_id, **inputs)
    assert (told, body["error"]["code"]) == (status, code)


async def test_the_catalogue_is_searched_and_tells_what_is_not_here(system: System) -> None:
    found = (await system.http.get("/api/blocks", params={"search": "spreadsheet read"})).json()
    assert ReadSpreadsheet.id in {block["id"] for block in found["items"]}
    known = (await system.http.get("/api/blocks", params={"availability": "unavailable", "limit": 100})).json()
    assert known["total_count"] > 100
    assert all(block["unavailable_because"] for block in known["items"])
