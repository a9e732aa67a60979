"""Benchmark of the examples stage: how its memory and time grow with the number of recordings."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.measurements import Row, summarize
from benchmarks.processes import MEMORY_NOTE, Run, run
from pipeline.common.cli import progress
from pipeline.common.files import digest
from pipeline.common.units import FRAME

# length of a synthetic recording: short, because only bookkeeping grows with the number of
# recordings, while their audio is processed one at a time
EXAMPLE_FRAMES = 4
START_UP = 60  # recordings of a run that consists mainly of start-up


def measure_examples(folder: Path, params: Path, recordings: int, repeats: int) -> list[Row]:
    """Measure memory and time for `recordings` and for a tenth of them, and the ratios.

    Args:
        folder: for temporary files.
        params: settings of the benchmark.
        recordings: the larger number of recordings.
        repeats: runs of each number.
    """
    few = recordings // 10
    counts = (START_UP, few, recordings)
    features = {count: make_features(folder / str(count), count) for count in counts}
    runs = {count: [] for count in counts}
    for count in progress(counts * repeats, "examples", unit="run"):
        runs[count].append(run_examples(features[count], params))
    seconds = {count: np.array([done.seconds for done in runs[count]]) for count in counts}
    megabytes = {count: np.array([done.megabytes for done in runs[count]]) for count in counts}
    start_up = np.median(seconds[START_UP])
    net = {count: 1000 * (seconds[count] - start_up) / count for count in (few, recordings)}
    label = f"{START_UP} recordings: wall time"
    rows = [summarize("examples", label, seconds[START_UP], "s", "the start-up")]
    for count in (few, recordings):
        rows += summarize_count(count, megabytes[count], seconds[count], net[count])
    ratios = {
        "peak memory": megabytes[recordings] / megabytes[few],
        "time per recording without start-up": net[recordings] / net[few],
        "time per recording": seconds[recordings] / seconds[few] * few / recordings,
    }
    return rows + [
        summarize("examples", f"{quantity}: {recordings} / {few} recordings", values, "ratio")
        for quantity, values in ratios.items()
    ]


def summarize_count(
    count: int, megabytes: np.ndarray, seconds: np.ndarray, net: np.ndarray
) -> list[Row]:
    """Summarize the runs with one number of recordings; `net` is ms per recording without
    start-up.
    """
    quantities = (
        ("peak memory", megabytes, "MB", MEMORY_NOTE),
        ("wall time", seconds, "s", ""),
        ("time per recording", 1000 * seconds / count, "ms", ""),
        ("time per recording without start-up", net, "ms", ""),
    )
    return [
        summarize("examples", f"{count} recordings: {quantity}", values, unit, note)
        for quantity, values, unit, note in quantities
    ]


def make_features(folder: Path, count: int) -> Path:
    """Write feature files of synthetic recordings, each one example long, and their table."""
    folder.mkdir()
    names = [f"recording-{number:06d}" for number in range(count)]
    for number, name in enumerate(progress(names, f"making {count}", unit="file")):
        frames = np.zeros(EXAMPLE_FRAMES, FRAME)
        frames["loudness_db"] = -(number % 80)
        np.save(folder / f"{name}.npy", frames)
    splits = [("valid", "test", *["train"] * 8)[number % 10] for number in range(count)]
    table = {"id": names, "features": list(map(digest, names)), "split": splits}
    pd.DataFrame(table).assign(frames=EXAMPLE_FRAMES, block_seconds="", rejected="").to_csv(
        folder / "features.csv", index=False
    )
    return folder


def run_examples(features: Path, params: Path) -> Run:
    """Run the examples stage from scratch."""
    with TemporaryDirectory(dir=features.parent) as name:
        command = ["stages.examples", features, Path(name) / "out"]
        return run([*command, "--scratch", Path(name) / "scratch", "--params", params])
