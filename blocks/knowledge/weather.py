"""The weather, by OpenWeatherMap."""

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.providers import openweathermap


class GetWeatherInformationInputs(Inputs):
    location: str = Field(title="Place", description="Where", examples=["Kyoto", "London,GB"], min_length=1)
    credentials: CredentialsMeta = Field(title="Credentials", description="A key for OpenWeatherMap")
    use_celsius: bool = Field(True, title="Celsius", description="Whether in degrees Celsius, else Fahrenheit")


class GetWeatherInformationOutputs(Outputs):
    temperature: str = Field(title="Temperature", description="In degrees")
    humidity: str = Field(title="Humidity", description="In per cent")
    condition: str = Field(title="Condition", description="In words")


class GetWeatherInformation(Block[GetWeatherInformationInputs]):
    id = "f7a8b2c3-6d4e-5f8b-9e7f-6d4e5f8b9e7f"
    name = "Get weather information"
    description = "Asks OpenWeatherMap for the weather at a place."
    categories = frozenset({Category.SEARCH})
    credentials: ClassVar = {"credentials": CredentialsField(("openweathermap",))}
    Input = GetWeatherInformationInputs
    Output = GetWeatherInformationOutputs
    examples = (
        Example(
            {
                "credentials": {"id": "mine", "provider": "openweathermap", "type": "api_key"},
                "location": "New York",
            },
            (("temperature", "21.66"), ("humidity", "32"), ("condition", "overcast clouds")),
            web=(
                Exchange(
                    "GET https://api.openweathermap.org/data/2.5/weather?q=New+York&appid=secret+of+mine&units=metric",
                    '{"main": {"temp": 21.66, "humidity": 32}, "weather": [{"description": "overcast clouds"}]}',
                    headers={"Content-Type": "application/json"},
                ),
            ),
        ),
    )

    async def run(self, inputs: GetWeatherInformationInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        told = await openweathermap.weather(
            context.services.http, key_of(context.credentials), inputs.location, celsius=inputs.use_celsius
        )
        yield "temperature", str(told.temperature)
        yield "humidity", str(told.humidity)
        yield "condition", told.condition
