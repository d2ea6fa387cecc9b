"""The one place that reads and writes durations: `45s`, `90m`, `36h`, `14d`, `2w`, or a sum like `1d12h`."""

from __future__ import annotations

import re

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS

# Largest first: the order in which a sum is written, and in which it is shown.
UNITS_MS = {"w": WEEK_MS, "d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS}

# Longer than all of history that can be recorded (years 1970 to 9999).
LONGEST_MS = 10_000 * 366 * DAY_MS

_PART = re.compile(r"([0-9]{1,15})([wdhms])", re.ASCII)
# One part with more digits than are read as a number.
_LONG = re.compile(r"[0-9]{16,}[wdhms]", re.ASCII)
_EXPECTED = "a duration must be like 45s, 90m, 36h, 14d, 2w, or a sum like 1d12h"


def parse_duration(text: str) -> int:
    """The duration in milliseconds; a day is exactly 86,400,000 of them.

    Raises ValueError saying what a duration must be and what was found; zero is one, a sign is not.
    """
    total_ms, end, written = 0, 0, 0
    units = list(UNITS_MS)
    for part in _PART.finditer(text):
        unit = part[2]
        if part.start() != end or unit not in units[written:]:
            break
        written = units.index(unit) + 1
        total_ms += int(part[1]) * UNITS_MS[unit]
        end = part.end()
    if total_ms > LONGEST_MS or _LONG.fullmatch(text):
        raise ValueError(f"a duration must be at most 10,000 years, {LONGEST_MS // DAY_MS}d; found {text!r:.60}")
    if not end or end != len(text):
        raise ValueError(f"{_EXPECTED}; found {text!r:.60}{_advice(text)}")
    return total_ms


def _advice(text: str) -> str:
    """What the writer probably meant, as the end of the sentence."""
    if re.fullmatch(r"[0-9]+", text, re.ASCII):
        return " (a unit is missing)"
    if _PART.sub("", text) == "" and text:
        return " (each unit once, the largest first)"
    if re.fullmatch(r"\s*[0-9]+\s*(M|[Mm]onths?|y|Y|[Yy]ears?)\s*", text, re.ASCII):
        return " (months and years differ in length: write days)"
    words = re.fullmatch(r"\s*([0-9]+)\s*(week|day|hour|minute|min|second|sec|w|d|h|m|s)s?\s*", text, re.IGNORECASE)
    return f" (write {words[1]}{words[2][0].lower()})" if words else ""


def duration_text(duration_ms: int) -> str:
    """The duration as it is written, e.g. `1d12h`; `parse_duration` reads it back where it is whole seconds."""
    if duration_ms < 0:
        return "-" + duration_text(-duration_ms)
    rest_ms, text = duration_ms, ""
    if rest_ms and rest_ms % WEEK_MS == 0:
        return f"{rest_ms // WEEK_MS}w"
    for unit, unit_ms in UNITS_MS.items():
        if unit == "w":
            continue  # 10d reads better than 1w3d
        count, rest_ms = divmod(rest_ms, unit_ms)
        text += f"{count}{unit}" if count else ""
    if rest_ms:
        text += f"{rest_ms}ms"
    return text or "0s"
