"""Agent files of former years (agent-graphs §1.8, §1.9, §26)."""

import copy
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.catalogue import own_catalogue
from blocks.former_pins import RENAMED_INPUTS, RENAMED_OUTPUTS
from blocks.legacy import LEGACY_IDS, modernise
from blocks.web.mcp_tool import McpTool
from engine.model import BlockId
from engine.pins import base_name

OUTPUT = "363ae599-353e-4804-937e-b2ee3cef3da4"
TEXT_GENERATOR = "1f292d4a-41a4-4977-9684-7c8d560b9f91"
COMBINE = "e30a4d42-7b7d-4e6a-b36e-1f9b8e3b7d85"
EXECUTOR = "e189baac-8c20-45a1-94a7-55177ea42565"
DROPDOWN = "655d6fdf-a334-421c-b733-520549c07cd1"
PERPLEXITY = "c8a5f2e9-8b3d-4a7e-9f6c-1d5e3c9b7a4f"
REDDIT_USER = "1b4c6bd1-4f28-4bad-9ae9-e7034a0f61ff"
SEND_EMAIL = "4335878a-394e-4e67-adf2-919877ff49ae"


SHAPES = own_catalogue()


def inputs_of(block_id: str) -> Collection[str] | None:
    shape = SHAPES.shape(BlockId(block_id))
    return shape.inputs if shape else None


def modern(graph: dict[str, Any]) -> dict[str, Any]:
    return modernise(graph, inputs_of)


def node(block_id: str, **defaults: Any) -> dict[str, Any]:
    return {"id": "n", "block_id": block_id, "input_default": defaults}


def migrated(block_id: str, **defaults: Any) -> dict[str, Any]:
    graph = modern({"nodes": [node(block_id, **defaults)], "links": []})
    return dict(graph["nodes"][0]["input_default"])


def link(source: str, source_name: str, sink: str, sink_name: str) -> dict[str, Any]:
    return {"source_id": source, "source_name": source_name, "sink_id": sink, "sink_name": sink_name}


@pytest.mark.parametrize(("former", "today"), LEGACY_IDS.items())
def test_former_ids(former: str, today: str) -> None:
    assert modern({"nodes": [node(former)]})["nodes"][0]["block_id"] == today


@pytest.mark.parametrize(
    ("former", "today"),
    [
        ("Hello {name}", "Hello {{name}}"),
        ("{ spaced } {_x1}", "{{spaced}} {{_x1}}"),
        ("{a b} {1a} {}", "{a b} {1a} {}"),
        ("{{ name }}: {total}", "{{ name }}: {total}"),
        ("{% if x %}{total}{% endif %}", "{% if x %}{total}{% endif %}"),
        ('{{"json": 1}} {x}', '{{"json": 1}} {{x}}'),
        ('{"json": {x}}', '{"json": {x}}'),
        ("{texts[0]}, {texts[12]}, {other[0]}", "{{texts[0]}}, {{texts[12]}}, {other[0]}"),
    ],
)
def test_placeholders(former: str, today: str) -> None:
    assert migrated(OUTPUT, format=former)["format"] == today
    assert migrated(TEXT_GENERATOR, prompt=former, sys_prompt=former) == {"prompt": today, "sys_prompt": today}


def test_placeholders_elsewhere_are_somebodys_text() -> None:
    assert migrated(OUTPUT, value="{name}") == {"value": "{name}"}
    assert migrated(COMBINE, format="{name}") == {"format": "{name}"}


def test_data_of_a_sub_agent_are_its_inputs() -> None:
    assert migrated(EXECUTOR, data={"a": 1}) == {"inputs": {"a": 1}}
    assert migrated(EXECUTOR, data={"a": 1}, inputs={"b": 2}) == {"inputs": {"b": 2}}


def test_choices_of_a_dropdown() -> None:
    assert migrated(DROPDOWN, placeholder_values=["a"]) == {"options": ["a"]}
    assert migrated(DROPDOWN, placeholder_values=["a"], options=["b"]) == {"options": ["b"]}
    assert migrated(COMBINE, placeholder_values=["a"]) == {"placeholder_values": ["a"]}


def test_models() -> None:
    assert migrated(TEXT_GENERATOR, model="gemma2-9b-it") == {"model": "gpt-5-chat-latest"}
    assert migrated(TEXT_GENERATOR, model="gpt-4o") == {"model": "gpt-4o"}
    assert migrated(PERPLEXITY, model="sonar-huge") == {"model": "perplexity/sonar"}
    assert migrated(PERPLEXITY, model="perplexity/sonar-pro") == {"model": "perplexity/sonar-pro"}


def test_credentials_of_the_former_provider() -> None:
    system = {"id": "53c25cb8-e3ee-465c-a4d1-e75a4c899c2a", "provider": "llm", "type": "api_key"}
    assert migrated(TEXT_GENERATOR, credentials=system) == {"credentials": {**system, "provider": "openai"}}
    own = {**system, "id": "own"}
    assert migrated(TEXT_GENERATOR, credentials=own) == {"credentials": own}


def test_dropped_keys_go_with_the_links_into_them() -> None:
    graph = {
        "nodes": [
            {**node(SEND_EMAIL, smtp_password="x", to="a"), "id": "mail"},
            {**node(REDDIT_USER, username="ada"), "id": "reddit"},
            {**node(EXECUTOR), "id": "agent"},
            {**node(OUTPUT), "id": "o"},
        ],
        "links": [
            link("o", "output", "mail", "smtp_password"),
            link("o", "output", "mail", "to"),
            link("o", "output", "reddit", "username"),
            link("o", "output", "agent", "password"),
        ],
    }
    after = modern(graph)
    assert [n["input_default"] for n in after["nodes"]] == [{"to": "a"}, {"username": "ada"}, {}, {}]
    assert after["links"] == graph["links"][1:]


@pytest.mark.parametrize("name", ["username", "password", "client_id", "client_secret", "api_key", "creds"])
def test_a_pin_that_a_block_has_is_never_dropped(name: str) -> None:
    """Nor one of a block that nobody knows, or whose pins are those of what it calls."""
    graph = {
        "nodes": [
            {"id": "has", "block_id": "installed", "input_default": {name: "x"}},
            {"id": "unknown", "block_id": "unknown", "input_default": {name: "x"}},
            {"id": "mcp", "block_id": McpTool.id, "input_default": {name: "x"}},
            {"id": "lost", "block_id": "lost", "input_default": {name: "x", "other": 1}},
        ],
        "links": [link("has", "output", sink, name) for sink in ("has", "unknown", "mcp", "lost")],
    }
    known = {"installed": {name}, "lost": {"other"}, McpTool.id: {"other"}}
    after = modernise(graph, known.get)
    assert [n["input_default"] for n in after["nodes"]] == [{name: "x"}] * 3 + [{"other": 1}]
    assert after["links"] == graph["links"][:3]


@pytest.mark.parametrize("id", [["x"], {}, None, 5])
def test_credentials_with_an_id_that_is_none(id: Any) -> None:
    odd = {"provider": "llm", "id": id}
    assert migrated(TEXT_GENERATOR, credentials=odd) == {"credentials": odd}


def test_blocks_of_2024_with_a_successor() -> None:
    graph = {
        "nodes": [
            {**node("aeb08fc1-2fc1-4141-bc8e-f758f183a812", **{"items": [1], "items_$_1": 2}), "id": "list"},
            {**node("d67a9c52-5e4e-11e2-bcfd-0770200c9c61", seconds="3"), "id": "wait"},
        ],
        "links": [link("wait", "data", "list", "items_$_0"), link("list", "list", "wait", "data")],
    }
    after = modern(graph)
    assert after["nodes"][0]["input_default"] == {"values": [1], "values_$_1": 2}
    assert after["nodes"][1]["input_default"] == {"seconds": "3"}
    assert after["links"] == [
        link("wait", "output_message", "list", "values_$_0"),
        link("list", "list", "wait", "input_message"),
    ]


def test_inputs_that_had_other_names() -> None:
    fill = "db7d8f02-2f44-4c55-ab7a-eae0941f0c30"
    graph = {
        "nodes": [
            {**node(fill, named_texts={"a": 1}, format="{a}"), "id": "fill"},
            {**node(COMBINE, input2="b", delimiter="-"), "id": "combine"},
        ],
        "links": [link("combine", "output", "fill", "named_texts_#_x"), link("fill", "output", "combine", "input1")],
    }
    after = modern(graph)
    assert after["nodes"][0]["input_default"] == {"values": {"a": 1}, "format": "{{a}}"}
    assert after["nodes"][1]["input_default"] == {"input_$_1": "b", "delimiter": "-"}
    assert after["links"] == [
        link("combine", "output", "fill", "values_#_x"),
        link("fill", "output", "combine", "input_$_0"),
    ]


FILL = "db7d8f02-2f44-4c55-ab7a-eae0941f0c30"
SHEETS_WRITE = "d9291e87-301d-47a8-91fe-907fb55460e5"
CURRENT_TIME = "a892b8d9-3e4e-4e9c-9c1e-75f8efcf1bfa"
COUNTDOWN = "d67a9c52-5e4e-11e2-bcfd-0800200c9a71"


@pytest.mark.parametrize(
    ("block_id", "former", "today"),
    [
        (OUTPUT, {"recorded_value": 1, "fmt_string": "{a}"}, {"value": 1, "format": "{{a}}"}),
        (FILL, {"texts": ["x"], "named_texts": {"a": 1}}, {"values": {"a": 1}, "values_#_texts": ["x"]}),
        (SHEETS_WRITE, {"spreadsheet_id": "1Leaf", "range": "A1"}, {"range": "A1", "spreadsheet_#_id": "1Leaf"}),
        (CURRENT_TIME, {"format": "%H:%M"}, {"format_type_#_format": "%H:%M"}),
        (COUNTDOWN, {"message": "tea"}, {"input_message": "tea"}),
        ("996cec64-ac40-4dde-982f-b0dc60a5824d", {"numResults": 3}, {"number_of_results": 3}),
        (
            "3d71270d-599e-4148-9b95-71b35d2f44f0",
            {"organization_num_empoloyees_range": [1, 9]},
            {"organization_num_employees_range": [1, 9]},
        ),
        ("ed55ac19-356e-4243-a6cb-bc599e9b716f", {"usr_prompt": "{a}"}, {"prompt": "{{a}}"}),
    ],
)
def test_inputs_renamed_over_the_years(block_id: str, former: dict[str, Any], today: dict[str, Any]) -> None:
    after = migrated(block_id, **former)
    assert after == today
    assert list(after) == list(today), "a whole that comes after its parts overwrites them"


def test_what_stands_under_todays_name_is_newer() -> None:
    both = {"spreadsheet_id": "old", "spreadsheet": {"id": "new"}}
    assert migrated(SHEETS_WRITE, **both) == both


def test_every_name_of_a_pin_leads_to_one_of_today() -> None:
    for block_id, names in RENAMED_INPUTS.items():
        shape = SHAPES.shape(BlockId(block_id))
        assert shape is not None
        assert {base_name(name) for name in names.values()} <= set(shape.inputs)
        assert not set(names) & set(shape.inputs)
    for block_id, names in RENAMED_OUTPUTS.items():
        shape = SHAPES.shape(BlockId(block_id))
        assert shape is not None
        assert set(names.values()) <= shape.outputs
        assert not set(names) & shape.outputs


def test_links_from_and_into_pins_of_former_names() -> None:
    graph = {
        "nodes": [
            {**node(FILL), "id": "fill"},
            {**node(COUNTDOWN), "id": "countdown"},
            {**node("3735a31f-7e18-4aca-9e90-08a7120674bc"), "id": "read"},
            {**node("acf7625e-d2cb-4941-bfeb-2819fc6fc015"), "id": "table"},
            {**node(SHEETS_WRITE), "id": "sheet"},
        ],
        "links": [
            link("fill", "combined_text", "countdown", "message"),
            link("countdown", "message", "fill", "texts_$_0"),
            link("read", "chunk", "sheet", "spreadsheet_id"),
            link("table", "all_data_$_0", "fill", "named_texts_#_row"),
        ],
    }
    assert modern(graph)["links"] == [
        link("fill", "output", "countdown", "input_message"),
        link("countdown", "output_message", "fill", "values_#_texts_$_0"),
        link("read", "content", "sheet", "spreadsheet_#_id"),
        link("table", "rows_$_0", "fill", "values_#_row"),
    ]


def test_sub_graphs_too() -> None:
    graph = {"nodes": [], "links": [], "sub_graphs": [{"nodes": [node(OUTPUT, format="{x}")], "links": []}]}
    assert modern(graph)["sub_graphs"][0]["nodes"][0]["input_default"] == {"format": "{{x}}"}


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"nodes": None, "links": 5},
        {"nodes": [1, {}, {"block_id": 3}, {"block_id": OUTPUT, "input_default": None}], "links": [None, {}]},
        {"nodes": [{"id": [], "block_id": OUTPUT}], "links": [{"source_id": {}, "sink_id": [], "sink_name": 4}]},
        {"nodes": [], "sub_graphs": [None, []]},
    ],
)
def test_what_is_no_graph_is_left_to_validation(graph: dict[str, Any]) -> None:
    assert modern(graph) == graph


texts = st.text(st.sampled_from("{}ab _"), max_size=12)
block_ids = st.sampled_from([OUTPUT, EXECUTOR, DROPDOWN, SEND_EMAIL, PERPLEXITY, COMBINE, FILL, *LEGACY_IDS])
names = st.sampled_from(
    [
        "format",
        "prompt",
        "texts",
        "named_texts",
        "values",
        "recorded_value",
        "value",
        "data",
        "inputs",
        "model",
        "username",
        "placeholder_values",
        "options",
    ]
)
graphs = st.fixed_dictionaries(
    {
        "nodes": st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.sampled_from("xyz"),
                    "block_id": block_ids,
                    "input_default": st.dictionaries(names, texts | st.lists(texts, max_size=2)),
                }
            ),
            max_size=4,
        ),
        "links": st.lists(st.builds(link, st.sampled_from("xyz"), names, st.sampled_from("xyz"), names), max_size=4),
    }
)


@given(graphs)
def test_once_is_as_good_as_twice_and_the_argument_stays(graph: dict[str, Any]) -> None:
    before = copy.deepcopy(graph)
    once = modern(graph)
    assert graph == before
    assert modern(once) == once


AGENTS = Path(__file__).parents[3] / "shared" / "agents"


@pytest.mark.skipif(not AGENTS.exists(), reason="other people's agents are not here")
def test_real_files_come_through() -> None:
    for file in AGENTS.glob("*.json"):
        raw = json.loads(file.read_text())
        after = modern(raw)
        assert [n["id"] for n in after["nodes"]] == [n["id"] for n in raw["nodes"]]
        assert not {n["block_id"] for n in after["nodes"]} & set(LEGACY_IDS)
