"""Zip archives from strangers, opened within limits: what they may hold is known before anything is unpacked.

Used by `archives.py` and, since a spreadsheet is such an archive, by `data/tables.py`.
"""

import io
import struct
import zipfile
import zlib

from blocks.limits import LARGEST_DIRECTORY, LARGEST_UNPACKED, MOST_FILES

_END = b"PK\x05\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 65_535
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_64_SIZE = 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1


def open_zip(content: bytes, *, most_files: int = MOST_FILES, most_bytes: int = LARGEST_UNPACKED) -> zipfile.ZipFile:
    """The archive. ValueError when it is none, is encrypted or packed unusually, or would hold too much.

    The sizes that an archive declares are also the most that reading it gives, so adding them up bounds all reading.
    """
    _refuse_large_directory(content)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError):
        raise ValueError("The file is not a zip archive.") from None
    entries = archive.infolist()
    if len(entries) > most_files:
        raise ValueError(f"The archive holds {len(entries):,} files; at most {most_files:,} are possible.")
    total = sum(entry.file_size for entry in entries)
    if total > most_bytes:
        raise ValueError(f"The archive would unpack to {total:,} bytes; at most {most_bytes:,} are possible.")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise ValueError("The archive is encrypted.")
        if entry.compress_type not in _METHODS:
            raise ValueError("The archive is packed by a method other than deflate.")
    return archive


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one file of an archive. ValueError when it is damaged."""
    try:
        return archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error):
        raise ValueError(f"{entry.filename!r:.100} in the archive is damaged.") from None


def _refuse_large_directory(content: bytes) -> None:
    """The archive's list of files is read as a whole when it is opened, so its size is looked at first."""
    end = content.rfind(_END, max(0, len(content) - _END_SIZE - _LONGEST_COMMENT))
    if end < 0 or len(content) - end < _END_SIZE:
        raise ValueError("The file is not a zip archive.")
    (size,) = struct.unpack_from("<L", content, end + 12)
    # What only archives above 4 GB need would replace the size that was looked at.
    if _LOCATOR_64 in content[max(0, end - _LOCATOR_64_SIZE) : end] or size > LARGEST_DIRECTORY:
        raise ValueError("The archive's list of files is too large.")
