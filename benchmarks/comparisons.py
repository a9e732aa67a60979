"""From timings of what took turns to figures: ratios are of neighbouring turns."""

import numpy as np

from benchmarks.figures import Figure, Target, summarize
from benchmarks.workers import Timing

REFERENCE, OURS = "ddsp 3.7.0", "ours"
HALF = Target(at_most=0.5)
NEVER_RISES = Target(at_most=1.1, remark="1, and 10 % for noise")


def compare(
    benchmark: str, setting: str, timings: dict[str, Timing], targets: dict[str, Target]
) -> list[Figure]:
    """Each contender's time, and how many times as fast as the reference each of ours is."""
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
    """Peak memory of a process that does the training step, and how much of it is more than the
    imports take.
    """
    rows = []
    for what, target, values in (
        ("all of the process", HALF, {name: timing.megabytes for name, timing in timings.items()}),
        (
            "less the imports",
            None,
            {name: timing.megabytes - timing.imported for name, timing in timings.items()},
        ),
    ):
        rows += [
            summarize("peak memory", f"{setting}, {what}: {name}", [value], "MB")
            for name, value in values.items()
        ]
        share = values[OURS] / values[REFERENCE]
        rows.append(
            summarize(
                "peak memory",
                f"{setting}, {what}: {OURS} / {REFERENCE}",
                [share],
                "ratio",
                "",
                target,
            )
        )
    return rows


def growth(benchmark: str, costs: dict[str, np.ndarray], what: str) -> list[Figure]:
    """The costs, and those of each size as a ratio to the smallest one's."""
    first, *larger = costs
    rows = [
        summarize(benchmark, f"{what}: {name}", 1000 * cost, "ms") for name, cost in costs.items()
    ]
    return rows + [
        summarize(
            benchmark,
            f"{what}: {name} / {first}",
            costs[name] / costs[first],
            "ratio",
            "",
            NEVER_RISES,
        )
        for name in larger
    ]
