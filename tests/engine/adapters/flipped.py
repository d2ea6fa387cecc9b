"""A process that reads a partition's facts, or a derived store, in which one bit was flipped, and says what it met.

It is a process of its own since RocksDB may hang on such files. Run as `python flipped.py KIND ACCESS FOLDER SCRATCH
SEED TRIALS ENDS` with KIND `facts` or `derived` and ACCESS `own` or `follow`: flips TRIALS random bits, and ENDS of the
end of each table file. Each trial prints two lines of JSON: `file, byte, bit` before it reads, then `met`: the error's
text, or the digest of everything read.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.adapters.rocksdb_derived import RocksDerived
from engine.adapters.rocksdb_facts import RocksFacts
from engine.adapters.rocksdb_options import Access, StoreMemory
from events.errors import DerivedDamaged, FactsDamaged

UNREAD = ("LOCK", "LOG", "OPTIONS", "IDENTITY")
END_BYTES = 900
"""A small table file's index, properties and footer: without them RocksDB cannot open the file at all."""


def everything_in_facts(folder: Path, access: Access) -> Iterator[bytes]:
    """All that the ports show of a partition's facts."""
    facts = RocksFacts(folder, 3, access=access, memory=StoreMemory(1 << 20, 1 << 20))
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


def everything_in_derived(folder: Path, access: Access) -> Iterator[bytes]:
    """All that the port shows of a derived store, each state asked for by key too."""
    store = RocksDerived(folder, access=access, memory=StoreMemory(1 << 20, 1 << 20))
    try:
        customers = list(store.customers())
        yield repr(customers).encode()
        yield repr(store.get_many([f"c{number}" for number in range(400)])).encode()
        yield repr([*store.timers(0, 1 << 60), *store.transitions(), *store.seen(0), *store.letters()]).encode()
        yield store.meta() or b""
    finally:
        store.close()


READERS = {"facts": everything_in_facts, "derived": everything_in_derived}


def digest(kind: str, access: Access, folder: Path) -> str:
    """What a reader of the folder finds, or the damage it is told of."""
    found = hashlib.sha256()
    try:
        for value in READERS[kind](folder, access):
            found.update(b"%d:" % len(value) + value)
    except (FactsDamaged, DerivedDamaged) as error:
        return str(error)
    return found.hexdigest()


def random_flips(files: Sequence[Path], rng: random.Random, trials: int) -> Iterator[tuple[Path, int]]:
    """(file, byte): the files in turn."""
    for trial in range(trials):
        file = files[trial % len(files)]
        yield file, rng.randrange(file.stat().st_size)


def end_flips(files: Sequence[Path], rng: random.Random, each: int) -> Iterator[tuple[Path, int]]:
    """(file, byte): spread over the end of each table file."""
    for file in files if each else ():
        size = file.stat().st_size
        step = END_BYTES // each
        for before_end in range(rng.randrange(step) + 1, END_BYTES, step):
            if file.suffix == ".sst" and before_end <= size:
                yield file, size - before_end


def main(kind: str, access: Access, folder: Path, scratch: Path, *, seed: int, trials: int, ends: int) -> None:
    """Flip one bit of a copy's files, again and again."""
    rng = random.Random(seed)
    files = [path for path in sorted(folder.iterdir()) if path.stat().st_size and not path.name.startswith(UNREAD)]
    flips = [*random_flips(files, rng, trials), *end_flips(files, rng, ends)]
    for trial, (file, byte) in enumerate(flips):
        copy = scratch / str(trial)
        shutil.copytree(folder, copy)
        content, bit = bytearray(file.read_bytes()), rng.randrange(8)
        content[byte] ^= 1 << bit
        (copy / file.name).write_bytes(content)
        print(json.dumps({"file": file.name, "byte": byte, "bit": bit}), flush=True)
        print(json.dumps({"met": digest(kind, access, copy)}), flush=True)
        shutil.rmtree(copy)


if __name__ == "__main__":
    _, kind, access, folder, scratch, *numbers = sys.argv
    seed, trials, ends = map(int, numbers)
    main(kind, Access(access), Path(folder), Path(scratch), seed=seed, trials=trials, ends=ends)
