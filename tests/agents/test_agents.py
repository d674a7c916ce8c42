"""Other people's agents, read from where they lie: every one imports; those whose blocks are here run to the right end.

Skipped where the folder is absent. `examples/` covers the same blocks with graphs of our own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from blocks.catalogue import default_catalogue
from tests.agents.world import FILES, agent
from tests.support.system import System

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")

MISSES = {
    # Gone from where it comes from, too.
    "meme-generator-with-comemtry-v39": {"File Writer", "Imagine With Dalle", "Text To Speech"},
}
"""The agents that miss blocks, and which; all others have all of theirs. A block that comes goes from here."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_every_agent_imports_and_is_refused_only_for_what_is_missing(system: System, path: Path) -> None:
    imported = await system.import_agent(agent(path.stem))
    missing = {problem["block_id"] for problem in imported["problems"] if problem["code"] == "block_unavailable"}
    assert not [problem for problem in imported["problems"] if problem["code"] == "unknown_block"]
    catalogue = default_catalogue()
    assert not any(catalogue.get(block_id) for block_id in missing)
    known = {block.id: block.name for block in catalogue.all_unavailable()}
    assert {known[block_id] for block_id in missing} == MISSES.get(path.stem, set())
    answer = await system.http.get(f"/api/graphs/{imported['id']}")
    assert answer.status_code == 200
    started = await system.http.post(f"/api/graphs/{imported['id']}/execute", json={"inputs": {}})
    if imported["problems"]:
        assert started.status_code == 400
        told = {problem["code"] for problem in started.json()["error"]["details"]["problems"]}
        assert {problem["code"] for problem in imported["problems"]} <= told


def test_the_agents_that_miss_blocks_are_there() -> None:
    assert MISSES.keys() <= {path.stem for path in FILES}


async def test_the_generator_of_memes_says_which_blocks_are_gone_and_why(system: System) -> None:
    imported = await system.import_agent(agent("meme-generator-with-comemtry-v39"))
    told = {each["node_id"]: each["message"] for each in imported["problems"] if each["code"] == "block_unavailable"}
    gone = {
        "0a19f78b-0e7f-4647-9141-07e2c3acbfdd": "File Writer",
        "422ba03e-3f2a-4500-93f6-16db18612bbd": "Imagine With Dalle",
        "ec472b4c-8a47-4526-a723-94ad3e40d0e5": "Text To Speech",
    }
    assert told.keys() == {imported["node_ids"][node] for node in gone}
    for node, name in gone.items():
        message = told[imported["node_ids"][node]]
        assert f"‘{name}’" in message
        assert "it was taken out of the platform that the agent comes from" in message


async def run(system: System, name: str, inputs: Mapping[str, Any], **body: Any) -> dict[str, Any]:
    imported = await system.import_agent(agent(name))
    masks = {imported["node_ids"][node]: mask for node, mask in body.pop("masks", {}).items()}
    result = await system.run(imported["id"], inputs, nodes_input_masks=masks)
    assert result["status"] == "COMPLETED", result
    return result


async def test_the_calculator_adds(system: System) -> None:
    assert (await run(system, "calculator-agent", {"Input": 8}))["outputs"] == {"Output": [42]}
    assert (await run(system, "calculator-agent", {"Input": "0.5"}))["outputs"] == {"Output": [34.5]}


async def test_hello_from_the_api_greets(system: System) -> None:
    assert (await run(system, "hello-from-the-api-quickstart", {}))["outputs"] == {"greeting": ["Hello, World!"]}
    result = await run(system, "hello-from-the-api-quickstart", {"name": "Ada"})
    assert result["outputs"] == {"greeting": ["Hello, Ada!"]}


async def test_hello_world_greets_with_the_date(system: System) -> None:
    file = agent("hello-world-agent")
    names = [n["input_default"]["name"] for n in file["nodes"] if n["block_id"].startswith("c0a8e994")]
    result = await run(system, "hello-world-agent", dict.fromkeys(names, "Ada"))
    [[text]] = result["outputs"].values()
    assert "Ada" in text
    assert "{{" not in text


async def test_the_async_bug_graph_pairs_slow_and_fast_branches_in_order(system: System) -> None:
    result = await run(system, "async-bug-graph-v27", {})
    prints = [node for node in result["nodes"] if node["block_id"] == "f3b1c1b2-4c4f-4f0d-8d2f-4c4f0d8d2f4c"]
    printed = [text for node in prints for text in node["outputs"]["output"]]
    assert sorted(printed) == sorted(
        f"{pace} Path Item is {item} same as {item}"
        for pace in ("Fast", "Slow")
        for item in ("one", "two", "three", "four")
    )


async def test_the_testing_agent_runs_with_a_mask(system: System) -> None:
    result = await run(
        system,
        "testing-agent",
        {},
        masks={"c5e2d556-80e7-4fa6-841f-fe6cdfc75004": {"operation": "Multiply", "a": 6, "b": 7}},
    )
    [node] = result["nodes"]
    assert node["outputs"] == {"result": [42]}


async def test_the_testing_agent_without_a_mask_says_what_is_missing(system: System) -> None:
    imported = await system.import_agent(agent("testing-agent"))
    answer = await system.http.post(f"/api/graphs/{imported['id']}/execute", json={"inputs": {}})
    assert answer.status_code == 400
    pins = {problem["pin"] for problem in answer.json()["error"]["details"]["problems"]}
    assert pins == {"operation", "a", "b"}
