"""The SQL of the store: named statements, read once from `queries/*.sql`.

Each aggregate asks for its statements by name when it is imported, so a missing one fails at once. A block starts with
`-- name: <name>` and ends where the next one starts.
"""

import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"^-- name:[ \t]*(\w+)[ \t]*$", re.MULTILINE)


class UnknownStatement(LookupError):
    """No statement of this name, or two."""


def parse(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Statements by name, from (file name, text) pairs. Raises UnknownStatement when a name occurs twice."""
    statements: dict[str, str] = {}
    for file_name, text in texts:
        _, *blocks = _NAME.split(text)
        for name, body in zip(blocks[::2], blocks[1::2], strict=True):
            if name in statements:
                raise UnknownStatement(f"{file_name}: a second statement is named {name}")
            statements[name] = body.strip().removesuffix(";")
    return statements


_STATEMENTS = parse(
    (path.name, path.read_text(encoding="utf-8")) for path in sorted((Path(__file__).parent / "queries").glob("*.sql"))
)


def statement(name: str) -> str:
    """The SQL of this name."""
    try:
        return _STATEMENTS[name]
    except KeyError:
        raise UnknownStatement(f"no statement is named {name}") from None
