"""Other people's agents that ask language models and nothing else, run to their end."""

import pytest

from tests.agents.world import FILES, Holds, Says, Story, World, agent

pytestmark = pytest.mark.skipif(not FILES, reason="no agents of other people's here")

OUTPUT = "363ae599"


def names(file: str) -> dict[str, str]:
    """Something for each input of an agent."""
    named = {node["input_default"]["name"]: node["block_id"] for node in agent(file)["nodes"] if _is_named(node)}
    return {name: f"the {name}" for name, block_id in named.items() if not block_id.startswith(OUTPUT)}


def _is_named(node: dict[str, dict[str, str]]) -> bool:
    return "name" in node["input_default"]


STORIES = (
    [
        Story(
            "ai-function",
            gives=names("ai-function"),
            models=[Says("o3-mini", list(names("ai-function").values()), "42")],
            outputs={"return": ["42"]},
        ),
        Story(
            "win-back-email-writer",
            gives=names("win-back-email-writer"),
            keys=["anthropic"],
            models=[Says("claude-sonnet-4-5-20250929", list(names("win-back-email-writer").values()), "Dear Ada")],
            outputs={"Win-back Email": ["Dear Ada"]},
        ),
        Story(
            "financial-advisor-agent-your-personalized-financial-guidance",
            gives={},
            keys=["openai"],
            models=[Says("gpt-4o", ["USA"], "Save more.")],
            outputs={"Your Situation": [Holds(["Country: USA", "Expenses: 6000"])], "Advice": ["Save more."]},
        ),
    ]
    if FILES
    else []
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
async def test_an_agent_with_models(world: World, story: Story) -> None:
    await world.plays(story)


async def test_an_endpoint_of_the_deployments_own_is_asked_without_a_key(world: World) -> None:
    await world.plays(STORIES[0])
    assert not {"authorization", "x-api-key"} & world.models.asked[0].headers.keys()
