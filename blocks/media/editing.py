"""Pictures from words and other pictures.

Registered in `blocks/media/`. The pictures that go in are sent along, whatever says where they are.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Category, Example, Exchange, Outputs
from blocks.files.references import FilesTogether, to_data_uri
from blocks.media.predictions import ReplicateBlock, ReplicateInputs, made
from blocks.media.shared import kept, price
from blocks.providers.replicate import Request, file_in
from blocks.services import Services

_MOST_IMAGES = 14
_MOST_TOGETHER = 15_000_000
"""Bytes of the pictures; in base 64 they fit into the largest request."""
_REFERENCE = "a data URI, an http or https address, or the URI or plain name of a file of the run"
_PICTURE = "The picture, as the URI of a file of the run"
_KEPT = "heddle://files/472d858d6693becf2e8d5f5e52bef27671d20cdd927b7d3d004679f63eff853a/out.png"


class GeminiImageModel(StrEnum):
    """Google's models for pictures, by their names at Replicate."""

    NANO_BANANA = "google/nano-banana"
    NANO_BANANA_PRO = "google/nano-banana-pro"
    NANO_BANANA_2 = "google/nano-banana-2"


class CustomizerAspectRatio(StrEnum):
    """Width to height."""

    MATCH_INPUT_IMAGE = "match_input_image"
    ASPECT_1_1 = "1:1"
    ASPECT_2_3 = "2:3"
    ASPECT_3_2 = "3:2"
    ASPECT_3_4 = "3:4"
    ASPECT_4_3 = "4:3"
    ASPECT_4_5 = "4:5"
    ASPECT_5_4 = "5:4"
    ASPECT_9_16 = "9:16"
    ASPECT_16_9 = "16:9"
    ASPECT_21_9 = "21:9"


class OutputFormat(StrEnum):
    """What a picture is stored as."""

    JPG = "jpg"
    PNG = "png"


class AIImageCustomizerInputs(ReplicateInputs):
    prompt: str = Field(title="Prompt", description="What the picture shows, or how the given ones are changed")
    model: GeminiImageModel = Field(GeminiImageModel.NANO_BANANA_2, title="Model", description="Which model makes it")
    images: list[str] = Field(
        default_factory=list,
        title="Images",
        description=f"Pictures to begin with, each {_REFERENCE}",
        max_length=_MOST_IMAGES,
    )
    aspect_ratio: CustomizerAspectRatio = Field(
        CustomizerAspectRatio.MATCH_INPUT_IMAGE, title="Aspect ratio", description="Width to height of the picture"
    )
    output_format: OutputFormat = Field(
        OutputFormat.PNG, title="Output format", description="What the picture is stored as"
    )


class AIImageCustomizerOutputs(Outputs):
    image_url: str = Field(title="Image", description=_PICTURE)


class AIImageCustomizer(ReplicateBlock[AIImageCustomizerInputs]):
    id = "d76bbe4c-930e-4894-8469-b66775511f71"
    name = "AI image customizer"
    description = "Makes a picture from words and other pictures with Google's models at Replicate."
    categories = frozenset({Category.AI, Category.MULTIMEDIA})
    costs = (
        price(10, "replicate", model=GeminiImageModel.NANO_BANANA.value),
        price(21, "replicate", model=GeminiImageModel.NANO_BANANA_PRO.value),
        price(21, "replicate", model=GeminiImageModel.NANO_BANANA_2.value),
    )
    Input = AIImageCustomizerInputs
    Output = AIImageCustomizerOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
                "prompt": "Brighter",
                "images": ["data:image/png;base64,dGVh"],
            },
            (("image_url", _KEPT),),
            web=(
                made("google/nano-banana-2", '"https://replicate.delivery/p1/out.png"'),
                Exchange(
                    "GET https://replicate.delivery/p1/out.png", "brighter", headers={"Content-Type": "image/png"}
                ),
            ),
        ),
    )

    async def request(self, inputs: AIImageCustomizerInputs, services: Services) -> Request:
        asked: dict[str, Any] = {
            "prompt": inputs.prompt,
            "aspect_ratio": inputs.aspect_ratio.value,
            "output_format": inputs.output_format.value,
        }
        if inputs.images:
            asked["image_input"] = await _contents_of(inputs.images, services)
        return Request(inputs.model.value, asked)

    async def outputs(self, inputs: AIImageCustomizerInputs, output: Any, services: Services) -> Mapping[str, Any]:
        return {"image_url": await kept(file_in(output), services)}


class ImageEditorModel(StrEnum):
    """The models, as people know them."""

    FLUX_KONTEXT_PRO = "Flux Kontext Pro"
    FLUX_KONTEXT_MAX = "Flux Kontext Max"
    NANO_BANANA_PRO = "Nano Banana Pro"
    NANO_BANANA_2 = "Nano Banana 2"


_EDITORS = {
    ImageEditorModel.FLUX_KONTEXT_PRO: "black-forest-labs/flux-kontext-pro",
    ImageEditorModel.FLUX_KONTEXT_MAX: "black-forest-labs/flux-kontext-max",
    ImageEditorModel.NANO_BANANA_PRO: "google/nano-banana-pro",
    ImageEditorModel.NANO_BANANA_2: "google/nano-banana-2",
}
_FLUX = frozenset({ImageEditorModel.FLUX_KONTEXT_PRO, ImageEditorModel.FLUX_KONTEXT_MAX})


class EditorAspectRatio(StrEnum):
    """Width to height; the last three are for the models of Flux alone."""

    MATCH_INPUT_IMAGE = "match_input_image"
    ASPECT_1_1 = "1:1"
    ASPECT_16_9 = "16:9"
    ASPECT_9_16 = "9:16"
    ASPECT_4_3 = "4:3"
    ASPECT_3_4 = "3:4"
    ASPECT_3_2 = "3:2"
    ASPECT_2_3 = "2:3"
    ASPECT_4_5 = "4:5"
    ASPECT_5_4 = "5:4"
    ASPECT_21_9 = "21:9"
    ASPECT_9_21 = "9:21"
    ASPECT_2_1 = "2:1"
    ASPECT_1_2 = "1:2"


class AIImageEditorInputs(ReplicateInputs):
    prompt: str = Field(title="Prompt", description="How the picture is changed, or what a new one shows")
    input_image: str | None = Field(None, title="Input image", description=f"The picture to change: {_REFERENCE}")
    aspect_ratio: EditorAspectRatio = Field(
        EditorAspectRatio.MATCH_INPUT_IMAGE, title="Aspect ratio", description="Width to height of the picture"
    )
    seed: int | None = Field(
        None, title="Seed", description="The same number gives the same picture; for the models of Flux"
    )
    model: ImageEditorModel = Field(ImageEditorModel.NANO_BANANA_2, title="Model", description="Which model makes it")


class AIImageEditorOutputs(Outputs):
    output_image: str = Field(title="Image", description=_PICTURE)


class AIImageEditor(ReplicateBlock[AIImageEditorInputs]):
    id = "3fd9c73d-4370-4925-a1ff-1b86b99fabfa"
    name = "AI image editor"
    description = "Changes a picture as words say, with a model at Replicate."
    categories = frozenset({Category.AI, Category.MULTIMEDIA})
    costs = (
        price(10, "replicate", model=ImageEditorModel.FLUX_KONTEXT_PRO.value),
        price(12, "replicate", model=ImageEditorModel.FLUX_KONTEXT_MAX.value),
        price(14, "replicate", model=ImageEditorModel.NANO_BANANA_PRO.value),
        price(14, "replicate", model=ImageEditorModel.NANO_BANANA_2.value),
    )
    Input = AIImageEditorInputs
    Output = AIImageEditorOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
                "prompt": "Brighter",
                "input_image": "data:image/png;base64,dGVh",
                "model": "Flux Kontext Pro",
            },
            (("output_image", _KEPT),),
            web=(
                made("black-forest-labs/flux-kontext-pro", '"https://replicate.delivery/p1/out.png"'),
                Exchange(
                    "GET https://replicate.delivery/p1/out.png", "brighter", headers={"Content-Type": "image/png"}
                ),
            ),
        ),
    )

    async def request(self, inputs: AIImageEditorInputs, services: Services) -> Request:
        asked: dict[str, Any] = {"prompt": inputs.prompt, "aspect_ratio": inputs.aspect_ratio.value}
        image = await _contents_of([inputs.input_image] if inputs.input_image else [], services)
        if inputs.model in _FLUX:
            asked |= {"input_image": image[0]} if image else {}
            asked |= {"seed": inputs.seed} if inputs.seed is not None else {}
        else:
            asked["output_format"] = OutputFormat.JPG.value
            asked |= {"image_input": image} if image else {}
        return Request(_EDITORS[inputs.model], asked)

    async def outputs(self, inputs: AIImageEditorInputs, output: Any, services: Services) -> Mapping[str, Any]:
        return {"output_image": await kept(file_in(output), services)}


async def _contents_of(references: Sequence[str], services: Services) -> list[str]:
    """The pictures as data URIs, since Replicate cannot read what lies here. ValueError when they are too large."""
    together = FilesTogether(services, _MOST_TOGETHER)
    return [to_data_uri(await together.open(reference)) for reference in references]
