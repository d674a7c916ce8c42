"""Notion: what it is asked, how pages become Markdown and Markdown pages, and pages that somebody wrote to do harm."""

import json
from typing import Any

import pytest

from blocks.base import Block
from blocks.http.errors import RateLimited, StatusFailed
from blocks.notion import NotionCreatePage, NotionReadDatabase, NotionReadPage, NotionReadPageMarkdown, NotionSearch
from blocks.providers.notion_markdown import from_markdown, rich_text, to_markdown
from blocks.providers.notion_properties import condition, given, value_of
from engine.model import Effects
from tests.blocks.github_asking import failing
from tests.blocks.web_runs import Online, answer, run_online
from tests.support.web import internet

API = "https://api.notion.com/v1"
PAGE = "586edd71-1467-478d-a59f-e35e29a1ffab"
OTHER = "00000000-0000-4000-8000-000000000001"
MINE = {"credentials": {"id": "mine", "provider": "notion", "type": "api_key"}}
BLOCKS: dict[type[Block[Any]], dict[str, Any]] = {
    NotionReadPage: {**MINE, "page_id": PAGE},
    NotionReadPageMarkdown: {**MINE, "page_id": PAGE},
    NotionReadDatabase: {**MINE, "database_id": PAGE},
    NotionSearch: MINE,
    NotionCreatePage: {**MINE, "parent_page_id": PAGE, "title": "Tea"},
}
every_block = pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)


def text(content: str, **looks: Any) -> dict[str, Any]:
    href = looks.pop("href", None)
    return {"plain_text": content, "annotations": looks, "href": href}


def block(kind: str, *texts: str, children: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    own = {"rich_text": [text(each) for each in texts], **more}
    return {"id": OTHER, "type": kind, kind: own, **({"children": children} if children else {})}


async def read(children: Any, **more: Any) -> Online:
    answers = {
        f"GET {API}/pages/{PAGE}": answer({"properties": {"Name": {"type": "title", "title": [text("Tea")]}}}),
        f"GET {API}/blocks/{PAGE}/children?page_size=100": answer({"results": children, **more.pop("said", {})}),
        **more.pop("answers", {}),
    }
    return await run_online(NotionReadPageMarkdown, {**BLOCKS[NotionReadPageMarkdown], **more}, answers)


async def test_every_request_names_the_version_and_the_token() -> None:
    ran = await read([block("paragraph", "It is ready.")])
    assert ran.outputs == [("markdown", "# Tea\n\nIt is ready."), ("title", "Tea")]
    for seen in ran.seen:
        assert seen.headers["notion-version"] == "2022-06-28"
        assert seen.headers["authorization"] == "Bearer secret of mine"


async def test_pages_of_blocks_and_blocks_in_blocks_are_fetched() -> None:
    ran = await read(
        [{**block("bulleted_list_item", "green"), "has_children": True}],
        said={"has_more": True, "next_cursor": "c2"},
        answers={
            f"GET {API}/blocks/{PAGE}/children?page_size=100&start_cursor=c2": answer(
                {"results": [block("bulleted_list_item", "black")], "has_more": False}
            ),
            f"GET {API}/blocks/{OTHER}/children?page_size=100": answer(
                {"results": [block("to_do", "try", checked=True)]}
            ),
        },
        include_title=False,
    )
    assert ran["markdown"] == "- green\n  - [x] try\n- black"


async def test_pages_in_a_page_are_named_and_not_read() -> None:
    ran = await read([{**block("child_page", title="Inner"), "has_children": True}], include_title=False)
    assert ran["markdown"] == f"📄 [Inner](notion://page/{OTHER})"


async def test_a_page_that_never_ends_is_refused() -> None:
    again = {"results": [], "has_more": True, "next_cursor": "c", "properties": {}}
    with pytest.raises(ValueError, match="more parts than") as failure:
        await run_online(NotionReadPageMarkdown, BLOCKS[NotionReadPageMarkdown], answer(again))
    assert len(failure.value.seen) == 201  # type: ignore[attr-defined]


async def test_a_page_that_holds_itself_is_read_to_a_depth() -> None:
    itself = {**block("bulleted_list_item", "in"), "id": PAGE, "has_children": True}
    ran = await run_online(
        NotionReadPageMarkdown, BLOCKS[NotionReadPageMarkdown], answer({"properties": {}, "results": [itself]})
    )
    assert ran["markdown"].count("in") == 21


def test_blocks_become_markdown() -> None:
    row = {"type": "table_row", "table_row": {"cells": [[text("a|b")], [text("c\nd")]]}}
    blocks = [
        block("heading_1", "Tea"),
        block("heading_3", "Green"),
        {
            "type": "paragraph",
            "paragraph": {
                "rich_text": [
                    text("b", bold=True, italic=True),
                    text("s", strikethrough=True, underline=True),
                    text("c", code=True, bold=True),
                    text("l", href="https://tea.example/"),
                ]
            },
        },
        block("numbered_list_item", "one"),
        block("numbered_list_item", "two", children=[block("paragraph", "more")]),
        block("to_do", "try"),
        block("quote", "He said", children=[block("paragraph", "this")]),
        block("callout", "Note", icon={"emoji": "🍵"}),
        block("callout", "Plain"),
        block("toggle", "More", children=[block("paragraph", "inside")]),
        block("code", "x = 1\n\ny = 2", language="python"),
        block("divider"),
        block("image", external={"url": "https://tea.example/i.png"}, caption=[text("Leaf")]),
        block("image", file={"url": "https://tea.example/j.png"}),
        block("video", external={"url": "https://tea.example/v"}),
        block("file", file={"url": "https://tea.example/f"}, name="f.pdf"),
        block("bookmark", url="https://tea.example/"),
        block("equation", expression="a^2"),
        block("child_database", title="Cups"),
        block("table", children=[row, row]),
        block("column_list", children=[block("column", children=[block("paragraph", "left")])]),
        block("paragraph"),
        block("unsupported"),
    ]
    assert to_markdown(blocks) == "\n\n".join(
        [
            "# Tea",
            "### Green",
            "***b***<u>~~s~~</u>`c`[l](https://tea.example/)",
            "1. one\n1. two\n  more\n- [ ] try",
            "> He said\n> this",
            "> 🍵 Note",
            "> ℹ️ Plain",
            "<details>\n<summary>More</summary>\n\ninside\n</details>",
            "```python\nx = 1\n\ny = 2\n```",
            "---",
            "![Leaf](https://tea.example/i.png)\n*Leaf*",
            "![Image](https://tea.example/j.png)",
            "[Video](https://tea.example/v)",
            "[f.pdf](https://tea.example/f)",
            "[https://tea.example/](https://tea.example/)",
            "$$a^2$$",
            f"🗂️ [Cups](notion://database/{OTHER})",
            "| a\\|b | c d |\n| --- | --- |\n| a\\|b | c d |",
            "left",
        ]
    )


@pytest.mark.parametrize(
    "blocks",
    [
        [{}],
        [{"type": 5}],
        [{"type": "paragraph"}],
        [{"type": "paragraph", "paragraph": None}],
        [{"type": "paragraph", "paragraph": {"rich_text": 7}}],
        [{"type": "paragraph", "paragraph": {"rich_text": [None, 3, {"plain_text": 4, "annotations": 5, "href": 6}]}}],
        [{"type": "table", "table": {}, "children": [{}, {"table_row": {"cells": 3}}, {"table_row": {"cells": [1]}}]}],
        [{"type": "image", "image": {"external": 1, "file": 2, "caption": 3}}],
        [{"type": "child_page", "child_page": {"title": 1}, "id": 2}],
        [{"type": "children", "children": [{"type": "to_do", "to_do": 1}]}],
        [{"type": "toggle", "toggle": [], "children": "x"}],
    ],
    ids=repr,
)
def test_blocks_of_any_shape_are_read(blocks: list[Any]) -> None:
    assert isinstance(to_markdown(blocks), str)


def test_markdown_becomes_blocks() -> None:
    made = from_markdown(
        "# Tea\n## Green\n### Cup\n\n- a\n* b\n1. one\n2024 was good.\n> said\n***\nplain **text**\n"
        "```py\nx = 1\n# no heading\n```\n```evil`lang\ny\n```\n#tag\n```\nopen"
    )
    assert [each["type"] for each in made] == [
        *("heading_1", "heading_2", "heading_3", "bulleted_list_item", "bulleted_list_item", "numbered_list_item"),
        *("paragraph", "quote", "divider", "paragraph", "code", "code", "paragraph", "code"),
    ]
    assert [made[n][made[n]["type"]]["rich_text"][0]["text"]["content"] for n in (0, 5, 9, 10)] == [
        *("Tea", "one", "plain **text**", "x = 1\n# no heading"),
    ]
    assert [made[n]["code"]["language"] for n in (10, 11)] == ["python", "plain text"]


def test_long_texts_are_cut_into_pieces_that_notion_takes() -> None:
    assert [len(each["text"]["content"]) for each in rich_text("x" * 4500)] == [2000, 2000, 500]
    with pytest.raises(ValueError, match="200,000 characters"):
        rich_text("x" * 200_001)


@pytest.mark.timeout(10)
def test_texts_made_to_be_slow_are_not() -> None:
    for evil in ("1. " * 200_000, "```\n" * 100_000, "> " * 200_000, "#" * 400_000):
        try:
            from_markdown(evil)
        except ValueError as refused:
            assert "characters" in str(refused)  # noqa: PT017 - or it is taken; either way at once


DATABASE = {
    "title": [text("Drinks")],
    "properties": {
        "Name": {"type": "title"},
        "State": {"type": "status"},
        "Kind": {"type": "select"},
        "Cups": {"type": "number"},
        "Hot": {"type": "checkbox"},
        "When": {"type": "date"},
        "Note": {"type": "rich_text"},
        "Sum": {"type": "formula"},
        "Broken": 5,
    },
}


async def query(**changed: Any) -> Online:
    pages = [{"id": PAGE, "url": "u", "properties": {"Name": {"type": "title", "title": [text("Tea")]}}}] * 2
    return await run_online(
        NotionReadDatabase,
        {**BLOCKS[NotionReadDatabase], **changed},
        {
            f"GET {API}/databases/{PAGE}": answer(DATABASE),
            f"POST {API}/databases/{PAGE}/query": [
                answer({"results": pages, "has_more": True, "next_cursor": "c2"}),
                answer({"results": pages, "has_more": True, "next_cursor": "c3"}),
            ],
        },
    )


async def test_a_database_is_asked_page_by_page_up_to_the_limit() -> None:
    ran = await query(filter_property="Note", filter_value="x", sort_property="When", limit=3)
    asked = {
        "filter": {"property": "Note", "rich_text": {"contains": "x"}},
        "sorts": [{"property": "When", "direction": "ascending"}],
    }
    assert [ran.sent(n) for n in (1, 2)] == [
        {**asked, "page_size": 3},
        {**asked, "page_size": 1, "start_cursor": "c2"},
    ]
    assert [name for name, _ in ran.outputs] == [
        "entries",
        "entry_ids",
        *("entry", "entry_id") * 3,
        "count",
        "database_title",
    ]
    assert ran["count"] == 3
    assert ran["database_title"] == "Drinks"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("Name", "Tea", {"title": {"contains": "Tea"}}),
        ("State", "Done", {"status": {"equals": "Done"}}),
        ("Kind", "Green", {"select": {"equals": "Green"}}),
        ("Cups", "2", {"number": {"equals": 2.0}}),
        ("Hot", "Yes", {"checkbox": {"equals": True}}),
        ("Hot", "false", {"checkbox": {"equals": False}}),
        ("When", "2026-01-01", {"date": {"equals": "2026-01-01"}}),
    ],
)
def test_what_is_looked_for_depends_on_the_kind_of_the_property(name: str, value: str, wanted: Any) -> None:
    assert condition(DATABASE, name, value) == {"property": name, **wanted}


@pytest.mark.parametrize(
    ("name", "value"),
    [("None", "x"), ("Sum", "1"), ("Cups", "nan"), ("Cups", "two"), ("Hot", "maybe"), ("Broken", "x")],
)
def test_what_cannot_be_looked_for_is_said(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"has no property|cannot be looked for"):
        condition(DATABASE, name, value)


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ({"type": "title", "title": [text("a"), text("b")]}, "ab"),
        ({"type": "number", "number": 2.5}, 2.5),
        ({"type": "select", "select": {"name": "x"}}, "x"),
        ({"type": "select", "select": None}, None),
        ({"type": "status", "status": {"name": "x"}}, "x"),
        ({"type": "multi_select", "multi_select": [{"name": "x"}, {}]}, ["x", None]),
        ({"type": "date", "date": {"start": "2026"}}, "2026"),
        ({"type": "date", "date": None}, None),
        ({"type": "checkbox", "checkbox": True}, True),
        ({"type": "people", "people": [{"name": "Ada"}, {"id": "u1"}]}, ["Ada", "u1"]),
        ({"type": "files", "files": [{"name": "f"}, {"type": "file", "file": {"url": "u"}}]}, ["f", "u"]),
        ({"type": "relation", "relation": [{"id": "r"}]}, ["r"]),
        ({"type": "formula", "formula": {"type": "string", "string": "s"}}, "s"),
        ({"type": "rollup", "rollup": {"type": "array", "array": [1]}}, [1]),
        ({"type": "created_by", "created_by": {"id": "u1"}}, "u1"),
        ({"type": "unique_id", "unique_id": {"number": 3}}, {"type": "unique_id", "unique_id": {"number": 3}}),
        ({"type": "multi_select", "multi_select": 5}, []),
        ({"type": "people", "people": [1, None]}, [None, None]),
        ({"type": "formula", "formula": []}, None),
        (None, None),
        (7, 7),
        ({"type": []}, {"type": []}),
    ],
    ids=str,
)
def test_properties_become_plain_values(stored: Any, value: Any) -> None:
    assert value_of(stored) == value


def test_a_new_page_is_given_properties_of_the_databases_kinds() -> None:
    more = {
        "State": "Done",
        "Cups": "2",
        "Hot": "yes",
        "When": "2026-01-01",
        "Note": 5,
        "Name": "no",
        "Nothing": None,
        "Raw": {"people": []},
        "Tags": ["a", 1],
        "Link": "https://tea.example",
        "Priority": "High",
    }
    assert given("Tea", more, DATABASE) == {
        "title": {"title": rich_text("Tea")},
        "State": {"status": {"name": "Done"}},
        "Cups": {"number": 2.0},
        "Hot": {"checkbox": True},
        "When": {"date": {"start": "2026-01-01"}},
        "Note": {"rich_text": rich_text("5")},
        "Raw": {"people": []},
        "Tags": {"multi_select": [{"name": "a"}, {"name": "1"}]},
        "Link": {"url": "https://tea.example"},
        "Priority": {"select": {"name": "High"}},
    }
    with pytest.raises(ValueError, match="is no number"):
        given("Tea", {"Cups": "inf"}, DATABASE)


async def test_a_long_page_is_made_in_parts() -> None:
    ran = await run_online(
        NotionCreatePage,
        {
            **MINE,
            "parent_database_id": PAGE,
            "title": "Tea",
            "content": "x\n" * 250,
            "properties": {"State": "Done"},
            "icon_emoji": "🍵",
        },
        {
            f"GET {API}/databases/{PAGE}": answer(DATABASE),
            f"POST {API}/pages": answer({"id": OTHER, "url": "https://www.notion.so/Tea"}),
            f"PATCH {API}/blocks/{OTHER}/children": answer({"results": []}),
        },
    )
    made = ran.sent(1)
    assert made["parent"] == {"database_id": PAGE}
    assert made["icon"] == {"type": "emoji", "emoji": "🍵"}
    assert made["properties"]["State"] == {"status": {"name": "Done"}}
    assert [len(ran.sent(n)["children"]) for n in (1, 2, 3)] == [100, 100, 50]
    assert ran.outputs == [("page_id", OTHER), ("page_url", "https://www.notion.so/Tea")]


@pytest.mark.parametrize("parents", [{"parent_page_id": None}, {"parent_database_id": PAGE}, {"parent_page_id": ""}])
async def test_a_page_has_one_parent(parents: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either into a page or into a database"):
        await run_online(NotionCreatePage, {**BLOCKS[NotionCreatePage], **parents}, {})


async def test_a_page_of_far_too_many_lines_is_not_made() -> None:
    with pytest.raises(ValueError, match="2,000 lines") as failure:
        await run_online(NotionCreatePage, {**BLOCKS[NotionCreatePage], "content": "x\n" * 2001}, {})
    assert failure.value.seen == []  # type: ignore[attr-defined]


async def test_searches_name_what_they_look_for() -> None:
    database = {"object": "database", "id": PAGE, "title": [text("Drinks")], "is_inline": True, "parent": {"type": 3}}
    ran = await run_online(
        NotionSearch, {**MINE, "query": "tea", "filter_type": "database"}, answer({"results": [database, 5, {}]})
    )
    assert ran.sent() == {"query": "tea", "filter": {"property": "object", "value": "database"}, "page_size": 20}
    assert ran["results"][0]["title"] == "Drinks"
    assert ran["results"][0]["is_inline"] is True
    assert ran["result_ids"] == [PAGE, ""]
    with pytest.raises(ValueError, match="`page` or a `database`"):
        await run_online(NotionSearch, {**MINE, "filter_type": "user"}, {})
    with pytest.raises(ValueError, match="`ascending` or `descending`"):
        await query(sort_direction="up")


@pytest.mark.parametrize(
    "address",
    [
        PAGE,
        PAGE.upper(),
        PAGE.replace("-", ""),
        f"https://www.notion.so/team/Tea-{PAGE.replace('-', '')}?pvs=4#x",
        f"https://tea.notion.site/Tea-{PAGE.replace('-', '')}",
    ],
)
async def test_a_page_is_named_by_its_id_or_its_address(address: str) -> None:
    ran = await run_online(NotionReadPage, {**MINE, "page_id": address}, answer({"id": PAGE}))
    assert ran.asked() == [f"GET {API}/pages/{PAGE}"]


@pytest.mark.parametrize(
    "hostile",
    [
        "../users",
        "",
        f"{PAGE}/../x",
        f"{PAGE}?x",
        f"https://evil.example/Tea-{PAGE.replace('-', '')}",
        f"https://notion.so.evil.example/{PAGE.replace('-', '')}",
        f"https://evilnotion.so/{PAGE.replace('-', '')}",
        "https://notion.so/Tea",
        "https://[",
        "x" * 100_000,
    ],
)
@every_block
async def test_an_id_leads_nowhere_else(block: type[Block[Any]], hostile: str) -> None:
    pins = [pin for pin in ("page_id", "database_id", "parent_page_id") if pin in BLOCKS[block]]
    if not pins:
        return
    with pytest.raises(ValueError, match=r"is not the id of a|either into") as failure:
        await run_online(block, {**BLOCKS[block], pins[0]: hostile}, {})
    assert failure.value.seen == []  # type: ignore[attr-defined]
    assert len(str(failure.value)) < 400


BAD = ["<html>secret of mine</html>", "null", "3", "[1]", '{"results": 3, "properties": 7, "id": 1}']


@pytest.mark.parametrize("body", BAD)
@every_block
async def test_answers_of_other_shapes_fail_in_words_of_ours(block: type[Block[Any]], body: str) -> None:
    if block is NotionReadPage and body.startswith("{"):
        assert (await run_online(block, BLOCKS[block], answer(body)))["page"] == json.loads(body)
        return
    with pytest.raises(ValueError, match=r"known here|with JSON") as failure:
        await run_online(block, BLOCKS[block], answer(body))
    assert "secret of" not in str(failure.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@every_block
async def test_statuses_that_say_no(block: type[Block[Any]], status: int) -> None:
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await run_online(block, BLOCKS[block], answer('{"message": "secret of mine"}', status))
    assert "secret of" not in str(failure.value)
    assert len(failure.value.seen) == 1  # type: ignore[attr-defined]


def test_a_page_is_made_at_most_once() -> None:
    assert {block for block in BLOCKS if block.effects is Effects.EFFECTFUL} == {NotionCreatePage}


async def test_a_page_whose_end_cannot_be_written_is_told_all_the_same() -> None:
    answers = {
        f"POST {API}/pages": answer({"id": PAGE, "url": "https://www.notion.so/x"}),
        f"PATCH {API}/blocks/{PAGE}/children": answer({}, 429),
    }
    content = "\n\n".join(f"p{number}" for number in range(150))
    inputs = {**BLOCKS[NotionCreatePage], "content": content}
    async with internet() as net:
        net.answers = dict(answers)
        http = net.http()
        told, failure = await failing(NotionCreatePage, http, inputs)
        await http.aclose()
    assert isinstance(failure, RateLimited)
    assert told == [("page_id", PAGE), ("page_url", "https://www.notion.so/x")]
