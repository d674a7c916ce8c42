"""Reading XML into dictionaries.

Registered in `catalogue.py`. The text often comes from a model, so what stands around or between elements is forgiven;
what is used to attack parsers (document types, entities) is refused (agent-graphs §17.9).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement
from xml.sax.saxutils import unescape

from defusedxml.ElementTree import fromstring
from pydantic import Field

from blocks.base import Block, BlockContext, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_TEXT

_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_LOOSE_TAG = re.compile(r"<([^<>]+)>")
_MARK = "\ufeff"
_AS_IT_IS = (("<![CDATA[", "]]>"), ("<!--", "-->"))
_DEEPEST = 200


class XmlParserInputs(Inputs):
    input_xml: str = Field(description="The XML; several elements may stand side by side")


class XmlParserOutputs(Outputs):
    parsed_xml: dict[str, Any] = Field(
        description="By tag, in lower case: a text, a dictionary of the tags inside, or a list with a dictionary for "
        "each of them where one is repeated"
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
        Example(
            {"input_xml": "<tea><Cup>1</Cup><Cup>2</Cup></tea>"},
            (("parsed_xml", {"tea": [{"cup": "1"}, {"cup": "2"}]}),),
        ),
        Example({"input_xml": "<a>1</a><b>2</b><b>3</b>"}, (("parsed_xml", {"a": "1", "b": ["2", "3"]}),)),
    )

    async def run(self, inputs: XmlParserInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "parsed_xml", await asyncio.to_thread(parse, inputs.input_xml)


def parse(text: str) -> dict[str, Any]:
    """The elements by tag; ValueError for a text that is too long, too deep, has no element or is not well-formed."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"The XML has {len(text):,} characters; at most {LONGEST_TEXT:,} are possible.")
    body = "".join(_mended(_DECLARATION.sub("", text.removeprefix(_MARK), count=1)))
    try:
        # A root of our own: a model's answer may have several elements, or words around them.
        root: Element = fromstring(f"<root>{body}</root>", forbid_dtd=True)
    except ParseError as error:
        loosely = _read_loosely(body)
        if loosely is None:
            raise ValueError(f"The XML is not well-formed: {error}") from None
        root = loosely
    if len(root) == 0:
        raise ValueError("The text has no XML element.")
    parsed: dict[str, Any] = _content(root, 0)
    return parsed


def _read_loosely(text: str) -> Element | None:
    """What models write for XML, in the way upstream reads it; None when the tags do not match even so.

    A tag may be a number or several words, which are joined by `_`, and may close in capitals; a lone `<` is a text's.
    """
    if "<!" in text or "<?" in text:
        return None
    opened = [Element("root")]
    done = 0
    for tag in _LOOSE_TAG.finditer(text):
        words = tag[1].split()
        if tag[1][0].isspace() or not words or "=" in tag[1]:
            continue
        name = "_".join(words).lower()
        _say(opened[-1], text[done : tag.start()])
        done = tag.end()
        if name.startswith("/"):
            if opened.pop().tag != name.removeprefix("/").lstrip("_") or not opened:
                return None
        else:
            element = SubElement(opened[-1], name.removesuffix("/").rstrip("_"))
            if not name.endswith("/"):
                opened.append(element)
            if len(opened) > _DEEPEST:
                return None
    return opened[0] if len(opened) == 1 else None


def _say(element: Element, text: str) -> None:
    """What stands beside elements is left out, here as elsewhere."""
    if text and len(element) == 0:
        element.text = (element.text or "") + unescape(text, {"&quot;": '"', "&apos;": "'"})


def _mended(text: str) -> Iterator[str]:
    """The text in pieces, with bare ampersands written as XML wants them, but not where XML takes them as they are."""
    done = 0
    following = [text.find(start) for start, _ in _AS_IT_IS]
    while any(at >= 0 for at in following):
        at, (start, end) = min((at, marks) for at, marks in zip(following, _AS_IT_IS, strict=True) if at >= 0)
        after = text.find(end, at + len(start))
        if after < 0:
            break  # it is not well-formed
        yield _BARE_AMPERSAND.sub("&amp;", text[done:at])
        done = after + len(end)
        yield text[at:done]
        # Each is looked for again only once it is behind, so that all searches together read the text once or twice.
        following = [
            found if found < 0 or found >= done else text.find(start, done)
            for found, (start, _) in zip(following, _AS_IT_IS, strict=True)
        ]
    yield _BARE_AMPERSAND.sub("&amp;", text[done:])


def _content(element: Element, depth: int) -> Any:
    """Its text when nothing is inside it, else a dictionary, or a list of dictionaries when a tag is repeated.

    So does upstream, and agents step through such lists. At the top there is a dictionary in any case.
    """
    if depth > _DEEPEST:
        raise ValueError(f"The XML is nested more than {_DEEPEST} levels deep.")
    if len(element) == 0:
        return (element.text or "").strip()
    inside: dict[str, list[Any]] = {}
    for child in element:
        inside.setdefault(child.tag.lower(), []).append(_content(child, depth + 1))
    if depth and len(inside) < len(element):
        contents_of = {tag: iter(contents) for tag, contents in inside.items()}
        return [{child.tag.lower(): next(contents_of[child.tag.lower()])} for child in element]
    return {tag: contents[0] if len(contents) == 1 else contents for tag, contents in inside.items()}
