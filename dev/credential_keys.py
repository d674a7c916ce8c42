"""The key that encrypts credentials in the embedded stack: made once, kept in its home, readable by its owner only.

Used by `stack`. A home that loses it has credentials that nobody can read any more.
"""

import os
from pathlib import Path

from store.sealing import new_key

_ID = "local"


def obtain(path: Path) -> str:
    """The value of `HEDDLE_CREDENTIAL_KEYS` that the file holds; it is made when there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    keys = f"{_ID}:{new_key()}"
    # Complete or not there at all: half a key would be taken for one ever after.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(f"{keys}\n", encoding="ascii")
    fresh.replace(path)
    return keys
