"""A random history over some partitions, attacked while it runs, and every check at its end.

run(seed)                   one build; also: one partition gives the same as two
run(seed, builds=BUILDS)    restarts change to other builds and back
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from engine.activations import append_activation
from engine.hashes import canonical_decision, state_hash
from engine.shard import Shard
from events import codec
from events.envelope import Event
from events.partitioning import partition_of
from tests.evaluator.generate import generate
from tests.evaluator.model import Activation, Rulebook, Tick
from tests.evaluator.model import Event as Written
from tests.simulation.agreement.engine_side import check
from tests.simulation.protocol.books import UNIT_MS, first_book, next_book
from tests.simulation.protocol.broken import need
from tests.simulation.protocol.builds import FORGETS_DUE, ORIGINAL, watch_decisions
from tests.simulation.protocol.durable import Crash
from tests.simulation.protocol.limits import tight_limits
from tests.simulation.protocol.oracle import decide_again, need_same, ranges_of
from tests.simulation.protocol.partition import Library, Partition
from tests.simulation.protocol.recount import check_lives, check_overdue, check_policy
from triggers.decisions import Output

CUSTOMERS = ("ann", "bob", "cleo", "dora", "emil")
START_MS = 1_760_000_400_000 // UNIT_MS * UNIT_MS
GENERATED = 4
"""One seed in so many attacks a case of the evaluator's generator instead of a small rulebook."""

Made = tuple[int, Event | Rulebook | None]


def small_history(rng: Random) -> Iterator[Made]:
    """(journey time, what happens): None is a tick."""
    now_ms = START_MS
    for number, customer in enumerate(CUSTOMERS):
        profile = {"email": f"{customer}@shop.example", "time_zone": rng.choice(["UTC", "Europe/Riga"])}
        yield now_ms, event(f"p{number}", "profile_updated", customer, now_ms, profile)
        granted = {"channel": "email", "purpose": "marketing", "granted": True}
        yield now_ms, event(f"c{number}", "consent_changed", customer, now_ms, granted)
    book: Rulebook | None = None
    for number in range(rng.choice([6, 15, 30, 45, 80])):
        now_ms += rng.choice([0, 1, 1, 2, 4]) * UNIT_MS + rng.choice([0, 0, 0, 1])
        chance = rng.random()
        if chance < (0.25 if book is None else 0.09):
            book = first_book(rng) if book is None else next_book(rng, book)
            yield now_ms, book
        elif chance < 0.2:
            yield now_ms, None
        else:
            order = {"order_id": f"o{number}", "total": rng.randint(1, 4)}
            yield now_ms, event(f"e{rng.randrange(30)}", "order_completed", rng.choice(CUSTOMERS), now_ms, order)
    if book is None:
        yield now_ms, first_book(rng)


def event(id_: str, type_: str, customer: str, at_ms: int, data: Mapping[str, Any]) -> Event:
    return Event(id=id_, type=type_, customer_id=customer, occurred_at_ms=at_ms, data=dict(data))


def generated_history(seed: int) -> Iterator[Made]:
    """A case of the evaluator's generator, as it is."""
    case = generate(seed)
    for record in case.records:
        match record:
            case Written():
                written = event(record.id, record.type, record.customer, record.occurred_at_ms, dict(record.data))
                yield record.appended_at_ms, written
            case Tick():
                yield record.appended_at_ms, None
            case Activation():
                yield record.appended_at_ms, case.rulebooks[record.rulebook]


class History:
    """One seed's partitions, and beside them one log that holds the same records in one partition."""

    def __init__(
        self, seed: int, *, builds: Sequence[int], crashes: bool = True, partition_class: type[Partition] = Partition
    ) -> None:
        watch_decisions()
        self.rng = Random(seed)
        self.seed, self.builds, self.crashes = seed, builds, crashes
        self.library = Library()
        count = self.rng.choice([1, 2, 2])
        self.partitions = [partition_class(number, self.library, self.rng) for number in range(count)]
        self.merged = Partition(0, Library(), Random(seed))
        self.books: dict[str, Rulebook] = {}
        self.activations = 0
        self.now_ms = 0
        self.counted: Counter[str] = Counter()

    # ------------------------------------------------------------ what happens
    def run(self) -> Counter[str]:
        generated = self.seed % GENERATED == 0
        with tight_limits(Random(self.seed)):
            for at_ms, what in generated_history(self.seed) if generated else small_history(self.rng):
                self.now_ms = max(self.now_ms, at_ms)
                self.happen(what)
                self.attack()
            self.now_ms += 60 * UNIT_MS
            for partition in (*self.partitions, self.merged):
                partition.log.append([codec.encode_tick(self.now_ms)])
            for partition in self.partitions:
                self.finish(partition)
        for partition in self.partitions:
            self.check(partition)
        if not self.builds:
            self.check_one_partition()
        self.counted["histories"] += 1
        self.counted["crashes"] += sum(partition.crashes for partition in self.partitions)
        return self.counted

    def happen(self, what: Event | Rulebook | None) -> None:
        if what is None:
            self.append(codec.encode_tick(self.now_ms), self.rng.choice(self.partitions))
        elif isinstance(what, Rulebook):
            self.activate(what)
        else:
            number = partition_of(what.customer_id, len(self.partitions))
            self.append(codec.encode_record(what, self.now_ms), self.partitions[number])

    def append(self, value: bytes, partition: Partition) -> None:
        for each in (partition, self.merged):
            each.log.append([value])

    def activate(self, book: Rulebook) -> None:
        checked = check(book)
        self.books[checked.hash] = book
        self.activations += 1
        activation = codec.Activation(
            id=f"a{self.activations}", at_ms=self.now_ms, hash=checked.hash, rulebook=checked.packed()
        )
        for partition in (*self.partitions, self.merged):
            append_activation(partition.log, activation, self.now_ms)

    # ------------------------------------------------------------ attack
    def attack(self) -> None:
        for _ in range(self.rng.choice([0, 0, 0, 2, 8, 20])):
            partition = self.rng.choice(self.partitions)
            chance = self.rng.random()
            if self.crashes and chance < 0.08:
                partition.restart(self.build())
            elif self.crashes and chance < 0.09:
                partition.restore()
                self.counted["restored from a backup"] += 1
            elif chance < 0.13:
                try:
                    partition.check_rebuild()
                    self.counted["rebuilds compared"] += 1
                except Crash:  # a look at all states writes the flush that is begun
                    partition.restart()
            if not partition.work(crashes=self.crashes):
                break

    def build(self) -> int | None:
        return self.rng.choice(self.builds) if self.builds and self.rng.random() < 0.5 else None

    # ------------------------------------------------------------ checks
    def finish(self, partition: Partition) -> None:
        """Open once more and process what is left."""
        if self.crashes:
            partition.restart(ORIGINAL if partition.build == FORGETS_DUE else None)
        while partition.shard.process(self.rng.choice([1, 3, 1_000])):
            pass
        partition.shard.flush()

    def check(self, partition: Partition) -> None:
        need(partition.log.acknowledged == partition.log.read(0, 1 << 30), "i", "an acknowledged record is lost")
        outputs = partition.outputs()
        waiting = check_lives(outputs, self.counted)
        check_overdue(waiting, self.now_ms)
        check_policy(outputs, self.books)
        partition.check_rebuild()
        ranges = ranges_of(partition.stream)
        need_same(decide_again(partition.log, ranges, self.library), outputs)
        self.counted["builds in turn"] += len(ranges)

    def check_one_partition(self) -> None:
        """One partition gives each customer the same decisions in the same order, and the same state."""
        while self.merged.shard.process():
            pass
        ours = by_customer(output for partition in self.partitions for output in partition.outputs())
        need(by_customer(self.merged.outputs()) == ours, "iii", "one partition decides otherwise")
        hashes = [hash_of(partition.shard) for partition in self.partitions]
        need(sum(hashes) % (1 << 256) == hash_of(self.merged.shard), "iii", "one partition has another state")


def hash_of(shard: Shard) -> int:
    assert shard.world is not None
    return state_hash(shard.world)


def by_customer(outputs: Iterator[Output] | list[Output]) -> dict[str, list[list[object]]]:
    found: dict[str, list[list[object]]] = {}
    for output in outputs:
        customer = output.position[2]
        found.setdefault(customer, []).extend(canonical_decision(customer, each) for each in output.decisions)
    return found


def run(
    seed: int, *, builds: Sequence[int] = (), crashes: bool = True, partition_class: type[Partition] = Partition
) -> Counter[str]:
    """One seed's history; raises Broken where a check fails. Gives what there was of everything."""
    return History(seed, builds=builds, crashes=crashes, partition_class=partition_class).run()
