"""What the blocks of Exa share; and what Exa is to give of pages, as people set it and as Exa is asked for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from blocks.base import Cost, CostType, Inputs
from blocks.credentials import CredentialsField, CredentialsMeta

MINE = {"id": "mine", "provider": "exa", "type": "api_key"}
EXA_CREDENTIALS = {"credentials": CredentialsField(("exa",))}
EXA_COSTS = (Cost(100, CostType.COST_USD),)
"""Exa's own price, whoever pays Exa."""


class ExaInputs(Inputs):
    """The account."""

    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Exa")


class LivecrawlTypes(StrEnum):
    """Whether a page is read anew or as Exa knows it."""

    NEVER = "never"
    FALLBACK = "fallback"
    ALWAYS = "always"
    PREFERRED = "preferred"


class HighlightSettings(BaseModel):
    """Which passages of a page are given."""

    num_sentences: int = Field(1, ge=1, description="Sentences of each passage")
    highlights_per_url: int = Field(1, ge=1, description="Passages of each page")
    query: str | None = Field(None, description="What the passages are to tell of")


class SummarySettings(BaseModel):
    """How a page is summed up."""

    model_config = ConfigDict(populate_by_name=True)

    query: str | None = Field(None, description="What the summary is to tell of")
    json_schema: dict[str, Any] | None = Field(None, alias="schema", description="JSON Schema of a structured summary")


class ExtrasSettings(BaseModel):
    """What else of a page is given."""

    links: int = Field(0, ge=0, description="How many of its links")
    image_links: int = Field(0, ge=0, description="How many of its images")


class ContentSettings(BaseModel):
    """What is given of each page that is found. `text` and `context`: yes or no, or an object that says how."""

    text: bool | dict[str, Any] | None = Field(None, description="The page's text; an object may have `max_characters`")
    highlights: HighlightSettings | None = Field(None, description="Passages")
    summary: SummarySettings | None = Field(None, description="A summary")
    livecrawl: LivecrawlTypes | None = Field(None, description="Whether the page is read anew")
    livecrawl_timeout: int | None = Field(None, description="For how many milliseconds that is tried")
    subpages: int | None = Field(None, ge=0, description="How many pages below it are read, too")
    subpage_target: str | list[str] | None = Field(None, description="Words that tell which of them")
    extras: ExtrasSettings | None = Field(None, description="Links and images")
    context: bool | dict[str, Any] | None = Field(None, description="All pages as one text for language models")


def asked_contents(settings: ContentSettings) -> dict[str, Any]:
    """The settings in Exa's words; what is not set is left to Exa."""
    asked: dict[str, Any] = {}
    if (text := _switch(settings.text)) is not None:
        asked["text"] = text
    if settings.highlights:
        asked["highlights"] = _without_none(
            {
                "numSentences": settings.highlights.num_sentences,
                "highlightsPerUrl": settings.highlights.highlights_per_url,
                "query": settings.highlights.query or None,
            }
        )
    if settings.summary:
        asked["summary"] = _without_none(
            {"query": settings.summary.query or None, "schema": settings.summary.json_schema or None}
        )
    if settings.extras and (settings.extras.links or settings.extras.image_links):
        asked["extras"] = {"links": settings.extras.links, "imageLinks": settings.extras.image_links}
    return asked | _without_none(
        {
            "livecrawl": settings.livecrawl,
            "livecrawlTimeout": settings.livecrawl_timeout,
            "subpages": settings.subpages,
            "subpageTarget": settings.subpage_target or None,
            "context": _switch(settings.context) or None,
        }
    )


def asked_dates(dates: Mapping[str, datetime | None]) -> dict[str, str]:
    """Moments as Exa reads them; one without a zone is in UTC."""
    return {
        name: (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        .astimezone(UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
        for name, moment in dates.items()
        if moment
    }


def _switch(told: bool | dict[str, Any] | None) -> bool | dict[str, Any] | None:
    """Yes, no, or how; upstream's objects say which of them in `discriminator`."""
    if not isinstance(told, dict):
        return told
    if told.get("discriminator") in ("enabled", "disabled"):
        return bool(told["discriminator"] == "enabled")
    names = {"max_characters": "maxCharacters", "include_html_tags": "includeHtmlTags"}
    return {ours: told[name] for name, ours in names.items() if told.get(name)} or True


def _without_none(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}
