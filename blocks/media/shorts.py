"""Short films for phones, made of a script.

Registered in `blocks/media/`. The names of presets, voices and tracks are those that agents carry in their files.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Sleep, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.jobs import Job
from blocks.media.shared import kept, price
from blocks.providers import revid
from engine.model import Effects

_JSON = {"Content-Type": "application/json"}
_API = "https://www.revid.ai/api/public/v2"
_PAUSE = 10.0
_WITHIN = timedelta(minutes=20)


class GenerationPreset(StrEnum):
    """Styles of pictures that are made; Revid calls them by the names of the members."""

    LEONARDO = "Default"
    ANIME = "Anime"
    REALISM = "Realist"
    ILLUSTRATION = "Illustration"
    SKETCH_COLOR = "Sketch Color"
    SKETCH_BW = "Sketch B&W"
    PIXAR = "Pixar"
    INK = "Japanese Ink"
    RENDER_3D = "3D Render"
    LEGO = "Lego"
    SCIFI = "Sci-Fi"
    RECRO_CARTOON = "Retro Cartoon"
    PIXEL_ART = "Pixel Art"
    CREATIVE = "Creative"
    PHOTOGRAPHY = "Photography"
    RAYTRACED = "Raytraced"
    ENVIRONMENT = "Environment"
    FANTASY = "Fantasy"
    ANIME_SR = "Anime Realism"
    MOVIE = "Movie"
    STYLIZED_ILLUSTRATION = "Stylized Illustration"
    MANGA = "Manga"
    DEFAULT = "DEFAULT"


class AudioTrack(StrEnum):
    """Pieces of music that Revid has."""

    OBSERVER = "Observer"
    FUTURISTIC_BEAT = "Futuristic Beat"
    SCIENCE_DOCUMENTARY = "Science Documentary"
    HOTLINE = "Hotline"
    BLADERUNNER_2049 = "Bladerunner 2049"
    A_FUTURE = "A Future"
    ELYSIAN_EMBERS = "Elysian Embers"
    INSPIRING_CINEMATIC = "Inspiring Cinematic"
    BLADERUNNER_REMIX = "Bladerunner Remix"
    IZZAMUZZIC = "Izzamuzzic"
    NAS = "Nas"
    PARIS_ELSE = "Paris - Else"
    SNOWFALL = "Snowfall"
    BURLESQUE = "Burlesque"
    CORNY_CANDY = "Corny Candy"
    HIGHWAY_NOCTURNE = "Highway Nocturne"
    I_DONT_THINK_SO = "I Don't Think So"
    LOSING_YOUR_MARBLES = "Losing Your Marbles"
    REFRESHER = "Refresher"
    TOURIST = "Tourist"
    TWIN_TYCHES = "Twin Tyches"
    ABSTRACT_FUTURE_BASS = "Dont Stop Me Abstract Future Bass"


_TRACKS = "https://cdn.tfrv.xyz/audio"
_FILES: Mapping[AudioTrack, str] = {
    AudioTrack.OBSERVER: "observer",
    AudioTrack.FUTURISTIC_BEAT: "_futuristic-beat",
    AudioTrack.SCIENCE_DOCUMENTARY: "_science-documentary",
    AudioTrack.HOTLINE: "_hotline",
    AudioTrack.BLADERUNNER_2049: "_bladerunner-2049",
    AudioTrack.A_FUTURE: "a-future",
    AudioTrack.ELYSIAN_EMBERS: "elysian-embers",
    AudioTrack.INSPIRING_CINEMATIC: "inspiring-cinematic-ambient",
    AudioTrack.BLADERUNNER_REMIX: "bladerunner-remix",
    AudioTrack.IZZAMUZZIC: "_izzamuzzic",
    AudioTrack.NAS: "_nas",
    AudioTrack.PARIS_ELSE: "_paris-else",
    AudioTrack.SNOWFALL: "_snowfall",
    AudioTrack.BURLESQUE: "burlesque",
    AudioTrack.CORNY_CANDY: "corny-candy",
    AudioTrack.HIGHWAY_NOCTURNE: "highway-nocturne",
    AudioTrack.I_DONT_THINK_SO: "i-dont-think-so",
    AudioTrack.LOSING_YOUR_MARBLES: "losing-your-marbles",
    AudioTrack.REFRESHER: "refresher",
    AudioTrack.TOURIST: "tourist",
    AudioTrack.TWIN_TYCHES: "twin-tynches",
}
_ELSEWHERE = {AudioTrack.ABSTRACT_FUTURE_BASS: "https://cdn.revid.ai/audio/_dont-stop-me-abstract-future-bass.mp3"}


def _address(track: AudioTrack) -> str:
    return _ELSEWHERE.get(track) or f"{_TRACKS}/{_FILES[track]}.mp3"


class Voice(StrEnum):
    """Who may speak."""

    LILY = "Lily"
    DANIEL = "Daniel"
    BRIAN = "Brian"
    JESSICA = "Jessica"
    CHARLOTTE = "Charlotte"
    CALLUM = "Callum"
    EVA = "Eva"


_VOICES: Mapping[Voice, str] = {
    Voice.LILY: "pFZP5JQG7iQjIQuC4Bku",
    Voice.DANIEL: "onwK4e9ZLuTAKqWW03F9",
    Voice.BRIAN: "nPczCjzI2devNBz1zQrb",
    Voice.JESSICA: "cgSgspJ2msm6clMCkdW9",
    Voice.CHARLOTTE: "XB0fDUnXU5powFXDhCwa",
    Voice.CALLUM: "N2lVS1w4EtoT3dr4eOWO",
    Voice.EVA: "FGY2WhTYpPnrIDTdsKH5",
}
"""Ids of the voices at ElevenLabs, whose they are."""


class VisualMediaType(StrEnum):
    """What is seen: films of a stock, pictures that are made and move a little, films that are made."""

    STOCK_VIDEOS = "stockVideo"
    MOVING_AI_IMAGES = "movingImage"
    AI_VIDEO = "aiVideo"


class AIShortformVideoCreatorInputs(Inputs):
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for Revid")
    script: str = Field(
        title="Script",
        description="What is said, in short sentences, a line for each scene; [in brackets] what is seen",
        examples=["[close-up of a teapot] Tea is ready."],
        min_length=1,
    )
    ratio: str = Field("9 / 16", title="Ratio", description="Width to height")
    resolution: str = Field("720p", title="Resolution", description="How fine the film is")
    frame_rate: int = Field(60, title="Frame rate", description="Pictures a second", ge=1, le=240)
    generation_preset: GenerationPreset = Field(
        GenerationPreset.LEONARDO, title="Style", description="The style of pictures that are made"
    )
    background_music: AudioTrack = Field(
        AudioTrack.HIGHWAY_NOCTURNE, title="Music", description="What is heard in the background"
    )
    voice: Voice = Field(Voice.LILY, title="Voice", description="Who speaks")
    video_style: VisualMediaType = Field(VisualMediaType.STOCK_VIDEOS, title="Pictures", description="What is seen")


class AIShortformVideoCreatorOutputs(Outputs):
    video_url: str = Field(title="Film", description="The film, as the URI of a file of the run")


class AIShortformVideoCreator(Block[AIShortformVideoCreatorInputs]):
    id = "361697fb-0c4f-4feb-aed3-8320c88c771b"
    name = "AI shortform video creator"
    description = "Makes a short film of a script, with Revid. It is asked for once."
    categories = frozenset({Category.AI, Category.SOCIAL})
    effects = Effects.EFFECTFUL
    effects_after_sleep = Effects.IDEMPOTENT
    credentials: ClassVar = {"credentials": CredentialsField(("revid",))}
    costs = (price(307, "revid"),)
    Input = AIShortformVideoCreatorInputs
    Output = AIShortformVideoCreatorOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "revid", "type": "api_key"},
                "script": "[close-up of a teapot] Tea is ready.",
            },
            (
                (
                    "video_url",
                    "heddle://files/b24d6d33736ecd5604a4b17bc9c6481039fac362bb7df044ef1c10a2bfd21db6/film.mp4",
                ),
            ),
            web=(
                Exchange(f"POST {_API}/render", '{"success": 1, "pid": "p1"}', headers=_JSON),
                Exchange(
                    f"GET {_API}/status?pid=p1",
                    '{"status": "ready", "videoUrl": "https://revid.example/film.mp4"}',
                    headers=_JSON,
                ),
                Exchange("GET https://revid.example/film.mp4", "ready", headers={"Content-Type": "video/mp4"}),
            ),
        ),
    )

    async def run(self, inputs: AIShortformVideoCreatorInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        if context.resume is None:
            yield Job.begun(await revid.begin(http, key, _asked(inputs))).sleep(_PAUSE)
            return
        job = Job.kept(context.resume)
        too_long = f"The film was not ready within twenty minutes; Revid knows it as {job.id}."
        address = await job.ended(lambda: revid.film(http, key, job.id), _WITHIN, too_long, every=_PAUSE)
        if isinstance(address, Sleep):
            yield address
            return
        yield "video_url", await kept(address, context.services)


def _asked(inputs: AIShortformVideoCreatorInputs) -> dict[str, Any]:
    """What Revid is asked; what no input says is as agents have always had it made."""
    return {
        "webhook": None,
        "frameRate": inputs.frame_rate,
        "resolution": inputs.resolution,
        "frameDurationMultiplier": 18,
        "creationParams": {
            "slug": "create-tiktok-video",
            "origin": "/create",
            "flowType": "text-to-video",
            "sourceType": "contentScraping",
            "inputText": inputs.script,
            "ratio": inputs.ratio,
            "mediaType": inputs.video_style.value,
            "generationPreset": inputs.generation_preset.name,
            "selectedStoryStyle": {"value": "custom", "label": "Custom"},
            "captionPresetName": "Wrap 1",
            "selectedVoice": _VOICES[inputs.voice],
            "selectedAudio": inputs.background_music.value,
            "audioUrl": _address(inputs.background_music),
            "hasEnhancedGeneration": True,
            "hasToGenerateVoice": True,
            "hasToGenerateVideos": inputs.video_style is not VisualMediaType.STOCK_VIDEOS,
            "hasToSearchMedia": True,
            "hasToTranscript": False,
            "hasAvatar": False,
            "hasWebsiteRecorder": False,
            "hasTextSmallAtBottom": False,
        },
    }
