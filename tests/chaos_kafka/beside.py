"""Faults that meet what goes on beside deciding: disks, checkpoints, rebuilds and the outbox."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from aiokafka.errors import KafkaError

from engine.kill_points import arm
from engine.runtimes.kafka.asking import Workers
from engine.runtimes.kafka.beside import run_until_told
from engine.runtimes.kafka.clients import Clients
from engine.runtimes.kafka.connection import Connection, look
from engine.runtimes.kafka.outbox import KafkaOutbox
from engine.runtimes.kafka.rebuilding import RebuiltPartition
from events.errors import OperatorError
from tests.chaos_kafka.processes import Slot, forking
from tests.chaos_kafka.stage import Stage, repeated

SWITCHES = ("before-switch", "mid-switch", "after-switch")
OUTBOX_POINTS = ("before-outbox-rename", "after-outbox-rename", "before-outbox-place", "after-outbox-place")


def _ended(slot: Slot) -> bool:
    return not slot.alive


def _works(slot: Slot) -> bool:
    return slot.alive and any(done > 0 for done in slot.done().values())


def _gone(process: ForkServerProcess) -> bool:
    return not process.is_alive()


# ---------------------------------------------------------------- disks
@repeated
async def full_disk(stage: Stage) -> int:
    """A worker's disk becomes full under it: it must end and say so, and goes on once there is room."""
    rng = stage.rng
    slot = rng.choice(stage.slots)
    slot.kill()
    slot.start(most_bytes=rng.randrange(100_000, 300_000), wipe=rng.random() < 0.5)
    full = await stage.until(partial(_ended, slot))  # it was writing what came
    if full:
        assert "the disk is full" in slot.last_words(), slot.last_words()
    else:
        slot.kill()
    slot.start()
    await asyncio.sleep(rng.uniform(0.5, 2))
    return full


# ---------------------------------------------------------------- checkpoints
async def checkpoints(stage: Stage) -> int:
    """Checkpoints are spoilt, or the newest of them lost, and workers that lost their disks start from them."""
    rng = stage.rng
    depot = stage.folder / "depot"
    for slot in stage.slots:
        slot.depot = depot

    @repeated
    async def strike(stage: Stage) -> int:
        await asyncio.sleep(rng.uniform(1, 3))
        slot = rng.choice(stage.slots)
        held = [partition for partition, done in slot.done().items() if done > 0]
        in_flight = stage.busy(slot)
        slot.kill()
        spoilt = [_spoil(rng, place) for partition in held for place in depot.glob(f"*/p{partition}")]
        slot.start(wipe=True)
        return in_flight and any(spoilt)

    return await strike(stage)


def _spoil(rng: random.Random, place: Path) -> bool:
    """Do harm to the newest checkpoint of a partition; whether there was one."""
    manifests = sorted((place / "checkpoints").glob("*.json"))
    objects = sorted(path for path in (place / "objects").iterdir() if not path.name.startswith("."))
    if not manifests or not objects:
        return False
    what = rng.choice(["bytes", "cut", "gone", "manifest", "older"])
    if what == "older":
        manifests[-1].unlink()
    elif what == "manifest":
        manifests[-1].write_bytes(manifests[-1].read_bytes()[: rng.randrange(200)])
    else:
        for path in rng.sample(objects, max(1, len(objects) // 3)):
            content = bytearray(path.read_bytes())
            if what == "gone":
                path.unlink()
            elif what == "cut" or not content:
                path.write_bytes(content[: len(content) // 2])
            else:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
                path.write_bytes(content)
    return True


# ---------------------------------------------------------------- rebuilds
@repeated
async def rebuild(stage: Stage) -> int:
    """Partitions are made anew in workers that are struck meanwhile: at the switch, or anywhere in it."""
    rng = stage.rng
    slot = rng.choice(stage.slots)
    if rng.random() < 0.4:
        await asyncio.to_thread(slot.stop)
        slot.start(kill_at=f"{rng.choice(SWITCHES)}:{rng.randint(1, 2)}")
    if not await stage.until(partial(_works, slot)):
        return False
    partition = rng.choice(sorted(slot.done()))
    in_flight = stage.busy(slot)
    asking = asyncio.create_task(asyncio.to_thread(_rebuilt, slot, partition, accept=rng.random() < 0.5))
    if rng.random() < 0.4:
        await asyncio.sleep(rng.uniform(0, 0.6))
        in_flight = not asking.done() and stage.busy(slot)
        slot.kill()
    found = await asking
    assert found is None or not found.differences, f"rebuilt while records came: {found}"
    if not slot.alive:
        slot.start(wipe=rng.random() < 0.2)
    return in_flight


def _rebuilt(slot: Slot, partition: int, *, accept: bool) -> RebuiltPartition | None:
    """What came of it; None where the worker died, or has not got the partition any more."""
    with suppress(OperatorError):
        return Workers([f"http://127.0.0.1:{slot.web_port}"]).rebuild(partition, accept=accept)
    return None


# ---------------------------------------------------------------- the outbox
async def outbox(stage: Stage) -> int:
    """The outbox is killed, at a named place or anywhere, and so are workers, so that it meets their claims."""
    rng, slots = stage.rng, stage.slots
    folder = stage.folder / "outbox"

    @repeated
    async def strike(stage: Stage) -> int:
        point = f"{rng.choice(OUTBOX_POINTS)}:{rng.randint(1, 40)}" if rng.random() < 0.7 else ""
        process = _delivering(stage.connection, folder, point)
        await stage.until(partial(_gone, process), rng.uniform(0.5, 3))
        in_flight = any(map(stage.busy, slots)) or (not process.is_alive() and stage.going())
        process.kill()
        process.join()
        assert process.exitcode == -9, f"the outbox ended with {process.exitcode}"
        if rng.random() < 0.4:
            slot = rng.choice(slots)
            slot.kill()
            slot.start(wipe=rng.random() < 0.3)
        return in_flight

    struck = await strike(stage)

    async def same_messages() -> None:
        clients = Clients(stage.connection)
        await clients.start()
        try:
            box = KafkaOutbox(clients, await asyncio.to_thread(look, stage.connection), folder)
            await box.round()
            box.close()
        finally:
            await clients.stop()
        found = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".eml", ".txt"}}
        expected = stage.workload.messages
        lost, more = expected.keys() - found.keys(), found.keys() - expected.keys()
        assert not lost and not more, f"{len(lost)} messages are missing, {len(more)} are too many"
        assert found == expected, "messages have another content"

    stage.afterwards.append(same_messages)
    return struck


def _delivering(connection: Connection, folder: Path, point: str) -> ForkServerProcess:
    process = forking.Process(target=deliver, args=(connection, folder, point), daemon=True)
    process.start()
    return process


def deliver(connection: Connection, folder: Path, point: str) -> None:
    """The outbox, in a process of its own."""
    arm(point)

    async def delivering() -> None:
        clients = Clients(connection, patient=True)
        await clients.start()
        box = KafkaOutbox(clients, await asyncio.to_thread(look, connection), folder)
        with suppress(KafkaError):
            await run_until_told(box.round, pause_s=0.1)

    asyncio.run(delivering())
