"""What is said in a video at YouTube.

Registered in `catalogue.py`; how it is found out is in `providers/youtube.py`. Upstream asks through a proxy that its
users rent; requests of blocks go through the deployment's own guard and no other, so nobody needs an account.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field

from blocks.apart.running import Apart
from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.providers import youtube
from engine.model import Effects

_PLAYER = {
    "playabilityStatus": {"status": "OK"},
    "captions": {
        "playerCaptionsTracklistRenderer": {
            "captionTracks": [
                {
                    "baseUrl": "https://www.youtube.com/api/timedtext?v=dQw4w9WgXcQ&lang=en",
                    "name": {"runs": [{"text": "English"}]},
                    "languageCode": "en",
                }
            ]
        }
    },
}


class TranscribeYoutubeVideoInputs(Inputs):
    youtube_url: str = Field(
        title="YouTube URL",
        description="The address of the video",
        examples=["https://www.youtube.com/watch?v=dQw4w9WgXcQ"],
    )
    credentials: dict[str, Any] | None = Field(
        None, title="Credentials", description="Not needed: a proxy cannot be used, the video is looked at from here"
    )


class TranscribeYoutubeVideoOutputs(Outputs):
    video_id: str = Field(title="Video id", description="The id of the video at YouTube")
    transcript: str = Field(
        title="Transcript", description="What is said, line by line; English if there is such a transcript, else any"
    )


class TranscribeYoutubeVideo(Block[TranscribeYoutubeVideoInputs]):
    id = "f3a8f7e1-4b1d-4e5f-9f2a-7c3d5a2e6b4c"
    name = "Transcribe YouTube video"
    description = "Reads the transcript of a video at YouTube, which the video must have."
    categories = frozenset({Category.SOCIAL})
    effects = Effects.IDEMPOTENT
    Input = TranscribeYoutubeVideoInputs
    Output = TranscribeYoutubeVideoOutputs
    examples = (
        Example(
            {"youtube_url": "https://youtu.be/dQw4w9WgXcQ"},
            (("video_id", "dQw4w9WgXcQ"), ("transcript", "Put the kettle on\n& wait")),
            web=(
                Exchange("GET https://www.youtube.com/watch?v=dQw4w9WgXcQ", '{"INNERTUBE_API_KEY": "AIza"}'),
                Exchange("POST https://www.youtube.com/youtubei/v1/player?key=AIza", json.dumps(_PLAYER)),
                Exchange(
                    "GET https://www.youtube.com/api/timedtext?v=dQw4w9WgXcQ&lang=en",
                    '<transcript><text start="0" dur="1">Put the kettle on</text>'
                    '<text start="1" dur="2">&amp;amp; wait</text></transcript>',
                ),
            ),
        ),
    )

    def __init__(self) -> None:
        self._apart = Apart("youtube.py")

    async def run(self, inputs: TranscribeYoutubeVideoInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        video = youtube.video_id(inputs.youtube_url)
        yield "video_id", video
        yield "transcript", await youtube.transcript(context.services.http, video, self._apart)
