"""Transcripts of videos: which addresses are videos, which transcript is taken, and pages good, closed and hostile."""

import json
import time
from collections.abc import AsyncIterator
from html import escape
from typing import Any

import pytest

from blocks.apart.running import Apart
from blocks.base import Exchange
from blocks.http.client import Http
from blocks.http.errors import AnswerUnreadable, RateLimited, RequestFailed, StatusFailed
from blocks.providers import youtube
from blocks.services import Services
from blocks.web.youtube import TranscribeYoutubeVideo
from tests.blocks.block_runs import run
from tests.support.web import Internet, internet

VIDEO = "dQw4w9WgXcQ"
WATCH = f"https://www.youtube.com/watch?v={VIDEO}"
PLAYER = "https://www.youtube.com/youtubei/v1/player?key=AIza"
PAGE = Exchange("", '<script>{"INNERTUBE_API_KEY": "AIza"}</script>')
CONSENT = Exchange("", '<form action="https://consent.youtube.com/s"><input name="v" value="cb.1">')
BLANK = Exchange("", "<transcript/>")


@pytest.fixture
async def net() -> AsyncIterator[Internet]:
    async with internet() as net:
        yield net


@pytest.fixture
async def http(net: Internet) -> AsyncIterator[Http]:
    http = net.http()
    yield http
    await http.aclose()


def captions(*languages: str) -> str:
    """What the player knows of a video with transcripts in these languages; `en.asr` is one that a machine made."""
    return json.dumps(
        {
            "playabilityStatus": {"status": "OK"},
            "captions": {
                "playerCaptionsTracklistRenderer": {
                    "captionTracks": [
                        {
                            "baseUrl": f"https://www.youtube.com/api/timedtext?lang={language}&fmt=srv3",
                            "name": {"runs": [{"text": language}]},
                            "languageCode": language.partition(".")[0],
                            **({"kind": "asr"} if language.endswith(".asr") else {}),
                        }
                        for language in languages
                    ]
                }
            },
        }
    )


def words(*lines: str) -> Exchange:
    texts = "".join(f'<text start="{n}.5" dur="1">{escape(escape(line))}</text>' for n, line in enumerate(lines))
    return Exchange("", f'<?xml version="1.0" encoding="utf-8" ?><transcript>{texts}</transcript>')


def offer(net: Internet, *languages: str) -> None:
    net.answers |= {WATCH: PAGE, PLAYER: Exchange("", captions(*languages))}
    for language in languages:
        net.answers[f"https://www.youtube.com/api/timedtext?lang={language}"] = words(f"in {language}")


async def transcript(http: Http, **about: Any) -> str:
    return await youtube.transcript(http, VIDEO, Apart("youtube.py", **about))


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.youtube.com/watch?v={VIDEO}",
        f"http://youtube.com/watch?list=PL1&v={VIDEO}&t=10s",
        f"https://m.youtube.com/watch/?v={VIDEO}",
        f"https://music.youtube.com/watch?v={VIDEO}",
        f"https://youtu.be/{VIDEO}",
        f"https://youtu.be/{VIDEO}?si=abc#t=1",
        f"https://www.youtube.com/embed/{VIDEO}?start=1",
        f"https://www.youtube-nocookie.com/embed/{VIDEO}",
        f"https://youtube.com/v/{VIDEO}",
        f"https://youtube.com/shorts/{VIDEO}?feature=share",
        f"https://www.youtube.com/live/{VIDEO}",
        f"  HTTPS://WWW.YOUTUBE.COM/watch?v={VIDEO}\n",
        f"www.youtube.com/watch?v={VIDEO}",
        f"youtu.be/{VIDEO}",
    ],
)
def test_addresses_of_videos(url: str) -> None:
    assert youtube.video_id(url) == VIDEO


@pytest.mark.parametrize(
    "url",
    [
        "",
        VIDEO,
        f"https://evil.example/watch?v={VIDEO}",
        f"https://youtube.com.evil.example/watch?v={VIDEO}",
        f"https://youtube.com@evil.example/watch?v={VIDEO}",
        f"https://evil.example/?u=youtube.com/watch?v={VIDEO}",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=",
        "https://www.youtube.com/watch?v=../../x123",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQx",
        "https://www.youtube.com/@channel",
        "https://www.youtube.com/playlist?list=PL1",
        "https://youtu.be/a/b",
        "https://[",
        "https://www.youtube.com/watch?" + "a=1&" * 400 + f"v={VIDEO}",
        "x" * 1_000_000,
        f"https://www.youtube.com/watch?v={VIDEO}\x00",
    ],
)
async def test_what_is_no_address_of_a_video(net: Internet, http: Http, url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a video at YouTube") as failure:
        await run(TranscribeYoutubeVideo, {"youtube_url": url}, services=Services(http=http))
    assert len(str(failure.value)) < 300
    assert not net.seen


@pytest.mark.parametrize(
    ("languages", "taken"),
    [
        (["de", "en"], "en"),
        (["de", "en.asr"], "en.asr"),
        (["en.asr", "en"], "en"),
        (["fr.asr", "de", "es"], "de"),
        (["ja.asr"], "ja.asr"),
    ],
)
async def test_english_is_preferred_and_people_to_machines(
    net: Internet, http: Http, languages: list[str], taken: str
) -> None:
    offer(net, *languages)
    assert await transcript(http) == f"in {taken}"
    assert [seen.method for seen in net.seen] == ["GET", "POST", "GET"]


async def test_youtube_is_asked_through_the_guard(net: Internet, http: Http) -> None:
    offer(net, "en")
    net.answers["https://www.youtube.com/api/timedtext?lang=en"] = words("tea & <i>milk</i>", "", "für \U0001f375")
    inputs = {"youtube_url": WATCH, "credentials": {"id": "x", "provider": "webshare_proxy", "type": "user_password"}}
    assert await run(TranscribeYoutubeVideo, inputs, services=Services(http=http)) == [
        ("video_id", VIDEO),
        ("transcript", "tea & milk\nfür \U0001f375"),
    ]
    page, player, _ = net.seen
    assert page.headers["accept-language"] == "en-US"
    assert "cookie" not in page.headers
    assert json.loads(player.body)["videoId"] == VIDEO
    assert set(net.resolved) == {"www.youtube.com"}


async def test_the_question_for_consent_is_answered_once(net: Internet, http: Http) -> None:
    offer(net, "en")
    net.answers[WATCH] = [CONSENT, PAGE]
    assert await transcript(http) == "in en"
    assert [seen.headers.get("cookie") for seen in net.seen] == [None, *["CONSENT=YES+cb.1"] * 3]
    net.answers[WATCH] = CONSENT
    net.seen.clear()
    with pytest.raises(AnswerUnreadable):
        await transcript(http)
    assert len(net.seen) == 2


PLAYERS: dict[str, tuple[dict[str, Any], str]] = {
    "off": ({"playabilityStatus": {"status": "OK"}}, "subtitles are switched off"),
    "empty": (json.loads(captions()), "has no transcript"),
    "gone": ({"playabilityStatus": {"status": "ERROR", "reason": "This video is unavailable"}}, "no such video"),
    "old": (
        {
            "playabilityStatus": {
                "status": "LOGIN_REQUIRED",
                "reason": "This video may be inappropriate for some users.",
            }
        },
        "grown-ups",
    ),
    "robot": (
        {"playabilityStatus": {"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm you’re not a bot"}},
        "holds this deployment for a machine",
    ),
    "private": (
        {"playabilityStatus": {"status": "UNPLAYABLE", "reason": "It is private " + "x" * 10_000}},
        "does not play the video: It is private",
    ),
    "silent": ({"playabilityStatus": {"status": "UNPLAYABLE"}}, "does not say why"),
}


@pytest.mark.parametrize(("player", "said"), PLAYERS.values(), ids=PLAYERS.keys())
async def test_videos_without_a_transcript_say_why(
    net: Internet, http: Http, player: dict[str, Any], said: str
) -> None:
    net.answers |= {WATCH: PAGE, PLAYER: Exchange("", json.dumps(player))}
    with pytest.raises(ValueError, match=said) as failure:
        await transcript(http)
    assert len(str(failure.value)) < 1_000
    assert "github" not in str(failure.value), "the library's own words are for its own users"


async def test_a_wall_of_captchas_and_transcripts_for_players_alone(net: Internet, http: Http) -> None:
    net.answers[WATCH] = Exchange("", '<div class="g-recaptcha">')
    with pytest.raises(ValueError, match="holds this deployment for a machine"):
        await transcript(http)
    net.answers |= {WATCH: PAGE, PLAYER: Exchange("", captions("en").replace("&fmt=srv3", "&exp=xpe"))}
    with pytest.raises(ValueError, match="own players alone"):
        await transcript(http)


@pytest.mark.parametrize("url", [WATCH, PLAYER, "https://www.youtube.com/api/timedtext?lang=en"])
@pytest.mark.parametrize("status", [403, 429, 500])
async def test_youtube_says_no(net: Internet, http: Http, url: str, status: int) -> None:
    offer(net, "en")
    net.answers[url] = Exchange("", "go away", status)
    with pytest.raises(RateLimited if status == 429 else StatusFailed) as failure:
        await transcript(http)
    assert failure.value.status == status
    assert net.seen[-1].url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/timedtext",
        "http://www.youtube.com/api/timedtext",
        "https://www.youtube.com@evil.example/",
        "https://www.youtube.com:444/api/timedtext",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "/api/timedtext",
        "https://[",
        "",
    ],
)
async def test_a_transcript_elsewhere_is_not_asked_for(net: Internet, http: Http, url: str) -> None:
    player = captions("en").replace("https://www.youtube.com/api/timedtext?lang=en&fmt=srv3", url)
    net.answers |= {WATCH: PAGE, PLAYER: Exchange("", player)}
    with pytest.raises(AnswerUnreadable):
        await transcript(http)
    assert len(net.seen) == 2


async def test_a_redirect_into_the_house_is_not_followed(net: Internet, http: Http) -> None:
    net.answers[WATCH] = Exchange("", status=302, headers={"Location": "http://10.0.0.1/"})
    with pytest.raises(RequestFailed):
        await transcript(http)
    assert len(net.seen) == 1


HOSTILE: dict[str, dict[str, str | bytes]] = {
    "no page": {WATCH: ""},
    "binary page": {WATCH: bytes(range(256)) * 100},
    "no JSON": {PLAYER: "<html>"},
    "null": {PLAYER: "null"},
    "list": {PLAYER: "[1]"},
    "number": {PLAYER: "3"},
    "deep": {PLAYER: "[" * 100_000},
    "status": {PLAYER: '{"playabilityStatus": 5}'},
    "tracks": {PLAYER: '{"playabilityStatus": {}, "captions": {"playerCaptionsTracklistRenderer": "captionTracks"}}'},
    "track": {
        PLAYER: '{"playabilityStatus": {}, "captions": {"playerCaptionsTracklistRenderer": {"captionTracks": [3]}}}'
    },
    "no XML": {"https://www.youtube.com/api/timedtext?lang=en": "\x00"},
    "empty": {"https://www.youtube.com/api/timedtext?lang=en": ""},
    "start": {"https://www.youtube.com/api/timedtext?lang=en": "<transcript><text>x</text></transcript>"},
    "entities": {
        "https://www.youtube.com/api/timedtext?lang=en": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
        '<transcript><text start="0">&b;</text></transcript>'
    },
    "bomb": {
        "https://www.youtube.com/api/timedtext?lang=en": '<!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;&b;">]>'
        '<transcript><text start="0">&c;</text></transcript>'
    },
}


@pytest.mark.parametrize("answers", HOSTILE.values(), ids=HOSTILE.keys())
async def test_youtube_answers_otherwise(net: Internet, http: Http, answers: dict[str, str | bytes]) -> None:
    offer(net, "en")
    net.answers |= {url: Exchange("", body) for url, body in answers.items()}
    with pytest.raises(AnswerUnreadable, match="not known here"):
        await transcript(http)


async def test_words_made_to_keep_a_reader_busy_are_given_up(net: Internet, http: Http) -> None:
    """Anybody may write subtitles; these take the library hours."""
    offer(net, "en")
    net.answers["https://www.youtube.com/api/timedtext?lang=en"] = words("<" * 500_000)
    started = time.monotonic()
    with pytest.raises(ValueError, match="could not be read within 3 seconds"):
        await transcript(http, seconds=3.0)
    assert time.monotonic() - started < 30


async def test_a_library_that_never_has_enough_is_stopped(net: Internet, http: Http) -> None:
    class Greedy(Apart):
        async def read(self, *_: Any) -> Any:
            return {"ask": {"method": "GET", "url": WATCH, "headers": {}, "json": None}}

    net.answers[WATCH] = BLANK
    with pytest.raises(AnswerUnreadable):
        await youtube.transcript(http, VIDEO, Greedy("youtube.py"))
    assert len(net.seen) == 6
