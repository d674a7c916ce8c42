"""Medium: publishing a post.

For the block of `blocks/sending.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected
from blocks.providers.paths import segment

_USERS = "https://api.medium.com/v1/users/"


@dataclass(frozen=True, slots=True)
class Post:
    """What to publish, and how, in Medium's own words (`public`, `draft`, `unlisted`; `html`, `markdown`)."""

    title: str
    content: str
    content_format: str
    tags: Sequence[str]
    publish_status: str
    canonical_url: str | None = None
    license: str = "all-rights-reserved"
    notify_followers: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """The post as Medium has it; milliseconds since 1970."""

    id: str
    url: str
    at: int


async def publish(http: Http, key: str, author_id: str, post: Post) -> Published:
    """Publish it."""
    body = {
        "title": post.title,
        "content": post.content,
        "contentFormat": post.content_format,
        "tags": list(post.tags),
        "publishStatus": post.publish_status,
        "license": post.license,
        "notifyFollowers": post.notify_followers,
        **({"canonicalUrl": post.canonical_url} if post.canonical_url else {}),
    }
    answer = await http.request(
        "POST",
        f"{_USERS}{segment(author_id, 'The id of the author')}/posts",
        headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
        json=body,
    )
    match object_of(answer).get("data"):
        case {"id": str() as post_id, "url": str() as url, **rest}:
            at = rest.get("publishedAt")
            return Published(post_id, url, at if isinstance(at, int) else 0)
    raise unexpected(answer)
