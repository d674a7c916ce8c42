"""JSON text as short text for history: as it is while small, compressed when large.

Used for plans and states on their way between workflow and activities.
"""

import base64
import zlib

_WORTH_COMPRESSING = 2048


def pack(json_text: bytes) -> str:
    """The text itself, or `y` and its compressed form in base 64. JSON text never starts with a letter but t, f, n."""
    if len(json_text) < _WORTH_COMPRESSING:
        return json_text.decode()
    return "y" + base64.b64encode(zlib.compress(json_text, 1)).decode()


def unpack(text: str) -> bytes:
    """What `pack` was given. Histories of the first weeks have `z` and base 85, which is slow in Python."""
    if text.startswith("y"):
        return zlib.decompress(base64.b64decode(text[1:]))
    if text.startswith("z"):
        return zlib.decompress(base64.b85decode(text[1:]))
    return text.encode()
