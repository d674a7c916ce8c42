"""Music, speech, films and banners of services that are paid: what they are asked and what becomes of their answers."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from blocks.base import BlockInputError, Exchange, Sleep, Wait
from blocks.files.fetched import FetchedFiles
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, StatusFailed
from blocks.media import AIMusicGenerator, AIShortformVideoCreator, BannerbearTextOverlay, CreateTalkingAvatarVideo
from blocks.media.shorts import AudioTrack, Voice
from blocks.providers import bannerbear, unreal_speech
from blocks.services import File, Services
from tests.blocks.block_runs import passing_time, run
from tests.blocks.host import MemoryFiles
from tests.support.web import Internet, internet

KEY = "secret of mine"
CLIPS = "POST https://api.d-id.com/clips"
CLIP = "GET https://api.d-id.com/clips/clp_1"
SPEECH = "POST https://api.v8.unrealspeech.com/speech"
IMAGES = "POST https://sync.api.bannerbear.com/v2/images"
FILM = "https://d-id.example/film.mp4"
RENDER = "POST https://www.revid.ai/api/public/v2/render"
STATUS = "GET https://www.revid.ai/api/public/v2/status?pid=p1"
SHORT = "https://revid.example/tea.mp4"


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


@pytest.fixture
def services(http: Http) -> Services:
    return Services(MemoryFiles(), fetch=FetchedFiles(http, 10_000), http=http)


def says(**answer: Any) -> Exchange:
    return Exchange("", json.dumps(answer))


async def film(http: Http, waits: list[Wait] | None = None, *, looks: int = 10) -> str:
    """Where the film lies, after all rounds of the block. It cannot be kept here, so that it is its address."""
    inputs = {
        "credentials": {"id": "mine", "provider": "d_id", "type": "api_key"},
        "script_input": "Tea",
        "provider": "amazon",
        "voice_id": "Joanna",
        "presenter_id": "amy",
        "driver_id": "driver",
        "subtitles": True,
        "max_polling_attempts": looks,
        "polling_interval": 7,
    }
    ((_, address),) = await run(CreateTalkingAvatarVideo, inputs, waits, services=Services(http=http))
    return str(address)


async def speak(http: Http) -> str:
    return await unreal_speech.speak(http, KEY, "Tea", "Dan")


async def banner(http: Http) -> bannerbear.Banner:
    return await bannerbear.create(http, KEY, {"template": "t", "modifications": []})


async def test_a_film_is_asked_for_once_and_waited_for(net: Internet, http: Http) -> None:
    waits: list[Wait] = []
    net.answers[CLIPS] = says(id="clp_1", status="created")
    net.answers[CLIP] = [
        says(id="clp_1", status="created"),
        Exchange("", "oops", 502),
        says(id="clp_1", status="started"),
        says(id="clp_1", status="done", result_url=FILM),
    ]
    assert await film(http, waits) == FILM
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [CLIPS, *[CLIP] * 4]
    assert [wait.duration.total_seconds() for wait in waits if isinstance(wait, Sleep)] == [7] * 4
    assert [wait.state["failures"] for wait in waits] == [0, 0, 1, 0]
    assert all(seen.headers["authorization"] == f"Basic {KEY}" for seen in net.seen)
    assert json.loads(net.seen[0].body) == {
        "script": {
            "type": "text",
            "subtitles": "true",
            "provider": {"type": "amazon", "voice_id": "Joanna"},
            "ssml": "false",
            "input": "Tea",
        },
        "config": {"result_format": "mp4"},
        "presenter_config": {"crop": {"type": "wide"}},
        "presenter_id": "amy",
        "driver_id": "driver",
    }


async def test_films_that_fail_and_films_that_never_end(
    net: Internet, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.answers[CLIPS] = says(id="clp_1", status="created")
    for status in ("error", "rejected"):
        net.answers[CLIP] = says(status=status, error={"description": KEY})
        with pytest.raises(ValueError, match=f"its status is {status}") as failure:
            await film(http)
        assert KEY not in str(failure.value)
    net.seen.clear()
    net.answers[CLIP] = says(status="started")
    waits = passing_time(monkeypatch)
    with pytest.raises(ValueError, match="not ready after 9 looks"):
        await film(http, waits, looks=9)
    assert len(net.seen) == 10
    assert len(waits) == 9
    net.seen.clear()
    net.answers[CLIP] = Exchange("", "", 500)
    with pytest.raises(StatusFailed):
        await film(http, looks=100)
    assert len(net.seen) == 7
    net.seen.clear()
    net.answers[CLIP] = Exchange("", "", 401)
    with pytest.raises(StatusFailed):
        await film(http)
    assert len(net.seen) == 2, "a key that is refused is not tried again"


@pytest.mark.parametrize("clip", ["../talks/1", "a/b", "a?b", "", None, 5, "a" * 101, "ä"])
async def test_ids_of_films_stay_ids(net: Internet, http: Http, clip: Any) -> None:
    net.answers[CLIPS] = says(id=clip)
    with pytest.raises(AnswerUnreadable):
        await film(http)
    assert len(net.seen) == 1


async def test_waiting_for_a_film_is_bounded(services: Services) -> None:
    credentials = {"id": "mine", "provider": "d_id", "type": "api_key"}
    for more in ({"polling_interval": 10_000}, {"max_polling_attempts": 10_000}, {"polling_interval": 0}):
        with pytest.raises(BlockInputError):
            await run(
                CreateTalkingAvatarVideo,
                {"credentials": credentials, "script_input": "x", **more},
                services=services,
            )


async def short(http: Http, waits: list[Wait] | None = None, **inputs: Any) -> str:
    """Where the short film lies, after all rounds of the block."""
    credentials = {"id": "mine", "provider": "revid", "type": "api_key"}
    given = {"credentials": credentials, "script": "Tea is ready.", **inputs}
    ((name, address),) = await run(AIShortformVideoCreator, given, waits, services=Services(http=http))
    assert name == "video_url"
    return str(address)


async def test_a_short_film_is_made_of_a_script(net: Internet, http: Http) -> None:
    waits: list[Wait] = []
    net.answers[RENDER] = says(success=1, pid="p1")
    net.answers[STATUS] = [says(status="building"), Exchange("", "oops", 502), says(status="ready", videoUrl=SHORT)]
    inputs = {
        "ratio": "16 / 9",
        "frame_rate": 30,
        "voice": "Brian",
        "video_style": "movingImage",
        "background_music": "Bladerunner 2049",
        "generation_preset": "Sketch B&W",
    }
    assert await short(http, waits, **inputs) == SHORT
    assert [f"{seen.method} {seen.url}" for seen in net.seen] == [RENDER, *[STATUS] * 3]
    assert [wait.duration.total_seconds() for wait in waits if isinstance(wait, Sleep)] == [10] * 3
    assert all(seen.headers["key"] == KEY for seen in net.seen)
    sent = json.loads(net.seen[0].body)
    assert (sent["frameRate"], sent["resolution"]) == (30, "720p")
    asked = {
        "inputText": "Tea is ready.",
        "ratio": "16 / 9",
        "mediaType": "movingImage",
        "generationPreset": "SKETCH_BW",
        "selectedVoice": "nPczCjzI2devNBz1zQrb",
        "selectedAudio": "Bladerunner 2049",
        "audioUrl": "https://cdn.tfrv.xyz/audio/_bladerunner-2049.mp3",
        "hasToGenerateVideos": True,
    }
    assert asked.items() <= sent["creationParams"].items()


async def test_every_voice_and_track_can_be_asked_for(net: Internet, http: Http) -> None:
    voices, tracks = set(), set()
    net.answers[RENDER] = says(pid="p1")
    net.answers[STATUS] = says(status="ready", videoUrl=SHORT)
    for number, track in enumerate(AudioTrack):
        net.seen.clear()
        await short(http, background_music=track, voice=list(Voice)[number % len(Voice)])
        asked = json.loads(net.seen[0].body)["creationParams"]
        tracks.add(asked["audioUrl"])
        voices.add(asked["selectedVoice"])
    assert (len(tracks), len(voices)) == (len(AudioTrack), len(Voice))


async def test_short_films_that_fail_and_short_films_that_never_end(
    net: Internet, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.answers[RENDER] = says(pid="p1")
    for status, told in (("error", {"error": "no credits"}), ("FAILED", {"message": "no credits"}), ("CANCELED", {})):
        net.answers[STATUS] = says(status=status, **told)
        with pytest.raises(ValueError, match=f"its status is {status}{': no credits' if told else '$'}"):
            await short(http)
    for odd in ({"status": "ready", "videoUrl": "http://revid.example/x"}, {"status": "ready"}, {"state": 1}):
        net.answers[STATUS] = says(**odd)
        with pytest.raises(AnswerUnreadable):
            await short(http)
    net.seen.clear()
    net.answers[STATUS] = says(status="building")
    waits = passing_time(monkeypatch)
    with pytest.raises(ValueError, match="not ready within twenty minutes; Revid knows it as p1"):
        await short(http, waits)
    assert len(net.seen) == 1 + 20 * 6


@pytest.mark.parametrize("project", ["../x", "a&b", "", None, 5, "a" * 101])
async def test_ids_of_short_films_stay_ids(net: Internet, http: Http, project: Any) -> None:
    net.answers[RENDER] = says(pid=project)
    with pytest.raises(AnswerUnreadable):
        await short(http)
    assert len(net.seen) == 1


async def test_music_is_made_and_kept(net: Internet, services: Services) -> None:
    piece = "https://replicate.delivery/p1/out.mp3"
    net.answers["POST https://api.replicate.com/v1/predictions"] = says(id="p1", status="succeeded", output=piece)
    net.answers[f"GET {piece}"] = Exchange("", "harp", headers={"Content-Type": "audio/mpeg"})
    inputs = {
        "credentials": {"id": "mine", "provider": "replicate", "type": "api_key"},
        "prompt": "harp",
        "output_format": "mp3",
        "music_gen_model_version": "large",
    }
    ((_, reference),) = await run(AIMusicGenerator, inputs, services=services)
    assert await services.files.read(reference) == File("out.mp3", "audio/mpeg", b"harp")
    sent = json.loads(net.seen[0].body)
    assert sent["version"].startswith("671ac645")
    assert sent["input"] == {
        "prompt": "harp",
        "model_version": "large",
        "duration": 8,
        "temperature": 1.0,
        "top_k": 250,
        "top_p": 0.0,
        "classifier_free_guidance": 3,
        "output_format": "mp3",
        "normalization_strategy": "loudness",
    }


async def test_a_text_is_read_aloud(net: Internet, http: Http) -> None:
    net.answers[SPEECH] = says(OutputUri="https://unreal.example/tea.mp3", TaskStatus="completed")
    assert await speak(http) == "https://unreal.example/tea.mp3"
    assert net.seen[0].headers["authorization"] == f"Bearer {KEY}"
    sent = json.loads(net.seen[0].body)
    assert (sent["Text"], sent["VoiceId"]) == ("Tea", "Dan")
    for text in ("", " \n", "x" * 3_001):
        with pytest.raises(ValueError, match="at most 3,000"):
            await unreal_speech.speak(http, KEY, text, "Dan")
    assert len(net.seen) == 1


async def test_a_banner_holds_what_was_set(net: Internet, services: Services) -> None:
    net.answers[IMAGES] = says(uid="u1", status="pending", image_url=None)
    inputs = {
        "credentials": {"id": "mine", "provider": "bannerbear", "type": "api_key"},
        "template_id": "t",
        "project_id": "p",
        "text_modifications": [{"name": "a", "text": "", "font_size": 12}, {"name": "b", "text": "x"}],
        "image_url": " https://tea.example/pot.png ",
        "metadata": "m",
    }
    assert await run(BannerbearTextOverlay, inputs, services=services) == [
        ("success", True),
        ("image_url", ""),
        ("uid", "u1"),
        ("status", "pending"),
    ]
    (request,) = net.seen
    assert request.headers["authorization"] == "Bearer secret of mine"
    assert json.loads(request.body) == {
        "template": "t",
        "modifications": [
            {"name": "a", "text": "", "font_size": 12},
            {"name": "b", "text": "x"},
            {"name": "photo", "image_url": "https://tea.example/pot.png"},
        ],
        "project_id": "p",
        "metadata": "m",
    }


CALLS: dict[str, tuple[str, Callable[[Http], Awaitable[Any]]]] = {
    "d-id": (CLIPS, film),
    "unreal speech": (SPEECH, speak),
    "bannerbear": (IMAGES, banner),
}
every_call = pytest.mark.parametrize(("request_", "call"), CALLS.values(), ids=CALLS.keys())


@every_call
@pytest.mark.parametrize(
    "body",
    [
        *("", f"<html>{KEY}", "null", "[1]", "3", "{}", "\x00", '{"uid": 5}', f'{{"OutputUri": ["{KEY}"]}}'),
        '{"OutputUri": "file:///x"}',
        '{"uid": "u", "image_url": "http://10.0.0.1/"}',
        '{"uid": "u", "image_url": ["x"]}',
    ],
)
async def test_answers_of_other_shapes_are_refused(
    net: Internet, http: Http, request_: str, call: Callable[[Http], Awaitable[Any]], body: str
) -> None:
    net.answers[request_] = Exchange("", body)
    with pytest.raises(AnswerUnreadable) as failure:
        await call(http)
    assert KEY not in str(failure.value)


@every_call
@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500])
async def test_services_that_say_no_are_asked_once(
    net: Internet, http: Http, request_: str, call: Callable[[Http], Awaitable[Any]], status: int
) -> None:
    net.answers[request_] = Exchange("", f'{{"message": "{KEY}"}}', status)
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await call(http)
    assert failure.value.status == status
    assert KEY not in str(failure.value)
    assert len(net.seen) == 1


@pytest.mark.parametrize("body", ["<html>", "[1]", '{"status": "done"}', '{"status": "done", "result_url": 5}'])
async def test_looks_that_are_answered_otherwise(net: Internet, http: Http, body: str) -> None:
    net.answers[CLIPS] = says(id="clp_1", status="created")
    net.answers[CLIP] = Exchange("", body)
    with pytest.raises(AnswerUnreadable):
        await film(http)
    assert len(net.seen) <= 7
