"""The machine that measured: what a reader needs to compare, and nothing that says whose it is."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("msgspec", "rocksdict", "numpy", "jinja2")


def description() -> dict[str, str]:
    """Cores, processor, memory, system, Python and libraries, and how busy the machine was."""
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "load average": ", ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def commit() -> str:
    """The commit that was measured, where the sources are in a repository."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    here = Path(__file__).parent
    found = subprocess.run(
        [git, "describe", "--always", "--dirty= with changes", "--exclude=*"],
        cwd=here, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return found.stdout.strip() or "unknown"


def resident_mb(process: int | str = "self") -> tuple[float, float]:
    """A process's memory in MB: now, and its peak; where there is no /proc, this one's peak.

    The peak that `getrusage` knows may be that of the parent before it became this process, so Linux is asked itself.
    """
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        return peak, peak
    kilobytes = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in status.read_text().splitlines())
        if name in {"VmRSS", "VmHWM"}
    }
    return kilobytes["VmRSS"] * 1.024e-3, kilobytes["VmHWM"] * 1.024e-3


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
