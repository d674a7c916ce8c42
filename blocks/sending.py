"""Posts that leave for other people's services: whoever reads them cannot be made to forget them.

Registered in `catalogue.py`; what the services are asked is in `providers/`. It is entered at most once.
"""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import medium
from engine.model import Effects

_JSON = {"Content-Type": "application/json"}


class PublishToMediumStatus(StrEnum):
    """Who sees a post."""

    PUBLIC = "public"
    DRAFT = "draft"
    UNLISTED = "unlisted"


class PublishToMediumInputs(Inputs):
    author_id: str = Field(title="Author", description="The author's id at Medium", min_length=1)
    title: str = Field(title="Title", description="The title of the post", min_length=1)
    content: str = Field(title="Content", description="The post itself")
    content_format: str = Field(
        title="Format", description="How the post is written: `html` or `markdown`", examples=["html", "markdown"]
    )
    tags: list[str] = Field(title="Tags", description="What the post is about; Medium keeps the first three")
    canonical_url: str | None = Field(None, title="Canonical URL", description="Where the post first appeared")
    publish_status: PublishToMediumStatus = Field(title="Status", description="Who sees the post")
    license: str = Field("all-rights-reserved", title="License", description="The license, in Medium's words")
    notify_followers: bool = Field(False, title="Notify followers", description="Whether followers are told")
    credentials: CredentialsMeta = Field(title="Credentials", description="A token for Medium")


class PublishToMediumOutputs(Outputs):
    post_id: str = Field(title="Post id", description="The post's id at Medium")
    post_url: str = Field(title="Post URL", description="Where the post is")
    published_at: int = Field(title="Published at", description="When, in milliseconds since 1970; 0: not yet")


class PublishToMedium(Block[PublishToMediumInputs]):
    id = "3f7b2dcb-4a78-4e3f-b0f1-88132e1b89df"
    name = "Publish to Medium"
    description = "Publishes a post on Medium. Nothing is tried again."
    categories = frozenset({Category.SOCIAL})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("medium",), own_only=True)}
    Input = PublishToMediumInputs
    Output = PublishToMediumOutputs
    examples = (
        Example(
            {
                "author_id": "ada",
                "title": "Tea",
                "content": "It is *ready*.",
                "content_format": "markdown",
                "tags": ["tea"],
                "publish_status": "draft",
                "credentials": {"id": "mine", "provider": "medium", "type": "api_key"},
            },
            (
                ("post_id", "e6f36a"),
                ("post_url", "https://medium.com/p/e6f36a"),
                ("published_at", 1_442_286_338_435),
            ),
            web=(
                Exchange(
                    "POST https://api.medium.com/v1/users/ada/posts",
                    '{"data": {"id": "e6f36a", "url": "https://medium.com/p/e6f36a", "publishedAt": 1442286338435}}',
                    status=201,
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: PublishToMediumInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        post = medium.Post(
            inputs.title,
            inputs.content,
            inputs.content_format,
            inputs.tags,
            inputs.publish_status.value,
            inputs.canonical_url,
            inputs.license,
            inputs.notify_followers,
        )
        published = await medium.publish(context.services.http, key_of(context.credentials), inputs.author_id, post)
        yield "post_id", published.id
        yield "post_url", published.url
        yield "published_at", published.at
