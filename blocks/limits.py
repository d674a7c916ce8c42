"""How much a block may make of how little: bounds that keep one node from taking a worker's memory or time.

Used by every block whose output can outgrow its input. Sizes in characters unless a name says otherwise.
"""

LONGEST_TEXT = 10_000_000
"""A text that a block makes, and a text that it takes apart."""

MOST_ITEMS = 10_000
"""Items that one iteration steps through (agent-graphs §17.5) and rounds of a countdown."""

LONGEST_ITEMS_TEXT = 1_000_000
"""A text of items to step through (agent-graphs §17.5)."""

LONGEST_FILLING = 1_000_000
"""Characters of JSON with which `pad_to_longest` may fill gaps."""

LONGEST_SEARCHED_TEXT = 1_000_000
"""A text that a pattern is looked for in (agent-graphs §17.7)."""

LONGEST_PATTERN = 10_000
LARGEST_PATTERN = 50_000
"""A pattern written out, with every repetition repeated: `(a{10}){10}` counts as 100."""

MOST_MATCHES = 1_000
LONGEST_MATCH = 10_000
PATTERN_SECONDS = 5.0

TEMPLATE_SECONDS = 10.0
LARGEST_POWER = 1_000
"""Base and exponent of a power in a template (agent-graphs §17.8)."""

LARGEST_INTEGER = 100_000
"""Bits of an integer that a template makes."""

LARGEST_REPEAT = 10_000
"""A range, a repetition or a width in a template (agent-graphs §17.8)."""

LARGEST_FILE = 100 * 1024 * 1024
"""Bytes of one file (agent-graphs §19)."""

LARGEST_UNPACKED = 50_000_000
"""Bytes of all that an archive or a spreadsheet holds, once it is unpacked."""

LARGEST_PART = 10_000_000
"""Bytes of one part of a spreadsheet that is not a sheet or its texts: formats, properties, names."""

MOST_FILES = 1_000
"""Files in an archive."""

LARGEST_DIRECTORY = 4_000_000
"""Bytes of an archive's list of its files, all of which is read before anything else."""

LONGEST_TABLE = 50_000_000
"""Characters of a table as text."""

MOST_CELLS = 1_000_000

MOST_CHUNKS = 100_000
"""Pieces into which a text is cut."""


def refuse_long_text(length: int) -> None:
    """ValueError when a block is about to make a text of this many characters and that is too many."""
    if length > LONGEST_TEXT:
        raise ValueError(f"The result would have {length:,} characters; at most {LONGEST_TEXT:,} are possible.")
