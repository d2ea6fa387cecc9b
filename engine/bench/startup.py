"""Start-up: how soon `strand --help` answers; against a bare interpreter."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from statistics import median

from engine.bench.figures import Figure
from engine.bench.stand import Scale, ratio

TIMES = 15


def bench(scale: Scale) -> list[Figure]:
    """Both, in turn."""
    helps: list[float] = []
    bares: list[float] = []
    for _ in range(3 if scale.quick else TIMES):
        bares.append(_seconds("-c", "pass"))
        helps.append(_seconds("-m", "engine.cli", "--help"))
    value = ratio(helps, bares)
    cpu_s = _children_cpu_s()
    _seconds("-m", "engine.cli", "--help")
    cpu_s = _children_cpu_s() - cpu_s
    return [
        Figure(
            bench="startup", name="strand --help", value=median(helps), unit="s", threshold=0.3,
            note=f"{value:.1f}x `python -c pass`, which takes {median(bares):.3f} s; {cpu_s:.3f} s of CPU",
        )
    ]  # fmt: skip


def _seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
