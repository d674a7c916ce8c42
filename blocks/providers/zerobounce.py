"""ZeroBounce: whether a mail address takes mail.

For the block of `blocks/knowledge/`.
"""

from typing import Any

from blocks.http.client import Http
from blocks.http.errors import StatusFailed
from blocks.providers.answers import object_of, unexpected

DOLLARS = 0.008
"""What a validation costs by the price list; answers do not tell."""

_VALIDATE = "https://api.zerobounce.net/v2/validate"


async def validate(http: Http, key: str, email: str, ip_address: str = "") -> dict[str, Any]:
    """What is known of the address, by ZeroBounce's own names (`status`, `sub_status`, `domain`, …)."""
    # The interface wants the key in the query; errors never show one.
    params = {"api_key": key, "email": email, "ip_address": ip_address}
    answer = await http.request("GET", _VALIDATE, params=params, redirects=0)
    told = object_of(answer)
    if "error" in told:
        raise StatusFailed(
            f"{answer.host} refused: the key or the address is not accepted.", host=answer.host, status=400
        )
    if not isinstance(told.get("status"), str):
        raise unexpected(answer)
    return told
