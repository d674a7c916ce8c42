"""What Notion's pages say, as Markdown, and Markdown as what pages are made of.

For the blocks of `blocks/notion.py`; pure. Whoever wrote a page decides what is in it: nothing is trusted to be there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_LISTS = frozenset({"bulleted_list_item", "numbered_list_item", "to_do"})
_HEADINGS = {"heading_1": "#", "heading_2": "##", "heading_3": "###"}
_LONGEST_TEXT = 2_000
_MOST_TEXTS = 100
_NUMBERED = re.compile(r"\d{1,9}\.\s+(\S.*)")
_RULES = frozenset({"---", "***", "___"})
_LANGUAGES = re.compile(
    r"bash|c|c\+\+|c#|css|dart|diff|docker|elixir|erlang|go|graphql|groovy|haskell|html|java|javascript|json|julia|"
    r"kotlin|latex|less|lisp|lua|makefile|markdown|matlab|mermaid|nix|objective-c|ocaml|perl|php|powershell|prolog|"
    r"protobuf|python|r|ruby|rust|sass|scala|scheme|scss|shell|solidity|sql|swift|typescript|xml|yaml"
)
_SHORT = {"py": "python", "js": "javascript", "ts": "typescript", "sh": "shell", "yml": "yaml", "md": "markdown"}

type Json = dict[str, Any]


def plain(texts: Any) -> str:
    """Rich text without its looks."""
    return "".join(_text(each.get("plain_text")) for each in _objects(texts))


def title_of(page: Json) -> str:
    """The title of a page; `Untitled` when it has none."""
    for each in _dict(page.get("properties")).values():
        if _dict(each).get("type") == "title":
            return plain(each.get("title"))
    return "Untitled"


def to_markdown(blocks: Sequence[Json]) -> str:
    """The blocks of a page, one after the other; an empty line between them, save between items of a list."""
    pieces: list[str] = []
    before = ""
    for block in blocks:
        kind = _text(block.get("type"))
        lines = list(_lines(kind, block, _dict(block.get(kind)) if kind else {}))
        if not lines:
            continue
        if pieces and not (before in _LISTS and kind in _LISTS):
            pieces.append("")
        pieces += lines
        before = kind
    return "\n".join(pieces)


def _lines(kind: str, block: Json, own: Json) -> Iterator[str]:
    """One block in Markdown. What is inside a list item is indented below it."""
    if kind == "table":
        yield from _table(block)
        return
    if kind == "toggle":
        yield from ("<details>", f"<summary>{_rich(own.get('rich_text'))}</summary>", "")
        yield from _inside(block)
        yield "</details>"
        return
    if kind in ("quote", "callout"):
        icon = f"{_text(_dict(own.get('icon')).get('emoji')) or 'ℹ️'} " if kind == "callout" else ""
        text = "\n".join([f"{icon}{_rich(own.get('rich_text'))}", *_inside(block)])
        yield from (f"> {line}".rstrip() for line in text.split("\n"))
        return
    if kind in _LISTS:
        done = "x" if own.get("checked") is True else " "
        mark = {"numbered_list_item": "1.", "to_do": f"- [{done}]"}.get(kind, "-")
        yield from f"{mark} {_rich(own.get('rich_text'))}".split("\n")
        yield from (f"  {line}".rstrip() for line in _inside(block))
        return
    written = _WRITTEN.get(kind)
    text = written(own, block) if written else ""
    if text:
        yield from text.split("\n")
    yield from _inside(block)


def _inside(block: Json) -> list[str]:
    children = _objects(block.get("children"))
    return to_markdown(children).split("\n") if children else []


def _table(block: Json) -> Iterator[str]:
    for number, row in enumerate(_objects(block.get("children"))):
        cells = _dict(row.get("table_row")).get("cells")
        texts = (
            [_rich(cell).replace("|", "\\|").replace("\n", " ") for cell in cells] if isinstance(cells, list) else []
        )
        yield f"| {' | '.join(texts)} |"
        if number == 0:
            yield f"|{' --- |' * max(len(texts), 1)}"


def _heading(mark: str) -> Callable[[Json, Json], str]:
    return lambda own, _: f"{mark} {plain(own.get('rich_text'))}"


def _code(own: Json, _: Json) -> str:
    return f"```{_text(own.get('language'))}\n{plain(own.get('rich_text'))}\n```"


def _image(own: Json, _: Json) -> str:
    caption = plain(own.get("caption"))
    return f"![{caption or 'Image'}]({_url(own)})" + (f"\n*{caption}*" if caption else "")


def _media(label: str, own: Json) -> str:
    return f"[{plain(own.get('caption')) or _text(own.get('name')) or label}]({_url(own)})"


def _bookmark(own: Json, _: Json) -> str:
    url = _text(own.get("url"))
    return f"[{plain(own.get('caption')) or url}]({url})"


def _child(sign: str, kind: str) -> Callable[[Json, Json], str]:
    return lambda own, block: (
        f"{sign} [{_text(own.get('title')) or 'Untitled'}](notion://{kind}/{_text(block.get('id'))})"
    )


_WRITTEN: dict[str, Callable[[Json, Json], str]] = {
    "paragraph": lambda own, _: _rich(own.get("rich_text")),
    **{kind: _heading(mark) for kind, mark in _HEADINGS.items()},
    "code": _code,
    "divider": lambda _own, _: "---",
    "image": _image,
    "video": lambda own, _: _media("Video", own),
    "audio": lambda own, _: _media("Audio", own),
    "file": lambda own, _: _media("File", own),
    "pdf": lambda own, _: _media("PDF", own),
    "bookmark": _bookmark,
    "embed": _bookmark,
    "link_preview": _bookmark,
    "equation": lambda own, _: f"$${_text(own.get('expression'))}$$",
    "child_page": _child("📄", "page"),
    "child_database": _child("🗂️", "database"),
}


def _rich(texts: Any) -> str:
    """Rich text with its looks."""
    return "".join(_looking(each) for each in _objects(texts))


def _looking(each: Json) -> str:
    text, looks = _text(each.get("plain_text")), _dict(each.get("annotations"))
    if looks.get("code") is True:
        text = f"`{text}`"
    else:
        for name, before, after in (
            ("bold", "**", "**"),
            ("italic", "*", "*"),
            ("strikethrough", "~~", "~~"),
            ("underline", "<u>", "</u>"),
        ):
            text = f"{before}{text}{after}" if looks.get(name) is True else text
    return f"[{text}]({each['href']})" if isinstance(each.get("href"), str) and each["href"] else text


def from_markdown(text: str) -> list[Json]:
    """The blocks of a text, line by line: headings, lists, quotes, rules, code between fences, and paragraphs."""
    blocks: list[Json] = []
    lines = iter(text.splitlines())
    for line in lines:
        bare = line.strip()
        if bare.startswith("```"):
            language = bare[3:].strip().lower()
            code = []
            for inner in lines:
                if inner.strip().startswith("```"):
                    break
                code.append(inner)
            language = _SHORT.get(language, language)
            named = {"language": language if _LANGUAGES.fullmatch(language) else "plain text"}
            blocks.append(_block("code", "\n".join(code), named))
        elif bare in _RULES:
            blocks.append({"object": "block", "type": "divider", "divider": {}})
        elif bare:
            blocks.append(_block(*_told(bare)))
    return blocks


def rich_text(text: str) -> list[Json]:
    """A text as Notion takes it: in pieces that are not too long. ValueError when they are too many."""
    pieces = [text[start : start + _LONGEST_TEXT] for start in range(0, len(text), _LONGEST_TEXT)]
    if len(pieces) > _MOST_TEXTS:
        raise ValueError(f"A part of a page can have {_LONGEST_TEXT * _MOST_TEXTS:,} characters, not {len(text):,}.")
    return [{"type": "text", "text": {"content": piece}} for piece in pieces]


def _told(line: str) -> tuple[str, str]:
    for kind, mark in _HEADINGS.items():
        if line.startswith(f"{mark} "):
            return kind, line[len(mark) :].strip()
    for kind, mark in (("bulleted_list_item", "- "), ("bulleted_list_item", "* "), ("quote", "> ")):
        if line.startswith(mark):
            return kind, line[2:].strip()
    if numbered := _NUMBERED.fullmatch(line):
        return "numbered_list_item", numbered[1]
    return "paragraph", line


def _block(kind: str, text: str, more: Json | None = None) -> Json:
    return {"object": "block", "type": kind, kind: {"rich_text": rich_text(text), **(more or {})}}


def _url(own: Json) -> str:
    return _text(_dict(own.get("external")).get("url")) or _text(_dict(own.get("file")).get("url"))


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
