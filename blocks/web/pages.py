"""What a web page says, as text.

Registered in `catalogue.py`. Upstream has a provider read the page; here the worker reads it itself, so nobody needs an
account with anyone and `credentials` are left unused.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.apart.running import Apart
from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.http.answers import Answer
from blocks.http.decoding import text_of

_PAGES = frozenset({"text/html", "application/xhtml+xml", ""})
_TEXTS = re.compile(r"text/.*|application/(?:json|xml|javascript|yaml)|.*\+(?:json|xml)")
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)


class ExtractWebsiteContentInputs(Inputs):
    credentials: dict[str, Any] | None = Field(
        None, description="Not needed: the page is read here", title="Credentials"
    )
    url: str = Field(description="The address of the page", title="URL", examples=["https://example.com/tea"])
    raw_content: bool = Field(
        False, title="Raw content", description="Give the page as it is, instead of its title and main text in Markdown"
    )


class ExtractWebsiteContentOutputs(Outputs):
    content: str = Field(description="The page's title and main text, or the page itself", title="Content")


_STEAMED = "Its leaves were steamed at once, so that they stay green; the cup is pale and tastes of grass."


class ExtractWebsiteContent(Block[ExtractWebsiteContentInputs]):
    id = "436c3984-57fd-4b85-8e9a-459b356883bd"
    name = "Extract website content"
    description = "Reads a web page and gives its main text, without menus and advertisements."
    categories = frozenset({Category.SEARCH})
    Input = ExtractWebsiteContentInputs
    Output = ExtractWebsiteContentOutputs
    examples = (
        Example(
            {"url": "https://tea.example/green"},
            (("content", f"Title: Green tea\n\n# Green tea\n\n{_STEAMED}"),),
            web=(
                Exchange(
                    "GET https://tea.example/green",
                    "<html><head><title>Green tea</title></head><body><nav><a href='/'>Home</a></nav>"
                    f"<article><h1>Green tea</h1><p>{_STEAMED}</p></article></body></html>",
                    headers={"Content-Type": "text/html; charset=utf-8"},
                ),
            ),
        ),
        Example(
            {"url": "https://tea.example/green", "raw_content": True},
            (("content", "<p>Steamed at once.</p>"),),
            web=(Exchange("GET https://tea.example/green", "<p>Steamed at once.</p>"),),
        ),
    )

    def __init__(self) -> None:
        self._apart = Apart("web_page.py")

    async def run(self, inputs: ExtractWebsiteContentInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        answer = await context.services.http.request(
            "GET", inputs.url, headers={"Accept": "text/html,application/xhtml+xml,text/*;q=0.8,*/*;q=0.5"}
        )
        answer.checked()
        text = page_text(answer)
        if inputs.raw_content or answer.media_type not in _PAGES:
            yield "content", text
            return
        page = await self._apart.read(text.encode())
        if not page["text"].strip():
            raise ValueError(f"The page of {answer.host} holds no text; perhaps a script would have made it.")
        yield "content", f"Title: {page['title']}\n\n{page['text'].strip()}" if page["title"] else page["text"].strip()


def page_text(answer: Answer) -> str:
    """The page as text, by the charset its header names, or else the page itself. ValueError for what is no text."""
    if answer.media_type not in _PAGES and not _TEXTS.fullmatch(answer.media_type):
        raise ValueError(f"What {answer.host} sent is no page of text but {answer.media_type:.60}.")
    if answer.charset is None and (claimed := _CHARSET.search(answer.body[:2048])):
        return text_of(answer.body, claimed[1].decode("ascii"))
    return answer.text()
