"""Other people's agents that read the web, search it and ask models about what they find, run to their end."""

import json
from collections.abc import Sequence

import pytest

from blocks.base import Exchange
from tests.agents.world import FILES, HTML, Holds, Says, Story, World, of_json
from tests.support.model_server import calls
from tests.support.web import Seen

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")

PLACES = "POST https://places.googleapis.com/v1/places:searchText"
PAGE = """<html><head><title>Leaf</title></head><body><nav><a href="/">Home</a></nav><article><h1>Leaf</h1>
<p>We sell green tea from Uji, steamed on the day on which it is picked, in small tins.</p></article></body></html>"""


WHO = {"Question": "Who owns Leaf?"}

CHECKED = """<results_summary>
 I checked 2 domains for you.
</results_summary>
<available>
leaf.com
</available>
<unavailable>
tea.com
</unavailable>
<error>
</error>
"""


def runs_code(seen: Sequence[Seen]) -> None:
    (executed,) = [json.loads(each.body) for each in seen if each.url.endswith("/execute")]
    assert executed["language"] == "python"
    assert 'DOMAINS_TEXT = """leaf.com,tea.com"""' in executed["code"]


def place(name: str, address: str, **more: object) -> dict[str, object]:
    return {"displayName": {"text": name, "languageCode": "en"}, "formattedAddress": address, **more}


def asks_for(**body: object) -> object:
    """A check that the first request had this in its JSON."""

    def check(seen: Sequence[Seen]) -> None:
        asked = json.loads(seen[0].body)
        assert body.items() <= asked.items(), asked

    return check


STORIES = [
    Story(
        "ai-webpage-copy-improver-2",
        gives={"Homepage URL": "https://leaf.example/"},
        keys=["openai"],
        web=[Exchange("GET https://leaf.example/", PAGE, headers=HTML)],
        models=[
            Says("gpt-4o", ["Analyze the following webpage", "green tea from Uji"], "No call to action."),
            Says("gpt-4o", ["Rewrite and improve", "green tea from Uji", "No call to action."], "```<h1>Buy</h1>```"),
        ],
        outputs={"Original Page Analysis": ["No call to action."], "Improved Webpage Copy": ["```<h1>Buy</h1>```"]},
    ),
    Story(
        "email-address-finder",
        gives={"Business Name": "Leaf", "Address": "Uji"},
        keys=["jina"],
        web=[Exchange("GET https://s.jina.ai/Email%20Address%20of%20Leaf%2C%20Uji", "[1] Write to ada@leaf.example")],
        models=[
            Says(
                "claude-sonnet-4-5-20250929",
                ["Contact Email of Leaf", "ada@leaf.example"],
                "<thoughts_or_comments>One.</thoughts_or_comments>\n<email>ada@leaf.example</email>",
            )
        ],
        outputs={"Email": ["ada@leaf.example"]},
    ),
    Story(
        "email-address-finder",
        what="in vain",
        gives={"Business Name": "Leaf"},
        keys=["jina"],
        web=[Exchange("GET https://s.jina.ai/Email%20Address%20of%20Leaf%2C%20USA", "[1] Leaf: no address")],
        models=[Says("claude-sonnet-4-5-20250929", ["[1] Leaf: no address"], "There is none.")],
        # Its template asks for RESULT, its link brings Result.
        outputs={"Email": ["Failed to find email. \nResult:\n"]},
    ),
    Story(
        "fake-news-detector",
        gives={"URL": "https://leaf.example/news"},
        keys=["openai", "jina"],
        web=[
            Exchange("GET https://leaf.example/news", PAGE, headers=HTML),
            of_json(
                "GET https://g.jina.ai/Tea%20is%20sold.",
                {
                    "code": 200,
                    "status": 20000,
                    "data": {
                        "factuality": 0.95,
                        "result": True,
                        "reason": "Two shops sell it.",
                        "references": [{"url": "https://tea.example/", "keyQuote": "tea", "isSupportive": True}],
                    },
                },
            ),
        ],
        models=[Says("gpt-5.2-2025-12-11", ["green tea from Uji"], "Tea is sold.")],
        outputs={"Reasoning": ["Two shops sell it."]},
    ),
    Story(
        "resume-rater",
        what="by address",
        gives={"Resume": "", "URL": "https://ada.example/cv", "What industry is your resume?": "Tea"},
        web=[Exchange("GET https://ada.example/cv", PAGE, headers=HTML)],
        models=[Says("claude-sonnet-4-5-20250929", ["green tea from Uji", "Tea"], "Score: 12")],
        outputs={"Review": ["Score: 12"]},
    ),
    Story(
        "website-page-reviewer",
        gives={"Website URL": "https://leaf.example/"},
        keys=["anthropic"],
        web=[Exchange("GET https://leaf.example/", PAGE, headers=HTML)],
        models=[
            Says("claude-sonnet-4-5-20250929", ["<h1>Leaf</h1>"], "Well.\n<analysis>\n1. A shop.\n</analysis>\nBye.")
        ],
        outputs={"Webpage Review": ["\n1. A shop.\n"]},
    ),
    Story(
        "lead-finder-2",
        gives={
            "What business type you want to look for?": "tea shops",
            "Where do you want to search?": "Uji",
            "Search Distance (metres)": 3000,
            "Number of Results": 2,
        },
        keys=["google_maps"],
        web=[
            of_json(
                PLACES,
                {
                    "places": [
                        place("Leaf", "1 Uji", rating=4.5, userRatingCount=12, websiteUri="https://leaf.example/"),
                        place("Twig", "2 Uji", internationalPhoneNumber="+81 1", rating=4, userRatingCount=3),
                    ]
                },
            )
        ],
        outputs={
            "Name": ["Leaf", "Twig"],
            "Address": ["1 Uji", "2 Uji"],
            "Phone Number": ["+81 1", "N/A"],
            "Website": ["N/A", "https://leaf.example/"],
            "Rating": ["4.0", "4.5"],
            "Number of Reviews": ["12", "3"],
        },
        sent=asks_for(textQuery="tea shops in Uji", pageSize=2),
        ordered=False,
    ),
    Story(
        "business-owner-finder-v89-2",
        gives={"What do you want to look for and where?": "tea shops in Uji"},
        keys=["google_maps", "jina", "openai"],
        web=[
            of_json(PLACES, {"places": [place("Leaf", "1 Uji")]}),
            Exchange("GET https://s.jina.ai/Who%20is%20the%20owner%20of%3A%20Leaf%20at%3A%201%20Uji", "Ada runs Leaf."),
        ],
        models=[
            Says(
                "gpt-5.2-2025-12-11",
                ["<business_info>Ada runs Leaf."],
                "<identified_owner>Business Owner's Name: Ada</identified_owner>",
            )
        ],
        outputs={"Results!": ["Business Owner's Name: Ada"]},
        sent=asks_for(textQuery="tea shops in Uji", pageSize=1),
    ),
    Story(
        "decision-maker-lead-finder",
        gives={"Business Type": "tea shops", "Location": "Uji", "Max Number of Businesses to Analyze (max 60)": 1},
        keys=["google_maps", "openai", "open_router"],
        web=[of_json(PLACES, {"places": [place("Leaf", "1 Uji")]})],
        models=[
            Says("gpt-5-mini-2025-08-07", ["business CEO", '"name": "Leaf"'], calls=calls(("web_search", WHO))),
            Says("perplexity/sonar-pro", ["Who owns Leaf?"], "Ada owns it."),
            Says(
                "gpt-5-mini-2025-08-07",
                ["business CEO", "Ada owns it."],
                "<identified_owner_ceo>\nName: Ada\nPosition: Owner\n</identified_owner_ceo>",
            ),
        ],
        outputs={"Results": ["Name: Ada\nPosition: Owner"]},
        sent=asks_for(textQuery="tea shops in Uji", pageSize=1),
    ),
    Story(
        "domain-name-finder",
        gives={"Product Pitch": "A shop for tea"},
        keys=["openai", "e2b"],
        web=[
            of_json("POST https://api.e2b.app/sandboxes", {"sandboxID": "i1", "domain": "e2b.app"}, status=201),
            *2 * [of_json("POST https://49983-i1.e2b.app/filesystem.Filesystem/ListDir", {})],
            of_json("POST https://49999-i1.e2b.app/execute", {"type": "stdout", "text": CHECKED}),
            Exchange("DELETE https://api.e2b.app/sandboxes/i1", status=204),
        ],
        models=[
            Says("gpt-5-2025-08-07", ["at least 500 domains", "A shop for tea"], "<domains>leaf.com,tea.com</domains>"),
            Says(
                "gpt-5-2025-08-07",
                ["domain valuation expert", "A shop for tea", "<domain_list>\nleaf.com\n</domain_list>"],
                "<keywords>tea</keywords>\n<domains>\nleaf.com\n</domains>",
            ),
        ],
        outputs={"Domain Suggestions": [Holds(["I checked 2 domains for you.", "(Ranked)\n\nleaf.com\n"])]},
        sent=runs_code,
    ),
    Story(
        "medium-blogger-v28",
        gives={},
        masks={"12e9ec75": {"author_id": "ada"}},
        keys=["jina", "openai", "medium"],
        web=[
            Exchange("GET https://s.jina.ai/19th%20July%202024%20Microsoft%20Blackout", "Screens were blue."),
            of_json(
                "POST https://api.medium.com/v1/users/ada/posts",
                {"data": {"id": "e6f36a", "url": "https://medium.com/@ada/e6f36a", "publishedAt": 1442286338435}},
                status=201,
            ),
        ],
        models=[Says("gpt-4o-mini", ["Screens were blue."], '{"TITLE": "Blue", "CONTENT": "All day."}')],
        outputs={},
    ),
    Story(
        "resume-rater",
        gives={"Resume": "Ada: analytical engines", "What industry is your resume?": "Computing"},
        models=[Says("claude-sonnet-4-5-20250929", ["Ada: analytical engines", "Computing"], "Score: 99")],
        outputs={"Review": ["Score: 99"]},
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
async def test_an_agent_of_the_web(world: World, story: Story) -> None:
    await world.plays(story)


async def test_an_agent_cannot_look_behind_the_gate(world: World) -> None:
    """What keeps blocks from addresses that are not public stands between these agents and their world, too."""
    behind = Story("website-page-reviewer", {"Website URL": "http://intranet.example/"}, outputs={}, failed=1)
    result = await world.plays(behind)
    (error,) = [node["error"] for node in result["nodes"] if node["status"] == "FAILED"]
    assert "intranet.example" in error
    assert "10.0.0.7" in world.net.addresses["intranet.example"]
