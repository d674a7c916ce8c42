"""Rows of graphs as bodies.

Used by `routes/graphs.py`. Problems are found anew, since blocks come and go; those of the file itself are the row's.
"""

from api.block_catalogue import Catalogue
from api.graph_problems import graph_problems, not_found_again
from api.graph_schemas import input_schema, output_schema
from api.schemas.graphs import GraphDetail, GraphMeta
from blocks.credential_inputs import credentials_inputs, schema_of
from blocks.system_credentials import SystemCredentials
from engine.validate import GraphLimits
from store.graph_records import GraphRow


def meta(row: GraphRow) -> GraphMeta:
    """A version without its nodes."""
    return GraphMeta(
        id=row.id,
        version=row.version,
        is_active=row.is_active,
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def detail(row: GraphRow, catalogue: Catalogue, limits: GraphLimits, system: SystemCredentials) -> GraphDetail:
    """A version with its nodes, its problems, and what it takes and gives; what the deployment has is not asked for."""
    graph = row.graph
    return GraphDetail(
        **dict(meta(row)),
        user_id=row.user_id,
        instructions=graph.instructions,
        recommended_schedule_cron=graph.recommended_schedule_cron,
        forked_from_id=graph.forked_from_id,
        forked_from_version=graph.forked_from_version,
        policy=graph.policy,
        nodes=graph.nodes,
        links=graph.links,
        sub_graphs=[sub.model_dump(mode="json") for sub in graph.sub_graphs],
        problems=not_found_again(row.problems) + graph_problems(graph, catalogue.shape, limits),
        input_schema=input_schema(graph, catalogue),
        output_schema=output_schema(graph, catalogue),
        credentials_input_schema=schema_of(credentials_inputs(graph, catalogue.get, system)),
    )
