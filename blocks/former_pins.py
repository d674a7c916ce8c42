"""Former names of pins of blocks that are here under the same id: data, for `legacy.py` alone.

Found in the history of the platform that agents come from, which renamed them without touching files. A pin that
became a part of another one is renamed to the dynamic pin that means that part.
"""

from collections.abc import Mapping

_CLOCK = {"format": "format_type_#_format"}
_SHEETS = {"spreadsheet_id": "spreadsheet_#_id"}
_EMPLOYEES = {"organization_num_empoloyees_range": "organization_num_employees_range"}

RENAMED_INPUTS: Mapping[str, Mapping[str, str]] = {
    # Agent output
    "363ae599-353e-4804-937e-b2ee3cef3da4": {"recorded_value": "value", "fmt_string": "format"},
    # Fill text template
    "db7d8f02-2f44-4c55-ab7a-eae0941f0c30": {"named_texts": "values", "texts": "values_#_texts"},
    # Combine texts, which had four pins before it had a list
    "e30a4d42-7b7d-4e6a-b36e-1f9b8e3b7d85": {f"input{number}": f"input_$_{number - 1}" for number in range(1, 5)},
    # AI structured response generator
    "ed55ac19-356e-4243-a6cb-bc599e9b716f": {"usr_prompt": "prompt"},
    # Countdown timer
    "d67a9c52-5e4e-11e2-bcfd-0800200c9a71": {"message": "input_message"},
    # Get current time, date, date and time
    "a892b8d9-3e4e-4e9c-9c1e-75f8efcf1bfa": _CLOCK,
    "b29c1b50-5d0e-4d9f-8f9d-1b0e6fcbf0b1": _CLOCK,
    "716a67b3-6760-42e7-86dc-18645c6e00fc": _CLOCK,
    # Google Sheets: read, write, batch, clear, find, find and replace, format, manage sheet, metadata
    "5724e902-3635-47e9-a108-aaa0263a4988": _SHEETS,
    "d9291e87-301d-47a8-91fe-907fb55460e5": _SHEETS,
    "a4078584-6fe5-46e0-997e-d5126cdd112a": _SHEETS,
    "84938266-0fc7-46e5-9369-adb0f6ae8015": _SHEETS,
    "0f4ecc72-b958-47b2-b65e-76d6d26b9b27": _SHEETS,
    "accca760-8174-4656-b55e-5f0e82fee986": _SHEETS,
    "270f2384-8089-4b5b-b2e3-fe2ea3d87c02": _SHEETS,
    "7940189d-b137-4ef1-aa18-3dd9a5bde9f3": _SHEETS,
    "6a0be6ee-7a0d-4c92-819b-500630846ad0": _SHEETS,
    # Google Sheets append row
    "531d50c0-d6b9-4cf9-a013-7bf783d313c7": _SHEETS,
    # Apollo: search organizations, search people
    "3d71270d-599e-4148-9b95-71b35d2f44f0": _EMPLOYEES,
    "c2adb3aa-5aae-488d-8a6e-4eb8c23e2ed6": _EMPLOYEES,
    # Exa search
    "996cec64-ac40-4dde-982f-b0dc60a5824d": {
        "numResults": "number_of_results",
        "includeDomains": "include_domains",
        "excludeDomains": "exclude_domains",
        "startCrawlDate": "start_crawl_date",
        "endCrawlDate": "end_crawl_date",
        "startPublishedDate": "start_published_date",
        "endPublishedDate": "end_published_date",
        "includeText": "include_text",
        "excludeText": "exclude_text",
    },
}
"""Block id → former name of an input → its name today."""

RENAMED_OUTPUTS: Mapping[str, Mapping[str, str]] = {
    # Fill text template
    "db7d8f02-2f44-4c55-ab7a-eae0941f0c30": {"combined_text": "output"},
    # Countdown timer
    "d67a9c52-5e4e-11e2-bcfd-0800200c9a71": {"message": "output_message"},
    # File read
    "3735a31f-7e18-4aca-9e90-08a7120674bc": {"chunk": "content"},
    # Read spreadsheet
    "acf7625e-d2cb-4941-bfeb-2819fc6fc015": {"all_data": "rows"},
    # Count items
    "3c9c2f42-b0c3-435f-ba35-05f7a25c772a": {"result": "count"},
    # Human in the loop, which told its decision in two outputs
    "8b2a7b3c-6e9d-4a5f-8c1b-2e3f4a5b6c7d": {"reviewed_data": "approved_data"},
}
"""Block id → former name of an output → its name today."""
