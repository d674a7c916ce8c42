"""Other people's agents whose work ends with other people: pictures, mails, messages on Discord."""

import base64
import email
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message
from email.utils import format_datetime

import pytest

from blocks.base import Exchange
from tests.agents.world import FILES, Holds, Says, Story, World, of_json
from tests.support.web import Seen

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")

DISCORD = "https://discord.com/api/v10"
GPT5 = "gpt-5-2025-08-07"
IDEOGRAM = "POST https://api.ideogram.ai/v1/ideogram-v3/generate"
FEED = "https://feeds.bbci.co.uk/news/rss.xml"
PICTURE = "https://ideogram.ai/api/images/p1.png"
MAIL = "POST https://gmail.googleapis.com/gmail/v1/users/me/messages/send"


def finding(channel: str) -> list[Exchange]:
    """How a bot on one server finds a channel by its name."""
    return [
        of_json(f"GET {DISCORD}/users/@me/guilds", [{"id": "5", "name": "Leaf"}]),
        of_json(f"GET {DISCORD}/guilds/5/channels", [{"id": "6", "name": channel, "type": 0}]),
    ]


def taken() -> Exchange:
    """Discord takes a message."""
    return of_json(f"POST {DISCORD}/channels/6/messages", {"id": "99", "channel_id": "6"})


def said(seen: Sequence[Seen]) -> list[str]:
    """The messages that were sent to the channel."""
    return [json.loads(each.body)["content"] for each in seen if each.url.endswith("/channels/6/messages")]


def picture(model: str) -> Exchange:
    """A picture made at Replicate."""
    url = f"POST https://api.replicate.com/v1/models/{model}/predictions"
    body = {"id": "p1", "status": "succeeded", "output": "https://replicate.delivery/p1/out.webp"}
    return of_json(url, body, status=201)


def lead(number: str, name: str) -> dict[str, object]:
    """Somebody whom Apollo knows."""
    company = {"name": "Tea House"}
    return {"id": number, "name": name, "title": "CTO", "email": f"{name.lower()}@tea.example", "organization": company}


def checked(address: str, status: str) -> Exchange:
    """ZeroBounce knows about an address."""
    name, _, host = address.partition("@")
    url = f"https://api.zerobounce.net/v2/validate?api_key={{zerobounce}}&email={name}%40{host}&ip_address="
    return of_json(f"GET {url}", {"address": address, "status": status, "sub_status": "", "account": name})


def was_mailed(seen: Sequence[Seen]) -> None:
    (sent,) = [each for each in seen if each.url.endswith("/messages/send")]
    mail: Message = email.message_from_bytes(base64.urlsafe_b64decode(json.loads(sent.body)["raw"] + "=="))
    assert (mail["To"], mail["Subject"]) == ("ada@leaf.example", "Tea today")
    assert "<h1>Tea today</h1>" in str(mail)


def were_posted(seen: Sequence[Seen]) -> None:
    assert sorted(said(seen)) == ["A coin.", "https://replicate.delivery/p1/out.webp"]


def feed() -> str:
    """A feed with one entry of just now."""
    now = format_datetime(datetime.now(UTC))
    return f"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>https://news.example/</link>
<description>All</description><item><title>Tea is sold</title><link>https://news.example/tea</link>
<description>By Ada, in Uji.</description><pubDate>{now}</pubDate><guid>1</guid></item></channel></rss>"""


def was_announced(seen: Sequence[Seen]) -> None:
    (text,) = said(seen)
    assert text == (
        "**Tea is sold**\n\n**Summary:**\nTea for all.\n\n[Read the full article here](https://news.example/tea)"
        "\n\nhttps://replicate.delivery/p1/out.webp"
    )


STORIES = [
    Story(
        "automated-sales-outreach",
        gives={"Ideal Customer Profile": "tea lovers", "Base Sales Pitch": "Buy leaves."},
        keys=["apollo", "zerobounce", "openai"],
        web=[
            of_json(
                "POST https://api.apollo.io/api/v1/mixed_people/api_search",
                {"people": [lead("a1", "Bob"), lead("a2", "Ada")]},
            ),
            checked("bob@tea.example", "invalid"),
            checked("ada@tea.example", "valid"),
        ],
        models=[
            Says(
                "gpt-4o",
                ["- Name: Ada", "- Company: Tea House", "Buy leaves."],
                '<json_output>{"subject": "Leaves", "body": "Dear Ada"}</json_output>',
            )
        ],
        outputs={
            "Review the Final Draft": ["Lead ID: a2\n\n---\n\nSubject: Leaves\n\nBody:\nDear Ada"],
        },
    ),
    Story(
        "unspirational-poster-maker",
        gives={"Theme": "Tea"},
        keys=["openai", "ideogram"],
        web=[
            *4 * [of_json(IDEOGRAM, {"data": [{"url": PICTURE, "is_image_safe": True}]})],
            *4 * [Exchange(f"GET {PICTURE}", "TEA", headers={"Content-Type": "image/png"})],
        ],
        models=[Says("gpt-4o", ['based on the theme: "Tea"'], "A cold cup.")],
        outputs={"Generated Image": 4 * [Holds(["heddle://files/", "/p1.png"])]},
    ),
    Story(
        "wikipedia-to-discord-publisher",
        gives={"Discord Channel": "general"},
        keys=["replicate", "discord"],
        web=[
            of_json("GET https://en.wikipedia.org/api/rest_v1/page/summary/Bitcoin", {"extract": "A coin."}),
            picture("stability-ai/stable-diffusion-3.5-medium"),
            *2 * finding("general"),
            *2 * [taken()],
        ],
        outputs={},
        sent=were_posted,
    ),
    Story(
        "rss-to-discord-news-bot",
        gives={},
        keys=["openai", "replicate", "discord"],
        web=[
            Exchange(f"GET {FEED}", feed(), headers={"Content-Type": "application/rss+xml"}),
            picture("google/nano-banana-2"),
            *finding("general"),
            taken(),
        ],
        models=[Says("gpt-4o", ["the main points of the article", "Tea is sold", "By Ada, in Uji."], "Tea for all.")],
        outputs={},
        sent=was_announced,
        goes_on=True,
    ),
    Story(
        "personal-newsletter",
        gives={
            "Your Email Address": "ada@leaf.example",
            "What time range would you like each newsletter edition to cover?": "1 day",
            "Topics of Interest": "Tea",
        },
        keys=["openai", "open_router", "jina", "anthropic", "google"],
        web=[
            Exchange("GET https://s.jina.ai/Tea%20house", "https://p.example/house.png"),
            Exchange("GET https://s.jina.ai/Tea%20field", "https://p.example/field.png"),
            of_json(MAIL, {"id": "18c", "threadId": "18c", "labelIds": ["SENT"]}),
        ],
        models=[
            Says(GPT5, ["best find me", '"Tea"', "1 day"], "What is new of tea?"),
            Says("perplexity/sonar-deep-research", ["What is new of tea?"], "Uji has a tea house."),
            Says(
                GPT5,
                ["Create a newsletter", "Uji has a tea house."],
                "<title>Tea today</title>\n<body>A house, a field.</body>",
            ),
            Says(
                GPT5,
                ["individual stories", "A house, a field."],
                "<stories><story>Tea house</story><story>Tea field</story></stories>",
            ),
            *(
                Says(
                    "gpt-5-mini-2025-08-07",
                    ["Do not return more than 1 ", f"https://p.example/{name}.png"],
                    f"<images><image><url>https://p.example/{name}.png</url></image></images>",
                )
                for name in ("house", "field")
            ),
            Says(
                GPT5,
                ["A house, a field.", "https://p.example/house.png", "https://p.example/field.png"],
                "A house ![](https://p.example/house.png), a field.",
            ),
            Says(
                "claude-sonnet-4-20250514",
                ["A house ![](https://p.example/house.png)", "Human-Crafted Simplicity"],
                "<h1>Tea today</h1>",
            ),
        ],
        outputs={"Newsletter": ["A house ![](https://p.example/house.png), a field."]},
        sent=was_mailed,
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
async def test_an_agent_that_sends(world: World, story: Story) -> None:
    await world.plays(story)
