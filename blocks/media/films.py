"""Films of presenters who say a text.

Registered in `blocks/media/`.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Sleep, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.jobs import Job
from blocks.media.shared import kept, price
from blocks.providers import d_id
from engine.model import Effects


class VoiceProvider(StrEnum):
    """Whose voices there are."""

    MICROSOFT = "microsoft"
    ELEVENLABS = "elevenlabs"
    AMAZON = "amazon"


class ResultFormat(StrEnum):
    """What a film is stored as."""

    MP4 = "mp4"
    GIF = "gif"
    WAV = "wav"


class CropType(StrEnum):
    """How much of the presenter is seen."""

    WIDE = "wide"
    SQUARE = "square"
    VERTICAL = "vertical"


class CreateTalkingAvatarVideoInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for D-ID")
    script_input: str = Field(title="Text", description="What is said", examples=["Tea is ready."], min_length=1)
    provider: VoiceProvider = Field(VoiceProvider.MICROSOFT, title="Provider", description="Whose voice it is")
    voice_id: str = Field("en-US-JennyNeural", title="Voice", description="The voice, by its id at the provider")
    presenter_id: str = Field("amy-Aq6OmGZnMt", title="Presenter", description="The presenter, by the id at D-ID")
    driver_id: str = Field("Vcq0R4a8F0", title="Driver", description="The presenter's movements, by their id at D-ID")
    result_format: ResultFormat = Field(ResultFormat.MP4, title="Format", description="What the film is stored as")
    crop_type: CropType = Field(CropType.WIDE, title="Crop", description="How much of the presenter is seen")
    subtitles: bool = Field(False, title="Subtitles", description="Whether there are subtitles")
    ssml: bool = Field(False, title="SSML", description="Whether the text is SSML, which says how it is spoken")
    max_polling_attempts: int = Field(
        30, title="Attempts", description="How often the film is looked for", ge=5, le=120
    )
    polling_interval: int = Field(10, title="Interval", description="Seconds from one look to the next", ge=5, le=60)


class CreateTalkingAvatarVideoOutputs(Outputs):
    video_url: str = Field(title="Film", description="The film, as the URI of a file of the run")


class CreateTalkingAvatarVideo(Block[CreateTalkingAvatarVideoInputs]):
    id = "98c6f503-8c47-4b1c-a96d-351fc7c87dab"
    name = "Create talking avatar video"
    description = "Makes a film of a presenter who says a text, with D-ID. It is asked for once."
    categories = frozenset({Category.AI, Category.MULTIMEDIA})
    effects = Effects.EFFECTFUL
    effects_after_sleep = Effects.IDEMPOTENT
    credentials: ClassVar = {"credentials": CredentialsField(("d_id",))}
    costs = (price(100, "d_id"),)
    Input = CreateTalkingAvatarVideoInputs
    Output = CreateTalkingAvatarVideoOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "d_id", "type": "api_key"},
                "script_input": "Tea is ready.",
                "polling_interval": 5,
            },
            (
                (
                    "video_url",
                    "heddle://files/b24d6d33736ecd5604a4b17bc9c6481039fac362bb7df044ef1c10a2bfd21db6/film.mp4",
                ),
            ),
            web=(
                Exchange(
                    "POST https://api.d-id.com/clips",
                    '{"id": "clp_1", "status": "created"}',
                    status=201,
                    headers={"Content-Type": "application/json"},
                ),
                Exchange(
                    "GET https://api.d-id.com/clips/clp_1",
                    '{"status": "done", "result_url": "https://d-id.example/film.mp4"}',
                    headers={"Content-Type": "application/json"},
                ),
                Exchange("GET https://d-id.example/film.mp4", "ready", headers={"Content-Type": "video/mp4"}),
            ),
        ),
    )

    async def run(self, inputs: CreateTalkingAvatarVideoInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key, pause = context.services.http, key_of(context.credentials), inputs.polling_interval
        if context.resume is None:
            yield Job.begun(await d_id.begin(http, key, _clip(inputs))).sleep(pause)
            return
        job, looks = Job.kept(context.resume), inputs.max_polling_attempts
        too_long = f"The film was not ready after {looks} looks; raise the number of attempts."
        within = timedelta(seconds=looks * pause)
        address = await job.ended(lambda: d_id.film(http, key, job.id), within, too_long, every=pause)
        if isinstance(address, Sleep):
            yield address
            return
        yield "video_url", await kept(address, context.services)


def _clip(inputs: CreateTalkingAvatarVideoInputs) -> d_id.Clip:
    return d_id.Clip(
        text=inputs.script_input,
        voice_provider=inputs.provider.value,
        voice=inputs.voice_id,
        presenter=inputs.presenter_id,
        driver=inputs.driver_id,
        format=inputs.result_format.value,
        crop=inputs.crop_type.value,
        subtitles=inputs.subtitles,
        ssml=inputs.ssml,
    )
