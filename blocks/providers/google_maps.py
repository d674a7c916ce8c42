"""Google Maps: searching for places, over the Places interface.

For the block of `blocks/knowledge/`.
"""

from typing import Any

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_SEARCH = "https://places.googleapis.com/v1/places:searchText"
_FIELDS = "displayName formattedAddress internationalPhoneNumber rating userRatingCount websiteUri"
_MASK = ",".join([*(f"places.{name}" for name in _FIELDS.split()), "nextPageToken"])
_PAGE = 20
_MOST = 60


async def search(http: Http, key: str, query: str, most: int) -> list[dict[str, Any]]:
    """Up to `most` places (60 at the most), each with name, address, phone, rating, reviews and website."""
    headers = {"X-Goog-Api-Key": key, "X-Goog-FieldMask": _MASK}
    most = min(most, _MOST)
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"textQuery": query, "pageSize": min(most, _PAGE)}
    for _ in range(_MOST // _PAGE):
        answer = await http.request("POST", _SEARCH, headers=headers, json=asked)
        page = object_of(answer)
        places = page.get("places", [])
        if not isinstance(places, list):
            raise unexpected(answer)
        found += [_place(place) for place in places if isinstance(place, dict)]
        if len(found) >= most or not isinstance(page.get("nextPageToken"), str):
            break
        asked["pageToken"] = page["nextPageToken"]
    return found[:most]


def _place(place: dict[str, Any]) -> dict[str, Any]:
    name, rating, reviews = place.get("displayName"), place.get("rating"), place.get("userRatingCount")
    return {
        "name": str(name.get("text", "")) if isinstance(name, dict) else "",
        "address": str(place.get("formattedAddress", "")),
        "phone": str(place.get("internationalPhoneNumber", "")),
        "rating": float(rating) if isinstance(rating, int | float) else 0.0,
        "reviews": reviews if isinstance(reviews, int) else 0,
        "website": str(place.get("websiteUri", "")),
    }
