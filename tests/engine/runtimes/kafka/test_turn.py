"""One thread computes at a time, in the order in which they asked; who waits for the loop lets others compute."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from engine.runtimes.kafka.turn import SWITCH_S, Bridge, Turn, quick_loop


def test_turns_are_taken_in_the_order_asked_for() -> None:
    turn, order = Turn(), list[int]()
    asked = threading.Semaphore(0)

    def wait(number: int) -> None:
        asked.release()
        with turn:
            order.append(number)

    turn.take()
    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        asked.acquire()
        while len(turn._waiting) <= number:
            pass
    assert order == []
    turn.pass_on()
    for thread in threads:
        thread.join()
    turn.give()
    assert order == [0, 1, 2, 3, 4]
    with turn:  # nobody has it
        pass


def test_never_two_at_once() -> None:
    turn, inside, most = Turn(), [0], [0]

    def work() -> None:
        for number in range(300):
            with turn:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                if number % 3:
                    inside[0] -= 1
                    turn.pass_on()
                    inside[0] += 1
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most[0], inside[0]) == (1, 0)


def test_who_waits_for_the_loop_lets_others_compute_and_hears_what_it_said() -> None:
    async def said(bridge: Bridge, seen: list[str]) -> str:
        with bridge.turn:  # free, though its owner waits
            seen.append("in the loop")
        return "answer"

    async def refused() -> None:
        raise ValueError("no")

    async def main() -> list[str]:
        bridge, seen = Bridge(asyncio.get_running_loop()), list[str]()

        def thread() -> None:
            with bridge.turn:
                seen.append(bridge.wait(said(bridge, seen)))
                with pytest.raises(ValueError, match="no"):
                    bridge.wait(refused())
                assert bridge.turn._taken

        await asyncio.to_thread(thread)
        return seen

    assert asyncio.run(main()) == ["in the loop", "answer"]


def test_the_loop_is_quick_in_the_body_and_then_as_before() -> None:
    before = sys.getswitchinterval()
    with quick_loop():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert sys.getswitchinterval() == before
