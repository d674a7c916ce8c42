"""Generates the pages that would rot if written by hand: settings, error codes, metrics, blocks.

`python -m dev.docs` writes them, `tests/architecture/test_docs.py` compares them with the code.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic import AliasChoices, SecretStr
from pydantic_core import PydanticUndefined

import api.errors
from api.graph_problems import MEANINGS
from blocks.base import Block
from blocks.catalogue import own_catalogue
from contracts.errors import HeddleError
from engine.problems import Code, CredentialsCode, Level
from settings import Settings
from telemetry.metrics import ApiMetrics, WorkerMetrics

ROOT = Path(__file__).parent.parent

_PROBLEMS: dict[Code | CredentialsCode, str] = {
    Code.TOO_MANY_NODES: "The graph has more nodes than this deployment allows.",
    Code.TOO_MANY_LINKS: "The graph has more links than this deployment allows.",
    Code.DUPLICATE_NODE_ID: "Two nodes of the graph have one id.",
    Code.UNKNOWN_BLOCK: "A node's block id is not in the catalogue.",
    Code.BLOCK_DISABLED: "A node's block is switched off.",
    Code.BLOCK_UNAVAILABLE: "A node's block is known, but this deployment does not have it.",
    Code.DANGLING_LINK: "A link starts or ends at a node that does not exist.",
    Code.UNKNOWN_SOURCE_PIN: "A link starts at an output that the block does not have.",
    Code.UNKNOWN_SINK_PIN: "A link ends at an input that the block does not have.",
    Code.RESERVED_INPUT_NAME: "An agent input is named like a credentials field.",
    Code.INPUT_REFUSED: "An input of a node has a value, or links, that its block does not take.",
    Code.MISSING_REQUIRED_INPUT: "Nothing fills a field that the block requires: no value, no link, no mask.",
    Code.NO_STARTING_NODE: "Every node waits for another one.",
    Code.UNKNOWN_INPUT: "A run was given an input that the graph does not have.",
    Code.MISSING_INPUT: "A run was not given an input that has no default.",
    Code.UNKNOWN_MASK_NODE: "`nodes_input_masks` names a node that the graph does not have.",
    Code.UNKNOWN_MASK_PIN: "`nodes_input_masks` names a pin that the node does not have.",
    CredentialsCode.MISSING_CREDENTIALS: "A node needs credentials and names none, nor has the deployment any.",
    CredentialsCode.UNKNOWN_CREDENTIALS: "A node names credentials that you do not have.",
    CredentialsCode.INVALID_CREDENTIALS: "A node names credentials of another provider or type than its block needs.",
    CredentialsCode.CREDENTIALS_NOT_AVAILABLE: "A node names credentials of the deployment, which has none there.",
    CredentialsCode.UNKNOWN_CREDENTIALS_INPUT: "`credentials_inputs` has a key that the graph does not ask for.",
}


def settings_page() -> str:
    """`docs/settings.md`."""
    lines = ["# Settings", "", "Read from the environment once, at start. Names after the first are aliases.", ""]
    lines += ["| name | default | what it is |", "|---|---|---|"]
    for names, default, description in _settings():
        lines.append(
            f"| {', '.join(f'`{name}`' for name in names)} | {f'`{default}`' if default else ''} | {description} |"
        )
    return _page(lines)


def environment_example() -> str:
    """`.env.example`: every setting with its default, commented out."""
    lines = ["# Every setting with its default; docs/settings.md tells more. Uncomment what you change."]
    for names, default, description in _settings():
        lines += ["", f"# {description}", f"# {names[0]}={default}"]
    return _page(lines)


def _settings() -> Iterator[tuple[list[str], str, str]]:
    for field in Settings.model_fields.values():
        assert isinstance(field.validation_alias, AliasChoices)
        names = [str(name) for name in field.validation_alias.choices]
        default = field.default
        text = default.get_secret_value() if isinstance(default, SecretStr) else default
        shown = "" if text is PydanticUndefined else str(text).lower() if isinstance(text, bool) else str(text)
        yield names, shown, field.description or ""


def errors_page() -> str:
    """`docs/errors.md`."""
    lines = [
        "# Error codes",
        "",
        "Codes are stable; messages are for people and may change. `validation_error` carries `details.problems`, each",
        "with `code`, `level`, `message` and the place (`node_id`, `pin`, `link_id`).",
        "",
        "| code | HTTP | what it means |",
        "|---|---|---|",
    ]
    for kind in sorted(set(_error_kinds(HeddleError)), key=lambda kind: kind.code):
        meaning = (kind.__doc__ or "").splitlines()[0]
        lines.append(f"| `{kind.code}` | {kind.http_status} | {meaning} |")
    lines += ["", "## Problems of graphs and inputs", "", "| code | what it means |", "|---|---|"]
    lines += [f"| `{code.value}` | {_PROBLEMS[code]} |" for code in (*Code, *CredentialsCode)]
    lines += [f"| `{code.value}` | {meaning} |" for code, meaning in MEANINGS.items()]
    lines += ["", f"Levels: `{Level.SAVE}` (the structure is broken) and `{Level.RUN}` (it cannot be run as it is)."]
    return _page(lines)


def _error_kinds(kind: type[HeddleError]) -> Iterator[type[HeddleError]]:
    """The errors with a code of their own; the branches between do not occur by themselves."""
    assert api.errors  # its classes count too, and exist once it is imported
    for subclass in kind.__subclasses__():
        if "code" in vars(subclass):
            yield subclass
        yield from _error_kinds(subclass)


def metrics_page() -> str:
    """`docs/metrics.md`."""
    lines = ["# Metrics", "", "Each process shows these and the Temporal SDK's own (`temporal_…`) on `/metrics`.", ""]
    for title, registry in (("API", ApiMetrics().registry), ("Worker", WorkerMetrics().registry)):
        lines += [
            f"## {title}",
            "",
            "| name | kind | labels | what it counts |",
            "|---|---|---|---|",
            *_metrics(registry),
            "",
        ]
    return _page(lines)


def _metrics(registry: CollectorRegistry) -> Iterator[str]:
    for collector in list(registry._collector_to_names):
        described: Any = collector
        for metric in described.describe():
            labels = ", ".join(f"`{label}`" for label in getattr(collector, "_labelnames", ()))
            suffix = "_total" if metric.type == "counter" else ""
            yield f"| `{metric.name}{suffix}` | {metric.type} | {labels} | {metric.documentation} |"


def blocks_page() -> str:
    """`docs/blocks.md`."""
    blocks = sorted(own_catalogue(), key=lambda block: block.name)
    lines = ["# Blocks", "", f"{len(blocks)} blocks. Required inputs are bold.", ""]
    for block in blocks:
        lines += _block(block)
    return _page(lines)


def _block(block: Block[Any]) -> Iterator[str]:
    shape = block.shape()
    yield f"## {block.name}"
    yield ""
    yield f"{block.description}"
    yield ""
    yield f"`{block.id}` · {', '.join(sorted(c.value for c in block.categories))} · {block.effects.value}"
    yield ""
    yield "| pin | what it is |"
    yield "|---|---|"
    for name, field in block.Input.model_fields.items():
        pin = field.alias or name
        shown = f"**{pin}**" if shape.inputs[pin].required else pin
        yield f"| in: {shown} | {_cell(field.description)} |"
    for name, field in block.Output.model_fields.items():
        yield f"| out: {field.alias or name} | {_cell(field.description)} |"
    yield ""


def _cell(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").replace("|", "\\|")


def _page(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


PAGES = {
    "docs/settings.md": settings_page,
    ".env.example": environment_example,
    "docs/errors.md": errors_page,
    "docs/metrics.md": metrics_page,
    "docs/blocks.md": blocks_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page())
        print(f"wrote {name}")
