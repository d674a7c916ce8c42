"""What a Telegram bot says, takes back and is sent. What it says is sent at most once."""

from collections.abc import AsyncIterator

from pydantic import Field

from blocks.base import BlockContext, Example, Exchange, Outputs, Yielded
from blocks.chat.telegram_bots import (
    SOME_BOT,
    BotBlock,
    BotInputs,
    ChatInputs,
    MessageOutputs,
    ParseMode,
    answered,
    formatted,
    refuse_empty,
    replying,
)
from blocks.credentials import key_of
from blocks.providers import telegram
from engine.model import Effects


class SendTelegramMessageInputs(ChatInputs):
    text: str = Field(title="Message", description="What to say; at most 4096 characters")
    parse_mode: ParseMode = Field(ParseMode.NONE, title="Format", description="How the text is formatted")
    reply_to_message_id: int | None = Field(None, title="Reply to", description="The id of a message to reply to")
    disable_notification: bool = Field(False, title="Silent", description="Whether it comes without a sound")


class SendTelegramMessage(BotBlock[SendTelegramMessageInputs]):
    id = "787678ad-1f47-4efc-89df-643f9908621a"
    name = "Send Telegram message"
    description = "Sends a message to a Telegram chat as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = SendTelegramMessageInputs
    Output = MessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "chat_id": 42, "text": "Tea is ready."},
            (("message_id", 123), ("status", "Message sent")),
            web=(answered("sendMessage"),),
        ),
    )

    async def run(self, inputs: SendTelegramMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        refuse_empty(inputs.text)
        message = {
            "chat_id": inputs.chat_id,
            "text": inputs.text,
            **formatted(inputs.parse_mode),
            **replying(inputs.reply_to_message_id),
            **({"disable_notification": True} if inputs.disable_notification else {}),
        }
        yield "message_id", await telegram.send_message(context.services.http, key_of(context.credentials), message)
        yield "status", "Message sent"


class ReplyToTelegramMessageInputs(ChatInputs):
    reply_to_message_id: int = Field(title="Reply to", description="The id of the message to reply to")
    text: str = Field(title="Reply", description="What to say; at most 4096 characters")
    parse_mode: ParseMode = Field(ParseMode.NONE, title="Format", description="How the text is formatted")


class ReplyToTelegramMessage(BotBlock[ReplyToTelegramMessageInputs]):
    id = "c2b1c976-844f-4b6c-ab21-4973d2ceab15"
    name = "Reply to Telegram message"
    description = "Replies to a message in a Telegram chat as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = ReplyToTelegramMessageInputs
    Output = MessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "chat_id": 42, "reply_to_message_id": 7, "text": "It is."},
            (("message_id", 123), ("status", "Reply sent")),
            web=(answered("sendMessage"),),
        ),
    )

    async def run(self, inputs: ReplyToTelegramMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        refuse_empty(inputs.text)
        message = {
            "chat_id": inputs.chat_id,
            "text": inputs.text,
            **formatted(inputs.parse_mode),
            "reply_parameters": {"message_id": inputs.reply_to_message_id},
        }
        yield "message_id", await telegram.send_message(context.services.http, key_of(context.credentials), message)
        yield "status", "Reply sent"


class EditTelegramMessageInputs(ChatInputs):
    message_id: int = Field(title="Message id", description="The id of the message")
    text: str = Field(title="Message", description="What it is to say; at most 4096 characters")
    parse_mode: ParseMode = Field(ParseMode.NONE, title="Format", description="How the text is formatted")


class EditTelegramMessage(BotBlock[EditTelegramMessageInputs]):
    id = "c55816a2-37af-4901-ba19-36edcf2acfc1"
    name = "Edit Telegram message"
    description = "Puts another text into a message that a Telegram bot has sent. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = EditTelegramMessageInputs
    Output = MessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "chat_id": 42, "message_id": 123, "text": "Tea is cold."},
            (("message_id", 123), ("status", "Message edited")),
            web=(answered("editMessageText"),),
        ),
    )

    async def run(self, inputs: EditTelegramMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        refuse_empty(inputs.text)
        message = {
            "chat_id": inputs.chat_id,
            "message_id": inputs.message_id,
            "text": inputs.text,
            **formatted(inputs.parse_mode),
        }
        yield "message_id", await telegram.edit_message(context.services.http, key_of(context.credentials), message)
        yield "status", "Message edited"


class DeleteTelegramMessageInputs(ChatInputs):
    message_id: int = Field(title="Message id", description="The id of the message")


class DeleteTelegramMessageOutputs(Outputs):
    status: str = Field(title="Status", description="That the message was deleted")


class DeleteTelegramMessage(BotBlock[DeleteTelegramMessageInputs]):
    id = "bb4fd91a-883e-4d29-9879-b06c4bb79d30"
    name = "Delete Telegram message"
    description = "Deletes a message from a Telegram chat as a bot. Nothing is tried again."
    effects = Effects.EFFECTFUL
    Input = DeleteTelegramMessageInputs
    Output = DeleteTelegramMessageOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "chat_id": 42, "message_id": 123},
            (("status", "Message deleted"),),
            web=(answered("deleteMessage", "true"),),
        ),
    )

    async def run(self, inputs: DeleteTelegramMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, token = context.services.http, key_of(context.credentials)
        await telegram.delete_message(http, token, inputs.chat_id, inputs.message_id)
        yield "status", "Message deleted"


class GetTelegramFileInputs(BotInputs):
    file_id: str = Field(title="File id", description="Telegram's id of the file", min_length=1)


class GetTelegramFileOutputs(Outputs):
    file: str = Field(title="File", description="The file, as the URI of a file of the run")
    status: str = Field(title="Status", description="That the file is here")


class GetTelegramFile(BotBlock[GetTelegramFileInputs]):
    id = "b600aaf2-6272-40c6-b973-c3984747c5bd"
    name = "Get Telegram file"
    description = "Reads a file that somebody sent to a Telegram bot, of 20 MB at the most."
    Input = GetTelegramFileInputs
    Output = GetTelegramFileOutputs
    examples = (
        Example(
            {"credentials": SOME_BOT, "file_id": "AgACAgIAAxkBAAI"},
            (
                ("file", "heddle://files/a9f74d1ec36ebdeb2da3f6e5868090cd2a2d20b3dcca7b62f60304b1d3d9ef42/order.txt"),
                ("status", "File downloaded"),
            ),
            web=(
                answered("getFile", '{"file_id": "AgACAgIAAxkBAAI", "file_path": "documents/order.txt"}'),
                Exchange("GET https://api.telegram.org/file/botsecret%20of%20bot/documents/order.txt", "tea"),
            ),
        ),
    )

    async def run(self, inputs: GetTelegramFileInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        file = await telegram.read_file(context.services.http, key_of(context.credentials), inputs.file_id)
        yield "file", await context.services.files.store(file)
        yield "status", "File downloaded"
