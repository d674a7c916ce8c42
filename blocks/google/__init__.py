"""Blocks for Google's services, which act for a user's account."""

from typing import Any

from blocks.base import Block
from blocks.google.gmail_reading import (
    GmailAddLabel,
    GmailGetProfile,
    GmailGetThread,
    GmailListLabels,
    GmailRead,
    GmailRemoveLabel,
)
from blocks.google.gmail_sending import GmailCreateDraft, GmailDraftReply, GmailForward, GmailReply, GmailSend

GOOGLE_BLOCKS: tuple[type[Block[Any]], ...] = (
    GmailSend,
    GmailRead,
    GmailGetThread,
    GmailReply,
    GmailForward,
    GmailCreateDraft,
    GmailDraftReply,
    GmailListLabels,
    GmailAddLabel,
    GmailRemoveLabel,
    GmailGetProfile,
)
"""In the order in which people read them."""
