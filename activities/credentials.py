"""Credentials of runs: whether nodes have theirs when a run begins, and the secrets right before a block runs.

Made by `worker.py`; used by `runs.py` and `run_node.py`. A secret goes from the store to the block's context
and nowhere else: what is written, returned or said holds the meta, and error texts are cleaned of secrets (S-242).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from activities.graphs import CompiledGraph
from activities.patience import patiently
from blocks.base import Block, BlockSchema
from blocks.credential_checks import (
    REQUIRED,
    Available,
    BlockOf,
    Checked,
    CredentialRefused,
    check_credentials,
    chosen,
    described,
    gone_with_file,
    is_missing,
    named_by_file,
    named_ids,
    providers_of,
)
from blocks.credentials import NOTHING_SECRET, Credential, CredentialsMeta, CredentialsType, Redaction
from blocks.kept_credentials import credential_of
from blocks.system_credentials import SystemCredentials
from contracts.errors import CredentialsUnusable
from engine.problems import CredentialsCode
from engine.values import Value
from store.credentials import CredentialFacts, CredentialRow, Credentials
from store.sealing import Keys
from telemetry.logging import redact_lines

_GONE = frozenset({CredentialsCode.UNKNOWN_CREDENTIALS, CredentialsCode.CREDENTIALS_NOT_AVAILABLE})


@dataclass(frozen=True, slots=True)
class Lent:
    """The secrets of one node execution, by input, and what keeps them out of texts."""

    credentials: Mapping[str, Credential] = field(default_factory=dict, repr=False)
    redact: Redaction = NOTHING_SECRET

    @classmethod
    def of(cls, credentials: Mapping[str, Credential]) -> "Lent":
        """From now on no log line of this task, or of the block it runs, shows them."""
        redaction = Redaction.of(credentials)
        if redaction.secrets:
            redact_lines(redaction)
        return cls(credentials, redaction)


@dataclass(frozen=True, slots=True)
class RunCredentials:
    """Looks credentials up for runs."""

    rows: Credentials
    keys: Keys
    system: SystemCredentials
    block_of: BlockOf

    async def check(self, user_id: str, compiled: CompiledGraph, masks: Mapping[str, Mapping[str, Value]]) -> Checked:
        """What keeps a graph from running, and which nodes are left out."""
        if not compiled.needs_credentials:
            return Checked()
        graph, block_of = compiled.graph, self.block_of
        plain = {node_id: {pin: _plain(value) for pin, value in mask.items()} for node_id, mask in masks.items()}
        ids = named_ids(graph, block_of, plain)
        found = await self.rows.named(user_id, ids) if ids else []
        own = {facts.id: _meta(facts) for facts in found}
        return check_credentials(graph, block_of, plain, Available(own, self.system))

    async def left_out(
        self, user_id: str, compiled: CompiledGraph, masks: Mapping[str, Mapping[str, Value]]
    ) -> list[str]:
        """The nodes that a run leaves out, since their optional credentials are missing (S-165)."""
        return sorted((await self.check(user_id, compiled, masks)).skipped)

    async def lend(self, user_id: str, block: Block[BlockSchema], data: dict[str, Any]) -> tuple[dict[str, Any], Lent]:
        """A node's inputs with the metas of what it uses, and the secrets.

        An optional credential that is missing or was deleted is left out, of both. CredentialsUnusable for any other.
        """
        if not block.credentials:
            return data, Lent()
        filled, secrets = dict(data), dict[str, Credential]()
        for name, wanted in block.credentials.items():
            value = data.get(name)
            if is_missing(value) and (named := named_by_file(wanted, data)):
                row = await self._row(user_id, {"id": named})
                if row is None:
                    raise CredentialsUnusable(gone_with_file(wanted, data))
                value = _meta(row.facts).model_dump(mode="json")
            else:
                row = await self._row(user_id, value)
            own = {row.facts.id: _meta(row.facts)} if row else {}
            try:
                meta = chosen(name, block, value, data, Available(own, self.system))
                if meta is None and wanted.required:
                    needs = described(providers_of(wanted, block, data), wanted)
                    raise CredentialsUnusable(f"{REQUIRED}: `{name}` of {block.name} needs {needs}.")
            except CredentialRefused as refusal:
                if wanted.required or refusal.code not in _GONE:
                    raise CredentialsUnusable(refusal.message) from None
                meta = None
            if meta is None:
                filled.pop(name, None)
                continue
            filled[name] = meta.model_dump(mode="json", exclude_none=True)
            secrets[name] = self._opened(row) if row else self.system.secret(meta.provider)
        return filled, Lent.of(secrets)

    async def _row(self, user_id: str, value: Any) -> CredentialRow | None:
        """The user's credential that the value names, if there is one."""
        if is_missing(value) or not isinstance(value, Mapping) or not isinstance(value["id"], str):
            return None
        return await patiently(lambda: self.rows.get(user_id, value["id"]))

    def _opened(self, row: CredentialRow) -> Credential:
        try:
            return credential_of(row.facts.provider, row.facts.type, row.open(self.keys))
        except ValueError as error:
            raise CredentialsUnusable(f"Credentials not available: {error}") from None


def _plain(value: Value) -> Any:
    """A mask's value; what is so large that it lies in the store is no meta, and not known here."""
    return ... if "ref" in value else value["value"]


def _meta(facts: CredentialFacts) -> CredentialsMeta:
    return CredentialsMeta(
        id=facts.id, provider=facts.provider, type=CredentialsType(facts.type), title=facts.title or None
    )
