"""Taking the programs out of a text, such as a model's answer.

Registered in `catalogue.py`. A program stands between lines of three backticks, the first with its language.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Yielded
from blocks.limits import LONGEST_TEXT
from engine.model import Effects

_FENCE = "```"
_LANGUAGES = {
    "html": ("html", "htm"),
    "css": ("css",),
    "javascript": ("javascript", "js"),
    "python": ("python", "py"),
    "sql": ("sql",),
    "java": ("java",),
    "cpp": ("cpp", "c++"),
    "csharp": ("csharp", "c#", "cs"),
    "json_code": ("json",),
    "bash": ("bash", "shell", "sh"),
    "php": ("php",),
    "ruby": ("ruby", "rb"),
    "yaml": ("yaml", "yml"),
    "markdown": ("markdown", "md"),
    "typescript": ("typescript", "ts"),
    "xml": ("xml",),
}
_BY_NAME = {name: (output, rank) for output, names in _LANGUAGES.items() for rank, name in enumerate(names)}
_NAME = re.compile(r"([^\s`]{1,20})\s")


class CodeExtractionInputs(Inputs):
    text: str = Field(description="The text, with programs between lines of three backticks")


class CodeExtractionOutputs(Outputs):
    html: str = Field(description="The HTML")
    css: str = Field(description="The CSS")
    javascript: str = Field(description="The JavaScript")
    python: str = Field(description="The Python")
    sql: str = Field(description="The SQL")
    java: str = Field(description="The Java")
    cpp: str = Field(description="The C++")
    csharp: str = Field(description="The C#")
    json_code: str = Field(description="The JSON")
    bash: str = Field(description="The shell commands")
    php: str = Field(description="The PHP")
    ruby: str = Field(description="The Ruby")
    yaml: str = Field(description="The YAML")
    markdown: str = Field(description="The Markdown")
    typescript: str = Field(description="The TypeScript")
    xml: str = Field(description="The XML")
    remaining_text: str = Field(description="The text without the programs and without empty lines")


class CodeExtraction(Block[CodeExtractionInputs]):
    id = "d3a7d896-3b78-4f44-8b4b-48fbf4f0bcd8"
    name = "Code extraction"
    description = "Takes the programs out of a text, by their languages."
    categories = frozenset({Category.TEXT})
    effects = Effects.PURE
    Input = CodeExtractionInputs
    Output = CodeExtractionOutputs
    examples = (
        Example(
            {"text": "Here it is:\n```python\nprint(1)\n```\n\nand\n```py\nprint(2)\n```\nDone."},
            (("python", "print(1)\n\nprint(2)"), ("remaining_text", "Here it is:\nand\nDone.")),
        ),
        Example({"text": "No program."}, (("remaining_text", "No program."),)),
    )

    async def run(self, inputs: CodeExtractionInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if len(inputs.text) > LONGEST_TEXT:
            raise ValueError(f"The text has {len(inputs.text):,} characters; at most {LONGEST_TEXT:,} are possible.")
        programs = list(_programs(inputs.text))
        for output in _LANGUAGES:
            # The names of one language in their order, as upstream joins them.
            codes = [p.code for p in sorted(programs, key=lambda p: p.rank) if p.output == output and p.code]
            if codes:
                yield output, "\n\n".join(codes)
        remaining = _without(inputs.text, programs)
        if remaining:
            yield "remaining_text", remaining


@dataclass(frozen=True, slots=True)
class _Program:
    """A program, where it stands with its backticks, and which of its language's names it bears."""

    output: str
    rank: int
    code: str
    start: int
    end: int


def _programs(text: str) -> Iterator[_Program]:
    start = text.find(_FENCE)
    while start >= 0:
        after = start + len(_FENCE)
        named = _NAME.match(text, after)
        known = _BY_NAME.get(named[1].lower()) if named else None
        if known is None or named is None:
            # Not a beginning that we know; perhaps the end of something else.
            start = text.find(_FENCE, after)
            continue
        end = text.find(_FENCE, named.end())
        if end < 0:
            return
        yield _Program(*known, text[named.end() : end].strip(), start, end + len(_FENCE))
        start = text.find(_FENCE, end + len(_FENCE))


def _without(text: str, programs: list[_Program]) -> str:
    pieces, last = [], 0
    for program in programs:
        pieces.append(text[last : program.start])
        last = program.end
    pieces.append(text[last:])
    lines = "".join(pieces).strip().split("\n")
    return "\n".join(line for line in lines if line.strip())
