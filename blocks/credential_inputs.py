"""The credentials that a graph as a whole asks for, by key, and how those given for a run reach its nodes.

Used by the API (agent-graphs §2.3, §6.7). Pure; it sees metas only, never a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from blocks.base import Block, BlockSchema
from blocks.credential_checks import (
    Available,
    BlockOf,
    CredentialRefused,
    is_missing,
    must_be_given,
    named_by_file,
    providers_of,
)
from blocks.system_credentials import SystemCredentials
from engine.model import Graph, Node
from engine.problems import CredentialsCode, Level, Problem


@dataclass(frozen=True, slots=True)
class CredentialsInput:
    """One key: the providers and types that will do, and the nodes' inputs, as (node id, input), that it fills.

    `open`: those of them for which the graph itself names nothing.
    """

    key: str
    providers: tuple[str, ...]
    types: tuple[str, ...]
    fills: tuple[tuple[str, str], ...]
    open: tuple[tuple[str, str], ...]
    required: bool
    discriminator: str | None
    discriminator_values: tuple[str, ...]


def credentials_inputs(graph: Graph, block_of: BlockOf, system: SystemCredentials) -> dict[str, CredentialsInput]:
    """By key, over the graph and its sub-graphs; inputs that ask for the same share one (agent-graphs §2.3).

    `system`: what the deployment has need not be given.
    """
    available = Available({}, system)
    found: dict[str, CredentialsInput] = {}
    for each in (graph, *graph.sub_graphs):
        for node in each.nodes:
            block = block_of(node.block_id)
            for name in block.credentials if block else ():
                one = _of_input(node, block, name, available) if block else None
                if one is not None:
                    found[one.key] = _together(found[one.key], one) if one.key in found else one
    return found


def as_masks(
    given: Mapping[str, Any], asked: Mapping[str, CredentialsInput]
) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Masks of the nodes that the given credentials are for; a key that the graph does not have is a problem."""
    masks: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for key, meta in given.items():
        if key not in asked:
            has = ", ".join(sorted(asked)) or "none"
            message = f"The graph asks for no credentials {key!r}. It asks for: {has}."
            problems.append(Problem(CredentialsCode.UNKNOWN_CREDENTIALS_INPUT, Level.RUN, message, pin=key))
        elif not is_missing(meta):
            for node_id, name in asked[key].fills:
                masks.setdefault(node_id, {})[name] = meta
    return masks, problems


def merged(first: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Masks laid over masks, pin by pin."""
    masks = {node_id: dict(mask) for node_id, mask in first.items()}
    for node_id, mask in over.items():
        masks.setdefault(node_id, {}).update(mask)
    return masks


def schema_of(inputs: Mapping[str, CredentialsInput]) -> dict[str, Any]:
    """`credentials_input_schema` of a graph: what a caller has to give, as JSON Schema."""
    shown = {key: each for key, each in inputs.items() if each.open}
    return {
        "type": "object",
        "properties": {key: _property(each) for key, each in shown.items()},
        "required": [key for key, each in shown.items() if each.required],
    }


def _of_input(node: Node, block: Block[BlockSchema], name: str, available: Available) -> CredentialsInput | None:
    wanted, defaults = block.credentials[name], node.input_default
    try:
        providers = tuple(sorted(providers_of(wanted, block, defaults)))
    except CredentialRefused:
        return None  # a model that nobody provides: validation says so
    types = tuple(sorted(kind.value for kind in wanted.types))
    by = wanted.provider_by.field if wanted.provider_by else wanted.host_by or None
    value = defaults.get(by) if by else None
    # Each host has headers of its own, so it is part of the key.
    host = _host(value) if wanted.host_by and isinstance(value, str) else ""
    place = (str(node.id), name)
    is_open = is_missing(defaults.get(name)) and not named_by_file(wanted, defaults)
    return CredentialsInput(
        key=f"{'-'.join(sorted({*providers, host} - {''}))}_{'-'.join(types)}_credentials",
        providers=providers,
        types=types,
        fills=(place,),
        open=(place,) if is_open else (),
        required=is_open and must_be_given(name, node, block, available),
        discriminator=by,
        discriminator_values=(value,) if isinstance(value, str) else (),
    )


def _host(url: str) -> str:
    """The host and port of a URL; empty when it is none, which the run will say."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _together(first: CredentialsInput, other: CredentialsInput) -> CredentialsInput:
    values = dict.fromkeys((*first.discriminator_values, *other.discriminator_values))
    return CredentialsInput(
        key=first.key,
        providers=first.providers,
        types=first.types,
        fills=first.fills + other.fills,
        open=first.open + other.open,
        required=first.required or other.required,
        discriminator=first.discriminator or other.discriminator,
        discriminator_values=tuple(values),
    )


def _property(each: CredentialsInput) -> dict[str, Any]:
    return {
        "title": " or ".join(each.providers),
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "provider": {"type": "string", "enum": list(each.providers)},
            "type": {"type": "string", "enum": list(each.types)},
            "title": {"type": ["string", "null"]},
        },
        "required": ["id", "provider", "type"],
        "credentials_provider": list(each.providers),
        "credentials_types": list(each.types),
        "discriminator": each.discriminator,
        "discriminator_values": list(each.discriminator_values),
    }
