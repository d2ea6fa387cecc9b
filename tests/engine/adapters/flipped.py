"""A process that reads a partition's facts, or a derived store, in which one bit was flipped, and says what it met.

It is a process of its own since RocksDB may hang on such files. Run as `python flipped.py KIND FOLDER SCRATCH SEED
TRIALS` with KIND `facts` or `derived`. Each trial prints two lines of JSON: `file, byte, bit` before it reads, then
`met`: the error's text, or the digest of everything read.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_options import StoreMemory
from events.errors import DerivedDamaged, FactsDamaged

UNREAD = ("LOCK", "LOG", "OPTIONS", "IDENTITY")


def everything_in_facts(folder: Path) -> Iterator[bytes]:
    """All that the ports show of a partition's facts."""
    facts = RocksFacts(folder, 3, memory=StoreMemory(1 << 20, 1 << 20))
    try:
        offset = 0
        while run := facts.log.read(offset, 100):
            offset += len(run)
            yield from run
        yield facts.log.meta("end") or b""
        yield from facts.decisions.read()
        yield from facts.dead_letters.read()
    finally:
        facts.close()


def everything_in_derived(folder: Path) -> Iterator[bytes]:
    """All that the port shows of a derived store, each state asked for by key too."""
    store = RocksDerived(folder, memory=StoreMemory(1 << 20, 1 << 20))
    try:
        customers = list(store.customers())
        yield repr(customers).encode()
        yield repr(store.get_many([f"c{number}" for number in range(400)])).encode()
        yield repr([*store.timers(0, 1 << 60), *store.transitions(), *store.seen(0), *store.letters()]).encode()
        yield store.meta() or b""
    finally:
        store.close()


READERS = {"facts": everything_in_facts, "derived": everything_in_derived}


def digest(kind: str, folder: Path) -> str:
    """What a reader of the folder finds, or the damage it is told of."""
    found = hashlib.sha256()
    try:
        for value in READERS[kind](folder):
            found.update(b"%d:" % len(value) + value)
    except (FactsDamaged, DerivedDamaged) as error:
        return str(error)
    return found.hexdigest()


def main(kind: str, folder: Path, scratch: Path, seed: int, trials: int) -> None:
    """Flip one random bit of a copy's files, again and again."""
    rng = random.Random(seed)
    files = [path for path in sorted(folder.iterdir()) if path.stat().st_size and not path.name.startswith(UNREAD)]
    for trial in range(trials):
        copy = scratch / str(trial)
        shutil.copytree(folder, copy)
        file = files[trial % len(files)].name
        content = bytearray((copy / file).read_bytes())
        byte, bit = rng.randrange(len(content)), rng.randrange(8)
        content[byte] ^= 1 << bit
        (copy / file).write_bytes(content)
        print(json.dumps({"file": file, "byte": byte, "bit": bit}), flush=True)
        print(json.dumps({"met": digest(kind, copy)}), flush=True)
        shutil.rmtree(copy)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
