"""JSON text as short text for history: as it is while small, compressed when large.

Used for plans and states on their way between workflow and activities.
"""

import base64
import zlib

_WORTH_COMPRESSING = 2048


def pack(json_text: bytes) -> str:
    """The text itself, or `z` and its compressed form in base 85. JSON text never starts with `z`."""
    if len(json_text) < _WORTH_COMPRESSING:
        return json_text.decode()
    return "z" + base64.b85encode(zlib.compress(json_text, 1)).decode()


def unpack(text: str) -> bytes:
    """What `pack` was given."""
    return zlib.decompress(base64.b85decode(text[1:])) if text.startswith("z") else text.encode()
