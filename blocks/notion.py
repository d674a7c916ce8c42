"""Pages and databases of Notion.

Registered in `catalogue.py`; what Notion is asked is in `providers/notion.py`. Reading may be begun again; a page is
made at most once.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, key_of
from blocks.providers.notion import Workspace, checked_id
from blocks.providers.notion_markdown import from_markdown, plain, title_of, to_markdown
from blocks.providers.notion_properties import condition, given, values_of
from engine.model import Effects

_API = "https://api.notion.com/v1"
_ID = "586edd71-1467-478d-a59f-e35e29a1ffab"
_JSON = {"Content-Type": "application/json"}
_AT_ONCE = 100
_MOST_PARTS = 2_000
_MINE = {"id": "mine", "provider": "notion", "type": "api_key"}
_ACCOUNT = CredentialsField(("notion",), (CredentialsType.OAUTH2, CredentialsType.API_KEY), own_only=True)
_PAGE = f'{{"id": "{_ID}", "properties": {{"Name": {{"type": "title", "title": [{{"plain_text": "Tea"}}]}}}}}}'


class NotionInputs(Inputs):
    """The input that every block here has."""

    credentials: CredentialsMeta = Field(
        title="Credentials",
        description="Your Notion account; as an API key, an access token or an integration's secret",
    )


class NotionPageInputs(NotionInputs):
    page_id: str = Field(title="Page", description="The page's id, or its address; the integration must have access")


class NotionReadPageOutputs(Outputs):
    page: dict[str, Any] = Field(title="Page", description="The page with its properties, as Notion describes it")


def workspace_of(context: BlockContext) -> Workspace:
    """What the account that was lent has access to."""
    return Workspace(context.services.http, key_of(context.credentials))


class NotionReadPage(Block[NotionPageInputs]):
    id = "5246cc1d-34b7-452b-8fc5-3fb25fd8f542"
    name = "Read Notion page"
    description = "Gives a page of Notion with its properties, without what is written on it."
    categories = frozenset({Category.PRODUCTIVITY})
    credentials: ClassVar = {"credentials": _ACCOUNT}
    Input = NotionPageInputs
    Output = NotionReadPageOutputs
    examples = (
        Example(
            {"credentials": _MINE, "page_id": "586edd711467478da59fe35e29a1ffab"},
            (("page", {"object": "page", "id": _ID}),),
            web=(Exchange(f"GET {_API}/pages/{_ID}", f'{{"object": "page", "id": "{_ID}"}}', headers=_JSON),),
        ),
    )

    async def run(self, inputs: NotionPageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "page", await workspace_of(context).page(inputs.page_id)


class NotionReadPageMarkdownInputs(NotionPageInputs):
    include_title: bool = Field(True, title="With title", description="Begin with the page's title as a heading")


class NotionReadPageMarkdownOutputs(Outputs):
    markdown: str = Field(title="Markdown", description="What is written on the page")
    title: str = Field(title="Title", description="The page's title")


class NotionReadPageMarkdown(Block[NotionReadPageMarkdownInputs]):
    id = "d1312c4d-fae2-4e70-893d-f4d07cce1d4e"
    name = "Read Notion page as Markdown"
    description = "Gives what is written on a page of Notion as Markdown; pages inside it are named, not read."
    categories = frozenset({Category.PRODUCTIVITY})
    credentials: ClassVar = {"credentials": _ACCOUNT}
    Input = NotionReadPageMarkdownInputs
    Output = NotionReadPageMarkdownOutputs
    examples = (
        Example(
            {"credentials": _MINE, "page_id": _ID},
            (("markdown", "# Tea\n\nIt is **ready**."), ("title", "Tea")),
            web=(
                Exchange(f"GET {_API}/pages/{_ID}", _PAGE, headers=_JSON),
                Exchange(
                    f"GET {_API}/blocks/{_ID}/children?page_size=100",
                    '{"results": [{"type": "paragraph", "paragraph": {"rich_text": [{"plain_text": "It is "}, '
                    '{"plain_text": "ready", "annotations": {"bold": true}}, {"plain_text": "."}]}}]}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: NotionReadPageMarkdownInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        workspace = workspace_of(context)
        title = title_of(await workspace.page(inputs.page_id))
        text = to_markdown(await workspace.content(inputs.page_id))
        yield "markdown", f"# {title}\n\n{text}" if inputs.include_title and title else text
        yield "title", title


class NotionReadDatabaseInputs(NotionInputs):
    database_id: str = Field(title="Database", description="The database's id, or its address")
    filter_property: str | None = Field(
        None, title="Property to filter by", description="Give the pages alone whose property of this name…"
    )
    filter_value: str | None = Field(None, title="Value", description="…is or holds this value")
    sort_property: str | None = Field(None, title="Property to sort by", description="Its name; empty: Notion's order")
    sort_direction: str | None = Field("ascending", title="Direction", description="`ascending` or `descending`")
    limit: int = Field(100, title="Most pages", description="How many pages at the most", ge=1, le=100)


class NotionReadDatabaseOutputs(Outputs):
    entries: list[dict[str, Any]] = Field(
        title="Pages",
        description="All pages: their properties by name, and `_id`, `_url`, `_created_time`, `_last_edited_time`",
    )
    entry: dict[str, Any] = Field(title="Page", description="Each of them")
    entry_ids: list[str] = Field(title="Ids", description="The ids of all pages")
    entry_id: str = Field(title="Id", description="The id of each, after it")
    count: int = Field(title="Count", description="How many there are")
    database_title: str = Field(title="Title", description="The database's title")


class NotionReadDatabase(Block[NotionReadDatabaseInputs]):
    id = "fcd53135-88c9-4ba3-be50-cc6936286e6c"
    name = "Read Notion database"
    description = "Gives the pages of a Notion database with their properties as plain values."
    categories = frozenset({Category.PRODUCTIVITY})
    credentials: ClassVar = {"credentials": _ACCOUNT}
    Input = NotionReadDatabaseInputs
    Output = NotionReadDatabaseOutputs
    examples = (
        Example(
            {"credentials": _MINE, "database_id": _ID, "limit": 10},
            (
                (
                    "entries",
                    [{"Name": "Tea", "_id": _ID, "_url": None, "_created_time": None, "_last_edited_time": None}],
                ),
                ("entry_ids", [_ID]),
                ("entry", {"Name": "Tea", "_id": _ID, "_url": None, "_created_time": None, "_last_edited_time": None}),
                ("entry_id", _ID),
                ("count", 1),
                ("database_title", "Drinks"),
            ),
            web=(
                Exchange(f"GET {_API}/databases/{_ID}", '{"title": [{"plain_text": "Drinks"}]}', headers=_JSON),
                Exchange(f"POST {_API}/databases/{_ID}/query", f'{{"results": [{_PAGE}]}}', headers=_JSON),
            ),
        ),
    )

    async def run(self, inputs: NotionReadDatabaseInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        direction = inputs.sort_direction or "ascending"
        if direction not in ("ascending", "descending"):
            raise ValueError(f"The direction is `ascending` or `descending`, not {direction!r:.60}.")
        workspace = workspace_of(context)
        # It says of which kind its properties are, which a query must know.
        database = await workspace.database(inputs.database_id)
        wanted = None
        if inputs.filter_property and inputs.filter_value:
            wanted = condition(database, inputs.filter_property, inputs.filter_value)
        sorts = [{"property": inputs.sort_property, "direction": direction}] if inputs.sort_property else []
        entries = [values_of(each) for each in await workspace.query(inputs.database_id, wanted, sorts, inputs.limit)]
        yield "entries", entries
        yield "entry_ids", [entry["_id"] for entry in entries if isinstance(entry["_id"], str)]
        for entry in entries:
            yield "entry", entry
            if isinstance(entry["_id"], str):
                yield "entry_id", entry["_id"]
        yield "count", len(entries)
        yield "database_title", plain(database.get("title"))


class NotionSearchInputs(NotionInputs):
    query: str = Field("", title="Query", description="What stands in the title; empty: everything")
    filter_type: str | None = Field(None, title="Kind", description="`page` or `database`; empty: both")
    limit: int = Field(20, title="Most results", description="How many at the most", ge=1, le=100)


class NotionSearchOutputs(Outputs):
    results: list[dict[str, Any]] = Field(
        title="Results",
        description="All that was found: `id`, `type`, `title`, `url`, `created_time`, `last_edited_time`, "
        "`parent_type`, `parent_id`, `icon` and `is_inline`",
    )
    result: dict[str, Any] = Field(title="Result", description="Each of them")
    result_ids: list[str] = Field(title="Ids", description="The ids of all")
    count: int = Field(title="Count", description="How many there are")


_FOUND = {
    "id": _ID,
    "type": "page",
    "title": "Tea",
    "url": "https://www.notion.so/Tea",
    "created_time": None,
    "last_edited_time": None,
    "parent_type": "workspace",
    "parent_id": None,
    "icon": "🍵",
    "is_inline": None,
}


class NotionSearch(Block[NotionSearchInputs]):
    id = "313515dd-9848-46ea-9cd6-3c627c892c56"
    name = "Search Notion"
    description = "Looks for pages and databases of Notion by their titles."
    categories = frozenset({Category.PRODUCTIVITY, Category.SEARCH})
    credentials: ClassVar = {"credentials": _ACCOUNT}
    Input = NotionSearchInputs
    Output = NotionSearchOutputs
    examples = (
        Example(
            {"credentials": _MINE, "query": "tea", "filter_type": "page", "limit": 5},
            (("results", [_FOUND]), ("result_ids", [_ID]), ("result", _FOUND), ("count", 1)),
            web=(
                Exchange(
                    f"POST {_API}/search",
                    f'{{"results": [{{"object": "page", "url": "https://www.notion.so/Tea", "parent": {{"type": '
                    f'"workspace"}}, "icon": {{"type": "emoji", "emoji": "🍵"}}, {_PAGE[1:]}]}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: NotionSearchInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        kind = inputs.filter_type or None
        if kind not in (None, "page", "database"):
            raise ValueError(f"What is looked for is a `page` or a `database`, not {kind!r:.60}.")
        results = [_found(each) for each in await workspace_of(context).search(inputs.query, kind, inputs.limit)]
        yield "results", results
        yield "result_ids", [result["id"] for result in results]
        for result in results:
            yield "result", result
        yield "count", len(results)


def _found(item: dict[str, Any]) -> dict[str, Any]:
    """A page or database that was found, as blocks give it."""
    kind = _text(item.get("object")) or ""
    parent, icon = _dict(item.get("parent")), _dict(item.get("icon"))
    within = _text(parent.get("type")) or ""
    known = within in ("page_id", "database_id", "workspace")
    return {
        "id": _text(item.get("id")) or "",
        "type": kind,
        "title": title_of(item) if kind == "page" else plain(item.get("title")),
        "url": _text(item.get("url")) or "",
        "created_time": _text(item.get("created_time")),
        "last_edited_time": _text(item.get("last_edited_time")),
        "parent_type": within.removesuffix("_id") if known else None,
        "parent_id": _text(parent.get(within)) if known else None,
        "icon": _text(icon.get("emoji")),
        "is_inline": item.get("is_inline") is True if kind == "database" else None,
    }


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class NotionCreatePageInputs(NotionInputs):
    parent_page_id: str | None = Field(
        None, title="Parent page", description="The page that it is put into, by id or address; or else a database"
    )
    parent_database_id: str | None = Field(
        None, title="Parent database", description="The database that it is put into, by id or address"
    )
    title: str = Field(title="Title", description="The page's title")
    content: str | None = Field(None, title="Content", description="What is written on it, in Markdown")
    properties: dict[str, Any] | None = Field(
        None, title="Properties", description="In a database: further properties by name, as plain values"
    )
    icon_emoji: str | None = Field(None, title="Icon", description="An emoji")


class NotionCreatePageOutputs(Outputs):
    page_id: str = Field(title="Id", description="The id of the page")
    page_url: str = Field(title="URL", description="Where the page is")


class NotionCreatePage(Block[NotionCreatePageInputs]):
    id = "c15febe0-66ce-4c6f-aebd-5ab351653804"
    name = "Create Notion page"
    description = "Makes a page in Notion, below another or in a database. Nothing is tried again."
    categories = frozenset({Category.PRODUCTIVITY})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": _ACCOUNT}
    Input = NotionCreatePageInputs
    Output = NotionCreatePageOutputs
    examples = (
        Example(
            {"credentials": _MINE, "parent_page_id": _ID, "title": "Tea", "content": "# Green\n\nIt is ready."},
            (("page_id", "9f0c"), ("page_url", "https://www.notion.so/Tea-9f0c")),
            web=(
                Exchange(
                    f"POST {_API}/pages", '{"id": "9f0c", "url": "https://www.notion.so/Tea-9f0c"}', headers=_JSON
                ),
            ),
        ),
    )

    async def run(self, inputs: NotionCreatePageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if bool(inputs.parent_page_id) == bool(inputs.parent_database_id):
            raise ValueError("A page is put either into a page or into a database: name one of them.")
        workspace = workspace_of(context)
        database: dict[str, Any] = {}
        if inputs.parent_database_id:
            parent = {"database_id": checked_id(inputs.parent_database_id, "database")}
            if inputs.properties:
                database = await workspace.database(inputs.parent_database_id)
        else:
            parent = {"page_id": checked_id(inputs.parent_page_id or "", "page")}
        parts = from_markdown(inputs.content or "")
        if len(parts) > _MOST_PARTS:
            raise ValueError(f"A page can be made of {_MOST_PARTS:,} lines and paragraphs, not of {len(parts):,}.")
        page: dict[str, Any] = {
            "parent": parent,
            "properties": given(inputs.title, inputs.properties or {}, database),
            "children": parts[:_AT_ONCE],
        }
        if inputs.icon_emoji:
            page["icon"] = {"type": "emoji", "emoji": inputs.icon_emoji}
        made = await workspace.create_page(page)
        # It is there from now on, whatever becomes of the rest.
        yield "page_id", made["id"]
        yield "page_url", made["url"]
        for start in range(_AT_ONCE, len(parts), _AT_ONCE):
            await workspace.append(made["id"], parts[start : start + _AT_ONCE])


NOTION_BLOCKS: tuple[type[Block[Any]], ...] = (
    NotionSearch,
    NotionReadPage,
    NotionReadPageMarkdown,
    NotionReadDatabase,
    NotionCreatePage,
)
"""In the order in which people read them."""
