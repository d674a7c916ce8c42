"""Any model at Replicate, and those of Flux with all that can be set of them.

Registered in `blocks/media/`.
"""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from blocks.base import Category, Cost, CostType, Example, Outputs
from blocks.media.predictions import ReplicateBlock, ReplicateInputs, made
from blocks.media.shared import price
from blocks.providers.replicate import Request, file_in, text_in
from blocks.services import Services
from blocks.system_credentials import paid_by_host


class ReplicateModelInputs(ReplicateInputs):
    model_name: str = Field(
        title="Model", description="The model, as `owner/name`", examples=["meta/meta-llama-3-8b-instruct"]
    )
    model_inputs: dict[str, str | int | float | bool] = Field(
        default_factory=dict, title="Inputs", description="What the model is given, by the names of its own inputs"
    )
    version: str | None = Field(
        None, title="Version", description="The version's id; models that are not official ones cannot do without"
    )


class ReplicateModelOutputs(Outputs):
    result: str = Field(title="Result", description="The text it made, or the address of the first file, or JSON")
    status: str = Field(title="Status", description="That it succeeded")
    model_name: str = Field(title="Model", description="The model that was run")


class ReplicateModel(ReplicateBlock[ReplicateModelInputs]):
    id = "c40d75a2-d0ea-44c9-a4f6-634bb3bdab1a"
    name = "Replicate model"
    description = "Runs any model at Replicate. Nothing is tried again."
    categories = frozenset({Category.AI})
    costs = (Cost(150, CostType.COST_USD, paid_by_host("replicate")),)
    Input = ReplicateModelInputs
    Output = ReplicateModelOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
                "model_name": "meta/meta-llama-3-8b-instruct",
                "model_inputs": {"prompt": "A haiku about tea"},
            },
            (
                ("result", "Leaves unfold slowly"),
                ("status", "succeeded"),
                ("model_name", "meta/meta-llama-3-8b-instruct"),
            ),
            web=(made("meta/meta-llama-3-8b-instruct", '["Leaves", " unfold", " slowly"]'),),
        ),
    )

    async def request(self, inputs: ReplicateModelInputs, services: Services) -> Request:
        return Request(inputs.model_name, inputs.model_inputs, inputs.version or "")

    async def outputs(self, inputs: ReplicateModelInputs, output: Any, services: Services) -> Mapping[str, Any]:
        return {"result": text_in(output), "status": "succeeded", "model_name": inputs.model_name}


class ReplicateFluxModelName(StrEnum):
    """The models, as people know them."""

    FLUX_SCHNELL = "Flux Schnell"
    FLUX_PRO = "Flux Pro"
    FLUX_PRO1_1 = "Flux Pro 1.1"


_FLUX = {
    ReplicateFluxModelName.FLUX_SCHNELL: "black-forest-labs/flux-schnell",
    ReplicateFluxModelName.FLUX_PRO: "black-forest-labs/flux-pro",
    ReplicateFluxModelName.FLUX_PRO1_1: "black-forest-labs/flux-1.1-pro",
}


class ImageType(StrEnum):
    """What a picture is stored as."""

    WEBP = "webp"
    JPG = "jpg"
    PNG = "png"


class ReplicateFluxAdvancedModelInputs(ReplicateInputs):
    prompt: str = Field(title="Prompt", description="What the picture shows", min_length=1)
    replicate_model_name: ReplicateFluxModelName = Field(
        ReplicateFluxModelName.FLUX_SCHNELL, title="Model", description="Which model makes it"
    )
    seed: int | None = Field(
        None, title="Seed", description="The same number gives the same picture; without it, any number"
    )
    steps: int = Field(25, title="Steps", description="How many steps of diffusion")
    guidance: float = Field(3, title="Guidance", description="Higher is closer to the prompt, and less varied")
    interval: float = Field(2, title="Interval", description="Higher is more varied, and less close to the prompt")
    aspect_ratio: str = Field(
        "1:1", title="Aspect ratio", description="Width to height", examples=["1:1", "16:9", "2:3", "3:2", "9:16"]
    )
    output_format: ImageType = Field(ImageType.WEBP, title="Output format", description="What it is stored as")
    output_quality: int = Field(80, title="Output quality", description="From 0 to 100; not for png", ge=0, le=100)
    safety_tolerance: int = Field(2, title="Safety tolerance", description="From 1, the strictest, to 5", ge=1, le=6)


class ReplicateFluxAdvancedModelOutputs(Outputs):
    result: str = Field(
        title="Result", description="The address of the picture. Replicate keeps it for an hour; File store keeps it on"
    )


class ReplicateFluxAdvancedModel(ReplicateBlock[ReplicateFluxAdvancedModelInputs]):
    id = "90f8c45e-e983-4644-aa0b-b4ebe2f531bc"
    name = "Replicate Flux advanced model"
    description = "Makes a picture from words with a model of Flux at Replicate. Nothing is tried again."
    categories = frozenset({Category.AI, Category.MULTIMEDIA})
    costs = (price(10, "replicate"),)
    Input = ReplicateFluxAdvancedModelInputs
    Output = ReplicateFluxAdvancedModelOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
                "prompt": "A lake at sunrise",
                "seed": 7,
            },
            (("result", "https://replicate.delivery/p1/out-0.webp"),),
            web=(made("black-forest-labs/flux-schnell", '["https://replicate.delivery/p1/out-0.webp"]'),),
        ),
    )

    async def request(self, inputs: ReplicateFluxAdvancedModelInputs, services: Services) -> Request:
        asked = {
            "prompt": inputs.prompt,
            "seed": inputs.seed if inputs.seed is not None else secrets.randbits(32),
            "steps": inputs.steps,
            "guidance": inputs.guidance,
            "interval": inputs.interval,
            "aspect_ratio": inputs.aspect_ratio,
            "output_format": inputs.output_format.value,
            "output_quality": inputs.output_quality,
            "safety_tolerance": inputs.safety_tolerance,
        }
        return Request(_FLUX[inputs.replicate_model_name], asked)

    async def outputs(
        self, inputs: ReplicateFluxAdvancedModelInputs, output: Any, services: Services
    ) -> Mapping[str, Any]:
        return {"result": file_in(output)}
