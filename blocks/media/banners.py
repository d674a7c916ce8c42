"""Pictures made of a template, with texts and a picture put in.

Registered in `blocks/media/`.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from blocks.base import Block, BlockContext, Category, Cost, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.media.shared import kept
from blocks.providers import bannerbear
from engine.model import Effects


class TextModification(BaseModel):
    """What a layer of a template says, and how; what is empty stays as the template has it."""

    name: str = Field(description="The layer's name")
    text: str = Field(description="What it says")
    color: str = Field("", description="The colour, as `#FF0000`")
    font_family: str = Field("", description="The font")
    font_size: int = Field(0, description="The size in pixels")
    font_weight: str = Field("", description="The weight, as `bold`")
    text_align: str = Field("", description="`left`, `center` or `right`")


class BannerbearTextOverlayInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Bannerbear")
    template_id: str = Field(title="Template", description="The template's id at Bannerbear", min_length=1)
    project_id: str = Field("", title="Project", description="The project's id, which a master key needs")
    text_modifications: list[TextModification] = Field(
        title="Texts", description="Layers with what they say: `name`, `text` and, if wanted, how it looks"
    )
    image_url: str = Field("", title="Image", description="The http or https address of a picture to put in")
    image_layer_name: str = Field("photo", title="Image layer", description="The layer that the picture is put in")
    webhook_url: str = Field("", title="Webhook", description="An address that Bannerbear tells of the picture, too")
    metadata: str = Field("", title="Metadata", description="A note that is kept with the picture")


class BannerbearTextOverlayOutputs(Outputs):
    success: bool = Field(title="Success", description="That the picture was asked for")
    image_url: str = Field(title="Image", description="The picture, as the URI of a file of the run; empty: not ready")
    uid: str = Field(title="Id", description="The picture's id at Bannerbear")
    status: str = Field(title="Status", description="Whether it is `completed`")


class BannerbearTextOverlay(Block[BannerbearTextOverlayInputs]):
    id = "c7d3a5c2-05fc-450e-8dce-3b0e04626009"
    name = "Bannerbear text overlay"
    description = "Puts texts and a picture into a template with Bannerbear. Nothing is tried again."
    categories = frozenset({Category.PRODUCTIVITY, Category.AI})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("bannerbear",))}
    costs = (Cost(3),)
    Input = BannerbearTextOverlayInputs
    Output = BannerbearTextOverlayOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "bannerbear", "type": "api_key"},
                "template_id": "jJWBKNELpQPvbX5R93Gk",
                "text_modifications": [{"name": "headline", "text": "Tea is ready", "color": "#FF0000"}],
            },
            (
                ("success", True),
                (
                    "image_url",
                    "heddle://files/b24d6d33736ecd5604a4b17bc9c6481039fac362bb7df044ef1c10a2bfd21db6/tea.png",
                ),
                ("uid", "u1"),
                ("status", "completed"),
            ),
            web=(
                Exchange(
                    "POST https://sync.api.bannerbear.com/v2/images",
                    '{"uid": "u1", "status": "completed", "image_url": "https://bannerbear.example/tea.png"}',
                    headers={"Content-Type": "application/json"},
                ),
                Exchange("GET https://bannerbear.example/tea.png", "ready", headers={"Content-Type": "image/png"}),
            ),
        ),
    )

    async def run(self, inputs: BannerbearTextOverlayInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        banner = await bannerbear.create(context.services.http, key_of(context.credentials), _request_of(inputs))
        yield "success", True
        yield "image_url", await kept(banner.address, context.services) if banner.address else ""
        yield "uid", banner.uid
        yield "status", banner.status


def _request_of(inputs: BannerbearTextOverlayInputs) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    for text in inputs.text_modifications:
        looks = text.model_dump(exclude={"name", "text"})
        layers.append({"name": text.name, "text": text.text, **{name: look for name, look in looks.items() if look}})
    if inputs.image_url.strip():
        layers.append({"name": inputs.image_layer_name, "image_url": inputs.image_url.strip()})
    about = {
        "project_id": inputs.project_id.strip(),
        "webhook_url": inputs.webhook_url.strip(),
        "metadata": inputs.metadata.strip(),
    }
    wanted = {name: value for name, value in about.items() if value}
    return {"template": inputs.template_id, "modifications": layers, **wanted}
