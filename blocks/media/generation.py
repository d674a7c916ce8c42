"""A picture from words, by one of several models under one set of inputs.

Registered in `blocks/media/`. Sizes and styles are words that each model is told in its own way.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Category, Example, Outputs
from blocks.media.predictions import ReplicateBlock, ReplicateInputs, made
from blocks.media.shared import kept, price
from blocks.providers.replicate import Request, file_in
from blocks.services import Services


class ImageGenModel(StrEnum):
    """The models, as people know them."""

    FLUX = "Flux 1.1 Pro"
    FLUX_ULTRA = "Flux 1.1 Pro Ultra"
    RECRAFT = "Recraft v3"
    SD3_5 = "Stable Diffusion 3.5 Medium"
    NANO_BANANA_PRO = "Nano Banana Pro"
    NANO_BANANA_2 = "Nano Banana 2"


class ImageSize(StrEnum):
    """The shape of a picture."""

    SQUARE = "square"
    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"
    WIDE = "wide"
    TALL = "tall"


class ImageStyle(StrEnum):
    """The look of a picture, in Recraft's words."""

    ANY = "any"
    REALISTIC = "realistic_image"
    REALISTIC_BW = "realistic_image/b_and_w"
    REALISTIC_HDR = "realistic_image/hdr"
    REALISTIC_NATURAL = "realistic_image/natural_light"
    REALISTIC_STUDIO = "realistic_image/studio_portrait"
    REALISTIC_ENTERPRISE = "realistic_image/enterprise"
    REALISTIC_HARD_FLASH = "realistic_image/hard_flash"
    REALISTIC_MOTION_BLUR = "realistic_image/motion_blur"
    DIGITAL_ART = "digital_illustration"
    PIXEL_ART = "digital_illustration/pixel_art"
    HAND_DRAWN = "digital_illustration/hand_drawn"
    GRAIN = "digital_illustration/grain"
    SKETCH = "digital_illustration/infantile_sketch"
    POSTER = "digital_illustration/2d_art_poster"
    POSTER_2 = "digital_illustration/2d_art_poster_2"
    HANDMADE_3D = "digital_illustration/handmade_3d"
    HAND_DRAWN_OUTLINE = "digital_illustration/hand_drawn_outline"
    ENGRAVING_COLOR = "digital_illustration/engraving_color"


_NAMES = {
    ImageGenModel.FLUX: "black-forest-labs/flux-1.1-pro",
    ImageGenModel.FLUX_ULTRA: "black-forest-labs/flux-1.1-pro-ultra",
    ImageGenModel.RECRAFT: "recraft-ai/recraft-v3",
    ImageGenModel.SD3_5: "stability-ai/stable-diffusion-3.5-medium",
    ImageGenModel.NANO_BANANA_PRO: "google/nano-banana-pro",
    ImageGenModel.NANO_BANANA_2: "google/nano-banana-2",
}
_RATIOS = {
    ImageSize.SQUARE: "1:1",
    ImageSize.LANDSCAPE: "4:3",
    ImageSize.PORTRAIT: "3:4",
    ImageSize.WIDE: "16:9",
    ImageSize.TALL: "9:16",
}
# Flux takes no side longer than 1440 pixels.
_FLUX_PIXELS = {
    ImageSize.SQUARE: (1024, 1024),
    ImageSize.LANDSCAPE: (1365, 1024),
    ImageSize.PORTRAIT: (1024, 1365),
    ImageSize.WIDE: (1440, 810),
    ImageSize.TALL: (810, 1440),
}
_RECRAFT_PIXELS = {
    ImageSize.SQUARE: "1024x1024",
    ImageSize.LANDSCAPE: "1365x1024",
    ImageSize.PORTRAIT: "1024x1365",
    ImageSize.WIDE: "1536x1024",
    ImageSize.TALL: "1024x1536",
}
# What stands before the prompt of a model that knows no styles: `pixel art of …`.
_STYLE_WORDS = {
    ImageStyle.REALISTIC: "photorealistic",
    ImageStyle.REALISTIC_BW: "black and white photograph",
    ImageStyle.REALISTIC_HDR: "HDR photograph",
    ImageStyle.REALISTIC_NATURAL: "natural light photograph",
    ImageStyle.REALISTIC_STUDIO: "studio portrait photograph",
    ImageStyle.REALISTIC_ENTERPRISE: "enterprise photograph",
    ImageStyle.REALISTIC_HARD_FLASH: "hard flash photograph",
    ImageStyle.REALISTIC_MOTION_BLUR: "motion blur photograph",
    ImageStyle.DIGITAL_ART: "digital art",
    ImageStyle.PIXEL_ART: "pixel art",
    ImageStyle.HAND_DRAWN: "hand drawn illustration",
    ImageStyle.GRAIN: "grainy digital illustration",
    ImageStyle.SKETCH: "sketchy illustration",
    ImageStyle.POSTER: "2D art poster",
    ImageStyle.POSTER_2: "alternate 2D art poster",
    ImageStyle.HANDMADE_3D: "handmade 3D illustration",
    ImageStyle.HAND_DRAWN_OUTLINE: "hand drawn outline illustration",
    ImageStyle.ENGRAVING_COLOR: "color engraving illustration",
}
_PRICES = {
    ImageGenModel.SD3_5: 5,
    ImageGenModel.FLUX: 6,
    ImageGenModel.FLUX_ULTRA: 10,
    ImageGenModel.RECRAFT: 7,
    ImageGenModel.NANO_BANANA_PRO: 21,
    ImageGenModel.NANO_BANANA_2: 21,
}


def request_for(model: ImageGenModel, prompt: str, size: ImageSize, style: ImageStyle) -> dict[str, Any]:
    """The inputs of the model for a picture of this size and style."""
    if model is ImageGenModel.RECRAFT:
        return {"prompt": prompt, "size": _RECRAFT_PIXELS[size], "style": style.value}
    words = _STYLE_WORDS.get(style)
    request: dict[str, Any] = {
        "prompt": f"{words} of {prompt}" if words else prompt,
        "aspect_ratio": _RATIOS[size],
    }
    match model:
        case ImageGenModel.SD3_5:
            return {**request, "output_format": "webp", "output_quality": 90, "steps": 40, "cfg_scale": 7.0}
        case ImageGenModel.FLUX | ImageGenModel.FLUX_ULTRA:
            width, height = _FLUX_PIXELS[size]
            return {**request, "width": width, "height": height, "output_format": "jpg", "output_quality": 90}
        case _:
            return {**request, "resolution": "2K", "output_format": "jpg", "safety_filter_level": "block_only_high"}


class AIImageGeneratorInputs(ReplicateInputs):
    prompt: str = Field(
        title="Prompt", description="What the picture shows", examples=["A red panda in a tea house"], min_length=1
    )
    model: ImageGenModel = Field(ImageGenModel.NANO_BANANA_2, title="Model", description="Which model makes it")
    size: ImageSize = Field(ImageSize.SQUARE, title="Size", description="The shape of the picture")
    style: ImageStyle = Field(ImageStyle.ANY, title="Style", description="The look of the picture")


class AIImageGeneratorOutputs(Outputs):
    image_url: str = Field(
        title="Image", description="The address of the picture. Replicate keeps it for an hour; File store keeps it on"
    )


class AIImageGenerator(ReplicateBlock[AIImageGeneratorInputs]):
    id = "ed1ae7a0-b770-4089-b520-1f0005fad19a"
    name = "AI image generator"
    description = "Makes a picture from words with a model at Replicate. Nothing is tried again."
    categories = frozenset({Category.AI})
    costs = tuple(price(cents, "replicate", model=model.value) for model, cents in _PRICES.items())
    Input = AIImageGeneratorInputs
    Output = AIImageGeneratorOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
                "prompt": "A red panda in a tea house",
                "size": "wide",
                "style": "digital_illustration/pixel_art",
            },
            (("image_url", "https://replicate.delivery/p1/out.jpg"),),
            web=(made("google/nano-banana-2", '"https://replicate.delivery/p1/out.jpg"'),),
        ),
    )

    async def request(self, inputs: AIImageGeneratorInputs, services: Services) -> Request:
        return Request(_NAMES[inputs.model], request_for(inputs.model, inputs.prompt, inputs.size, inputs.style))

    async def outputs(self, inputs: AIImageGeneratorInputs, output: Any, services: Services) -> Mapping[str, Any]:
        picture = file_in(output)
        # Agents write the address into messages, so it stays one; a data URI is no address and would fill them.
        return {"image_url": picture if picture.startswith("https://") else await kept(picture, services)}
