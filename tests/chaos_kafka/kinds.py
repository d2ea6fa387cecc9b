"""Every kind of fault by name, and what sets some apart."""

from __future__ import annotations

from tests.chaos_kafka.beside import checkpoints, full_disk, outbox, rebuild
from tests.chaos_kafka.builds import builds, zombies
from tests.chaos_kafka.faults import between, broker, freeze, kill, kill_at, scale
from tests.chaos_kafka.mixtures import mixed, mixed_with_brokers
from tests.chaos_kafka.stage import Fault

FAULTS: dict[str, Fault] = {
    "broker": broker,
    "scale": scale,
    "kill": kill,
    "kill-at": kill_at,
    "between": between,
    "freeze": freeze,
    "builds": builds,
    "zombies": zombies,
    "full-disk": full_disk,
    "checkpoints": checkpoints,
    "rebuild": rebuild,
    "outbox": outbox,
    "mixed": mixed,
    "mixed-with-brokers": mixed_with_brokers,
}

SEVERAL_BUILDS = frozenset({"builds", "zombies"})
WITH_PAGES = frozenset({"rebuild"})
ARRIVES_TWICE = frozenset({"broker", "mixed-with-brokers"})
SHORT = ("broker", "scale", "kill", "between", "freeze", "zombies")
"""Those of a short run, one after another."""
