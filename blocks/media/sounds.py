"""Music from words, and words read aloud.

Registered in `blocks/media/`.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, CostType, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.media.predictions import ReplicateBlock, ReplicateInputs
from blocks.media.shared import kept, price
from blocks.providers import replicate, unreal_speech
from blocks.services import Services
from blocks.system_credentials import paid_by_host
from engine.model import Effects

_MUSICGEN = "meta/musicgen"
_MUSICGEN_VERSION = "671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb"


class MusicGenModelVersion(StrEnum):
    """The sizes of Meta's model."""

    STEREO_LARGE = "stereo-large"
    MELODY_LARGE = "melody-large"
    LARGE = "large"


class AudioFormat(StrEnum):
    """What a piece is stored as."""

    WAV = "wav"
    MP3 = "mp3"


class NormalizationStrategy(StrEnum):
    """How the volume is evened out."""

    LOUDNESS = "loudness"
    CLIP = "clip"
    PEAK = "peak"
    RMS = "rms"


class AIMusicGeneratorInputs(ReplicateInputs):
    prompt: str = Field(title="Prompt", description="What the music is like", examples=["Calm harp music"])
    music_gen_model_version: MusicGenModelVersion = Field(
        MusicGenModelVersion.STEREO_LARGE, title="Model", description="Which size of the model makes it"
    )
    duration: int = Field(8, title="Duration", description="How many seconds it lasts", ge=1, le=300)
    temperature: float = Field(1.0, title="Temperature", description="Higher is more varied")
    top_k: int = Field(250, title="Top k", description="Out of how many tokens the next one is taken")
    top_p: float = Field(0.0, title="Top p", description="Out of which share of likely tokens; 0: as `top_k` says")
    classifier_free_guidance: int = Field(3, title="Guidance", description="Higher is closer to the prompt")
    output_format: AudioFormat = Field(AudioFormat.WAV, title="Output format", description="What it is stored as")
    normalization_strategy: NormalizationStrategy = Field(
        NormalizationStrategy.LOUDNESS, title="Normalization", description="How the volume is evened out"
    )


class AIMusicGeneratorOutputs(Outputs):
    result: str = Field(title="Result", description="The music, as the URI of a file of the run")


class AIMusicGenerator(ReplicateBlock[AIMusicGeneratorInputs]):
    id = "44f6c8ad-d75c-4ae1-8209-aad1c0326928"
    name = "AI music generator"
    description = "Makes music from words with Meta's MusicGen at Replicate. Nothing is tried again."
    categories = frozenset({Category.AI})
    within = timedelta(minutes=20)
    costs = (price(11, "replicate"),)
    Input = AIMusicGeneratorInputs
    Output = AIMusicGeneratorOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
                "prompt": "Calm harp music",
            },
            (("result", "heddle://files/c7fa84b7672cc02e760f04c8d92c603bfe63d76632a817da2675f9d3cb7a198a/out.wav"),),
            web=(
                Exchange(
                    "POST https://api.replicate.com/v1/predictions",
                    '{"id": "p1", "status": "succeeded", "output": "https://replicate.delivery/p1/out.wav"}',
                    status=201,
                    headers={"Content-Type": "application/json"},
                ),
                Exchange("GET https://replicate.delivery/p1/out.wav", "harp", headers={"Content-Type": "audio/wav"}),
            ),
        ),
    )

    async def request(self, inputs: AIMusicGeneratorInputs, services: Services) -> replicate.Request:
        asked = {
            "prompt": inputs.prompt,
            "model_version": inputs.music_gen_model_version.value,
            "duration": inputs.duration,
            "temperature": inputs.temperature,
            "top_k": inputs.top_k,
            "top_p": inputs.top_p,
            "classifier_free_guidance": inputs.classifier_free_guidance,
            "output_format": inputs.output_format.value,
            "normalization_strategy": inputs.normalization_strategy.value,
        }
        return replicate.Request(_MUSICGEN, asked, _MUSICGEN_VERSION)

    async def outputs(self, inputs: AIMusicGeneratorInputs, output: Any, services: Services) -> Mapping[str, Any]:
        return {"result": await kept(replicate.file_in(output), services)}


class UnrealTextToSpeechInputs(Inputs):
    text: str = Field(
        title="Text", description="What is read aloud; at most 3,000 characters", examples=["Tea is ready."]
    )
    voice_id: str = Field("Scarlett", title="Voice", description="Whose voice reads it", examples=["Scarlett", "Dan"])
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Unreal Speech")


class UnrealTextToSpeechOutputs(Outputs):
    mp3_url: str = Field(title="MP3", description="The recording, as the URI of a file of the run")


class UnrealTextToSpeech(Block[UnrealTextToSpeechInputs]):
    id = "4ff1ff6d-cc40-4caa-ae69-011daa20c378"
    name = "Unreal text to speech"
    description = "Reads a text aloud with Unreal Speech. Nothing is tried again."
    categories = frozenset({Category.AI, Category.TEXT, Category.MULTIMEDIA})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("unreal_speech",))}
    costs = (Cost(150, CostType.COST_USD, paid_by_host("unreal_speech")),)
    Input = UnrealTextToSpeechInputs
    Output = UnrealTextToSpeechOutputs
    examples = (
        Example(
            {
                "text": "Tea is ready.",
                "credentials": {"id": "mine", "provider": "unreal_speech", "type": "api_key"},
            },
            (("mp3_url", "heddle://files/b24d6d33736ecd5604a4b17bc9c6481039fac362bb7df044ef1c10a2bfd21db6/tea.mp3"),),
            web=(
                Exchange(
                    "POST https://api.v8.unrealspeech.com/speech",
                    '{"OutputUri": "https://unreal.example/tea.mp3"}',
                    headers={"Content-Type": "application/json"},
                ),
                Exchange("GET https://unreal.example/tea.mp3", "ready", headers={"Content-Type": "audio/mpeg"}),
            ),
        ),
    )

    async def run(self, inputs: UnrealTextToSpeechInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        key = key_of(context.credentials)
        address = await unreal_speech.speak(context.services.http, key, inputs.text, inputs.voice_id)
        yield "mp3_url", await kept(address, context.services)
