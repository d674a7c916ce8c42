"""Slack: posting a message as an app.

For the block of `blocks/chat/slack.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blocks.http.client import Http
from blocks.http.errors import RequestFailed
from blocks.providers.answers import object_of, unexpected

_POST = "https://slack.com/api/chat.postMessage"
_TOKEN = "Copy the bot token (xoxb-…) anew from the app's page “OAuth & Permissions”"  # noqa: S105 - no token
_REFUSALS = {
    "account_inactive": f"the token's user or workspace is gone. {_TOKEN}",
    "as_user_not_supported": "the token is of a kind that cannot post so",
    "cannot_reply_to_message": "messages of that kind take no replies",
    "channel_not_found": "there is no such channel, or the app cannot see it. Give its id, or add the app to it",
    "ekm_access_denied": "an administrator has blocked messages for now",
    "invalid_auth": f"the token is not valid. {_TOKEN}",
    "invalid_blocks": "the message is not formatted as Slack wants it",
    "is_archived": "the channel is archived",
    "message_limit_exceeded": "the workspace has reached its limit of messages",
    "messages_tab_disabled": "the app takes no direct messages: switch its Messages Tab on",
    "missing_scope": "the app lacks a scope: it needs chat:write, and chat:write.customize for a name or an icon",
    "msg_too_long": "the message is too long",
    "no_text": "the message is empty",
    "not_allowed_token_type": f"the token is of another kind. {_TOKEN}",
    "not_authed": f"no token came with it. {_TOKEN}",
    "not_in_channel": "the app is not in the channel: invite it there",
    "org_login_required": "the workspace is being moved; try again later",
    "ratelimited": "there were too many messages; try again later",
    "rate_limited": "there were too many messages; try again later",
    "restricted_action": "a rule of the workspace keeps the app from posting there",
    "restricted_action_non_threadable_channel": "only replies to threads can be posted there",
    "restricted_action_read_only_channel": "nothing can be posted to that channel",
    "restricted_action_thread_locked": "the thread is locked",
    "restricted_action_thread_only_channel": "only threads can be posted there",
    "team_access_not_granted": "the app has no access to that workspace",
    "thread_not_found": "there is no such thread: give the `ts` of its first message",
    "token_expired": f"the token has run out. {_TOKEN}",
    "token_revoked": f"the token was revoked. {_TOKEN}",
    "too_many_attachments": "there are too many attachments",
    "user_not_found": "there is no such user",
}


@dataclass(frozen=True, slots=True)
class Posted:
    """Slack's time stamp of a message, which is its id, and the id of the channel."""

    ts: str
    channel: str


async def post_message(http: Http, token: str, message: Mapping[str, Any]) -> Posted:
    """Post a message in Slack's own form. RequestFailed says why Slack refuses it, as far as its code is known."""
    answer = await http.request("POST", _POST, headers={"Authorization": f"Bearer {token}"}, json=dict(message))
    match object_of(answer):
        case {"ok": True, "ts": str() as ts, "channel": str() as channel}:
            return Posted(ts, channel)
        case {"ok": False, "error": str() as code}:
            why = _REFUSALS.get(code, "it gave a reason that is not known here")
            raise RequestFailed(f"Slack refuses: {why}.", host=answer.host)
    raise unexpected(answer)
