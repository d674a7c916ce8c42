"""Plain work on text: join, split, replace, count, escape.

Registered in `catalogue.py`. No patterns and no templates here: those run outside of batches (`patterns.py`,
`template.py`). A text that would become too long is refused before it is made (agent-graphs §17.7).
"""

import re
from collections.abc import AsyncIterator

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.limits import refuse_long_text
from engine.model import Effects

_TEXT = frozenset({Category.TEXT})


class CombineTextsInputs(Inputs):
    input: list[str] = Field(description="The texts, in order; link single ones to `input_$_<position>`")
    delimiter: str = Field("", description="What stands between them")


class TextOutputs(Outputs):
    output: str = Field(description="The resulting text")


class CombineTexts(Block[CombineTextsInputs]):
    id = "e30a4d42-7b7d-4e6a-b36e-1f9b8e3b7d85"
    name = "Combine texts"
    description = "Joins several texts into one."
    categories = _TEXT
    effects = Effects.PURE
    Input = CombineTextsInputs
    Output = TextOutputs
    examples = (Example({"input": ["green", "tea"], "delimiter": " "}, (("output", "green tea"),)),)

    async def run(self, inputs: CombineTextsInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        refuse_long_text(sum(map(len, inputs.input)) + len(inputs.delimiter) * len(inputs.input))
        yield "output", inputs.delimiter.join(inputs.input)


class TextSplitInputs(Inputs):
    text: str = Field(description="The text to take apart")
    delimiter: str = Field(description="What stands between the parts")
    strip: bool = Field(True, description="Remove spaces around each part")


class TextSplitOutputs(Outputs):
    texts: list[str] = Field(description="The parts; none of an empty text")


class TextSplit(Block[TextSplitInputs]):
    id = "d5ea33c8-a575-477a-b42f-2fe3be5055ec"
    name = "Split text"
    description = "Takes a text apart at every delimiter."
    categories = _TEXT
    effects = Effects.PURE
    Input = TextSplitInputs
    Output = TextSplitOutputs
    examples = (
        Example({"text": "a, b,c", "delimiter": ","}, (("texts", ["a", "b", "c"]),)),
        Example({"text": "", "delimiter": ","}, (("texts", []),)),
    )

    async def run(self, inputs: TextSplitInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.text:
            yield "texts", []
            return
        if not inputs.delimiter:
            raise ValueError("The delimiter is empty: say what stands between the parts.")
        parts = inputs.text.split(inputs.delimiter)
        yield "texts", [part.strip() for part in parts] if inputs.strip else parts


class TextReplaceInputs(Inputs):
    text: str = Field(description="The text to change")
    old: str = Field(description="What to replace, everywhere")
    new: str = Field(description="What to put there")


class TextReplace(Block[TextReplaceInputs]):
    id = "7e7c87ab-3469-4bcc-9abe-67705091b713"
    name = "Replace text"
    description = "Replaces every occurrence of a text in another."
    categories = _TEXT
    effects = Effects.PURE
    Input = TextReplaceInputs
    Output = TextOutputs
    examples = (Example({"text": "black tea", "old": "black", "new": "green"}, (("output", "green tea"),)),)

    async def run(self, inputs: TextReplaceInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        growth = len(inputs.new) - len(inputs.old)
        refuse_long_text(len(inputs.text) + inputs.text.count(inputs.old) * growth)
        yield "output", inputs.text.replace(inputs.old, inputs.new)


class WordCharacterCountInputs(Inputs):
    text: str = Field(description="The text to measure")


class WordCharacterCountOutputs(Outputs):
    word_count: int = Field(description="How many words, parted by white space")
    character_count: int = Field(description="How many characters, spaces included")


class WordCharacterCount(Block[WordCharacterCountInputs]):
    id = "ab2a782d-22cf-4587-8a70-55b59b3f9f90"
    name = "Word and character count"
    description = "Counts the words and characters of a text."
    categories = _TEXT
    effects = Effects.PURE
    Input = WordCharacterCountInputs
    Output = WordCharacterCountOutputs
    examples = (Example({"text": "green tea"}, (("word_count", 2), ("character_count", 9))),)

    async def run(self, inputs: WordCharacterCountInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "word_count", len(inputs.text.split())
        yield "character_count", len(inputs.text)


class EncoderInputs(Inputs):
    text: str = Field(description="The text to escape")


class EncoderOutputs(Outputs):
    encoded_text: str = Field(description="The text in ASCII, with escapes such as `\\n` and `\\u20ac`")


class TextEncoder(Block[EncoderInputs]):
    id = "5185f32e-4b65-4ecf-8fbb-873f003f09d6"
    name = "Text encoder"
    description = "Writes line ends and special characters of a text as escapes."
    categories = _TEXT
    effects = Effects.PURE
    Input = EncoderInputs
    Output = EncoderOutputs
    examples = (Example({"text": 'a\n"b"'}, (("encoded_text", 'a\\n"b"'),)),)

    async def run(self, inputs: EncoderInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "encoded_text", inputs.text.encode("unicode_escape").decode("ascii")


class DecoderInputs(Inputs):
    text: str = Field(description="The text with escapes such as `\\n` and `\\u20ac`")


class DecoderOutputs(Outputs):
    decoded_text: str = Field(description="The text with what the escapes stand for")


class TextDecoder(Block[DecoderInputs]):
    id = "2570e8fe-8447-43ed-84c7-70d657923231"
    name = "Text decoder"
    description = "Puts line ends and special characters in the place of their escapes."
    categories = _TEXT
    effects = Effects.PURE
    Input = DecoderInputs
    Output = DecoderOutputs
    examples = (Example({"text": 'a\\n\\"b\\"'}, (("decoded_text", 'a\n"b"'),)),)

    async def run(self, inputs: DecoderInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "decoded_text", unescape(inputs.text)


_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U(?:000[0-9a-fA-F]|0010)[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|[\\'\"abfnrtv])"
)


def unescape(text: str) -> str:
    """The text with its escapes resolved; what is no valid escape stays as it stands.

    Escape by escape, since Python's codec takes every other character for Latin-1 and garbles it. Two halves of a
    character (as JSON writes those beyond 16 bits) are put together; half a one is a ValueError.
    """
    decoded = _ESCAPE.sub(lambda match: match[0].encode("ascii").decode("unicode_escape"), text)
    try:
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ValueError("The text has half of a character: a \\ud800 to \\udfff without its partner.") from None
