"""The worked example of CONTRIBUTING is a block as the house wants it."""

import re

import pytest

from blocks import base
from blocks.base import Block
from blocks.catalogue import CATALOGUE_BLOCKS, Catalogue
from blocks.installed import refusal
from tests.blocks import test_conformance as conformance
from tests.support.places import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture(scope="module")
def shout() -> type[Block[base.Inputs]]:
    """The block that the page shows, run as code."""
    (code,) = re.findall(r"```python\n# blocks/text/plain\.py\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {"__name__": __name__}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    (block,) = [each for name, each in names.items() if name == "Shout"]
    assert isinstance(block, type)
    return block


async def test_the_example_is_what_every_block_must_be(shout: type[Block[base.Inputs]]) -> None:
    assert refusal(shout, CATALOGUE_BLOCKS) == ""
    catalogue = Catalogue((*CATALOGUE_BLOCKS, shout))
    conformance.test_words_for_people(shout)
    conformance.test_pins(shout, catalogue)
    conformance.test_examples_exist_and_are_json(shout)
    for example in shout.examples:
        await conformance.test_example(shout, example)
        await conformance.test_inputs_are_not_changed(shout, example)
    await conformance.test_missing_inputs_are_named(shout)


def test_the_page_names_what_packages_register_with() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert '[project.entry-points."heddle.blocks"]' in toml
