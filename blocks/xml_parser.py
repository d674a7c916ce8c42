"""Reading XML into dictionaries.

Registered in `catalogue.py`. The text often comes from a model, so what stands around or between elements is forgiven;
what is used to attack parsers (document types, entities) is refused (agent-graphs §17.9).
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring
from pydantic import Field

from blocks.base import Block, BlockContext, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_TEXT

_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DEEPEST = 200


class XmlParserInputs(Inputs):
    input_xml: str = Field(description="The XML; several elements may stand side by side")


class XmlParserOutputs(Outputs):
    parsed_xml: dict[str, Any] = Field(
        description="By tag: a text, a dictionary of the tags inside, or a list of repeated"
    )


class XmlParser(Block[XmlParserInputs]):
    id = "286380af-9529-4b55-8be0-1d7c854abdb5"
    name = "XML parser"
    description = "Reads XML into a dictionary by tags."
    Input = XmlParserInputs
    Output = XmlParserOutputs
    examples = (
        Example(
            {"input_xml": "<tea><kind>green</kind><cups>2</cups></tea>"},
            (("parsed_xml", {"tea": {"kind": "green", "cups": "2"}}),),
        ),
        Example({"input_xml": "<a>1</a><b>2</b><b>3</b>"}, (("parsed_xml", {"a": "1", "b": ["2", "3"]}),)),
    )

    async def run(self, inputs: XmlParserInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "parsed_xml", await asyncio.to_thread(parse, inputs.input_xml)


def parse(text: str) -> dict[str, Any]:
    """The elements by tag; ValueError for a text that is too long, too deep, has no element or is not well-formed."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"The XML has {len(text):,} characters; at most {LONGEST_TEXT:,} are possible.")
    body = _BARE_AMPERSAND.sub("&amp;", _DECLARATION.sub("", text, count=1))
    try:
        # A root of our own: a model's answer may have several elements, or words around them.
        root: Element = fromstring(f"<root>{body}</root>", forbid_dtd=True)
    except ParseError as error:
        raise ValueError(f"The XML is not well-formed: {error}") from None
    if len(root) == 0:
        raise ValueError("The text has no XML element.")
    parsed: dict[str, Any] = _content(root, 0)
    return parsed


def _content(element: Element, depth: int) -> Any:
    """Its text when nothing is inside it, else a dictionary; repeated tags become a list."""
    if depth > _DEEPEST:
        raise ValueError(f"The XML is nested more than {_DEEPEST} levels deep.")
    if len(element) == 0:
        return (element.text or "").strip()
    inside: dict[str, list[Any]] = {}
    for child in element:
        inside.setdefault(child.tag, []).append(_content(child, depth + 1))
    return {tag: contents[0] if len(contents) == 1 else contents for tag, contents in inside.items()}
