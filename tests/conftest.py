"""What every test has: reproducible property tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Two cores shared by many tests make deadlines lie; the seeds are fixed so that a failure is everybody's failure.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")
