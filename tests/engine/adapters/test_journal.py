"""Which journals RocksDB may read: whole ones and torn ones, none in which it would misread a length or a type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_journal import (
    BLOCK_BYTES,
    HEADER_BYTES,
    check_journal,
    check_journals,
    garbled_journal,
    journals,
)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A write-ahead file with small records and some that span blocks, as a crash leaves it."""
    folder = tmp_path_factory.mktemp("facts") / "p0"
    facts = RocksFacts(folder, 0, create=True)
    for number in range(20):
        facts.log.append([b"%d" % number * 50])
    facts.log.append([os.urandom(3 * BLOCK_BYTES)])
    for number in range(20):
        facts.log.append([b"%d" % number * 50])
    content = max(folder.glob("*.log")).read_bytes()
    facts.close()
    return content


def starts(content: bytes) -> list[int]:
    """Where each record begins."""
    found = []
    for block in range(0, len(content), BLOCK_BYTES):
        at = block
        while at + HEADER_BYTES <= min(block + BLOCK_BYTES, len(content)):
            found.append(at)
            at += HEADER_BYTES + int.from_bytes(content[at + 4 : at + 6], "little")
    return found


def fault_at(folder: Path, content: bytes) -> int | None:
    """Where the check finds a fault in a journal of this content."""
    path = folder / "000009.log"
    path.write_bytes(content)
    fault = check_journal(path)
    return None if fault is None else fault.byte


def test_a_journal_cut_anywhere_is_torn_not_damaged(journal: bytes, tmp_path: Path) -> None:
    assert len(starts(journal)) > 40
    cuts = [*range(0, len(journal), 997), *(at + more for at in starts(journal)[-6:] for more in range(12))]
    assert [cut for cut in cuts if fault_at(tmp_path, journal[:cut]) is not None] == []


def test_a_file_that_was_made_longer_but_not_written_is_torn(journal: bytes, tmp_path: Path) -> None:
    assert fault_at(tmp_path, journal + bytes(5000)) is None
    assert fault_at(tmp_path, journal[:-5] + bytes(2 * BLOCK_BYTES)) in {None, starts(journal)[-1]}


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_length_is_found_or_left_to_the_checksum(journal: bytes, tmp_path: Path, bit: int) -> None:
    """A length that grows past the file's end is what RocksDB would take for a torn tail."""
    for at in starts(journal):
        for byte in (at + 4, at + 5):
            content = bytearray(journal)
            content[byte] ^= 1 << bit
            grown = content[at + 4] | content[at + 5] << 8
            block_end = min(at - at % BLOCK_BYTES + BLOCK_BYTES, len(journal))
            if at + HEADER_BYTES + grown > block_end:
                assert fault_at(tmp_path, bytes(content)) == at


def test_a_type_that_rocksdb_would_loop_on_is_found(journal: bytes, tmp_path: Path) -> None:
    for at in starts(journal):
        for kind in (0, 5, 8, 11, 130):
            content = bytearray(journal)
            content[at + 6] = kind
            assert fault_at(tmp_path, bytes(content)) == at


def test_the_manifest_is_checked_too_and_a_garbled_journal_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "p0"
    facts = RocksFacts(folder, 0, create=True)
    facts.log.append([b"event"])
    facts.close()
    assert check_journals(folder) is None
    assert garbled_journal(folder) == ""
    manifest = journals(folder)[0]
    whole = manifest.read_bytes()
    last = starts(whole)[-1]
    manifest.write_bytes(whole[: last + 5] + bytes([whole[last + 5] ^ 0x40]) + whole[last + 6 :])
    fault = check_journals(folder)
    assert fault is not None
    assert (fault.file, fault.byte) == (manifest, last)
    manifest.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert check_journals(folder) is None
    assert garbled_journal(folder) == manifest.name
