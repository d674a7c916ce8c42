"""What the blocks that ask language models share: their inputs, asking, and what that used.

Used by `texts.py`, `structured.py`, `summary.py` and `orchestrator.py`. A block that asks more than once ends
its step after each answer (`CallTools` without calls), so that no answer that was paid for is asked for again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from pydantic import Field

from blocks.base import BlockContext, BlockInputError, Cost, CostType, Inputs
from blocks.credentials import ApiKey, CredentialsField, CredentialsMeta, ProviderBy
from blocks.language_models import (
    Message,
    ModelRefused,
    ModelUnavailable,
    OnText,
    Reply,
    Request,
    ToolSpec,
    is_call,
    text_of,
)
from blocks.llm.models import (
    ADVICE,
    DEFAULT_MODEL,
    OPEN_PROVIDERS,
    PROVIDERS,
    charged_cents,
    find_model,
    known_models,
    priced_models,
    provider_of,
)
from blocks.system_credentials import paid_by_host, system_id
from blocks.text.jinja import render

TRANSIENT = (ModelUnavailable,)

CREDENTIALS: Mapping[str, CredentialsField] = {
    "credentials": CredentialsField(
        PROVIDERS,
        required=False,
        provider_by=ProviderBy("model", provider_of, ADVICE),
        keyless_at_endpoint=True,
        only_at_endpoint=OPEN_PROVIDERS,
    )
}
"""The key of the model's provider. It may be left out where the deployment has an endpoint of its own for it."""

COSTS = (
    *(
        Cost(math.ceil(model.flat_cents), CostType.TOKENS, {"model": model.name, **paid_by_host(model.provider)})
        for model in priced_models()
        if model.provider not in ("open_router", *OPEN_PROVIDERS)
    ),
    Cost(150, CostType.COST_USD, paid_by_host("open_router")),
)
"""With the deployment's key; OpenRouter says itself what an answer cost. Models of the deployment's own are free."""

_CHARACTERS_OF_A_TOKEN = 4
_OF_THE_KEY = frozenset({401, 402, 403, 429})
"""Statuses of refusals that another key may mend."""

_DEFAULT_OLLAMA = "localhost:11434"


class ModelChoice(Inputs):
    """Which model is asked, and by whose key."""

    model: str = Field(
        DEFAULT_MODEL,
        description="The language model; `ollama/NAME`, `openai_compatible/NAME` for one at an endpoint of the "
        "deployment's",
        examples=known_models(),
    )
    credentials: CredentialsMeta | None = Field(None, description="The key of the model's provider, if it wants one")


class ModelInputs(ModelChoice):
    """The inputs that most of these blocks have in common."""

    max_tokens: int | None = Field(None, ge=1, description="The longest answer, in tokens")
    ollama_host: str = Field(_DEFAULT_OLLAMA, description="Not heeded: the deployment says where its models are")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a node execution's answers used so far. `cents` is their price, whoever pays."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cents: float = 0.0

    @classmethod
    def before(cls, state: Any) -> Self:
        """What earlier steps of the execution used, by the state they left."""
        return cls(**state["spent"]) if isinstance(state, Mapping) and "spent" in state else cls()

    def with_reply(self, reply: Reply) -> "Spent":
        """And one answer more."""
        used = reply.usage
        return replace(
            self,
            calls=self.calls + 1,
            input=self.input + used.input + used.cache_read + used.cache_write,
            output=self.output + used.output,
            cents=self.cents + reply.cost,
        )

    def state(self) -> dict[str, Any]:
        """As it is kept between steps."""
        return asdict(self)


@dataclass(slots=True)
class Asker:
    """Asks one model on behalf of one node execution, and tells its stats what that used."""

    inputs: ModelChoice
    context: BlockContext
    spent: Spent

    @classmethod
    def of(cls, inputs: ModelChoice, context: BlockContext) -> "Asker":
        """With what earlier steps used already told. BlockInputError for a host that a user names."""
        host = inputs.ollama_host if isinstance(inputs, ModelInputs) else _DEFAULT_OLLAMA
        if host != _DEFAULT_OLLAMA and provider_of(inputs.model) in OPEN_PROVIDERS:
            raise BlockInputError("`ollama_host` is not accepted: the deployment says where its models are.")
        asker = cls(inputs, context, Spent.before(context.resume))
        asker._tell()
        return asker

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSpec] = (),
        json_object: bool = False,
        many_tool_calls: bool = True,
        thinking: bool = False,
        on_text: OnText | None = None,
    ) -> Reply:
        """The model's answer. ModelUnavailable passes, and Temporal begins the step anew."""
        key = self.context.credentials.get("credentials")
        request = Request(
            model=self.inputs.model,
            messages=messages,
            tools=tools,
            json_object=json_object,
            max_tokens=self._max_tokens,
            many_tool_calls=many_tool_calls,
            thinking=thinking,
            # The credential of a model server that asks for no key is empty.
            api_key=key.key if isinstance(key, ApiKey) and key.key.get_secret_value() else None,
        )
        try:
            reply = await self.context.services.llm.complete(request, on_text)
        except ModelRefused as error:
            raise ModelRefused(self._with_credential(error), error.status) from None
        self.spent = self.spent.with_reply(reply)
        self._tell()
        return reply

    def fitted(self, messages: Sequence[Message]) -> list[Message]:
        """The messages, the longest shortened in their middle where all would not fit into the model's context."""
        model = find_model(self.inputs.model)
        answer = self._max_tokens or min(4_096, model.context // 4)
        return _fitted(messages, (model.context - answer) * _CHARACTERS_OF_A_TOKEN)

    @property
    def _max_tokens(self) -> int | None:
        return self.inputs.max_tokens if isinstance(self.inputs, ModelInputs) else None

    def _with_credential(self, error: ModelRefused) -> str:
        """The refusal, and by which credential it came about, if another one might mend it."""
        said, meta = str(error), self.inputs.credentials
        if error.status not in _OF_THE_KEY or meta is None:
            return said
        known = f"The credential used is {meta.title or meta.id!r:.200}."
        if meta.id == system_id(meta.provider):
            known = "The credential used is the deployment's own."
        return f"{said}{'' if said.endswith(('.', '!', '…')) else '.'} {known}"

    def _tell(self) -> None:
        stats, spent = self.context.stats, self.spent
        stats.model_calls, stats.input_tokens, stats.output_tokens = spent.calls, spent.input, spent.output
        meta = self.inputs.credentials
        # Only the use of the deployment's own key is charged; a user's key is billed to the user elsewhere.
        provider = provider_of(self.inputs.model)
        if meta and provider and meta.id == system_id(provider):
            stats.extra_cost = charged_cents(spent.cents)


def check_history(messages: Sequence[Message]) -> None:
    """BlockInputError when a message of a conversation holds calls that are none."""
    for message in messages:
        calls = message.get("tool_calls")
        if calls is not None and not (isinstance(calls, list) and all(map(is_call, calls))):
            raise BlockInputError(
                "The `tool_calls` of a message are a list of objects with an `id` and a `function`; leave them out "
                "where there are none."
            )


async def filled(template: str, values: Mapping[str, Any]) -> str:
    """The prompt with `{{name}}` filled in; one without values is as it was written."""
    return await render(template, values) if values else template


def chat(system: str, *rest: Message) -> list[Message]:
    """Messages, begun by the system's words if there are any."""
    return [*([{"role": "system", "content": system}] if system else []), *rest]


def user(text: str) -> dict[str, Any]:
    """What the user says."""
    return {"role": "user", "content": text}


def _fitted(messages: Sequence[Message], room: int) -> list[Message]:
    fitted = list(messages)
    lengths = [len(text_of(message.get("content"))) for message in fitted]
    while sum(lengths) > room:
        longest = max(range(len(lengths)), key=lengths.__getitem__)
        text = text_of(fitted[longest].get("content"))
        kept = max(200, min(lengths[longest] // 2, lengths[longest] - (sum(lengths) - room) - 50))
        if kept >= len(text):
            break  # nothing long is left: the provider will say that it is too much
        text = f"{text[: kept // 2]}\n[… shortened …]\n{text[-(kept // 2) :]}"
        fitted[longest] = {**fitted[longest], "content": text}
        lengths[longest] = len(text)
    return fitted
