"""The machine that a benchmark runs on."""

import os
import platform
from importlib.metadata import packages_distributions, version
from pathlib import Path

import psutil

PACKAGES = ("tensorflow", "keras", "apache_beam", "numpy", "crepe")


def machine_facts() -> dict[str, str | float]:
    """Describe processor, memory, load, system and the versions of the main packages."""
    facts = {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    names = packages_distributions()
    return facts | {module: version(names[module][0]) for module in PACKAGES}


def processor() -> str:
    """Name the processor's model."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())
