"""What the blocks of a Telegram bot have in common: the bot, the chat, and how texts are formatted."""

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, Category, Exchange, Inputs, Outputs
from blocks.credentials import CredentialsField, CredentialsMeta

SOME_BOT = {"id": "bot", "provider": "telegram", "type": "api_key"}
"""For examples."""


class ParseMode(StrEnum):
    """How a text says what is bold or a link."""

    NONE = "none"
    MARKDOWN = "Markdown"
    MARKDOWNV2 = "MarkdownV2"
    HTML = "HTML"


class BotInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="The token of a Telegram bot, of @BotFather")


class ChatInputs(BotInputs):
    chat_id: int = Field(title="Chat", description="The id of the chat; those of groups are negative")


class MessageOutputs(Outputs):
    message_id: int = Field(title="Message id", description="The id of the message")
    status: str = Field(title="Status", description="That it was done")


class BotBlock[InputT: BotInputs](Block[InputT]):
    categories = frozenset({Category.SOCIAL})
    credentials: ClassVar = {"credentials": CredentialsField(("telegram",), own_only=True)}


def formatted(mode: ParseMode) -> dict[str, Any]:
    """The format in Telegram's own form."""
    return {} if mode is ParseMode.NONE else {"parse_mode": mode.value}


def replying(message_id: int | None) -> dict[str, Any]:
    """What is replied to, in Telegram's own form."""
    return {"reply_parameters": {"message_id": message_id}} if message_id else {}


def refuse_empty(text: str) -> None:
    """ValueError when there is nothing to say."""
    if not text.strip():
        raise ValueError("There is nothing to send: the message is empty.")


def answered(method: str, result: str = '{"message_id": 123, "chat": {"id": 42}}') -> Exchange:
    """For examples: a call and its result. Their token is not like real ones."""
    return Exchange(
        f"POST https://api.telegram.org/botsecret%20of%20bot/{method}",
        f'{{"ok": true, "result": {result}}}',
        headers={"Content-Type": "application/json"},
    )
