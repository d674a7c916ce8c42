"""Which credential each node uses, or what is wrong with what it names (agent-graphs §13.2, S-249).

Asked by the API before it starts a run, by a run's first activity, and for a single node by the activity that is about
to run it. Pure: what the user has is given. It sees no secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from blocks.base import Block, BlockSchema
from blocks.credentials import CredentialsField, CredentialsMeta
from blocks.system_credentials import SystemCredentials, no_endpoint
from engine.model import Graph, Node
from engine.problems import CredentialsCode, Level, Problem
from engine.validate import Masks, linked_fields

REQUIRED = "These credentials are required"
MISMATCH = "Invalid credentials: type/provider mismatch"
NOT_FOR_ANYBODY = (
    "Credentials not available: those of the deployment are not sent to servers that a node names, nor does a node act "
    "as its accounts. Give the node yours."
)

type BlockOf = Callable[[str], Block[BlockSchema] | None]
"""Looks a block up in a catalogue; None when nobody knows its id."""


@dataclass(frozen=True, slots=True)
class Available:
    """What nodes of a user may use: the credentials of the user that were asked for, by id, and the deployment's."""

    own: Mapping[str, CredentialsMeta]
    system: SystemCredentials


class CredentialRefused(Exception):
    """A node cannot use what it names; the text says why, for the person who drew the graph."""

    def __init__(self, code: CredentialsCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ProviderUnknown(CredentialRefused):
    """An input implies no provider at all. Validation says so of that input, so no check says it again."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What keeps a graph from running, and which nodes are left out since their optional credentials are missing."""

    problems: list[Problem] = field(default_factory=list)
    skipped: frozenset[str] = frozenset()


def check_credentials(graph: Graph, block_of: BlockOf, masks: Masks, available: Available) -> Checked:
    """Every credentials input of every node. One that a link leads into is known only when it runs."""
    problems: list[Problem] = []
    skipped: set[str] = set()
    linked = linked_fields(graph)
    for node, block in _with_credentials(graph, block_of):
        refused = list(_of_node(node, block, masks.get(node.id, {}), linked.get(node.id, frozenset()), available))
        # What is left out may be wrong in itself: an exported node names what only its author had.
        if refused and is_optional(node) and all(refusal.code in _LACKING for refusal in refused):
            skipped.add(node.id)
        else:
            problems += refused
    return Checked(problems, frozenset(skipped))


def named_ids(graph: Graph, block_of: BlockOf, masks: Masks) -> set[str]:
    """The ids of all credentials that nodes name, to be looked up before they are checked."""
    return {
        given["id"]
        for node, block in _with_credentials(graph, block_of)
        for name in block.credentials
        if isinstance(given := _given(node, masks.get(node.id, {}), name), Mapping) and isinstance(given.get("id"), str)
    }


def needs_credentials(graph: Graph, block_of: BlockOf) -> bool:
    """Whether any node asks for credentials."""
    return any(True for _ in _with_credentials(graph, block_of))


def chosen(
    name: str, block: Block[BlockSchema], value: Any, inputs: Mapping[str, Any], available: Available
) -> CredentialsMeta | None:
    """The credential for one input of a node: the one that it names, else the deployment's of a provider that will do.

    None when it names none and there is none. `inputs`: the node's, of which one may imply the provider; an absent one
    has its default, `...` stands for one that is not known yet. CredentialRefused.
    """
    wanted = block.credentials[name]
    providers = providers_of(wanted, block, inputs)
    if is_missing(value):
        if wanted.own_only:
            return None
        found = (available.system.meta(provider) for provider in providers)
        return next((meta for meta in found if meta is not None and meta.type in wanted.types), None)
    try:
        meta = CredentialsMeta.model_validate(value)
    except ValidationError as error:
        wrong = ", ".join(sorted({f"`{'.'.join(map(str, e['loc'])) or name}`" for e in error.errors()}))
        raise CredentialRefused(
            CredentialsCode.INVALID_CREDENTIALS,
            f"Invalid credentials: {wrong} must be id, provider and type of a credential.",
        ) from None
    if wanted.own_only and meta.id not in available.own and available.system.provider_of(meta.id):
        raise CredentialRefused(CredentialsCode.CREDENTIALS_NOT_AVAILABLE, NOT_FOR_ANYBODY)
    kept = _kept(meta, available)
    if (kept.provider, kept.type) != (meta.provider, meta.type):
        raise CredentialRefused(
            CredentialsCode.INVALID_CREDENTIALS,
            f"{MISMATCH}: the credential is of {kept.provider} ({kept.type.value}), "
            f"the node says {meta.provider} ({meta.type.value}).",
        )
    if kept.provider not in providers or kept.type not in wanted.types:
        raise CredentialRefused(
            CredentialsCode.INVALID_CREDENTIALS,
            f"{MISMATCH}: the credential is of {kept.provider} ({kept.type.value}), the block needs "
            f"{described(providers, wanted)}.",
        )
    return kept


def must_be_given(name: str, node: Node, block: Block[BlockSchema], available: Available) -> bool:
    """Whether a node that names no credential for this input could not run without being given one.

    CredentialRefused when its other inputs imply no provider.
    """
    wanted = block.credentials[name]
    providers, endpoints = providers_of(wanted, block, node.input_default), available.system.endpoints
    needs_one = bool(_asked(wanted, providers) - endpoints) if wanted.keyless_at_endpoint else wanted.required
    return needs_one and not is_optional(node) and chosen(name, block, None, node.input_default, available) is None


def _asked(wanted: CredentialsField, providers: Sequence[str]) -> set[str]:
    """Whose credentials are needed: of a model that a link brings it is not known before the run."""
    return set(providers) if wanted.provider_by is None or len(providers) == 1 else set()


def providers_of(wanted: CredentialsField, block: Block[BlockSchema], inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The providers that will do with these inputs. CredentialRefused when an input implies none."""
    by = wanted.provider_by
    if by is None:
        return wanted.providers
    value = inputs.get(by.field)
    if value is None:
        value = block.Input.model_fields[by.field].get_default(call_default_factory=True)
    if not isinstance(value, str):
        return wanted.providers
    provider = by.provider_of(value)
    if provider is None:
        raise ProviderUnknown(CredentialsCode.INVALID_CREDENTIALS, by.refusal(value))
    return (provider,)


def is_missing(value: Any) -> bool:
    """Whether nothing is named: no value, or a meta without an id."""
    return value is None or (isinstance(value, Mapping) and not value.get("id"))


def named_by_file(wanted: CredentialsField, inputs: Mapping[str, Any]) -> str | None:
    """The id of the credential that a picked file names (S-244); None when it names none, as files of exports do."""
    picked = inputs.get(wanted.file_by) if wanted.file_by else None
    named = picked.get("_credentials_id") if isinstance(picked, Mapping) else None
    return named if isinstance(named, str) and named else None


def gone_with_file(wanted: CredentialsField, inputs: Mapping[str, Any]) -> str:
    """What is said when the credential that a picked file names is there no more (S-245)."""
    picked = inputs.get(wanted.file_by)
    name = picked.get("name") if isinstance(picked, Mapping) else None
    return (
        f"Authentication expired for '{name or 'selected file'!s:.100}' in field '{wanted.file_by}'. The saved "
        f"{wanted.providers[0].capitalize()} credentials no longer exist. Please re-select the file to re-authenticate."
    )


def described(providers: Iterable[str], wanted: CredentialsField) -> str:
    """What will do, for people: `openai or groq (api_key)`."""
    return f"{' or '.join(providers)} ({' or '.join(kind.value for kind in wanted.types)})"


_LACKING = frozenset(
    {
        CredentialsCode.MISSING_CREDENTIALS,
        CredentialsCode.UNKNOWN_CREDENTIALS,
        CredentialsCode.CREDENTIALS_NOT_AVAILABLE,
    }
)


def _with_credentials(graph: Graph, block_of: BlockOf) -> Iterator[tuple[Node, Block[BlockSchema]]]:
    for node in graph.nodes:
        block = block_of(node.block_id)
        if block is not None and block.credentials:
            yield node, block


def _given(node: Node, mask: Mapping[str, Any], name: str) -> Any:
    return mask[name] if name in mask else node.input_default.get(name)


def is_optional(node: Node) -> bool:
    """Whether a node is left out of a run that has no credentials for it."""
    return node.metadata.get("credentials_optional") is True


def _of_node(
    node: Node, block: Block[BlockSchema], mask: Mapping[str, Any], linked: frozenset[str], available: Available
) -> Iterator[Problem]:
    inputs = {**node.input_default, **dict.fromkeys(linked, ...), **mask}
    for name in block.credentials:
        if name in linked and name not in mask:
            continue
        try:
            _check_one(name, node, block, inputs, available)
        except ProviderUnknown:
            continue
        except CredentialRefused as refusal:
            yield Problem(refusal.code, Level.RUN, refusal.message, node_id=node.id, pin=name, block_id=node.block_id)


def _check_one(
    name: str, node: Node, block: Block[BlockSchema], inputs: Mapping[str, Any], available: Available
) -> None:
    """CredentialRefused when the node could not run with what it names, or without naming any."""
    wanted, endpoints = block.credentials[name], available.system.endpoints
    providers = providers_of(wanted, block, inputs)
    asked = _asked(wanted, providers)
    if nowhere := asked & set(wanted.only_at_endpoint) - endpoints:
        message = (
            f"{block.name} cannot run here: {no_endpoint(nowhere.pop())}. Whoever runs this deployment can set it."
        )
        raise CredentialRefused(CredentialsCode.CREDENTIALS_NOT_AVAILABLE, message)
    is_needed = bool(asked - endpoints) if wanted.keyless_at_endpoint else wanted.required or is_optional(node)
    try:
        meta = chosen(name, block, inputs.get(name), inputs, available)
    except CredentialRefused as refusal:
        # An exported node names upstream's key of a provider in whose place stands an endpoint that asks for none.
        is_keyless = wanted.keyless_at_endpoint and asked and asked <= endpoints
        if refusal.code is CredentialsCode.CREDENTIALS_NOT_AVAILABLE and is_keyless:
            return
        raise
    if meta is None and is_needed:
        needs = described(providers, wanted)
        raise CredentialRefused(
            CredentialsCode.MISSING_CREDENTIALS,
            f"{REQUIRED}: `{name}` of {block.name} needs {needs}. Keep one and give it to the run as "
            "`credentials_inputs`, or let the node name it.",
        )


def _kept(meta: CredentialsMeta, available: Available) -> CredentialsMeta:
    """The credential with the id of the meta, as it is here. CredentialRefused when there is none."""
    own = available.own.get(meta.id)
    if own is not None:
        return own
    provider = available.system.provider_of(meta.id)
    if provider is None:
        raise CredentialRefused(
            CredentialsCode.UNKNOWN_CREDENTIALS,
            f"Unknown credentials #{meta.id}: you have none of this id. The node needs one for {meta.provider}.",
        )
    system = available.system.meta(provider)
    if system is None:
        raise CredentialRefused(
            CredentialsCode.CREDENTIALS_NOT_AVAILABLE,
            f"Credentials not available: this deployment has no key of its own for {provider}. Give the node yours.",
        )
    return system
