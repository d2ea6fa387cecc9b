"""A worker's log lines for machines."""

from __future__ import annotations

import json
import logging

from engine.runtimes.kafka.logs import JsonLines


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
