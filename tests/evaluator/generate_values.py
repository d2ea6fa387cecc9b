"""The values that generated rulebooks and histories share, so that thresholds are met exactly."""

from __future__ import annotations

from random import Random

from tests.evaluator.model import DAY_MS, HOUR_MS, MINUTE_MS

# More than 6 places are rounded half-even when read: 2.0000005 is 2, 2.0000015 is 2.000002.
NUMBERS = ("0", "1", "2", "3", "5", "9.99", "10", "25.5", "50", "0.1", "7.333333", "2.0000005", "-4", "100")
COUNTS = ("0", "1", "1", "2", "2", "3", "4", "5")
DAYS = ("0.5", "1", "2", "3", "7", "7.5", "14", "0.0000005", "30", "-1", "0.041667")
DURATIONS = (HOUR_MS, 36 * HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 5 * DAY_MS + 90_000)
HALF_LIVES = (HOUR_MS, DAY_MS, 7 * DAY_MS, 60 * DAY_MS)
LABELS = ("cats", "dogs", "Cats", "birds", "fish & co", "o'x", "žirafe")
CITIES = ("Riga", "cats", "Dogs", "Liepāja")
CHANNELS = ("email", "sms", "push", "whatsapp", "letter")
PURPOSES = ("marketing", "transactional")
ZONES = (
    "Europe/Riga",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
    "Asia/Beirut",
)
NO_ZONES = ("Mars/Olympus", "", "europe/riga", None)
# Days before the clocks change somewhere, so that gaps and doubled hours fall into a history.
STARTS = ("2026-03-05", "2026-03-25", "2026-04-02", "2026-10-22", "2025-10-29", "2024-02-20", "2011-12-26")
AFTERS = (0, 0, MINUTE_MS, HOUR_MS, 20 * HOUR_MS, DAY_MS, 36 * HOUR_MS, 3 * DAY_MS, 14 * DAY_MS)
TIMES_OF_DAY = (0, 150, 600, 600, 210, 210, 105, 90, 1439, 1260)
QUIETS = ((1260, 540), (0, 480), (120, 165), (1200, 360), (1380, 150), (60, 210))


def number_near(rng: Random) -> str:
    """A number that occurs as a value or a count."""
    return rng.choice(NUMBERS) if rng.random() < 0.5 else rng.choice(COUNTS)
