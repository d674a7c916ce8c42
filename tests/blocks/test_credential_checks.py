"""Which credential a node uses, what is said when it has none, how a run's reach the nodes (agent-graphs §2.3, §13)."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, ClassVar

import pytest
from pydantic import Field, SecretStr

from blocks.ai.asking import CREDENTIALS, ModelChoice
from blocks.ai.texts import AITextGenerator
from blocks.base import Block, BlockContext, BlockSchema, Inputs, Outputs, Yielded
from blocks.catalogue import own_catalogue
from blocks.credential_checks import (
    Available,
    Checked,
    CredentialRefused,
    check_credentials,
    chosen,
    named_ids,
    needs_credentials,
)
from blocks.credential_inputs import as_masks, credentials_inputs, merged, schema_of
from blocks.credentials import CredentialsField, CredentialsMeta, CredentialsType, ProviderBy
from blocks.system_credentials import UPSTREAM_IDS, SystemCredentials, system_id
from engine.model import BlockId, Graph, Link, Node, NodeId
from engine.problems import Code, CredentialsCode, Level
from engine.validate import check_runnable

PROVIDERS = {"gpt": "acme", "claude": "brook"}


class _Keyed(Block[Any]):
    description = "For tests."
    Output = Outputs

    async def run(self, inputs: Any, context: BlockContext) -> AsyncIterator[Yielded]:
        yield "error", "never run"


class Plain(_Keyed):
    id, name, Input = "plain", "Plain", Inputs


class Chat(_Keyed):
    id, name = "chat", "Chat"

    class Input(Inputs):
        credentials: CredentialsMeta = Field(description="Whose")
        model: str = Field("gpt", description="Which")

    credentials: ClassVar = {
        "credentials": CredentialsField(
            ("acme", "brook"), provider_by=ProviderBy("model", PROVIDERS.get, "Choose gpt.")
        ),
    }


class Request(_Keyed):
    id, name = "request", "Request"

    class Input(Inputs):
        url: str = Field("", description="Where")
        credentials: CredentialsMeta = Field(description="Whose")

    credentials: ClassVar = {"credentials": CredentialsField(("http",), (CredentialsType.HOST_SCOPED,), host_by="url")}


class Free(_Keyed):
    id, name = "free", "Free"

    class Input(Inputs):
        token_credentials: CredentialsMeta | None = Field(None, description="Whose")

    credentials: ClassVar = {"token_credentials": CredentialsField(("acme", "brook"), required=False)}


class Anywhere(_Keyed):
    id, name = "anywhere", "Anywhere"

    class Input(Inputs):
        server_url: str = Field("", description="Where")
        credentials: CredentialsMeta | None = Field(None, description="Whose")

    credentials: ClassVar = {"credentials": CredentialsField(("acme",), required=False, own_only=True)}


class Asks(_Keyed):
    id, name, Input, credentials = "asks", "Asks", ModelChoice, CREDENTIALS


BLOCKS: dict[str, Block[BlockSchema]] = {block.id: block() for block in (Plain, Chat, Request, Free, Anywhere, Asks)}
MINE = CredentialsMeta(id="mine", provider="acme", type=CredentialsType.API_KEY, title="Mine")
HOST = CredentialsMeta(id="host", provider="http", type=CredentialsType.HOST_SCOPED)
OWN = {"mine": MINE, "host": HOST}


def available(endpoints: Iterable[str] = (), **keys: str) -> Available:
    return Available(OWN, SystemCredentials.of({name: SecretStr(key) for name, key in keys.items()}, endpoints))


def node(id: str, block: type[Block[Any]], optional: bool = False, **defaults: Any) -> Node:
    metadata = {"credentials_optional": True} if optional else {}
    return Node(id=NodeId(id), block_id=BlockId(block.id), input_default=defaults, metadata=metadata)


def meta(id: str = "mine", provider: str = "acme", type: str = "api_key") -> dict[str, Any]:
    return {"id": id, "provider": provider, "type": type}


def check(
    *nodes: Node, links: list[Link] | None = None, masks: Any = None, endpoints: Iterable[str] = (), **keys: str
) -> Checked:
    graph = Graph(nodes=list(nodes), links=links or [])
    return check_credentials(graph, BLOCKS.get, masks or {}, available(endpoints, **keys))


def leads_into(pin: str) -> list[Link]:
    return [Link(source_id=NodeId("p"), sink_id=NodeId("n"), source_name="error", sink_name=pin)]


@pytest.mark.parametrize(
    "nodes",
    [
        [node("n", Plain)],
        [node("n", Chat, credentials=meta())],
        [node("n", Request, credentials=meta("host", "http", "host_scoped"))],
        [node("n", Free)],
        [node("n", Free, token_credentials=None)],
        [node("n", Free, token_credentials=meta())],
    ],
)
def test_nothing_is_wrong(nodes: list[Node]) -> None:
    assert check(*nodes) == Checked()


@pytest.mark.parametrize(
    ("of_node", "code", "message"),
    [
        (
            node("n", Chat),
            CredentialsCode.MISSING_CREDENTIALS,
            "These credentials are required: `credentials` of Chat needs acme (api_key). "
            "Keep one and give it to the run as `credentials_inputs`, or let the node name it.",
        ),
        (
            node("n", Chat, model="claude", credentials={"id": "", "provider": "brook", "type": "api_key"}),
            CredentialsCode.MISSING_CREDENTIALS,
            "These credentials are required: `credentials` of Chat needs brook (api_key). "
            "Keep one and give it to the run as `credentials_inputs`, or let the node name it.",
        ),
        (
            node("n", Chat, credentials="mine"),
            CredentialsCode.INVALID_CREDENTIALS,
            "Invalid credentials: `credentials` must be",
        ),
        (
            node("n", Chat, credentials={"id": "mine", "type": "password"}),
            CredentialsCode.INVALID_CREDENTIALS,
            "Invalid credentials: `provider`, `type` must be id, provider and type of a credential.",
        ),
        (
            node("n", Chat, credentials=meta("other")),
            CredentialsCode.UNKNOWN_CREDENTIALS,
            "Unknown credentials #other: ",
        ),
        (
            node("n", Chat, credentials=meta(provider="brook")),
            CredentialsCode.INVALID_CREDENTIALS,
            "Invalid credentials: type/provider mismatch: the credential is of acme (api_key), the node says brook",
        ),
        (
            node("n", Chat, credentials=meta(type="user_password")),
            CredentialsCode.INVALID_CREDENTIALS,
            "Invalid credentials: type/provider mismatch: the credential is of acme (api_key), the node says acme",
        ),
        (
            node("n", Chat, model="claude", credentials=meta()),
            CredentialsCode.INVALID_CREDENTIALS,
            "Invalid credentials: type/provider mismatch: the credential is of acme (api_key), the block needs brook",
        ),
        (
            node("n", Chat, credentials=meta(UPSTREAM_IDS["openai"], "openai")),
            CredentialsCode.CREDENTIALS_NOT_AVAILABLE,
            "Credentials not available: this deployment has no key of its own for openai.",
        ),
        (
            node("n", Free, token_credentials=meta("other")),
            CredentialsCode.UNKNOWN_CREDENTIALS,
            "Unknown credentials #other: ",
        ),
    ],
)
def test_what_is_wrong_is_said(of_node: Node, code: CredentialsCode, message: str) -> None:
    (problem,) = check(of_node).problems
    assert (problem.code, problem.level, problem.node_id) == (code, Level.RUN, "n")
    assert problem.pin == next(iter(BLOCKS[of_node.block_id].credentials))
    assert problem.message.startswith(message)


def test_all_nodes_are_looked_at() -> None:
    found = check(node("a", Chat), node("b", Request), node("c", Chat, credentials=meta()))
    assert [problem.node_id for problem in found.problems] == ["a", "b"]


def test_a_mask_goes_before_the_node() -> None:
    assert not check(node("n", Chat), masks={"n": {"credentials": meta()}}).problems
    (problem,) = check(node("n", Chat, credentials=meta()), masks={"n": {"credentials": None}}).problems
    assert problem.code is CredentialsCode.MISSING_CREDENTIALS
    (problem,) = check(node("n", Chat, credentials=meta()), masks={"n": {"model": "claude"}}).problems
    assert problem.code is CredentialsCode.INVALID_CREDENTIALS


def test_what_a_link_brings_is_not_known_yet() -> None:
    assert not check(node("p", Plain), node("n", Chat), links=leads_into("credentials")).problems
    # With the model still open any provider of the block will do.
    either = node("n", Chat, credentials=meta())
    assert not check(node("p", Plain), either, links=leads_into("model")).problems
    (problem,) = check(node("p", Plain), node("n", Chat), links=leads_into("model")).problems
    assert "needs acme or brook (api_key)" in problem.message


def test_the_deployment_helps_out() -> None:
    assert not check(node("n", Chat), acme="key").problems
    assert check(node("n", Chat), brook="key").problems
    assert not check(node("n", Chat, model="claude"), brook="key").problems
    ids = system_id("acme"), system_id("brook")
    assert not check(node("n", Chat, credentials=meta(ids[0])), acme="key").problems
    assert not check(node("n", Chat, model="claude", credentials=meta(ids[1], "brook")), brook="key").problems
    # A key for headers of one host is none that everybody could use.
    assert check(node("n", Request), http="key").problems


def test_a_model_that_nobody_could_ask_is_refused() -> None:
    (problem,) = check(node("n", Asks, model="gpt-4o")).problems
    assert (problem.code, problem.pin) == (CredentialsCode.MISSING_CREDENTIALS, "credentials")
    assert "`credentials` of Asks needs openai (api_key)" in problem.message
    assert check(node("n", Asks)).problems, "the model that is asked by default"
    assert check(node("n", Asks, model="gpt-4o"), endpoints=["groq"], anthropic="key").problems
    assert not check(node("n", Asks, model="gpt-4o"), openai="key").problems
    assert not check(node("n", Asks, model="gpt-4o"), endpoints=["openai"]).problems
    exported = meta(UPSTREAM_IDS["openai"], "openai")
    assert not check(node("n", Asks, model="gpt-4o", credentials=exported), endpoints=["openai"]).problems
    assert not check(node("p", Plain), node("n", Asks), links=leads_into("model")).problems
    assert not check(node("p", Plain), node("n", Asks), links=leads_into("credentials")).problems


@pytest.mark.parametrize("provider", ["ollama", "openai_compatible"])
def test_a_model_of_the_deployments_own_needs_its_endpoint(provider: str) -> None:
    asks = node("n", Asks, model=f"{provider}/phi4")
    exported = node("n", Asks, model=f"{provider}/phi4", credentials=meta(system_id(provider), provider))
    for each in (asks, exported):
        (problem,) = check(each, endpoints=["openai"]).problems
        assert (problem.code, problem.pin) == (CredentialsCode.CREDENTIALS_NOT_AVAILABLE, "credentials")
        assert f"no endpoint of {provider} is set (HEDDLE_LLM_BASE_URLS)" in problem.message
    assert not check(asks, endpoints=[provider]).problems


def test_a_model_that_may_be_left_out_is_left_out_where_nobody_could_ask_it() -> None:
    for model in ("gpt-4o", "ollama/phi4"):
        assert check(node("n", Asks, optional=True, model=model)) == Checked([], frozenset({"n"}))
    for model, endpoint in (("gpt-4o", "openai"), ("ollama/phi4", "ollama"), ("openai_compatible/x",) * 2):
        asked = check(node("n", Asks, optional=True, model=model), endpoints=[endpoint.partition("/")[0]])
        assert asked == Checked(), "its endpoint asks for no key"


def test_exported_agents_find_the_hosts_own_keys() -> None:
    system = SystemCredentials.of({"openai": SecretStr("sk-ours")})
    assert {system.provider_of(id): id for id in UPSTREAM_IDS.values()} == dict(UPSTREAM_IDS)
    found = system.meta("openai")
    assert found is not None
    assert found.id == "53c25cb8-e3ee-465c-a4d1-e75a4c899c2a"
    assert system.secret("openai").key.get_secret_value() == "sk-ours"
    assert system.meta("anthropic") is None
    assert system.meta("ollama") is None, "nothing of it is set here"
    assert SystemCredentials.of({}, ["ollama"]).meta("ollama") is not None
    assert system.provider_of("nobody's") is None
    assert "sk-ours" not in repr(system)


@pytest.mark.parametrize(
    "of_node",
    [
        node("n", Chat, optional=True),
        node("n", Chat, optional=True, credentials=meta("stale")),
        node("n", Chat, optional=True, credentials=meta(UPSTREAM_IDS["openai"], "openai")),
        node("n", Free, optional=True),
    ],
)
def test_a_node_that_may_do_without_is_left_out(of_node: Node) -> None:
    assert check(of_node) == Checked([], frozenset({"n"}))


def test_an_optional_one_that_is_there_is_used_and_a_wrong_one_said() -> None:
    assert check(node("n", Chat, optional=True, credentials=meta())) == Checked()
    assert check(node("n", Chat, optional=True), acme="key") == Checked()
    wrong = check(node("n", Chat, optional=True, credentials=meta(provider="brook")))
    assert [problem.code for problem in wrong.problems] == [CredentialsCode.INVALID_CREDENTIALS]
    assert not wrong.skipped


def test_a_choice_when_the_node_runs() -> None:
    block, nothing = BLOCKS["free"], Available({}, SystemCredentials.of({}))
    assert chosen("token_credentials", block, None, {}, nothing) is None
    assert chosen("token_credentials", block, meta(), {}, available()) == MINE
    ours = chosen("token_credentials", block, {}, {}, available(brook="key"))
    assert ours is not None
    assert (ours.id, ours.provider) == (system_id("brook"), "brook")


def test_what_has_to_be_looked_up() -> None:
    nodes = [
        node("a", Chat, credentials=meta("x")),
        node("b", Chat, credentials=meta("y")),
        node("c", Chat),
        node("d", Plain),
    ]
    graph = Graph(nodes=nodes)
    assert named_ids(graph, BLOCKS.get, {"b": {"credentials": meta("z")}}) == {"x", "z"}
    assert needs_credentials(graph, BLOCKS.get)
    assert not needs_credentials(Graph(nodes=[node("d", Plain)]), BLOCKS.get)


# --- the keys of a graph ----------------------------------------------------------------------


def asking() -> Graph:
    return Graph(
        nodes=[
            node("a", Chat),
            node("b", Chat, credentials=meta()),
            node("c", Chat, model="claude", optional=True),
            node("d", Request, url="https://api.example.com/x"),
            node("e", Free),
            node("f", Chat, model="llama"),
            node("g", Plain),
        ],
        sub_graphs=[Graph(id="sub", nodes=[node("s", Chat)])],
    )


def test_keys_of_a_graph() -> None:
    asked = credentials_inputs(asking(), BLOCKS.get, SystemCredentials.of({}))
    assert {key: each.fills for key, each in asked.items()} == {
        "acme_api_key_credentials": (("a", "credentials"), ("b", "credentials"), ("s", "credentials")),
        "brook_api_key_credentials": (("c", "credentials"),),
        "api.example.com-http_host_scoped_credentials": (("d", "credentials"),),
        "acme-brook_api_key_credentials": (("e", "token_credentials"),),
    }
    schema = schema_of(asked)
    assert schema["required"] == ["acme_api_key_credentials", "api.example.com-http_host_scoped_credentials"]
    one = schema["properties"]["brook_api_key_credentials"]
    assert (one["credentials_provider"], one["credentials_types"]) == (["brook"], ["api_key"])
    assert (one["discriminator"], one["discriminator_values"]) == ("model", ["claude"])


def test_what_the_deployment_has_need_not_be_given() -> None:
    graph = Graph(nodes=[node("a", Chat)])
    with_key = SystemCredentials.of({"acme": SecretStr("sk-ours")})
    assert schema_of(credentials_inputs(graph, BLOCKS.get, with_key))["required"] == []
    model = Graph(nodes=[Node(id=NodeId("a"), block_id=BlockId(AITextGenerator.id), input_default={"prompt": "?"})])
    for system, required in (
        (SystemCredentials.of({}), ["openai_api_key_credentials"]),
        (SystemCredentials.of({"openai": SecretStr("sk-ours")}), []),
        (SystemCredentials.of({}, ["openai"]), []),
    ):
        assert schema_of(credentials_inputs(model, own_catalogue().get, system))["required"] == required


def test_what_a_graph_names_itself_is_not_asked_for() -> None:
    graph = Graph(nodes=[node("b", Chat, credentials=meta())])
    asked = credentials_inputs(graph, BLOCKS.get, SystemCredentials.of({}))
    assert schema_of(asked)["properties"] == {}
    # It can be replaced all the same: exported agents name what only their authors have.
    assert as_masks({"acme_api_key_credentials": meta("other")}, asked)[0] == {"b": {"credentials": meta("other")}}


def test_given_credentials_become_masks() -> None:
    asked = credentials_inputs(asking(), BLOCKS.get, SystemCredentials.of({}))
    given = {"acme_api_key_credentials": meta(), "brook_api_key_credentials": None}
    masks, problems = as_masks(given, asked)
    assert not problems
    assert masks == {node_id: {"credentials": meta()} for node_id in "abs"}
    assert merged(masks, {"a": {"credentials": meta("own"), "model": "gpt"}, "x": {"y": 1}}) == {
        "a": {"credentials": meta("own"), "model": "gpt"},
        "b": {"credentials": meta()},
        "s": {"credentials": meta()},
        "x": {"y": 1},
    }
    assert masks["a"] == {"credentials": meta()}


def test_a_key_that_the_graph_does_not_have() -> None:
    _, (problem,) = as_masks(
        {"groq": meta()}, credentials_inputs(Graph(nodes=[node("a", Chat)]), BLOCKS.get, SystemCredentials.of({}))
    )
    assert (problem.code, problem.pin) == (CredentialsCode.UNKNOWN_CREDENTIALS_INPUT, "groq")
    assert problem.message == "The graph asks for no credentials 'groq'. It asks for: acme_api_key_credentials."


# --- models that nobody provides --------------------------------------------------------------


def test_a_model_that_nobody_provides_is_named_once_by_validation() -> None:
    """By whoever looks at the graph alone too, hence not among what a user's credentials decide."""
    of_node = node("n", Chat, model="llama")
    assert check(of_node).problems == []
    graph = Graph(nodes=[of_node])
    (problem,) = check_runnable(graph, lambda block_id: BLOCKS[block_id].shape())
    assert (problem.code, problem.node_id, problem.pin) == (Code.INPUT_REFUSED, "n", "model")
    assert problem.message == "Chat: Model 'llama' is not supported. Choose gpt."
    with pytest.raises(CredentialRefused, match="Model 'llama' is not supported"):
        chosen("credentials", BLOCKS["chat"], None, {"model": "llama"}, available())


# --- where a node says where ------------------------------------------------------------------


def test_the_deployments_credentials_go_nowhere_that_a_node_names() -> None:
    """Neither by default nor by their id, which anybody can know."""
    assert chosen("credentials", BLOCKS["anywhere"], None, {}, available(acme="ours")) is None
    named = meta(system_id("acme"))
    (problem,) = check(node("n", Anywhere, credentials=named), acme="ours").problems
    assert problem.code is CredentialsCode.CREDENTIALS_NOT_AVAILABLE
    assert problem.message.startswith("Credentials not available: those of the deployment are not sent to servers")
    with pytest.raises(CredentialRefused, match="not sent to servers"):
        chosen("credentials", BLOCKS["anywhere"], named, {}, available(acme="ours"))
    # Elsewhere they are, and one's own go anywhere.
    chat = chosen("credentials", BLOCKS["chat"], None, {}, available(acme="ours"))
    assert chat is not None
    assert chat.id == system_id("acme")
    assert chosen("credentials", BLOCKS["anywhere"], meta(), {}, available(acme="ours")) == MINE


def test_a_node_that_names_the_deployments_is_left_out_where_it_may_be() -> None:
    optional = node("n", Anywhere, optional=True, credentials=meta(system_id("acme")))
    assert check(optional, acme="ours") == Checked([], frozenset({"n"}))
