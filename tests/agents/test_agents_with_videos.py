"""Other people's agents that read what is said in videos, run to their end."""

import json

import pytest

from blocks.base import Exchange
from tests.agents.world import FILES, HTML, JSON, Says, Story, World

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")

YOUTUBE = "https://www.youtube.com"
CLAUDE = "claude-sonnet-4-5-20250929"
FIRST, SECOND = "dQw4w9WgXcQ", "jNQXAC9IVRw"
FOUND = f"""<html><head><title>green tea - YouTube</title></head><body><article><h1>Results</h1>
<p>How to brew green tea, a film of four minutes: {YOUTUBE}/watch?v={FIRST}</p>
<p>A visit to Uji, a film of nineteen seconds: {YOUTUBE}/watch?v={SECOND}</p></article></body></html>"""


def video(number: str, *lines: str) -> list[Exchange]:
    """What YouTube answers about a video with a transcript; each has a key of its own, since they are read at once."""
    track = {
        "baseUrl": f"{YOUTUBE}/api/timedtext?v={number}&lang=en",
        "name": {"runs": [{"text": "English"}]},
        "languageCode": "en",
    }
    player = {
        "playabilityStatus": {"status": "OK"},
        "captions": {"playerCaptionsTracklistRenderer": {"captionTracks": [track]}},
    }
    said = "".join(f'<text start="{at}" dur="1">{line}</text>' for at, line in enumerate(lines))
    return [
        Exchange(f"GET {YOUTUBE}/watch?v={number}", f'{{"INNERTUBE_API_KEY": "{number}"}}', headers=HTML),
        Exchange(f"POST {YOUTUBE}/youtubei/v1/player?key={number}", json.dumps(player), headers=JSON),
        Exchange(f"GET {YOUTUBE}/api/timedtext?v={number}&lang=en", f"<transcript>{said}</transcript>"),
    ]


def listed(*numbers: str) -> str:
    """How a model lists videos."""
    return f"<json_output>{json.dumps([f'{YOUTUBE}/watch?v={number}' for number in numbers])}</json_output>"


STORIES = [
    Story(
        "youtube-to-linkedin-post-converter-2",
        gives={
            "Source YouTube Video": f"https://youtu.be/{FIRST}",
            "Structure: How do you want to present your LinkedIn Post?": "Question or Poll",
            "Content: What is the main idea or message you want to convey.": "Hot Take",
            "Tone: How do you want to express yourself in your post?": "Storytelling",
        },
        keys=["openai", "anthropic"],
        web=video(FIRST, "Warm the pot", "&amp;amp; wait"),
        models=[
            Says("gpt-4o", ["seasoned content analyst", "Warm the pot\n& wait"], "It is about patience."),
            Says("gpt-4o", ["The post type is Hot Take"], "Hot takes are short."),
            Says("gpt-4o", ["the writing style Storytelling"], "Once upon a time."),
            Says(
                CLAUDE,
                [
                    *("Output only the LinkedIn post", "Warm the pot\n& wait", "the Question or Poll style"),
                    *("It is about patience.", "Hot takes are short.", "Once upon a time."),
                ],
                "Would you wait?",
            ),
        ],
        outputs={"LinkedIn Post": ["Would you wait?"]},
    ),
    Story(
        "youtube-transcription-scraper-2",
        gives={"Search Query": "green tea", "Number of Videos": "2"},
        keys=["anthropic"],
        web=[
            Exchange(f"GET {YOUTUBE}/results?search_query=green%20tea", FOUND, headers=HTML),
            *video(FIRST, "Warm the pot"),
            *video(SECOND, "Here is Uji"),
        ],
        models=[Says(CLAUDE, ["top 2 YouTube", FIRST, SECOND], listed(FIRST, SECOND))],
        # The list comes out once, when it holds both.
        outputs={"Transcripts": [["Youtube Transcripts", "Warm the pot", "Here is Uji"]]},
    ),
    Story(
        "linkedin-post-generator-2",
        gives={
            "Topic": "green tea",
            "Number of Videos": "1",
            "Style": "Academic",
            "Target Word Count": "100",
            "Objective": "Critical",
            "Clarity": "Concise",
            "Tone": "Serious",
            "Opinion": "Skeptical",
        },
        keys=["anthropic"],
        web=[
            Exchange(f"GET {YOUTUBE}/results?search_query=green%20tea", FOUND, headers=HTML),
            *video(FIRST, "Warm the pot"),
        ],
        models=[
            Says(CLAUDE, ["top 1 YouTube", FIRST, SECOND], listed(FIRST)),
            Says(
                CLAUDE,
                ['["Youtube Transcripts", "Warm the pot"]', "is: green tea", "Academic", "Critical", "Skeptical"],
                "Warm pots: a critique.",
            ),
        ],
        outputs={"Blog Post": ["Warm pots: a critique."]},
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
async def test_an_agent_with_videos(world: World, story: Story) -> None:
    await world.plays(story)
