"""Keeps credentials, shows them, and says whether a run has those that it needs.

Used by `routes/credentials.py` and `starting.py`. A secret passes through here once, on its way into the store.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from api.graph_ids import AGENT_EXECUTOR
from api.graph_versions import GraphVersion
from api.schemas.credentials import CredentialsBody, NewCredentials
from api.services import Services
from blocks.credential_checks import Available, check_credentials, named_ids, needs_credentials
from blocks.credential_inputs import as_masks, credentials_inputs, merged
from blocks.credentials import CredentialsMeta, CredentialsType
from blocks.imported_credentials import without_unusable
from blocks.kept_credentials import secret_of
from contracts.errors import InvalidRequest, TooManyCredentials, ValidationFailed
from engine.model import Graph
from engine.validate import Masks
from store.credentials import CredentialFacts, CredentialRow

MOST_CREDENTIALS = 1_000
"""One user's."""

_LONGEST_ID = 100

_MCP = "mcp"
"""Of servers that nodes name, whether or not a block for them is here."""


async def keep(app: Services, user_id: str, new: NewCredentials) -> CredentialsBody:
    """Seal and store.

    InvalidRequest for a provider that nobody names, CredentialKeysMissing when the deployment has no key for that,
    TooManyCredentials.
    """
    facts = CredentialFacts(
        id=str(uuid4()),
        user_id=user_id,
        provider=new.provider,
        type=new.type.value,
        title=new.title,
        details={"host": new.host} if new.host else {},
        created_at=datetime.now(UTC),
    )
    row = CredentialRow.seal(app.credential_keys, facts, secret_of(new.credential()))
    _require_known(app, new)
    if not await app.store.credentials.add(row, most=MOST_CREDENTIALS):
        raise TooManyCredentials
    return shown(facts)


def _require_known(app: Services, new: NewCredentials) -> None:
    """InvalidRequest for credentials that no block could use. Those for one host are found by the host."""
    if new.type is CredentialsType.HOST_SCOPED or new.provider == _MCP:
        return
    wanted = (each for block in app.catalogue for each in block.credentials.values())
    known = sorted({provider for each in wanted for provider in each.providers} | app.system_credentials.keys.keys())
    if new.provider in known:
        return
    near = get_close_matches(new.provider, known, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    raise InvalidRequest(
        f"No block names this provider.{meant} Those that blocks name: {', '.join(known) or 'none'}.",
        details={"location": "provider", "providers": known},
    )


def shown(facts: CredentialFacts) -> CredentialsBody:
    """What may be seen of it."""
    return CredentialsBody(
        id=facts.id,
        provider=facts.provider,
        type=CredentialsType(facts.type),
        title=facts.title,
        host=facts.details.get("host"),
        created_at=facts.created_at,
    )


def system_metas(app: Services, provider: str | None = None) -> list[CredentialsMeta]:
    """The deployment's own, by name of the provider."""
    providers = sorted(app.system_credentials.keys) if provider is None else [provider]
    return [meta for each in providers if (meta := app.system_credentials.meta(each)) is not None]


def masks_with(
    app: Services, graph: Graph, masks: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The masks of a run with the credentials that were given by key; what a mask says of a node goes before.

    ValidationFailed for a key that the graph does not have.
    """
    if not given:
        return {node_id: dict(mask) for node_id, mask in masks.items()}
    filled, problems = as_masks(given, credentials_inputs(graph, app.catalogue.get, app.system_credentials))
    if problems:
        raise ValidationFailed([problem.as_json() for problem in problems])
    return merged(filled, masks)


async def problems_of_run(app: Services, user_id: str, version: GraphVersion, masks: Masks) -> list[dict[str, Any]]:
    """What the nodes of the graph and of its sub-graphs lack; those of a sub-graph with its id."""
    graphs = [version.graph, *version.graph.sub_graphs]
    block_of = app.catalogue.get
    if not any(needs_credentials(graph, block_of) for graph in graphs):
        return []
    laid = [masks, *_for_sub_graphs(version.graph, masks)]
    ids = set[str]().union(*(named_ids(graph, block_of, mask) for graph, mask in zip(graphs, laid, strict=True)))
    own = {facts.id: _meta(facts) for facts in await app.store.credentials.named(user_id, ids)}
    available = Available(own, app.system_credentials)
    found: list[dict[str, Any]] = []
    for graph, mask in zip(graphs, laid, strict=True):
        problems = [problem.as_json() for problem in check_credentials(graph, block_of, mask, available).problems]
        found += problems if graph is version.graph else [{**problem, "graph_id": graph.id} for problem in problems]
    return found


async def with_usable(app: Services, user_id: str, graph: Graph) -> Graph:
    """An imported graph without the credentials in it that this user's runs could not use."""
    block_of = app.catalogue.get
    ids = set[str]().union(*(named_ids(each, block_of, {}) for each in (graph, *graph.sub_graphs)))
    # A file may name anything, and none of ours is longer.
    ids = {each for each in ids if len(each) <= _LONGEST_ID}
    own = {facts.id: _meta(facts) for facts in await app.store.credentials.named(user_id, ids)} if ids else {}
    return without_unusable(graph, block_of, Available(own, app.system_credentials))


def _for_sub_graphs(graph: Graph, masks: Masks) -> list[Masks]:
    """What lies over the nodes of each sub-graph: the masks that nodes above it have for it, the run's over them."""
    of_parents: dict[str, dict[str, dict[str, Any]]] = {}
    for each in (graph, *graph.sub_graphs):
        for node in each.nodes:
            named, given = node.input_default.get("graph_id"), node.input_default.get("nodes_input_masks")
            if node.block_id == AGENT_EXECUTOR and isinstance(named, str) and isinstance(given, Mapping):
                # Whoever drew the graph may have written anything: what is no mask is none.
                own = of_parents.setdefault(named, {})
                for node_id, mask in given.items():
                    if isinstance(mask, Mapping):
                        own.setdefault(node_id, {}).update(mask)
    return [
        {node.id: {**of_parents.get(sub.id, {}).get(node.id, {}), **masks.get(node.id, {})} for node in sub.nodes}
        for sub in graph.sub_graphs
    ]


def _meta(facts: CredentialFacts) -> CredentialsMeta:
    return CredentialsMeta(
        id=facts.id, provider=facts.provider, type=CredentialsType(facts.type), title=facts.title or None
    )
