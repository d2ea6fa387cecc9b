"""What a worker's figures are, in Prometheus' words; read from the lanes when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from engine.disk_usage import bytes_in
from engine.runtimes.kafka.lane import Lane
from engine.runtimes.kafka.worker import Worker

BY_PARTITION = ("partition",)


class WorkerFigures(Collector):
    """The figures of one worker; `rebalances` says how often its group changed, `silent_s` how long brokers have not
    answered."""

    def __init__(self, worker: Worker, rebalances: Callable[[], int], silent_s: Callable[[], float]) -> None:
        self.worker, self.rebalances, self.silent_s = worker, rebalances, silent_s

    @override
    def collect(self) -> Iterator[Metric]:
        """Every family, with a sample for each partition that is ours."""
        lanes = sorted(self.worker.lanes.values(), key=lambda lane: lane.partition)
        now_ms = self.worker.place.clock()
        yield gauge("strand_open", "1 if the partition is claimed and processed", lanes, is_open)
        yield self._standing(lanes)
        yield gauge("strand_lag_records", "Records of the log that are not processed", lanes, lag)
        yield gauge("strand_lag_seconds", "How far journey time is behind", lanes, lambda lane: behind_s(lane, now_ms))
        yield gauge(
            "strand_next_due_seconds", "When something is due by itself", lanes, lambda lane: due_s(lane, now_ms)
        )
        yield gauge("strand_disk_bytes", "The copy and the states on this disk", lanes, self._bytes)
        for name, words, field in (
            ("strand_events", "Events of the log", "events"),
            ("strand_duplicates", "Events that came twice", "duplicates"),
            ("strand_dead_letters", "Records that the fold refused", "dead_letters"),
            ("strand_transitions", "Memberships that changed", "transitions"),
        ):
            yield counter(name, words, lanes, field)
        yield gauge("strand_customers", "Customers that are known", lanes, lambda lane: meta(lane, "customers"))
        if self.worker.checkpoints is not None:
            words = "For how long there has been what is in no checkpoint of this worker's"
            yield gauge("strand_checkpoint_age_seconds", words, lanes, self.worker.checkpoints.age_s)
            broken = self.worker.place.broken_checkpoints
            yield CounterMetricFamily("strand_checkpoints_broken", "Checkpoints that were found broken", broken)
        yield self._decisions(lanes)
        words = "For how long brokers have left a question or an append unanswered"
        yield GaugeMetricFamily("strand_brokers_silent_seconds", words, self.silent_s())
        yield CounterMetricFamily("strand_rebalances", "How often the group's shares changed", self.rebalances())
        yield CounterMetricFamily("strand_openings", "How often a partition was opened here", self.worker.opened)
        yield from self.worker.place.batches.collect()

    def _bytes(self, lane: Lane) -> float:
        return bytes_in(self.worker.folder / f"p{lane.partition}")

    def _standing(self, lanes: list[Lane]) -> Metric:
        words = "1 if the partition stands before a record that this release fails at"
        family = GaugeMetricFamily("strand_standing", words, labels=BY_PARTITION)
        standing = self.worker.standing.copy()
        for partition in sorted({lane.partition for lane in lanes} | standing.keys()):
            family.add_metric((str(partition),), float(partition in standing))
        return family

    def _decisions(self, lanes: list[Lane]) -> Metric:
        family = CounterMetricFamily(
            "strand_decisions", "Decisions made here", labels=("partition", "decision", "reason")
        )
        for lane in lanes:
            if lane.shard is not None:
                for (kind, reason), number in sorted(lane.shard.decided.copy().items()):
                    family.add_metric((str(lane.partition), kind, reason), number)
        return family


def gauge(name: str, words: str, lanes: list[Lane], value: Callable[[Lane], float]) -> Metric:
    """A gauge of each partition."""
    family = GaugeMetricFamily(name, words, labels=BY_PARTITION)
    for lane in lanes:
        family.add_metric((str(lane.partition),), value(lane))
    return family


def counter(name: str, words: str, lanes: list[Lane], field: str) -> Metric:
    """A count of each partition over its whole log."""
    family = CounterMetricFamily(name, words, labels=BY_PARTITION)
    for lane in lanes:
        family.add_metric((str(lane.partition),), meta(lane, field))
    return family


def meta(lane: Lane, field: str) -> int:
    """What the partition's world says of itself, 0 without one."""
    world = None if lane.shard is None else lane.shard.world
    return 0 if world is None else int(getattr(world.meta, field))


def is_open(lane: Lane) -> int:
    """1 if its shard is open."""
    return int(lane.shard is not None)


def lag(lane: Lane) -> int:
    """Records of the log that are not processed yet, as far as is known."""
    return max(lane.log_end - max(lane.done, 0), 0)


def behind_s(lane: Lane, now_ms: int) -> float:
    """Seconds from journey time to now while records wait, else 0."""
    return max(now_ms - meta(lane, "journey_ms"), 0) / 1000 if lag(lane) else 0.0


def due_s(lane: Lane, now_ms: int) -> float:
    """Seconds until something is due, negative when it waits; infinite if nothing is."""
    return float("inf") if lane.next_due_ms >= 1 << 60 else (lane.next_due_ms - now_ms) / 1000
