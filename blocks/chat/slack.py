"""What an app says on Slack."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import slack
from engine.model import Effects


class SendSlackMessageInputs(Inputs):
    credentials: CredentialsMeta = Field(
        title="Credentials", description="The bot token (xoxb-…) of a Slack app with the scope chat:write"
    )
    channel: str = Field(
        title="Channel",
        description="The id or the name of a channel, or the id of a user",
        examples=["C1234567890", "#general", "U1234567890"],
        min_length=1,
    )
    text: str = Field(title="Message", description="What to say, in Slack's markup: *bold*, _italic_, `code`")
    thread_ts: str | None = Field(None, title="Thread", description="The `ts` of the message to reply to")
    username: str | None = Field(
        None, title="Name", description="The name to post under; needs the scope chat:write.customize"
    )
    icon_emoji: str | None = Field(
        None,
        title="Icon",
        description="An emoji to post under; needs the scope chat:write.customize",
        examples=[":robot_face:"],
    )
    unfurl_links: bool = Field(True, title="Show links", description="Whether the pages behind links are shown")
    mrkdwn: bool = Field(True, title="Markup", description="Whether Slack's markup is read")

    def message(self) -> dict[str, Any]:
        """In Slack's own form. ValueError when there is nothing to say."""
        if not self.text.strip():
            raise ValueError("There is nothing to send: the message is empty.")
        chosen = {"thread_ts": self.thread_ts, "username": self.username, "icon_emoji": self.icon_emoji}
        return {
            "channel": self.channel,
            "text": self.text,
            "mrkdwn": self.mrkdwn,
            "unfurl_links": self.unfurl_links,
            **{name: value for name, value in chosen.items() if value},
        }


class SendSlackMessageOutputs(Outputs):
    ts: str = Field(title="Time stamp", description="The message's id; as `thread_ts` it begins a thread")
    channel: str = Field(title="Channel id", description="The id of the channel it was posted in")


class SendSlackMessage(Block[SendSlackMessageInputs]):
    id = "50cf5290-ec87-4ca1-b7d7-b8b4ef772f6d"
    name = "Send Slack message"
    description = "Posts a message to a channel, a thread or a user on Slack. Nothing is tried again."
    categories = frozenset({Category.SOCIAL})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("slack",), own_only=True)}
    Input = SendSlackMessageInputs
    Output = SendSlackMessageOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "app", "provider": "slack", "type": "api_key"},
                "channel": "#kitchen",
                "text": "Tea is *ready*.",
            },
            (("ts", "1503435956.000247"), ("channel", "C123ABC456")),
            web=(
                Exchange(
                    "POST https://slack.com/api/chat.postMessage",
                    '{"ok": true, "channel": "C123ABC456", "ts": "1503435956.000247"}',
                    headers={"Content-Type": "application/json"},
                ),
            ),
        ),
    )

    async def run(self, inputs: SendSlackMessageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        posted = await slack.post_message(context.services.http, key_of(context.credentials), inputs.message())
        yield "ts", posted.ts
        yield "channel", posted.channel
