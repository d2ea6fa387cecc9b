"""Checks the journals of a RocksDB database before RocksDB opens it.

RocksDB 9.8 trusts the length and type bytes of the records in its write-ahead files and its manifest. One flipped bit
in a length within a file's last block makes it take the rest for a torn tail and drop it; one in a type makes it loop
for ever or find the file empty. Acknowledged records would be gone without a word, so such a file is refused here. What
RocksDB finds itself (a wrong checksum) is left to it.

Format (db/log_format.h): blocks of 32 KiB; a record is crc32c(4, masked) | length(2) | type(1) | payload, never across
blocks; types 1 to 4 are full, first, middle, last; the checksum covers type and payload, not the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 32 * 1024
HEADER_BYTES = 7
_TYPES = range(1, 5)


@dataclass(frozen=True, slots=True)
class JournalFault:
    """A record that RocksDB would misread: which file, at which byte, and why."""

    file: Path
    byte: int
    why: str

    def __str__(self) -> str:
        return f"{self.file.name}: Corruption at byte {self.byte}: {self.why}"


def journals(database: Path) -> list[Path]:
    """The write-ahead files and the manifest of a database, oldest first."""
    current = database / "CURRENT"
    named = current.read_text(encoding="utf-8", errors="replace").strip() if current.is_file() else ""
    manifests = [path for path in database.glob("MANIFEST-*") if path.name == named]
    return manifests + sorted(database.glob("*.log"))


def check_journals(database: Path) -> JournalFault | None:
    """The first fault of a database's journals, None if RocksDB may read them; a torn tail is no fault."""
    for path in journals(database):
        fault = check_journal(path)
        if fault is not None:
            return fault
    return None


def check_journal(path: Path) -> JournalFault | None:
    """The first fault of one journal."""
    try:
        with path.open("rb") as file:
            start = 0
            block = file.read(BLOCK_BYTES)
            while block:
                found = _check_block(block)
                if found is not None:
                    at, why = found
                    return JournalFault(path, start + at, why)
                start += len(block)
                # After a short block the file has ended; what a live owner appends meanwhile is checked another time.
                block = file.read(BLOCK_BYTES) if len(block) == BLOCK_BYTES else b""
    except FileNotFoundError:  # the owner of a database that is followed deletes files it needs no more
        return None
    return None


def garbled_journal(database: Path) -> str:
    """The name of the first journal with a record whose checksum is wrong, or ''; slow (some MB/s), to name the file
    where RocksDB only says that there is one.
    """
    for path in journals(database):
        content = path.read_bytes()
        for start in range(0, len(content), BLOCK_BYTES):
            if not all(_is_sound(*record) for record in _records(content[start : start + BLOCK_BYTES])):
                return path.name
    return ""


def _records(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(stored checksum, type, payload) of each whole record of a block."""
    at = 0
    while len(block) - at >= HEADER_BYTES:
        end = at + HEADER_BYTES + (block[at + 4] | block[at + 5] << 8)
        if end > len(block):
            return
        yield int.from_bytes(block[at : at + 4], "little"), block[at + 6], block[at + HEADER_BYTES : end]
        at = end


def _is_sound(stored: int, kind: int, payload: bytes) -> bool:
    state = _TABLE[(0xFFFFFFFF ^ kind) & 0xFF] ^ 0x00FFFFFF
    table = _TABLE
    for byte in payload:
        state = table[(state ^ byte) & 0xFF] ^ state >> 8
    return _masked(state) == stored


def _masked(state: int) -> int:
    crc = state ^ 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _check_block(block: bytes) -> tuple[int, str] | None:
    at = 0
    size = len(block)
    while size - at >= HEADER_BYTES:
        length = block[at + 4] | block[at + 5] << 8
        kind = block[at + 6]
        if kind not in _TYPES:
            if not any(block[at:]):
                return None  # never written: the file was made longer before a power cut
            return at, f"the record's type must be 1 to 4, found {kind}"
        end = at + HEADER_BYTES + length
        if end > size:
            if size == BLOCK_BYTES:
                return at, f"the record's length must end within its block, found {length}"
            return _torn_or_flipped(block, at)
        at = end
    return None


def _torn_or_flipped(block: bytes, at: int) -> tuple[int, str] | None:
    """A record that the file's end cuts off, unless it is whole under a length that differs in one byte."""
    found = block[at + 4] | block[at + 5] << 8
    stored = int.from_bytes(block[at : at + 4], "little")
    payload = block[at + HEADER_BYTES :]
    for length, checksum in _checksums(block[at + 6], payload):
        if (length ^ found) & 0xFF and (length ^ found) & 0xFF00:
            continue
        if checksum == stored:
            return at, f"the record's length must be {length}, found {found}"
    return None


def _checksums(kind: int, payload: bytes) -> Iterator[tuple[int, int]]:
    """(length, masked checksum) of the record for every length up to the payload's."""
    state = _TABLE[(0xFFFFFFFF ^ kind) & 0xFF] ^ 0x00FFFFFF
    table = _TABLE
    for length in range(len(payload) + 1):
        yield length, _masked(state)
        if length < len(payload):
            state = table[(state ^ payload[length]) & 0xFF] ^ state >> 8


def _crc32c_table() -> list[int]:
    table = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (0x82F63B78 if entry & 1 else 0)
        table.append(entry)
    return table


_TABLE = _crc32c_table()
