"""What must have been decided, given the log and which build owned which positions; nothing else is known to it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.adapters.memory import MemoryDecisions
from engine.adapters.memory_generations import MemoryGenerations
from engine.outputs import decode_batch, encode_batch, kept
from engine.ports import Log
from engine.shard import Shard
from tests.simulation.protocol.broken import need
from tests.simulation.protocol.builds import fold_version_of
from tests.simulation.protocol.durable import Stream
from tests.simulation.protocol.partition import Library
from triggers.decisions import Output, Position

BATCH = 7


@dataclass(slots=True)
class Range:
    """The positions up to `upto` that no earlier range has were decided by `build`."""

    upto: Position
    build: int


def ranges_of(stream: Stream) -> list[Range]:
    found: list[Range] = []
    for number, batch in enumerate(stream.read()):
        build, upto = stream.builds[number], decode_batch(batch)[-1].position
        if found and found[-1].build == build:
            found[-1].upto = upto
        else:
            found.append(Range(upto, build))
    return found


def decide_again(
    log: Log, ranges: list[Range], library: Library, *, batch: int = BATCH, partition: int = 0
) -> list[Output]:
    """The outputs of a run without a crash, in which each build takes over where the ranges say."""
    done: list[Output] = []
    for each in ranges:
        stream = MemoryDecisions()
        if done:
            stream.append(encode_batch(done))
        shard = Shard(
            log, stream, MemoryGenerations(), library.load, library.compiler(each.build),
            partition=partition, fold_version=fold_version_of(each.build),
        )  # fmt: skip
        shard.open()
        while shard.position < each.upto and shard.process(batch):
            pass
        done = [output for output in kept(stream.read()) if output.position <= each.upto]
        if not done or done[-1].position != each.upto:
            done.append(Output(each.upto, []))
    return [output for output in done if output.decisions]


def need_same(wanted: list[Output], recorded: list[Output]) -> None:
    for want, found in zip(wanted, recorded, strict=False):
        need(want == found, "iii", "first difference\n  must be", want, "\n  was    ", found)
    need(
        len(wanted) == len(recorded),
        "iii",
        "outputs missing or too many",
        wanted[len(recorded) :],
        recorded[len(wanted) :],
    )
