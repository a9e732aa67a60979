"""Benchmark of f0 and loudness: the features stage against the `crepe` package's own `predict`."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.measurements import Row, summarize
from benchmarks.processes import MEMORY_NOTE, run
from pipeline.common.cli import UserError, progress
from pipeline.common.manifest import read_manifest

CREPE = "tiny"
STEP_MS = 16
NOTE_SECONDS = 4.0
WARM = 3  # files per worker to ignore at either end of a run, see `steady_rate`
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
STAGE = "features stage"
PREDICT = "crepe.predict"
# setting: number of files processed in parallel; options of the stage, or environment of predict
RATES = {
    f"{STAGE}, 1 worker, 1 thread": (1, ["--direct_num_workers=1"]),
    f"{STAGE}, 2 workers": (2, ["--workers=2"]),
    f"{STAGE}, default": (os.cpu_count(), ["--workers=1"]),
    f"{PREDICT}, default": (1, {}),
    f"{PREDICT}, 1 thread": (1, ONE_THREAD),
}
FEWEST_NOTES = 2 * WARM * max(parallel for parallel, _ in RATES.values()) + 4
RATIOS = [
    (f"{STAGE}, 2 workers", f"{STAGE}, 1 worker, 1 thread"),
    (f"{STAGE}, default", f"{PREDICT}, default"),
    (f"{STAGE}, 1 worker, 1 thread", f"{PREDICT}, 1 thread"),
]
DIFFERENCE_NOTE = (
    "predict also shows the network silent frames, the stage does not; the stage also computes "
    "loudness and writes files"
)


def measure_features(folder: Path, params: Path, notes: int, repeats: int) -> list[Row]:
    """Measure speed (seconds of audio per second) and memory of every setting, and speed ratios.

    Args:
        folder: for temporary files.
        params: settings of the benchmark.
        notes: number of recordings to track.
        repeats: runs of each setting.
    """
    manifest = render(folder, params, notes)
    rates = {setting: [] for setting in RATES}
    memory = {setting: [] for setting in RATES}
    for setting in progress(list(RATES) * repeats, "features", unit="run"):
        parallel, variation = RATES[setting]
        track = track_by_stage if setting.startswith(STAGE) else track_by_predict
        finished, megabytes = track(folder, params, manifest, variation)
        rates[setting].append(steady_rate(finished, parallel))
        memory[setting].append(megabytes)
    rows = [
        summarize("features", f"{setting}: speed", values, "s audio / s")
        for setting, values in rates.items()
    ]
    rows += [
        summarize("features", f"{setting}: peak memory", values, "MB", MEMORY_NOTE)
        for setting, values in memory.items()
    ]
    return rows + speed_ratios(rates)


def speed_ratios(rates: dict[str, list[float]]) -> list[Row]:
    """Summarize ratios of speeds that were measured in the same repeat."""
    return [
        summarize(
            "features",
            f"speed: {one} / {other}",
            np.divide(rates[one], rates[other]),
            "ratio",
            DIFFERENCE_NOTE if PREDICT in other else "",
        )
        for one, other in RATIOS
    ]


def render(folder: Path, params: Path, notes: int) -> Path:
    """Render real notes; return a manifest of `notes` of them, spread over the data set."""
    run(["stages.data", "notes", folder / "set", folder / "all.csv", "--params", params])
    table = read_manifest(folder / "all.csv")
    if len(table) < notes:
        raise UserError(f"--notes {notes}: only {len(table)} could be rendered; ask for fewer")
    rows = np.linspace(0, len(table) - 1, notes).round().astype(int)
    manifest = folder / "manifest.csv"
    table.iloc[rows].to_csv(manifest, index=False)
    return manifest


def track_by_stage(
    folder: Path, params: Path, manifest: Path, options: list[str]
) -> tuple[list[float], float]:
    """Run the features stage from scratch.

    Returns:
        The time at which each feature file was finished (seconds) and the peak memory (MB).
    """
    with TemporaryDirectory(dir=folder) as name:
        out = Path(name) / "out"
        scratch = Path(name) / "scratch"
        command = ["stages.features", folder / "set", manifest, out, *options]
        done = run([*command, "--scratch", scratch, "--params", params])
        return [path.stat().st_mtime for path in scratch.glob("*.npy")], done.megabytes


def track_by_predict(
    folder: Path, params: Path, manifest: Path, environment: dict[str, str]
) -> tuple[list[float], float]:
    """Track the same recordings with the package's own function.

    Returns:
        The time at which each recording was finished (seconds) and the peak memory (MB).
    """
    paths = [folder / "set" / "audio" / name for name in read_manifest(manifest).path]
    done = run(["benchmarks.crepe_predict", CREPE, STEP_MS, *paths], environment)
    return [float(line) for line in done.printed.split()], done.megabytes


def steady_rate(finished: list[float], parallel: int) -> float:
    """Compute seconds of audio per second from the times at which equally long files were finished.

    Only the time between the first and the last few files of each worker counts: imports, loading
    the network and TensorFlow's tracing precede a worker's first files, and at the end some workers
    may be idle.
    """
    times = sorted(finished)[WARM * parallel - 1 : len(finished) - WARM * parallel]
    if len(times) < 2:
        raise UserError(f"{len(finished)} files finished: too few to measure a speed")
    return (len(times) - 1) * NOTE_SECONDS / (times[-1] - times[0])
