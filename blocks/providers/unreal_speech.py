"""Unreal Speech: a text read aloud, over its HTTP interface.

For the block of `blocks/media/sounds.py`.
"""

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_SPEECH = "https://api.v8.unrealspeech.com/speech"
_SECONDS = 120.0
_LONGEST = 3_000


async def speak(http: Http, key: str, text: str, voice: str) -> str:
    """The address of the MP3 file. ValueError when there is nothing to say, or more than is taken at once."""
    if not text.strip() or len(text) > _LONGEST:
        raise ValueError(f"The text has {len(text):,} characters; at least one and at most {_LONGEST:,} are possible.")
    answer = await http.request(
        "POST",
        _SPEECH,
        headers={"Authorization": f"Bearer {key}"},
        json={
            "Text": text,
            "VoiceId": voice,
            "Bitrate": "192k",
            "Speed": "0",
            "Pitch": "1",
            "TimestampType": "sentence",
        },
        seconds=_SECONDS,
    )
    match object_of(answer).get("OutputUri"):
        case str() as address if address.startswith("https://"):
            return address
    raise unexpected(answer)
