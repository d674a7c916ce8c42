"""Blocks of installed packages: real little packages on the path, good and bad ones."""

import logging
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.showing_blocks import Search, page
from blocks.catalogue import CATALOGUE_BLOCKS, default_catalogue
from tests.blocks.block_runs import run

STORE_VALUE = "1ff065e9-88e8-4358-9d82-8dc91f622ba9"
BLOCK = """
    from collections.abc import AsyncIterator

    from pydantic import Field

    from blocks.base import Block, BlockContext, Category, Inputs, Outputs, Yielded
    from blocks.credentials import CredentialsField, CredentialsMeta, ProviderBy


    class ShoutInputs(Inputs):
        text: str = Field(description="What to shout")


    class ShoutOutputs(Outputs):
        shouted: str = Field(description="The same in capitals")


    class Shout(Block[ShoutInputs]):
        id = "aaaaaaaa-0000-4000-8000-000000000001"
        name = "Shout"
        description = "Writes a text in capitals."
        categories = frozenset({Category.TEXT})
        Input = ShoutInputs
        Output = ShoutOutputs

        async def run(self, inputs: ShoutInputs, context: BlockContext) -> AsyncIterator[Yielded]:
            yield "shouted", inputs.text.upper()
"""
SHOUT = "aaaaaaaa-0000-4000-8000-000000000001"

type Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lays a package where an installer would: its module, and its metadata with entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = set(sys.modules)

    def install(package: str, code: str, **entries: str) -> None:
        (tmp_path / f"{package}.py").write_text(textwrap.dedent(code))
        metadata = tmp_path / f"{package}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {package}{value}" for name, value in entries.items()]
        (metadata / "entry_points.txt").write_text("\n".join(["[heddle.blocks]", *lines]))

    yield install
    for name in set(sys.modules) - modules:
        del sys.modules[name]


async def test_a_package_brings_a_block(install: Install) -> None:
    install("loud_blocks", BLOCK, shout=":Shout")
    catalogue = default_catalogue()
    assert len(catalogue) == len(CATALOGUE_BLOCKS) + 1
    block = catalogue.get(SHOUT)
    assert block is not None
    assert await run(block, {"text": "hey"}) == [("shouted", "HEY")]


async def test_a_package_brings_several_blocks(install: Install) -> None:
    code = textwrap.dedent(BLOCK) + textwrap.dedent("""
        class Louder(Shout):
            id = "aaaaaaaa-0000-4000-8000-000000000002"
            name = "Shout louder"

        BLOCKS = (Shout, Louder)
    """)
    install("loud_blocks", code, shout=":BLOCKS")
    assert len(default_catalogue()) == len(CATALOGUE_BLOCKS) + 2


BROKEN = {
    "an import that fails": ("import nowhere", ":Shout", "ModuleNotFoundError"),
    "a module that ends the process": ("raise SystemExit(3)", ":Shout", "SystemExit"),
    "a syntax error": ("class", ":Shout", "SyntaxError"),
    "a missing name": ("", ":Shout", "AttributeError"),
    "no block": ("Shout = 3", ":Shout", "not a subclass"),
    "no class": ("class Shout: pass", ":Shout", "not a subclass"),
    "no run": (BLOCK.replace("async def run", "async def walk"), ":Shout", "does not define run"),
    "no id": (BLOCK.replace("        id =", "        no_id ="), ":Shout", "`id` is missing"),
    "an empty name": (BLOCK.replace('name = "Shout"', 'name = ""'), ":Shout", "`name` is empty"),
    "no description": (BLOCK.replace("        description =", "        other ="), ":Shout", "`description` is missing"),
    "no inputs": (BLOCK.replace("        Input =", "        NoInput ="), ":Shout", "`Input` is missing"),
    "foreign inputs": (BLOCK.replace("Input = ShoutInputs", "Input = Field"), ":Shout", "`Input` is missing"),
    "plain inputs": (BLOCK.replace("(Inputs)", "(Block.__base__)"), ":Shout", "`Input` is missing"),
    "foreign categories": (BLOCK.replace("{Category.TEXT}", '{"LOUD"}'), ":Shout", "`categories`"),
    "an id of ours": (BLOCK.replace(SHOUT, STORE_VALUE), ":Shout", "StoreValue has the same id"),
    "a former id": (BLOCK.replace(SHOUT, "b2g2c3d4-5e6f-7g8h-9i0j-k1l2m3n4o5p6"), ":Shout", "former id"),
    "a constructor that fails": (BLOCK + "\n        def __init__(self): raise OSError('no disk')", ":Shout", "no disk"),
    **{said: (BLOCK + f"\n        {line}", ":Shout", reason) for said, (line, reason) in {
        "credentials of an input that is none": (
            "from blocks.credentials import CredentialsField as C; credentials = {'credentials': C(('acme',))}",
            "has no input `credentials`"),
        "credentials of an input of another name": (
            "from blocks.credentials import CredentialsField as C; credentials = {'text': C(('acme',))}",
            "must be named"),
        "credentials by an input that is none": (
            "class Input(ShoutInputs): credentials: CredentialsMeta | None = None\n"
            "        credentials = {'credentials': CredentialsField(('a',), provider_by=ProviderBy('model', str))}",
            "has no input `model`"),
        "credentials for the host of an input that is none": (
            "class Input(ShoutInputs): credentials: CredentialsMeta | None = None\n"
            "        credentials = {'credentials': CredentialsField(('a',), host_by='url')}",
            "has no input `url`"),
        "providers that are a text": (
            "from blocks.credentials import CredentialsField as C; credentials = {'credentials': C('acme')}",
            "`credentials`"),
        "credentials that are a text": ("credentials = {'credentials': 'acme'}", "`credentials`"),
        "credentials that are a list": ("credentials = ['credentials']", "`credentials`"),
        "costs that are a number": ("costs = 3", "`costs`"),
        "costs that are numbers": ("costs = (3,)", "`costs`"),
        "a cost that is a text": ("from blocks.base import Cost; costs = (Cost('3'),)", "`costs`"),
        "a cost of no known type": ("from blocks.base import Cost; costs = (Cost(3, 'run'),)", "`costs`"),
        "a cost with a strange filter": ("from blocks.base import Cost; costs = (Cost(3, filter=3),)", "`costs`"),
        "a cost with a filter that is no JSON": (
            "from blocks.base import Cost; costs = (Cost(3, filter={'a': object()}),)", "or described"),
        "a cost by nothing": ("from blocks.base import Cost; costs = (Cost(3, divisor=0),)", "`costs`"),
        "examples that are texts": ("examples = ('hey',)", "`examples`"),
        "examples that are no list": ("examples = 3", "`examples`"),
        "a timeout that is a number": ("timeout = 3", "`timeout`"),
        "a queue that is none": ("task_queue = None", "`task_queue`"),
        "failures that are no class": ("transient = (3,)", "`transient`"),
        "failures that are no tuple": ("transient = [OSError]", "`transient`"),
        "a flag that is a text": ("disabled = 'no'", "`disabled`"),
        "a static output that is none": ("static_output = None", "`static_output`"),
        "categories that are no set": ("categories = [3]", "`categories`"),
        "a description that cannot be sent": ("description = '\\ud800'", "or described"),
        "an example of an input that is no JSON": (
            "class Input(ShoutInputs): more: int = Field(1, json_schema_extra={'examples': [object()]})",
            "or described"),
        "inputs that have no schema": (
            "class Input(ShoutInputs): part: slice",
            "or described"),
        "a default that fails": (
            "class Input(ShoutInputs): more: int = Field(default_factory=lambda: 1 // 0)", "ZeroDivisionError"),
        "a shape that fails": ("shape = classmethod(lambda cls: 1 // 0)", "ZeroDivisionError"),
        "a shape that is none": ("shape = classmethod(lambda cls: 3)", "`shape`"),
        "effects that fail": ("effects_for = lambda self, _: 1 // 0", "ZeroDivisionError"),
        "effects that are none": ("effects_for = lambda self, _: 3", "`effects_for`"),
        "refusals that fail": ("refusals = classmethod(lambda cls, _: 1 // 0)", "ZeroDivisionError"),
        "a schema of its own that is none": (
            "class Input(ShoutInputs): model_json_schema = classmethod(lambda cls: 3)", "no JSON Schema"),
    }.items()},
}  # fmt: skip


@pytest.mark.parametrize(("code", "value", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_left_out_and_named(
    install: Install, caplog: pytest.LogCaptureFixture, code: str, value: str, reason: str
) -> None:
    install("broken_blocks", code, shout=value)
    install("loud_blocks", BLOCK.replace(SHOUT, "aaaaaaaa-0000-4000-8000-000000000009"), whisper=":Shout")
    with caplog.at_level(logging.ERROR, "blocks.installed"):
        catalogue = default_catalogue()
    assert len(catalogue) == len(CATALOGUE_BLOCKS) + 1, "what is sound is there"
    assert len(page(catalogue, Search(), limit=1_000, after=None).model_dump_json()) > 1_000, "and is shown"
    (message,) = [record.getMessage() for record in caplog.records]
    assert reason in message
    assert "broken_blocks (shout = broken_blocks:Shout)" in message


def test_of_two_packages_with_one_id_the_first_by_name_stays(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install("b_blocks", BLOCK, b=":Shout")
    install("a_blocks", BLOCK, a=":Shout")
    with caplog.at_level(logging.ERROR, "blocks.installed"):
        block = default_catalogue().get(SHOUT)
    assert type(block).__module__ == "a_blocks"
    assert ["b_blocks" in record.getMessage() and SHOUT in record.getMessage() for record in caplog.records] == [True]


def test_without_packages_there_is_what_is_ours(caplog: pytest.LogCaptureFixture) -> None:
    assert len(default_catalogue()) == len(CATALOGUE_BLOCKS)
    assert caplog.records == []
