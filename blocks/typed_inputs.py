"""Agent inputs of one type each: short and long text, number, date, time, switch, choice, table and files.

Registered in `catalogue.py`. Each gives on what the run supplied, in the form that JSON has for it: dates and times in
ISO 8601 (agent-graphs §17.1).
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date, time
from typing import Any

from pydantic import Field

from blocks.agent_io import AgentInputBlock, NamedInputs
from blocks.base import BlockContext, BlockSchema, Example, Yielded
from blocks.files.references import open_file, to_data_uri
from engine.model import Effects


class ShortTextInputs(NamedInputs):
    value: str | None = Field(None, description="The text when a run gives none")


class TextOutputs(BlockSchema):
    result: str = Field(description="The text")


class AgentShortTextInput(AgentInputBlock[ShortTextInputs]):
    id = "7fcd3bcb-8e1b-4e69-903d-32d3d4a92158"
    name = "Agent short text input"
    description = "Takes one line of text from whoever starts the run."
    Input = ShortTextInputs
    Output = TextOutputs
    examples = (Example({"name": "title", "value": "Tea"}, (("result", "Tea"),)),)


class LongTextInputs(NamedInputs):
    value: str | None = Field(None, description="The text when a run gives none")


class AgentLongTextInput(AgentInputBlock[LongTextInputs]):
    id = "90a56ffb-7024-4b2b-ab50-e26c5e5ab8ba"
    name = "Agent long text input"
    description = "Takes a text of several lines from whoever starts the run."
    Input = LongTextInputs
    Output = TextOutputs
    examples = (Example({"name": "notes", "value": "one\ntwo"}, (("result", "one\ntwo"),)),)


class NumberInputs(NamedInputs):
    value: int | None = Field(None, description="The number when a run gives none")


class NumberOutputs(BlockSchema):
    result: int = Field(description="The number")


class AgentNumberInput(AgentInputBlock[NumberInputs]):
    id = "96dae2bb-97a2-41c2-bd2f-13a3b5a8ea98"
    name = "Agent number input"
    description = "Takes a whole number from whoever starts the run."
    Input = NumberInputs
    Output = NumberOutputs
    examples = (Example({"name": "count", "value": 7}, (("result", 7),)),)


class DateInputs(NamedInputs):
    value: date | None = Field(None, description="The date when a run gives none, as 2026-05-31")


class DateOutputs(BlockSchema):
    result: date = Field(description="The date in ISO 8601, as 2026-05-31")


class AgentDateInput(AgentInputBlock[DateInputs]):
    id = "7e198b09-4994-47db-8b4d-952d98241817"
    name = "Agent date input"
    description = "Takes a date from whoever starts the run."
    Input = DateInputs
    Output = DateOutputs
    examples = (Example({"name": "due", "value": "2026-05-31"}, (("result", "2026-05-31"),)),)

    def result(self, inputs: DateInputs) -> Any:
        return inputs.value.isoformat() if inputs.value is not None else None


class TimeInputs(NamedInputs):
    value: time | None = Field(None, description="The time when a run gives none, as 14:30")


class TimeOutputs(BlockSchema):
    result: time = Field(description="The time in ISO 8601, as 14:30:00")


class AgentTimeInput(AgentInputBlock[TimeInputs]):
    id = "2a1c757e-86cf-4c7e-aacf-060dc382e434"
    name = "Agent time input"
    description = "Takes a time of day from whoever starts the run."
    Input = TimeInputs
    Output = TimeOutputs
    examples = (Example({"name": "at", "value": "14:30"}, (("result", "14:30:00"),)),)

    def result(self, inputs: TimeInputs) -> Any:
        return inputs.value.isoformat() if inputs.value is not None else None


class ToggleInputs(NamedInputs):
    value: bool = Field(False, description="Whether it is on when a run does not say")


class ToggleOutputs(BlockSchema):
    result: bool = Field(description="Whether it is on")


class AgentToggleInput(AgentInputBlock[ToggleInputs]):
    id = "cbf36ab5-df4a-43b6-8a7f-f7ed8652116e"
    name = "Agent toggle input"
    description = "Takes yes or no from whoever starts the run; no unless it says otherwise."
    Input = ToggleInputs
    Output = ToggleOutputs
    examples = (
        Example({"name": "urgent", "value": True}, (("result", True),)),
        Example({"name": "urgent"}, (("result", False),)),
    )


class DropdownInputs(NamedInputs):
    value: str | None = Field(None, description="The choice when a run makes none")
    options: list[Any] = Field(default_factory=list, description="What there is to choose from")


class AgentDropdownInput(AgentInputBlock[DropdownInputs]):
    id = "655d6fdf-a334-421c-b733-520549c07cd1"
    name = "Agent dropdown input"
    description = "Takes one of several choices from whoever starts the run."
    Input = DropdownInputs
    Output = TextOutputs
    examples = (Example({"name": "size", "value": "small", "options": ["small", "large"]}, (("result", "small"),)),)


def _columns() -> list[str]:
    return ["Column 1", "Column 2", "Column 3"]


class TableInputs(NamedInputs):
    value: list[dict[str, Any]] | None = Field(
        default_factory=list, description="The rows when a run gives none: one dictionary each, by column"
    )
    column_headers: list[str] = Field(default_factory=_columns, description="The names of the columns")


class TableOutputs(BlockSchema):
    result: list[dict[str, Any]] = Field(description="The rows, one dictionary each")


class AgentTableInput(AgentInputBlock[TableInputs]):
    id = "5603b273-f41e-4020-af7d-fbc9c6a8d928"
    name = "Agent table input"
    description = "Takes a table from whoever starts the run; an empty one unless it says otherwise."
    Input = TableInputs
    Output = TableOutputs
    examples = (
        Example(
            {"name": "people", "value": [{"Name": "Ada"}], "column_headers": ["Name"]},
            (("result", [{"Name": "Ada"}]),),
        ),
        Example({"name": "people"}, (("result", []),)),
    )


class FileInputs(NamedInputs):
    value: str | None = Field(None, description="The file when a run gives none: a data URI, an address or a path")
    base_64: bool = Field(False, description="Read the file and give it on as a data URI, which holds its content")


class FileOutputs(BlockSchema):
    result: str = Field(description="The file as it was given, or as a data URI")


class AgentFileInput(AgentInputBlock[FileInputs]):
    id = "95ead23f-8283-4654-aef3-10c053b74a31"
    name = "Agent file input"
    description = "Takes a file from whoever starts the run."
    Input = FileInputs
    Output = FileOutputs
    examples = (
        Example(
            {"name": "photo", "value": "data:text/plain;base64,aGk="}, (("result", "data:text/plain;base64,aGk="),)
        ),
        Example(
            {"name": "note", "value": "data:text/plain,hi", "base_64": True},
            (("result", "data:text/plain;base64,aGk="),),
        ),
    )

    def effects_for(self, input_default: Mapping[str, Any]) -> Effects:
        """Reading the file is not for batches; handing on where it lies is."""
        return Effects.IDEMPOTENT if input_default.get("base_64") else self.effects

    async def run(self, inputs: FileInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if inputs.value and inputs.base_64:
            yield "result", to_data_uri(await open_file(inputs.value, context.services))
        elif inputs.value is not None:
            yield "result", inputs.value


def _views() -> list[str]:
    return ["DOCS", "SPREADSHEETS", "PRESENTATIONS"]


class GoogleDriveFileInputs(NamedInputs):
    value: dict[str, Any] | None = Field(None, description="The file when a run gives none, as the picker describes it")
    allowed_views: list[str] = Field(default_factory=_views, description="The kinds of files that can be picked")
    allow_folder_selection: bool = Field(False, description="Whether a folder can be picked")


class GoogleDriveFileOutputs(BlockSchema):
    result: dict[str, Any] = Field(description="The file as the picker describes it")


class AgentGoogleDriveFileInput(AgentInputBlock[GoogleDriveFileInputs]):
    id = "d3b32f15-6fd7-40e3-be52-e083f51b19a2"
    name = "Agent Google Drive file input"
    description = "Takes a file of Google Drive, picked by whoever starts the run; gives its description on."
    Input = GoogleDriveFileInputs
    Output = GoogleDriveFileOutputs
    examples = (Example({"name": "sheet", "value": {"id": "f1"}}, (("result", {"id": "f1"}),)),)
