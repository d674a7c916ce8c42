"""What time it is, and waiting.

Registered in `catalogue.py`. A countdown holds no worker: each round ends its activity with a `Sleep`, which the
workflow keeps as a timer, and the next one begins where that round stood (agent-graphs §17.11).
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from blocks.base import Block, BlockContext, Category, Example, Inputs, Outputs, Sleep, Yielded
from blocks.limits import MOST_ITEMS

_TEXT = frozenset({Category.TEXT})
_LONGEST_FORMAT = 1_000


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


class Zone(BaseModel):
    """In which zone a time is told."""

    timezone: str = Field("UTC", description="The zone, such as Europe/Berlin")
    use_user_timezone: bool = Field(False, description="Take the zone of whoever started the run instead")

    def here(self, context: BlockContext) -> datetime:
        """Now, in the zone. ValueError when nobody knows the zone."""
        name = context.timezone if self.use_user_timezone else self.timezone
        try:
            return now().astimezone(ZoneInfo(name))
        except (OSError, ValueError, LookupError):
            raise ValueError(f"There is no time zone {name!r}; they are called like Europe/Berlin.") from None


class Strftime(Zone):
    """Told by a pattern of codes such as `%Y`."""

    discriminator: Literal["strftime"] = Field("strftime", description="Told by a pattern")
    format: str = Field("%Y-%m-%d %H:%M:%S", description="The pattern", max_length=_LONGEST_FORMAT)


class DateStrftime(Strftime):
    format: str = Field("%Y-%m-%d", description="The pattern", max_length=_LONGEST_FORMAT)


class TimeStrftime(Strftime):
    format: str = Field("%H:%M:%S", description="The pattern", max_length=_LONGEST_FORMAT)


class DateIso8601(Zone):
    """Told as ISO 8601 does."""

    discriminator: Literal["iso8601"] = Field(description="Told in ISO 8601")


class Iso8601(DateIso8601):
    include_microseconds: bool = Field(False, description="Tell fractions of a second too")

    def of(self, moment: datetime) -> str:
        """The moment in ISO 8601, with its offset from UTC."""
        return moment.isoformat(timespec="microseconds" if self.include_microseconds else "seconds")


class CurrentTimeInputs(Inputs):
    trigger: str = Field(description="Anything; its arrival asks for the time")
    format_type: TimeStrftime | Iso8601 = Field(default_factory=TimeStrftime, description="How to tell it, and where")


class CurrentTimeOutputs(Outputs):
    time: str = Field(description="The time of day")


class GetCurrentTime(Block[CurrentTimeInputs]):
    id = "a892b8d9-3e4e-4e9c-9c1e-75f8efcf1bfa"
    name = "Get current time"
    description = "Tells the time of day."
    categories = _TEXT
    Input = CurrentTimeInputs
    Output = CurrentTimeOutputs
    examples = (
        Example(
            {"trigger": "go", "format_type": {"discriminator": "strftime", "format": "at tea"}}, (("time", "at tea"),)
        ),
    )

    async def run(self, inputs: CurrentTimeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        style = inputs.format_type
        here = style.here(context)
        # A time without its date does not know its zone's offset, so it is cut from the whole, from its T on.
        told = style.of(here)[len("2026-12-31") :] if isinstance(style, Iso8601) else here.strftime(style.format)
        yield "time", told


class CurrentDateInputs(Inputs):
    trigger: str = Field(description="Anything; its arrival asks for the date")
    offset: int | str = Field(0, description="How many days before today; today where it is no whole number")
    format_type: DateStrftime | DateIso8601 = Field(
        default_factory=DateStrftime, description="How to tell it, and where"
    )


class CurrentDateOutputs(Outputs):
    date: str = Field(description="The date")


class GetCurrentDate(Block[CurrentDateInputs]):
    id = "b29c1b50-5d0e-4d9f-8f9d-1b0e6fcbf0b1"
    name = "Get current date"
    description = "Tells today's date, or that of some days ago."
    categories = _TEXT
    Input = CurrentDateInputs
    Output = CurrentDateOutputs
    examples = (
        Example(
            {"trigger": "go", "format_type": {"discriminator": "strftime", "format": "today"}}, (("date", "today"),)
        ),
    )

    async def run(self, inputs: CurrentDateInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        style = inputs.format_type
        try:
            day = style.here(context) - timedelta(days=_offset(inputs.offset))
        except OverflowError:
            raise ValueError(f"{inputs.offset} days ago there was no calendar.") from None
        yield "date", day.date().isoformat() if isinstance(style, DateIso8601) else day.strftime(style.format)


class CurrentDateAndTimeInputs(Inputs):
    trigger: str = Field(description="Anything; its arrival asks for date and time")
    format_type: Strftime | Iso8601 = Field(default_factory=Strftime, description="How to tell them, and where")


class CurrentDateAndTimeOutputs(Outputs):
    date_time: str = Field(description="Date and time")


class GetCurrentDateAndTime(Block[CurrentDateAndTimeInputs]):
    id = "716a67b3-6760-42e7-86dc-18645c6e00fc"
    name = "Get current date and time"
    description = "Tells today's date and the time of day."
    categories = _TEXT
    Input = CurrentDateAndTimeInputs
    Output = CurrentDateAndTimeOutputs
    examples = (
        Example(
            {"trigger": "go", "format_type": {"discriminator": "strftime", "format": "now"}}, (("date_time", "now"),)
        ),
    )

    async def run(self, inputs: CurrentDateAndTimeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        style = inputs.format_type
        here = style.here(context)
        yield "date_time", style.of(here) if isinstance(style, Iso8601) else here.strftime(style.format)


class CountdownTimerInputs(Inputs):
    input_message: Any = Field("timer finished", description="What to give after each round")
    seconds: int | str = Field(0, description="Seconds to wait")
    minutes: int | str = Field(0, description="Minutes to wait")
    hours: int | str = Field(0, description="Hours to wait")
    days: int | str = Field(0, description="Days to wait")
    repeat: int = Field(1, description="How many rounds", le=MOST_ITEMS)

    def duration(self) -> timedelta:
        """How long one round takes. ValueError for what is no whole number, negative or longer than a calendar."""
        parts = {unit: _whole(unit, getattr(self, unit)) for unit in ("seconds", "minutes", "hours", "days")}
        try:
            duration = timedelta(**parts)
        except OverflowError:
            raise ValueError("The wait is longer than any calendar.") from None
        if duration < timedelta():
            raise ValueError("A wait cannot be negative.")
        return duration


class CountdownTimerOutputs(Outputs):
    output_message: Any = Field(description="The message, once per round")


class CountdownTimer(Block[CountdownTimerInputs]):
    id = "d67a9c52-5e4e-11e2-bcfd-0800200c9a71"
    name = "Countdown timer"
    description = "Waits, then gives a message; as many rounds as asked for. The wait survives any restart."
    categories = _TEXT
    Input = CountdownTimerInputs
    Output = CountdownTimerOutputs
    examples = (Example({"input_message": "tea is ready", "repeat": 2}, (("output_message", "tea is ready"),) * 2),)

    async def run(self, inputs: CountdownTimerInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        """The context's `resume` is the number of the round whose wait is over."""
        duration = inputs.duration()
        waited: int = context.resume or 0
        if waited:
            yield "output_message", inputs.input_message
        for done in range(waited, inputs.repeat):
            if duration:
                yield Sleep(duration, done + 1)
                return
            yield "output_message", inputs.input_message


def _offset(value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        return 0  # as upstream: a text such as "today" means today


def _whole(name: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{name} must be a whole number, not {value!r:.40}.") from None
