"""The shard of a partition that several may own one after another: its states say under which claim they were made."""

from __future__ import annotations

from collections import Counter

from engine.activations import Compile, Load
from engine.meta import Meta
from engine.ports import Generations
from engine.runtimes.kafka.announcing import Announcer
from engine.runtimes.kafka.decisions import KafkaDecisions
from engine.runtimes.kafka.log import KafkaLog
from engine.shard import Shard
from engine.world import World
from events.fold_version import FOLD_VERSION
from triggers.decisions import MARK, Output


class ClaimedShard(Shard):
    """A shard that trusts a state only if its claim is known and it is not beyond what was kept under that claim.

    Nor one that was wrong, before a claim `anew`; the owner who makes that claim has a state that was made anew.
    """

    def __init__(
        self,
        log: KafkaLog,
        decisions: KafkaDecisions,
        generations: Generations,
        load: Load,
        compile_rulebook: Compile,
        *,
        partition: int,
        fold_version: int = FOLD_VERSION,
        anew: bool = False,
        announcer: Announcer | None = None,
    ) -> None:
        super().__init__(
            log, decisions, generations, load, compile_rulebook, partition=partition, fold_version=fold_version
        )
        self._decisions, self._anew = decisions, anew
        self.sending = False  # or failed while it sent
        self._announcer = announcer
        if announcer is not None:
            self.announce_activated = announcer.take_activated
        self.decided: Counter[tuple[str, str]] = Counter()  # (kind, reason) -> how many, by this owner

    def open(self) -> None:
        """As `Shard.open`, once the stream is claimed."""
        if self._announcer is not None:
            self._announcer.claim = self._decisions.claim
        super().open()
        if self.world is not None:
            self.world.meta.claim = self._decisions.claim

    def fold(self, activation: int, upto: int) -> World:
        """As `Shard.fold`; the state will be our claim's."""
        world = super().fold(activation, upto)
        world.meta.claim = self._decisions.claim
        return world

    def make_durable(self, outputs: list[Output], *, whole: int | None = None) -> None:
        """As `Shard.make_durable`, transitions first; raises Superseded if another owner claimed meanwhile."""
        if self._announcer is not None and self.world is not None:
            self._announcer.take(self.world.program, self.world.steps, self.past.frontier)
        self.sending = True
        if self._announcer is not None:
            self._announcer.send()
        super().make_durable(outputs, whole=whole)
        self.sending = False
        self.decided.update((decision.kind, decision.reason) for output in outputs for decision in output.decisions)

    def _usable(self, meta: Meta, active: int) -> bool:
        if not self._anew and self._decisions.made_anew_after(meta.claim):
            return False
        kept = self._decisions.end_of(meta.claim)
        return kept is not None and (meta.applied, MARK, "") <= kept and super()._usable(meta, active)
