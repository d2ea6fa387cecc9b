"""A worker's log lines for machines."""

from __future__ import annotations

import json
import logging

from kafka.net import selector

from engine.runtimes.kafka.logs import EVERY_S, SLOW_LOOP, InMeasure, JsonLines, complaints_to_stderr


def test_a_line_is_one_object_with_its_fields_and_its_trace() -> None:
    lines = JsonLines()
    record = logging.makeLogRecord({"name": "engine.x", "levelname": "INFO", "msg": "%d\nopen", "args": (3,)})
    record.partition = 7
    line = json.loads(lines.format(record))
    assert (line["level"], line["logger"], line["message"], line["partition"]) == ("info", "engine.x", "3\nopen", 7)
    try:
        raise ValueError("why")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    text = lines.format(record)
    assert "\n" not in text
    assert "ValueError: why" in json.loads(text)["trace"]


def said(measure: InMeasure, name: str, text: str, *arguments: object) -> str | None:
    """What is written of a line, None if nothing is."""
    record = logging.makeLogRecord({"name": name, "levelname": "ERROR", "msg": text, "args": arguments})
    return record.getMessage() if measure.filter(record) else None


def test_a_line_that_comes_again_and_again_is_written_now_and_then_with_how_often_it_came() -> None:
    now_s = [0.0]
    measure = InMeasure(lambda: now_s[0])
    text = "Unable connect to node with id %s: %s"
    assert said(measure, "aiokafka.client", text, 1, "no") == "Unable connect to node with id 1: no"
    assert [said(measure, "aiokafka.client", text, 2, "no") for _ in range(1200)] == [None] * 1200
    assert said(measure, "aiokafka.client", "another %d%%", 5) == "another 5%"
    assert said(measure, "aiokafka.conn", text, 1, "no") is not None
    now_s[0] = EVERY_S
    assert said(measure, "aiokafka.client", text, 3, "%d") == (
        "Unable connect to node with id 3: %d (and 1,200 such lines before)"
    )
    assert said(measure, "aiokafka.client", text, 3, "no") is None
    now_s[0] = 2 * EVERY_S
    assert said(measure, "aiokafka.client", "another %d%%", 6) == "another 6%"


def test_what_a_worker_says_itself_is_always_written() -> None:
    measure = InMeasure(lambda: 0.0)
    for name in ("engine.runtimes.kafka.worker", "aiokafkalike", "asyncio"):
        assert [said(measure, name, "partition %d is open", 1) for _ in range(3)] == ["partition 1 is open"] * 3


def test_a_client_that_is_slow_on_a_busy_machine_is_no_complaint() -> None:
    complaints_to_stderr()
    assert selector.log.name == SLOW_LOOP
    assert not selector.log.isEnabledFor(logging.WARNING)
    assert selector.log.isEnabledFor(logging.ERROR)
