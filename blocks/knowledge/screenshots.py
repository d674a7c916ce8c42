"""Pictures of pages, by ScreenshotOne."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import ClassVar
from urllib.parse import urlencode

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.knowledge.limits import LONG
from blocks.providers import screenshotone
from blocks.system_credentials import paid_by_host

_ASKED = {
    "access_key": "secret of mine",
    "url": "https://tea.example/",
    "viewport_width": 1920,
    "viewport_height": 1080,
    "format": "png",
    "full_page": "false",
    "block_ads": "true",
    "block_cookie_banners": "true",
    "block_chats": "true",
    "cache": "false",
}


class Format(StrEnum):
    """What kind of picture."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class ScreenshotWebPageInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for ScreenshotOne")
    url: str = Field(title="URL", description="The page", examples=["https://tea.example/"], min_length=1)
    viewport_width: int = Field(1920, title="Width", description="The window's width, in pixels", ge=1, le=10_000)
    viewport_height: int = Field(1080, title="Height", description="The window's height, in pixels", ge=1, le=10_000)
    full_page: bool = Field(False, title="Whole page", description="Whether the whole page is shown, however long")
    format: Format = Field(Format.PNG, title="Format", description="What kind of picture")
    block_ads: bool = Field(True, title="No advertising", description="Whether advertising is left out")
    block_cookie_banners: bool = Field(True, title="No banners", description="Whether cookie banners are left out")
    block_chats: bool = Field(True, title="No chats", description="Whether chat windows are left out")
    cache: bool = Field(False, title="Kept picture", description="Whether a picture that ScreenshotOne has will do")


class ScreenshotWebPageOutputs(Outputs):
    image: str = Field(title="Picture", description="The picture, as the URI of a file of the run")


class ScreenshotWebPage(Block[ScreenshotWebPageInputs]):
    id = "3a7c4b8d-6e2f-4a5d-b9c1-f8d23c5a9b0e"
    name = "Screenshot web page"
    description = "Takes a picture of a page with ScreenshotOne."
    categories = frozenset({Category.DATA})
    credentials: ClassVar = {"credentials": CredentialsField(("screenshotone",))}
    costs = (Cost(2, filter=paid_by_host("screenshotone")),)
    timeout = LONG
    Input = ScreenshotWebPageInputs
    Output = ScreenshotWebPageOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "screenshotone", "type": "api_key"},
                "url": "https://tea.example/",
            },
            (
                (
                    "image",
                    "heddle://files/4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6/screenshot.png",
                ),
            ),
            web=(
                Exchange(
                    f"GET https://api.screenshotone.com/take?{urlencode(_ASKED)}",
                    b"\x89PNG\r\n\x1a\n",
                    headers={"Content-Type": "image/png"},
                ),
            ),
        ),
    )

    async def run(self, inputs: ScreenshotWebPageInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        picture = await screenshotone.take(
            context.services.http,
            key_of(context.credentials),
            inputs.url,
            inputs.format.value,
            width=inputs.viewport_width,
            height=inputs.viewport_height,
            options={
                "full_page": inputs.full_page,
                "block_ads": inputs.block_ads,
                "block_cookie_banners": inputs.block_cookie_banners,
                "block_chats": inputs.block_chats,
                "cache": inputs.cache,
            },
        )
        yield "image", await context.services.files.store(picture)
