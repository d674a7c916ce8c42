"""Graphs and their versions: create, import, change, read."""

from collections.abc import Collection, Container, Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api import exporting_graphs
from api.credentials import with_usable
from api.dependencies import AppServices, CurrentUser, GraphIdPath, ListPage, VersionPath, VersionQuery
from api.graph_ids import with_new_ids
from api.graph_problems import graph_problems, limit_problems
from api.graph_reading import graph_of, read_graph
from api.json_body import JsonObject, body_of, describe
from api.lost_sub_graphs import with_sub_graphs_found
from api.schemas.errors import NOT_OVER
from api.schemas.graphs import GraphBody, GraphDeleted, GraphDetail, GraphList, GraphSaved, GraphVersionList
from api.schemas.reviews import GraphSettingsBody, GraphSettingsChange
from api.services import Services
from api.showing_graphs import detail, meta
from blocks.credential_inputs import credentials_inputs, schema_of
from blocks.legacy import modernise
from blocks.retired_models import with_known_models
from contracts.errors import GraphNotFound, ValidationFailed
from engine.model import BlockId, Graph
from engine.problems import Code
from engine.validate import with_static_links
from store.graph_records import GraphRow
from store.records import User
from store.reviews import GraphSettings, SettingsChange

router = APIRouter(prefix="/graphs", tags=["graphs"])

UNTITLED = "Untitled agent"
_OLD_FILE = "This looks like an older agent file: POST /api/graphs/import brings it up to date."
ExportQuery = Annotated[bool, Query(description="Leave out credentials and secrets: for a file to be given away.")]
_SETTINGS = describe(GraphSettingsChange, "What is to change")


@router.post("", status_code=201, summary="Create a graph", openapi_extra=describe(GraphBody, "The graph"))
async def create_graph(body: JsonObject, app: AppServices, user: CurrentUser, response: Response) -> GraphSaved:
    """Store a graph that is sound and could run: any problem of any level refuses it, and all are listed (S-064).

    Only blocks that this deployment does not have are allowed: such a graph is kept, but not run.
    """
    saved = await _save(app, user, _strict(app, body), problems=[])
    response.headers["Location"] = f"/api/graphs/{saved.id}"
    return saved


@router.post(
    "/import", status_code=201, summary="Import an exported agent", openapi_extra=describe(GraphBody, "The file")
)
async def import_graph(body: JsonObject, app: AppServices, user: CurrentUser, response: Response) -> GraphSaved:
    """Store an exported agent file, brought up to date, together with its problems (agent-graphs §1.8, §26)."""
    read = read_graph(graph_of(body))
    graph = with_sub_graphs_found(_modern(app, read.graph), app.catalogue.shape)
    graph = await with_usable(app, user.id, graph)
    if not graph.name.strip():
        graph = graph.model_copy(update={"name": UNTITLED})
    saved = await _save(app, user, graph, problems=read.problems)
    response.headers["Location"] = f"/api/graphs/{saved.id}"
    return saved


@router.put("/{graph_id}", summary="Store a new version", openapi_extra=describe(GraphBody, "The graph"))
async def update_graph(graph_id: GraphIdPath, body: JsonObject, app: AppServices, user: CurrentUser) -> GraphSaved:
    """Store the next version and make it the active one; as strict as creating (agent-graphs §1.6)."""
    before = await _row(app, user, graph_id, None)
    known = {str(node.id) for node in before.graph.nodes}
    return await _save(app, user, _strict(app, body), problems=[], graph_id=graph_id, known_nodes=known)


@router.get("", summary="List the graphs")
async def list_graphs(app: AppServices, user: CurrentUser, page: ListPage) -> GraphList:
    """The active version of each of the user's graphs, newest first."""
    found = await app.store.graphs.page(user.id, limit=page.limit, before=page.before)
    return GraphList(
        items=[meta(row) for row in found.items], next_cursor=found.next_cursor, total_count=found.total_count
    )


@router.get("/{graph_id}", summary="Show a graph")
async def get_graph(
    graph_id: GraphIdPath,
    app: AppServices,
    user: CurrentUser,
    version: VersionQuery = None,
    for_export: ExportQuery = False,
) -> GraphDetail:
    """The active version, or the one asked for."""
    return _shown(app, await _row(app, user, graph_id, version), for_export=for_export)


@router.delete("/{graph_id}", summary="Delete a graph", responses=NOT_OVER)
async def delete_graph(graph_id: GraphIdPath, app: AppServices, user: CurrentUser) -> GraphDeleted:
    """Delete all its versions (S-093). Its runs stay until they are deleted or pruned; 409 while one is not over."""
    count = await app.store.removal.delete_graph(user.id, graph_id)
    app.versions.forget(user.id, graph_id)
    if not count:
        raise GraphNotFound
    return GraphDeleted(version_counts=count)


@router.get("/{graph_id}/versions", summary="List the versions of a graph")
async def list_versions(graph_id: GraphIdPath, app: AppServices, user: CurrentUser) -> GraphVersionList:
    """All versions, newest first."""
    rows = await app.store.graphs.versions(user.id, graph_id)
    if not rows:
        raise GraphNotFound
    return GraphVersionList(items=[meta(row) for row in rows], total_count=len(rows))


@router.get("/{graph_id}/versions/{version}", summary="Show a version of a graph")
async def get_version(
    graph_id: GraphIdPath,
    version: VersionPath,
    app: AppServices,
    user: CurrentUser,
    for_export: ExportQuery = False,
) -> GraphDetail:
    """One version."""
    return _shown(app, await _row(app, user, graph_id, version), for_export=for_export)


@router.get("/{graph_id}/settings", summary="Show the settings of a graph")
async def get_settings(graph_id: GraphIdPath, app: AppServices, user: CurrentUser) -> GraphSettingsBody:
    """What you want of its runs."""
    await _row(app, user, graph_id, None)
    return _settings(await app.store.reviews.settings(user.id, graph_id))


@router.patch("/{graph_id}/settings", summary="Change the settings of a graph", openapi_extra=_SETTINGS)
async def change_settings(
    graph_id: GraphIdPath,
    body: Annotated[GraphSettingsChange, Depends(body_of(GraphSettingsChange))],
    app: AppServices,
    user: CurrentUser,
) -> GraphSettingsBody:
    """Change those that are given (agent-graphs §12.6); runs that have begun keep what they began with."""
    await _row(app, user, graph_id, None)
    await app.store.reviews.change_settings(user.id, graph_id, SettingsChange(**body.model_dump()))
    return _settings(await app.store.reviews.settings(user.id, graph_id))


def _shown(app: Services, row: GraphRow, *, for_export: bool) -> GraphDetail:
    if for_export:
        row = replace(row, graph=exporting_graphs.for_export(row.graph, app.catalogue))
    return detail(row, app.catalogue, app.graph_limits, app.system_credentials)


def _inputs_of(app: Services, block_id: str) -> Container[str] | None:
    shape = app.catalogue.shape(BlockId(block_id))
    return shape.inputs if shape else None


def _settings(settings: GraphSettings) -> GraphSettingsBody:
    return GraphSettingsBody(**asdict(settings))


async def _row(app: Services, user: User, graph_id: str, version: int | None) -> GraphRow:
    row = await app.store.graphs.get(user.id, graph_id, version)
    if row is None:
        raise GraphNotFound
    return row


def _strict(app: Services, body: Mapping[str, Any]) -> Graph:
    """The body's graph. ValidationFailed with all problems, in the caller's own node ids."""
    read = read_graph(graph_of(body))
    problems = [
        *read.problems,
        *limit_problems(read.graph),
        *graph_problems(read.graph, app.catalogue.shape, app.graph_limits),
    ]
    # A block that is only known may come one day; until then its graph is kept, and says so.
    if problems := [problem for problem in problems if problem["code"] != Code.BLOCK_UNAVAILABLE]:
        failed = ValidationFailed(problems)
        if _modern(app, read.graph) != read.graph:
            raise ValidationFailed(problems, f"{failed.message}. {_OLD_FILE}")
        raise failed
    return read.graph.model_copy(update={"name": read.graph.name.strip()})


def _modern(app: Services, graph: Graph) -> Graph:
    """The graph as it would be drawn today. Read before: what brings old files up to date relies on their form."""
    raw = modernise(graph.model_dump(mode="json"), lambda block_id: _inputs_of(app, block_id))
    return with_known_models(read_graph(raw).graph, app.catalogue.get)


async def _save(
    app: Services,
    user: User,
    graph: Graph,
    *,
    problems: list[dict[str, Any]],
    graph_id: str | None = None,
    known_nodes: Collection[str] = (),
) -> GraphSaved:
    renamed = with_new_ids(graph, user_id=user.id, graph_id=graph_id, known_nodes=known_nodes)
    shape_of = app.catalogue.shape
    subs = [with_static_links(sub, shape_of) for sub in renamed.graph.sub_graphs]
    stored = with_static_links(renamed.graph, shape_of).model_copy(update={"sub_graphs": subs})
    found = problems + graph_problems(stored, shape_of, app.graph_limits)
    version = await app.store.graphs.save(user.id, stored, found)
    return GraphSaved(
        id=stored.id,
        version=version,
        name=stored.name,
        problems=found,
        node_ids=renamed.node_ids,
        graph_ids=renamed.graph_ids,
        credentials_input_schema=schema_of(credentials_inputs(stored, app.catalogue.get, app.system_credentials)),
    )
