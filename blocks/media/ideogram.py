"""A picture from words by Ideogram, which can write, too.

Registered in `blocks/media/`.
"""

import re
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.media.shared import kept, price
from blocks.providers import ideogram
from engine.model import Effects

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


class IdeogramModelName(StrEnum):
    """Ideogram's models."""

    V3 = "V_3"
    V2 = "V_2"
    V1 = "V_1"
    V1_TURBO = "V_1_TURBO"
    V2_TURBO = "V_2_TURBO"


class IdeogramAspectRatio(StrEnum):
    """Width to height."""

    ASPECT_10_16 = "ASPECT_10_16"
    ASPECT_16_10 = "ASPECT_16_10"
    ASPECT_9_16 = "ASPECT_9_16"
    ASPECT_16_9 = "ASPECT_16_9"
    ASPECT_3_2 = "ASPECT_3_2"
    ASPECT_2_3 = "ASPECT_2_3"
    ASPECT_4_3 = "ASPECT_4_3"
    ASPECT_3_4 = "ASPECT_3_4"
    ASPECT_1_1 = "ASPECT_1_1"
    ASPECT_1_3 = "ASPECT_1_3"
    ASPECT_3_1 = "ASPECT_3_1"


class UpscaleOption(StrEnum):
    """Whether a picture is made larger."""

    AI_UPSCALE = "AI Upscale"
    NO_UPSCALE = "No Upscale"


class MagicPromptOption(StrEnum):
    """Whether Ideogram embellishes a prompt."""

    AUTO = "AUTO"
    ON = "ON"
    OFF = "OFF"


class StyleType(StrEnum):
    """The look of a picture."""

    AUTO = "AUTO"
    GENERAL = "GENERAL"
    REALISTIC = "REALISTIC"
    DESIGN = "DESIGN"
    RENDER_3D = "RENDER_3D"
    ANIME = "ANIME"


class ColorPalettePreset(StrEnum):
    """Colours that Ideogram has a name for."""

    NONE = "NONE"
    EMBER = "EMBER"
    FRESH = "FRESH"
    JUNGLE = "JUNGLE"
    MAGIC = "MAGIC"
    MELON = "MELON"
    MOSAIC = "MOSAIC"
    PASTEL = "PASTEL"
    ULTRAMARINE = "ULTRAMARINE"


class IdeogramModelInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Ideogram")
    prompt: str = Field(
        title="Prompt", description="What the picture shows", examples=["A poster that says TEA"], min_length=1
    )
    ideogram_model_name: IdeogramModelName = Field(
        IdeogramModelName.V3, title="Model", description="Which model makes it"
    )
    aspect_ratio: IdeogramAspectRatio = Field(
        IdeogramAspectRatio.ASPECT_1_1, title="Aspect ratio", description="Width to height"
    )
    upscale: UpscaleOption = Field(
        UpscaleOption.NO_UPSCALE, title="Upscale", description="Whether the picture is made larger, which costs more"
    )
    magic_prompt_option: MagicPromptOption = Field(
        MagicPromptOption.AUTO, title="Magic prompt", description="Whether Ideogram embellishes the prompt"
    )
    seed: int | None = Field(None, title="Seed", description="The same number gives the same picture")
    style_type: StyleType = Field(
        StyleType.AUTO, title="Style", description="The look; RENDER_3D and ANIME with V_2 alone, none with V_1"
    )
    negative_prompt: str | None = Field(None, title="Negative prompt", description="What the picture shall not show")
    color_palette_name: ColorPalettePreset = Field(
        ColorPalettePreset.NONE, title="Palette", description="Its colours by a name; not with V_1"
    )
    custom_color_palette: list[str] | None = Field(
        None,
        title="Colours",
        description="Its colours one by one, without a palette; not with V_1",
        examples=[["#000030", "#9900FF"]],
        max_length=10,
    )


class IdeogramModelOutputs(Outputs):
    result: str = Field(title="Result", description="The picture, as the URI of a file of the run")


class IdeogramModel(Block[IdeogramModelInputs]):
    id = "6ab085e2-20b3-4055-bc3e-08036e01eca6"
    name = "Ideogram model"
    description = "Makes a picture from words with Ideogram. Nothing is tried again."
    categories = frozenset({Category.AI, Category.MULTIMEDIA})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("ideogram",))}
    costs = (price(14, "ideogram", ideogram_model_name=IdeogramModelName.V3.value), price(12, "ideogram"))
    Input = IdeogramModelInputs
    Output = IdeogramModelOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "ideogram", "type": "api_key"},
                "prompt": "A poster that says TEA",
            },
            (("result", "heddle://files/9b0e2ae93d55cc54ed35b0485d6b52add0f85b492d96861dce77ad1679ceec95/p1.png"),),
            web=(
                Exchange(
                    "POST https://api.ideogram.ai/v1/ideogram-v3/generate",
                    '{"data": [{"url": "https://ideogram.ai/api/images/p1.png", "is_image_safe": true}]}',
                    headers={"Content-Type": "application/json"},
                ),
                Exchange("GET https://ideogram.ai/api/images/p1.png", "TEA", headers={"Content-Type": "image/png"}),
            ),
        ),
    )

    async def run(self, inputs: IdeogramModelInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        wish = ideogram.Wish(
            inputs.ideogram_model_name.value,
            inputs.prompt,
            inputs.aspect_ratio.value,
            inputs.magic_prompt_option.value,
            inputs.style_type.value,
            inputs.seed,
            inputs.negative_prompt or "",
            _palette(inputs),
        )
        picture = await ideogram.generate(http, key, wish)
        if inputs.upscale is UpscaleOption.AI_UPSCALE:
            try:
                picture = await ideogram.upscale(http, key, picture)
            except ValueError as failure:
                # What was made is paid for.
                yield "result", await kept(picture, context.services)
                raise ValueError(f"The picture was made, but could not be made larger: {failure}") from None
        yield "result", await kept(picture, context.services)


def _palette(inputs: IdeogramModelInputs) -> dict[str, Any]:
    if inputs.color_palette_name is not ColorPalettePreset.NONE:
        return {"name": inputs.color_palette_name.value}
    colours = [colour.strip() for colour in inputs.custom_color_palette or []]
    for colour in colours:
        if not _COLOUR.fullmatch(colour):
            raise ValueError(f"{colour!r:.30} is no colour; they are written like #9900FF.")
    return {"members": [{"color_hex": colour} for colour in colours]} if colours else {}
