"""Blocks that talk with people where they chat: Discord, Slack and Telegram.

Registered in `blocks/catalogue.py`; what the services are asked is in `blocks/providers/`. What sends is entered at
most once.
"""

from blocks.chat.discord_lookups import DiscordChannelInfo, DiscordGetCurrentUser, DiscordUserInfo
from blocks.chat.discord_messages import (
    CreateDiscordThread,
    ReplyToDiscordMessage,
    SendDiscordDM,
    SendDiscordEmbed,
    SendDiscordFile,
    SendDiscordMessage,
)
from blocks.chat.discord_reading import ReadDiscordMessages
from blocks.chat.slack import SendSlackMessage
from blocks.chat.telegram_media import (
    SendTelegramAudio,
    SendTelegramDocument,
    SendTelegramPhoto,
    SendTelegramVideo,
    SendTelegramVoice,
)
from blocks.chat.telegram_messages import (
    DeleteTelegramMessage,
    EditTelegramMessage,
    GetTelegramFile,
    ReplyToTelegramMessage,
    SendTelegramMessage,
)

CHAT_BLOCKS = (
    ReadDiscordMessages,
    SendDiscordMessage,
    SendDiscordDM,
    SendDiscordEmbed,
    SendDiscordFile,
    ReplyToDiscordMessage,
    CreateDiscordThread,
    DiscordUserInfo,
    DiscordChannelInfo,
    DiscordGetCurrentUser,
    SendSlackMessage,
    SendTelegramMessage,
    ReplyToTelegramMessage,
    EditTelegramMessage,
    DeleteTelegramMessage,
    SendTelegramPhoto,
    SendTelegramVoice,
    SendTelegramAudio,
    SendTelegramDocument,
    SendTelegramVideo,
    GetTelegramFile,
)
"""In the order in which people read them."""
