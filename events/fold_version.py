"""The version of everything that a fold or a decision depends on beyond log and rulebook."""

from __future__ import annotations

# Raised whenever the same log and rulebook could give another state or decision. The rules of the time zones are part
# of it, so each version names the tzdata that belongs to it; a test fails when the installed one differs.
TZDATA_OF_FOLD_VERSION = {
    1: "2026f",
    2: "2026f",
}

FOLD_VERSION = max(TZDATA_OF_FOLD_VERSION)
