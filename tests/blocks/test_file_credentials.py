"""Credentials that a file of Google Drive names: lent to the block that works on it (S-244 to S-247)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from activities.credentials import RunCredentials
from blocks.catalogue import own_catalogue
from blocks.credential_checks import Available, check_credentials
from blocks.credential_inputs import credentials_inputs
from blocks.credentials import key_of
from blocks.google import GmailRead, GoogleSheetsCopyToSpreadsheet, GoogleSheetsRead
from blocks.system_credentials import SystemCredentials
from contracts.errors import CredentialsUnusable
from engine.model import BlockId, Graph, Node, NodeId
from engine.problems import CredentialsCode
from store.credentials import CredentialFacts, CredentialRow
from store.memory_credentials import MemoryCredentials
from store.sealing import Keys, new_key

KEYS = Keys.parse(f"k1:{new_key()}")
FILE = {"id": "1Leaf", "name": "Teas"}


@pytest.fixture
async def credentials() -> RunCredentials:
    """Of ada, at Google and at Jina; and one of bob's."""
    rows = MemoryCredentials()
    for user, name, provider in (
        ("ada", "g1", "google"),
        ("ada", "g2", "google"),
        ("ada", "j1", "jina"),
        ("bob", "g3", "google"),
    ):
        facts = CredentialFacts(name, user, provider, "api_key", "", {}, datetime(2026, 1, 1, tzinfo=UTC))
        await rows.add(CredentialRow.seal(KEYS, facts, {"key": f"secret of {name}"}), most=9)
    return RunCredentials(rows, KEYS, SystemCredentials.of({}), own_catalogue().get)


def meta(name: str) -> dict[str, str]:
    return {"id": name, "provider": "google", "type": "api_key"}


async def test_the_deployments_key_for_models_lets_nobody_into_its_account() -> None:
    ours = SystemCredentials.of({"google": SecretStr("key for Gemini")})
    credentials = RunCredentials(MemoryCredentials(), KEYS, ours, own_catalogue().get)
    _, lent = await credentials.lend("ada", GoogleSheetsRead(), {"spreadsheet": FILE, "range": "A1"})
    assert not lent.credentials
    with pytest.raises(CredentialsUnusable, match="These credentials are required"):
        await credentials.lend("ada", GmailRead(), {"query": "tea"})
    graph = Graph(nodes=[Node(id=NodeId("mail"), block_id=BlockId(GmailRead.id), input_default={"query": "tea"})])
    (problem,) = check_credentials(graph, own_catalogue().get, {}, Available({}, ours)).problems
    assert (problem.code, problem.node_id) == (CredentialsCode.MISSING_CREDENTIALS, "mail")


async def test_the_credential_that_the_file_names_is_lent(credentials: RunCredentials) -> None:
    file = {**FILE, "_credentials_id": "g1"}
    data, lent = await credentials.lend("ada", GoogleSheetsRead(), {"spreadsheet": file, "range": "A1"})
    assert key_of(lent.credentials) == "secret of g1"
    assert data["credentials"] == meta("g1")
    assert "secret" not in str(data)
    _, lent = await credentials.lend("ada", GoogleSheetsCopyToSpreadsheet(), {"source_spreadsheet": file})
    assert key_of(lent.credentials) == "secret of g1"


async def test_the_one_that_the_node_names_comes_first(credentials: RunCredentials) -> None:
    inputs = {"spreadsheet": {**FILE, "_credentials_id": "g1"}, "range": "A1", "credentials": meta("g2")}
    _, lent = await credentials.lend("ada", GoogleSheetsRead(), inputs)
    assert key_of(lent.credentials) == "secret of g2"


@pytest.mark.parametrize("named", ["gone", "g3"])
async def test_one_that_is_not_there_or_somebody_elses_fails_the_node(credentials: RunCredentials, named: str) -> None:
    file = {**FILE, "_credentials_id": named}
    with pytest.raises(CredentialsUnusable) as failure:
        await credentials.lend("ada", GoogleSheetsRead(), {"spreadsheet": file, "range": "A1"})
    assert (
        "Authentication expired for 'Teas' in field 'spreadsheet'. The saved Google credentials no longer exist. "
        "Please re-select the file to re-authenticate."
    ) in str(failure.value)


async def test_one_of_another_provider_is_not_lent(credentials: RunCredentials) -> None:
    file = {**FILE, "_credentials_id": "j1"}
    with pytest.raises(CredentialsUnusable, match="type/provider mismatch"):
        await credentials.lend("ada", GoogleSheetsRead(), {"spreadsheet": file, "range": "A1"})


@pytest.mark.parametrize(
    "file",
    [FILE, {**FILE, "_credentials_id": None}, {"_credentials_id": ["g1"]}, {"_credentials_id": ""}, "g1", None, 5],
)
async def test_a_file_that_names_none_is_opened_with_none(credentials: RunCredentials, file: Any) -> None:
    _, lent = await credentials.lend("ada", GoogleSheetsRead(), {"spreadsheet": file, "range": "A1"})
    assert lent.credentials == {}


@pytest.mark.parametrize(("named", "is_open"), [("g1", False), (None, True)])
def test_a_graph_asks_for_a_credential_where_its_file_names_none(named: str | None, is_open: bool) -> None:
    node = Node(id="n", block_id=GoogleSheetsRead.id, input_default={"spreadsheet": {**FILE, "_credentials_id": named}})
    graph = Graph(id="g", name="g", nodes=[node], links=[])
    (asked,) = credentials_inputs(graph, own_catalogue().get, SystemCredentials.of({})).values()
    assert bool(asked.open) == is_open
    assert not asked.required
    assert asked.fills == (("n", "credentials"),)
