"""Dead letters of a log on Kafka: those of the doors stand in a topic, those of the fold in the workers' states.

A letter that was replayed is settled by an entry in the topic, with the letter's place in a header and no value. It
follows the event: a replay that was cut off is repeated, and the event, which has its id, counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from engine.kill_points import reach
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection
from engine.runtimes.kafka.door import KafkaDoor
from engine.runtimes.kafka.producing import Outgoing
from engine.runtimes.kafka.topics import DEAD_LETTERS
from engine.runtimes.kafka.values import RECORD_BYTE
from events.admission import Admitted, judge_record
from events.dead_letters import DeadLetter, Door, dead_letter, decode_dead_letter
from events.errors import InputRefused, Reason

SETTLED = "replayed"
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A letter and where it is: a partition of the topic and an offset there, or of the log for one of the fold."""

    letter: DeadLetter
    partition: int
    offset: int
    replayed: bool = False

    @property
    def key(self) -> bytes:
        """What names it where it is settled."""
        return key_of(fold=self.letter.door == Door.FOLD, partition=self.partition, offset=self.offset)

    @property
    def in_log(self) -> bool:
        """Whether it stands in the log as an event, which a rulebook with other types would take from there."""
        letter = self.letter
        own = letter.door == Door.FOLD and letter.raw[:1] == bytes([RECORD_BYTE])
        return own and letter.reason != Reason.WRONG_KEY


def key_of(*, fold: bool, partition: int, offset: int) -> bytes:
    """What names a letter."""
    return f"{'fold' if fold else 'topic'}/{partition}/{offset}".encode()


async def all_letters(connection: Connection, partitions: int, fold: Mapping[int, Iterable[bytes]]) -> list[KeptLetter]:
    """As `read_letters`, with clients of its own."""
    clients = Clients(connection)
    await clients.start()
    try:
        return await read_letters(clients, partitions, fold)
    finally:
        await clients.stop()


async def read_letters(clients: Clients, partitions: int, fold: Mapping[int, Iterable[bytes]]) -> list[KeptLetter]:
    """Every letter in the topic, and those of the fold that workers told of, by partition."""
    topic = clients.connection.topic(DEAD_LETTERS)
    found: list[KeptLetter] = []
    settled: set[bytes] = set()
    for partition, end in (await clients.ends(topic, range(partitions))).items():
        async for chunk in clients.read(topic, partition, 0, end):
            for record in chunk:
                keys = [value for name, value in record.headers if name == SETTLED]
                settled.update(keys)
                if not keys:
                    letter = _letter(record.value or b"", partition, record.timestamp)
                    found.append(KeptLetter(letter, partition, record.offset))
    for partition, letters in fold.items():
        for raw in letters:
            letter = decode_dead_letter(raw)
            found.append(KeptLetter(letter, partition, letter.offset))
    return [KeptLetter(each.letter, each.partition, each.offset, each.key in settled) for each in found]


def _letter(value: bytes, partition: int, at_ms: int) -> DeadLetter:
    """The letter in an entry; what is none was put there by somebody else and is shown as it is."""
    try:
        return decode_dead_letter(value)
    except InputRefused as refused:
        return dead_letter(refused, value, door=Door.PUBLISH, at_ms=at_ms, partition=partition)


class Replayer(KafkaDoor):
    """A door for letters: one that is refused again stays what it is."""

    def replay(self, letters: Sequence[KeptLetter]) -> list[Answer]:
        """Judge letters as they would be today, publish what passes, and settle it; durable when it returns.

        Raises OperatorError where journey time would leap: then nothing of the group at hand was appended.
        """
        answers: list[Answer] = []
        for start in range(0, len(letters), AT_ONCE):
            answers += self._replay(letters[start : start + AT_ONCE])
        return answers

    def judge(self, letters: Sequence[KeptLetter]) -> list[Answer]:
        """Judge letters as they would be today, and append nothing; where one passes, there is no reason."""
        judged = [self._judge_again(each.letter, self._clock()) for each in letters]
        return [each if isinstance(each, Answer) else Answer(id=each.event.id, partition=0) for each in judged]

    def _replay(self, letters: Sequence[KeptLetter]) -> list[Answer]:
        now_ms = self._clock()
        judged = [self._judge_again(each.letter, now_ms) for each in letters]
        taken = [each for each in judged if isinstance(each, Admitted)]
        self._check_leap(max((each.appended_at_ms or now_ms for each in taken), default=0))
        events: dict[int, list[Outgoing]] = {}
        settled: dict[int, list[Outgoing]] = {}
        answers: list[Answer] = []
        for letter, each in zip(letters, judged, strict=True):
            if isinstance(each, Answer):
                answers.append(each)
                continue
            partition, outgoing = self._event(each, now_ms)
            waiting = events.setdefault(partition, [])
            answers.append(Answer(id=each.event.id, partition=partition, offset=len(waiting)))  # its place among them
            waiting.append(outgoing)
            settled.setdefault(letter.partition, []).append(Outgoing(None, b"", now_ms, [(SETTLED, letter.key)]))
        offsets = self._appender.append(self._events, events)
        reach("before-settled")
        self._appender.append(self._letters, settled)
        return [
            each if each.offset is None else replace(each, offset=offsets[each.partition][each.offset])
            for each in answers
        ]

    def _judge_again(self, letter: DeadLetter, now_ms: int) -> Admitted | Answer:
        """As at the door; the engine's own records, which somebody put elsewhere, too."""
        if letter.raw[:1] != bytes([RECORD_BYTE]):
            return self._judge(letter.raw, now_ms)
        try:
            event, appended_at_ms = judge_record(letter.raw, self._declared)
        except InputRefused as refused:
            return Answer(id=None, partition=letter.partition, reason=refused.reason, detail=refused.detail)
        return Admitted(event, appended_at_ms)
