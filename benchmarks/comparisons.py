"""Figures from timings of contenders that took turns: ratios compare neighbouring turns."""

import numpy as np

from benchmarks.figures import Figure, Target, summarize
from benchmarks.workers import Timing

REFERENCE = "ddsp 3.7.0"
OURS = "ours"
HALF = Target(at_most=0.5)
NEVER_RISES = Target(at_most=1.1, remark="1, and 10 % for noise")


def compare(
    benchmark: str, setting: str, timings: dict[str, Timing], targets: dict[str, Target]
) -> list[Figure]:
    """Summarize each contender's time, and each of our contenders' speed relative to the reference.

    Args:
        benchmark: its name.
        setting: its size or variant.
        timings: of every contender, by name.
        targets: of our contenders, by name.
    """
    rows = [
        summarize(benchmark, f"{setting}: {name}", np.multiply(timing.seconds, 1000), "ms")
        for name, timing in timings.items()
    ]
    base = timings[REFERENCE].seconds
    for name, target in targets.items():
        ratio = np.divide(base, timings[name].seconds)
        note = (
            f"{1000 * np.median(base):.4g} ms against "
            f"{1000 * np.median(timings[name].seconds):.4g} ms"
        )
        rows.append(
            summarize(
                benchmark, f"{setting}: {REFERENCE} / {name}", ratio, "times as fast", note, target
            )
        )
    return rows


def memory(setting: str, timings: dict[str, Timing]) -> list[Figure]:
    """Summarize the peak memory of a process, in total and beyond what the imports take."""
    total = {name: timing.megabytes for name, timing in timings.items()}
    beyond = {name: timing.megabytes - timing.imported for name, timing in timings.items()}
    return [
        *memory_share(f"{setting}, all of the process", total, HALF),
        *memory_share(f"{setting}, less the imports", beyond, None),
    ]


def memory_share(setting: str, megabytes: dict[str, float], target: Target | None) -> list[Figure]:
    """Summarize peak memories, and ours as a share of the reference's."""
    rows = [
        summarize("peak memory", f"{setting}: {name}", [value], "MB")
        for name, value in megabytes.items()
    ]
    share = megabytes[OURS] / megabytes[REFERENCE]
    label = f"{setting}: {OURS} / {REFERENCE}"
    return [*rows, summarize("peak memory", label, [share], "ratio", target=target)]


def growth(benchmark: str, costs: dict[str, np.ndarray], label: str) -> list[Figure]:
    """Summarize the costs (seconds) of growing sizes, and their ratios to that of the smallest."""
    first, *larger = costs
    rows = [
        summarize(benchmark, f"{label}: {name}", 1000 * cost, "ms") for name, cost in costs.items()
    ]
    return rows + [
        summarize(
            benchmark,
            f"{label}: {name} / {first}",
            costs[name] / costs[first],
            "ratio",
            target=NEVER_RISES,
        )
        for name in larger
    ]
