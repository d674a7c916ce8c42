"""OpenWeatherMap: the weather at a place, now.

For the block of `blocks/knowledge/weather.py`.
"""

from dataclasses import dataclass

from blocks.http.client import Http
from blocks.providers.answers import object_of, unexpected

_NOW = "https://api.openweathermap.org/data/2.5/weather"


@dataclass(frozen=True, slots=True)
class Weather:
    """In degrees of the units asked for, per cent, and words."""

    temperature: int | float
    humidity: int | float
    condition: str


async def weather(http: Http, key: str, place: str, *, celsius: bool) -> Weather:
    """The weather at a place, by its name."""
    # The interface wants the key in the query; errors never show one.
    params = {"q": place, "appid": key, "units": "metric" if celsius else "imperial"}
    answer = await http.request("GET", _NOW, params=params, redirects=0)
    match object_of(answer):
        case {
            "main": {"temp": int() | float() as temperature, "humidity": int() | float() as humidity},
            "weather": [{"description": str() as condition}, *_],
        }:
            return Weather(temperature, humidity, condition)
    raise unexpected(answer)
