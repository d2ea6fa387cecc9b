"""Kafka: a worker against what else counts a topic, against itself embedded, two of them; waits; a planned restart."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from statistics import median

from engine.bench import kafka_latency, kafka_takeover, kafka_throughput
from engine.bench.figures import Figure
from engine.bench.kafka_stand import PARTITIONS, broker
from engine.bench.kafka_throughput import QUIX_PYTHON, Rates
from engine.bench.latency import Waits
from engine.bench.stand import Scale, ratio
from engine.bench.tuning import tuned, untuned, usual

SEGMENTS = 100


def bench(scale: Scale) -> list[Figure]:
    """All of it, on one broker."""
    rulebook = untuned(SEGMENTS) if scale.quick else tuned(SEGMENTS)
    with broker() as bootstrap:
        rates = kafka_throughput.measured(scale, rulebook, usual(SEGMENTS), bootstrap)
        half = median(rates.one) / 2
        waits = kafka_latency.measured(scale, rulebook, bootstrap, half)
        restarts = kafka_takeover.measured(scale, rulebook, bootstrap)
    customers = kafka_takeover.customers_of(scale)
    ended, decided = (median(each) for each in zip(*((one.ended_s, one.decided_s) for one in restarts), strict=True))
    return [
        *_throughput(rates),
        *_latency(waits, half),
        Figure(
            bench="kafka", name=f"planned restart, {customers:,} customers", value=decided, unit="s", threshold=3.0,
            note=f"from the signal until every partition decides again; the old process had ended after {ended:.2f} s",
        ),
    ]  # fmt: skip


def _throughput(rates: Rates) -> list[Figure]:
    one = f"{median(rates.one):,.0f} events/s of {PARTITIONS} partitions with {SEGMENTS} segments and 20 triggers"
    over_usual = f"{median(rates.usual):,.0f} events/s, otherwise alike"
    return [
        *_to_peers(rates, "one worker", rates.one, one),
        *_to_peers(rates, "one worker over usual traffic", rates.usual, over_usual),
        _ratio(
            "one worker to the same shards embedded", rates.one, rates.embedded,
            note=f"{one}; {median(rates.embedded):,.0f} embedded", threshold=0.7,
        ),
        _ratio(
            "two workers to two bare loops", [two / one for two, one in zip(rates.two, rates.one, strict=True)],
            rates.bare, threshold=0.85,
            note=f"{median(rates.two):,.0f} events/s by two, {median(rates.one):,.0f} by one; bare loops run "
            f"{median(rates.bare):.2f}x as fast; the broker and its clients share the cores",
        ),
    ]  # fmt: skip


def _to_peers(rates: Rates, name: str, taken: Sequence[float], note: str) -> list[Figure]:
    faust = f"{note}; {median(rates.faust):,.0f} counted by faust-streaming {version('faust-streaming')} in rocksdb"
    return [
        _ratio(f"{name} to stock Faust", taken, rates.faust, note=faust, threshold=12.0),
        _to_quix(rates, name, taken, note),
    ]


def _to_quix(rates: Rates, name: str, taken: Sequence[float], note: str) -> Figure:
    if not rates.quix:
        note = f"not measured: `make quix`, or {QUIX_PYTHON} names a Python that has quixstreams"
        return Figure(
            bench="kafka", name=f"{name} to Quix", value=None, threshold=0.65, aim=1.0, at_least=True, note=note
        )  # fmt: skip
    note = f"{note}; {median(rates.quix):,.0f} counted by Quix Streams with state and changelog"
    return _ratio(f"{name} to Quix", taken, rates.quix, note=note, threshold=0.65, aim=1.0)


def _ratio(
    name: str, above: Sequence[float], below: Sequence[float], *, note: str, threshold: float, aim: float | None = None
) -> Figure:
    return Figure(
        bench="kafka", name=name, value=ratio(above, below), threshold=threshold, aim=aim, at_least=True, note=note
    )


def _latency(waits: Sequence[Waits], per_second: float) -> list[Figure]:
    note = f"{per_second:,.0f} events/s, half of what one worker takes; worst {max(w.worst_ms for w in waits):.0f} ms"
    p50_ms, p99_ms = median(each.p50_ms for each in waits), median(each.p99_ms for each in waits)
    return [
        Figure(bench="kafka", name="append to decision, p50", value=p50_ms, unit="ms", note=note),
        Figure(bench="kafka", name="append to decision, p99", value=p99_ms, unit="ms", aim=100.0, note=note),
    ]
