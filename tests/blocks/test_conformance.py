"""What every block of the catalogue must be, whatever it does."""

import csv
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from blocks.base import Block, BlockInputError, Category, Example
from blocks.catalogue import CATALOGUE_BLOCKS, Catalogue, default_catalogue
from blocks.legacy import LEGACY_IDS
from engine.model import BlockId, BlockKind, Effects
from tests.blocks.block_runs import run, run_example
from tests.blocks.test_upstream_pins import TABLE

every_block = pytest.mark.parametrize("block", CATALOGUE_BLOCKS, ids=lambda block: block.__name__)
every_example = pytest.mark.parametrize(
    ("block", "example"),
    [
        pytest.param(block, example, id=f"{block.__name__}-{i}")
        for block in CATALOGUE_BLOCKS
        for i, example in enumerate(block.examples)
    ],
)
PURE_BLOCKS = [block for block in CATALOGUE_BLOCKS if block.effects is Effects.PURE]
NOT_NEEDED = {"ExtractWebsiteContent": {"credentials"}, "TranscribeYoutubeVideo": {"credentials"}}
"""Pins for an account at a provider that our block does without."""
LARGEST_PURE_OUTPUT = 20_000_000


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return default_catalogue()


def pins(schema: Any) -> dict[str, Any]:
    return {info.alias or name: info for name, info in schema.model_fields.items()}


@every_block
def test_identity(block: type[Block[Any]], catalogue: Catalogue) -> None:
    assert str(uuid.UUID(block.id)) == block.id
    assert [other for other in CATALOGUE_BLOCKS if other.id == block.id or other.name == block.name] == [block]
    assert type(catalogue.get(block.id)) is block
    assert block.id not in LEGACY_IDS


@every_block
def test_words_for_people(block: type[Block[Any]]) -> None:
    assert re.fullmatch(r"[A-Z].*[a-zA-Z]", block.name)
    assert not block.name.endswith("Block")
    assert re.fullmatch(r"[A-Z].*\.", block.description)
    assert block.categories <= set(Category)
    assert block.categories
    for schema in (block.Input, block.Output):
        for name, info in pins(schema).items():
            assert info.description, f"{schema.__name__}.{name} has no description"


@every_block
def test_pins(block: type[Block[Any]], catalogue: Catalogue) -> None:
    shape = catalogue.shape(BlockId(block.id))
    assert shape is not None
    assert set(shape.inputs) == set(pins(block.Input)) == set(block.Input.model_json_schema()["properties"])
    assert shape.outputs == set(block.Output.model_json_schema()["properties"])
    assert {name for name, pin in shape.inputs.items() if pin.required} == set(
        block.Input.model_json_schema().get("required", [])
    )
    assert ("error" in shape.outputs) == (block.kind not in (BlockKind.INPUT, BlockKind.OUTPUT))
    assert shape.effects is block.effects


@every_block
def test_credentials_are_declared_as_they_are_taken(block: type[Block[Any]]) -> None:
    """And no such block runs in a batch, which lends no secrets."""
    fields = pins(block.Input)
    named = {name for name in fields if name == "credentials" or name.endswith("_credentials")}
    assert set(block.credentials) == named - NOT_NEEDED.get(block.__name__, set())
    for name, wanted in block.credentials.items():
        assert wanted.providers
        assert wanted.types
        assert wanted.required == fields[name].is_required()
        assert TypeAdapter(fields[name].annotation).validate_python({"id": "x", "provider": "y", "type": "api_key"})
        assert wanted.required or fields[name].get_default() is None
        others = {wanted.provider_by.field if wanted.provider_by else "", wanted.host_by} - {""}
        assert others <= set(fields)
    if block.credentials:
        for given in ({}, dict.fromkeys(fields, ...)):
            assert block().effects_for(given) is not Effects.PURE
        assert block.effects is not Effects.PURE


SENT_ELSEWHERE = {
    "url": "its service fetches the page; the key goes to the service",
    "ollama_host": "refused unless it is the default, which is not heeded",
    "server_name": "a server of Discord's",
    "canonical_url": "where the post was first",
    **dict.fromkeys(("urls", "image_url"), "its service fetches it; the key goes to the service"),
    "webhook_url": "its service calls it, without the key",
    "highlights_per_url": "a number",
    "linkedin_url": "who is looked for",
    **dict.fromkeys(("domain", "q_organization_domains", "include_domains", "exclude_domains"), "what is looked for"),
}
"""Inputs that look like destinations, and to which no credentials are sent, save by the blocks below."""

WHERE_A_NODE_SAYS = {"SendAuthenticatedWebRequest"}

ACCOUNTS = {"discord", "github", "google", "hubspot", "medium", "notion", "slack", "smtp", "telegram"}
"""Providers as whose accounts a block acts: reads what is theirs, speaks in their name. (`google`: not for models.)"""

SERVICES = {
    *("apollo", "bannerbear", "d_id", "e2b", "exa", "firecrawl", "google_maps", "ideogram", "jina", "open_router"),
    *("openweathermap", "replicate", "revid", "screenshotone", "unreal_speech", "wolfram", "zerobounce"),
}
"""Providers that sell a service, which the deployment may pay for."""


@every_block
def test_what_may_go_anywhere_or_acts_as_somebody_is_the_users_own(block: type[Block[Any]]) -> None:
    """The deployment's credentials are sent only where its services are, never where a node says; nobody is it."""
    names = {name for properties in _properties(block.Input.model_json_schema()) for name in properties}
    destinations = {name for name in names if re.search("url|uri|server|host|endpoint|domain", name)}
    anywhere = destinations - SENT_ELSEWHERE.keys() | (destinations if block.__name__ in WHERE_A_NODE_SAYS else set())
    for wanted in block.credentials.values():
        # Blocks that ask a model for its provider buy answers of it, whatever else it keeps accounts of.
        is_service = wanted.provider_by is not None or SERVICES.issuperset(wanted.providers)
        is_account = not is_service and ACCOUNTS.issuperset(wanted.providers)
        assert is_service or is_account or anywhere, f"{wanted.providers} is in no list"
        assert wanted.own_only == (is_account or bool(anywhere)), anywhere


UNBOUNDED = {
    r"(.*_)?(id|number|index|line|position|target|key|group|seed|version|color|indices\[\])": "names one thing",
    r"a|b|value": "is what is reckoned with or handed on",
    r"seconds|minutes|hours|days|polling_rate": "how long a timer stands, in which nothing is done",
    r"offset": "is so many days, or of what there is, and no calendar or list is longer for it",
    r"max_tokens|(.*\.)?tokens_num|max_size|chunk_overlap|sample_size|max_depth": "more makes fewer parts, or is "
    "cut at what there is, or is bounded by who answers",
    r"(size_limit|row_limit|skip_rows|skip_size)": "says where in a file, whose size is bounded",
    r"steps|guidance|interval|temperature|top_k|top_p|classifier_free_guidance|duration|.*font_size": "tells a service "
    "of one request how, which it refuses or bounds",
    r"(.*\.)?(links|image_links|subpages|highlights_per_url|num_sentences|livecrawl_timeout|max_age|wait_for)": "tells "
    "a service of one request how much, which it refuses or bounds; the answer's size is bounded",
    r"organization_num_employees_range\[\]": "is what is looked for",
}
"""Numbers among inputs without an upper bound, by what they are called, and why a large one means no work for us."""


@every_block
def test_no_number_asks_for_work_without_end(block: type[Block[Any]]) -> None:
    """A number of tries, rounds or items has an upper bound, or a reason to have none."""
    schema = block.Input.model_json_schema()
    for name in _unbounded(schema, schema, "", frozenset()):
        assert any(re.fullmatch(pattern, name) for pattern in UNBOUNDED), name


def _unbounded(part: Any, schema: Any, name: str, seen: frozenset[str]) -> Iterator[str]:
    if not isinstance(part, dict):
        return
    if (ref := part.get("$ref")) and ref not in seen:
        yield from _unbounded(schema["$defs"][ref.rsplit("/", 1)[-1]], schema, name, seen | {ref})
    if part.get("type") in ("integer", "number") and not {"maximum", "exclusiveMaximum"} & set(part):
        yield name
    for choice in [*part.get("anyOf", ()), *part.get("allOf", ()), *part.get("oneOf", ())]:
        yield from _unbounded(choice, schema, name, seen)
    yield from _unbounded(part.get("items"), schema, f"{name}[]", seen)
    for field, inner in part.get("properties", {}).items():
        yield from _unbounded(inner, schema, f"{name}.{field}" if name else field, seen)


def _properties(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(properties := schema.get("properties"), dict):
            yield properties
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)


FREE_HERE = {
    "ExtractWebsiteContent": "it reads pages itself, without a provider",
    "TranscribeYoutubeVideo": "it asks YouTube itself, without a provider",
}
"""Blocks with a price at upstream's that have none here, and why."""


@pytest.mark.skipif(not TABLE.exists(), reason="the table of upstream's blocks is not here")
def test_what_costs_at_upstreams_costs_here() -> None:
    with TABLE.open(newline="") as file:
        paid = {row["id"] for row in csv.DictReader(file) if row["cost"] not in ("", "0")}
    assert {block.__name__ for block in CATALOGUE_BLOCKS if block.id in paid and not block.costs} == set(FREE_HERE)


@every_block
def test_examples_exist_and_are_json(block: type[Block[Any]]) -> None:
    assert block.examples
    for example in block.examples:
        assert json.loads(json.dumps(dict(example.inputs))) == dict(example.inputs)
        assert json.loads(json.dumps([list(output) for output in example.outputs])) == [
            list(output) for output in example.outputs
        ]


@every_example
async def test_example(block: type[Block[Any]], example: Example) -> None:
    outputs = await run_example(block, example)
    assert outputs == list(example.outputs)
    fields = pins(block.Output)
    for name, value in outputs:
        TypeAdapter(fields[name].annotation).validate_python(value)


@every_example
async def test_inputs_are_not_changed(block: type[Block[Any]], example: Example) -> None:
    inputs = json.loads(json.dumps(dict(example.inputs)))
    await run_example(block, replace(example, inputs=inputs))
    assert inputs == dict(example.inputs)


@every_block
async def test_missing_inputs_are_named(block: type[Block[Any]]) -> None:
    required = [name for name, info in pins(block.Input).items() if info.is_required()]
    if not required:
        return
    with pytest.raises(BlockInputError, match="Unable to execute block with invalid input data") as failure:
        await run(block, {})
    for name in required:
        assert f"`{name}` is required" in str(failure.value)
    assert "pydantic" not in str(failure.value)


scalars = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)
words = st.sampled_from(
    ["Add", "Power", "==", "<", "string", "list", "dictionary", "[1, 2]", '{"a": [1]}', "items", "-1"]
)


@pytest.mark.parametrize("block", PURE_BLOCKS, ids=lambda block: block.__name__)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_pure_blocks_are_deterministic_and_bounded(block: type[Block[Any]], data: st.DataObject) -> None:
    names = sorted(set(pins(block.Input)) - {"format"})
    inputs = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, values | words)))
    first = await attempt(block, inputs)
    assert repr(await attempt(block, inputs)) == repr(first)
    assert len(json.dumps(first, default=str)) < LARGEST_PURE_OUTPUT


async def attempt(block: type[Block[Any]], inputs: dict[str, Any]) -> Any:
    """What the block gives, or how it refuses: nothing but these two is allowed to happen."""
    try:
        return await run(block, inputs)
    except (ValueError, BlockInputError) as refusal:
        return f"{type(refusal).__name__}: {refusal}"


GREEDY: dict[str, list[dict[str, Any]]] = {
    "Calculator": [{"operation": "Power", "a": 9e9, "b": 9e9}, {"operation": "Power", "a": "9" * 9000, "b": 10**9}],
    "CombineTexts": [{"input": ["a"] * 1600, "delimiter": "b" * 8000}, {"input": ["a"] * 100, "delimiter": "b" * 8000}],
    "TextReplace": [
        {"text": "a" * 8000, "old": "a", "new": "b" * 8000},
        {"text": "a" * 900, "old": "", "new": "b" * 8000},
    ],
    "ZipLists": [{"lists": [[1] * 2000, *[[]] * 2000], "pad_to_longest": True, "fill_value": "x" * 4000}],
    "FlattenList": [{"nested_list": json.loads("[" * 900 + "]" * 900)}],
    "ConcatenateLists": [{"lists": [json.loads("[" * 900 + "]" * 900)] * 3, "deduplicate": True}],
    "ListIntersection": [{"list_a": list(range(4000)), "list_b": [[number] for number in range(2000)]}],
    "InterleaveLists": [{"lists": [[1] * 4000, *[[]] * 4000]}],
    "CreateList": [{"values": [1] * 8000, "max_size": 1}],
    "StepThroughItems": [{"items": [1] * 8000, "items_str": json.dumps([1] * 5000)}],
    "TextEncoder": [{"text": "\U0001f375" * 4000}],
    "CodeExtraction": [{"text": "```python " * 1600}, {"text": "```py\n" + "\n \t" * 5000}],
    "DataSampling": [
        {"data": [[]] * 8000, "sample_size": 10**9},
        {
            "data": [{"k": n} for n in range(1500)],
            "sample_size": 1,
            "sampling_method": "stratified",
            "stratify_key": "k",
        },
        {
            "data": [{"k": n} for n in range(1500)],
            "sample_size": 1500,
            "sampling_method": "cluster",
            "cluster_key": "k",
        },
    ],
    "AddToDictionary": [{"dictionary": {str(number): 1 for number in range(1500)}}],
}


@pytest.mark.parametrize(
    ("block", "inputs"),
    [
        pytest.param(block, inputs, id=f"{block.__name__}-{i}")
        for block in PURE_BLOCKS
        for i, inputs in enumerate(GREEDY.get(block.__name__, []))
    ],
)
@pytest.mark.timeout(10)
async def test_pure_blocks_withstand_greed(block: type[Block[Any]], inputs: dict[str, Any]) -> None:
    """Inputs made to grow: either the block refuses or what it gives stays small."""
    outcome = await attempt(block, inputs)
    assert len(repr(outcome)) < LARGEST_PURE_OUTPUT


def test_greed_names_blocks_that_exist() -> None:
    assert set(GREEDY) <= {block.__name__ for block in PURE_BLOCKS}


def test_a_catalogue_takes_further_blocks_but_no_id_twice(catalogue: Catalogue) -> None:
    class Extra(CATALOGUE_BLOCKS[0]):  # type: ignore[misc,valid-type]
        id = "00000000-0000-0000-0000-000000000001"

    extended = Catalogue((*CATALOGUE_BLOCKS, Extra))
    assert len(extended) == len(list(extended)) == len(catalogue) + 1
    assert isinstance(extended.get(Extra.id), Extra)
    with pytest.raises(ValueError, match="Extra and Extra have the same id"):
        Catalogue((Extra, Extra))


def test_unknown_and_former_ids(catalogue: Catalogue) -> None:
    assert catalogue.get("nobody") is None
    assert catalogue.shape(BlockId("nobody")) is None
    former = "b2g2c3d4-5e6f-7g8h-9i0j-k1l2m3n4o5p6"
    assert catalogue.get(former) is catalogue.get(LEGACY_IDS[former])
    assert catalogue.shape(BlockId(former)) is not None


@every_block
def test_only_what_is_begun_once_says_that_going_on_may_be_repeated(block: type[Block[Any]]) -> None:
    if block.effects_after_sleep is not None:
        assert (block.effects, block.effects_after_sleep) == (Effects.EFFECTFUL, Effects.IDEMPOTENT)
        assert not block.sensitive, "each look would be asked about"


def test_effects_of_an_output_depend_on_its_format(catalogue: Catalogue) -> None:
    output = next(block for block in catalogue if block.kind is BlockKind.OUTPUT)
    assert output.effects_for({"name": "x"}) is Effects.PURE
    assert output.effects_for({"name": "x", "format": ""}) is Effects.PURE
    assert output.effects_for({"name": "x", "format": "{{x}}"}) is Effects.IDEMPOTENT
    assert output.effects_for({"name": "x", "format": ...}) is Effects.IDEMPOTENT


@pytest.mark.parametrize(
    "name",
    [
        "MatchTextPattern",
        "ExtractTextInformation",
        "FillTextTemplate",
        "XmlParser",
        "GetCurrentTime",
        "GetCurrentDate",
        "GetCurrentDateAndTime",
        "CountdownTimer",
        "WaitUntil",
        "ReadSpreadsheet",
        "FileRead",
        "FileStore",
        "CreateZipArchive",
        "ExtractZipArchive",
        "CompressText",
        "DecompressText",
        "PersistInformation",
        "RetrieveInformation",
    ],
)
def test_what_users_wrote_and_what_asks_the_host_stays_out_of_batches(name: str) -> None:
    (block,) = [block for block in CATALOGUE_BLOCKS if block.__name__ == name]
    assert block.effects is Effects.IDEMPOTENT
