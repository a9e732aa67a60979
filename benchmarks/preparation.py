"""Measures the preparation of data: the speed of f0 and loudness beside CREPE's own `predict`, and
how the examples stage grows. `make bench`, on an otherwise idle machine. What is compared runs in
turn, once per repeat, so that a slow minute hits all alike.
"""

import math
import os
import platform
from importlib.metadata import packages_distributions, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import psutil
import typer
import yaml

from benchmarks.processes import run
from pipeline.common.cli import UserError, progress, run_stage
from pipeline.common.files import digest, write_text
from pipeline.common.manifest import read_manifest
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME, FRAME_RATE
from pipeline.examples.schema import SPLITS

CREPE, STEP_MS, NOTE_SECONDS = "tiny", 16, 4.0
# of the made-up recordings: what grows with their number is bookkeeping, audio goes through one by
# one
EXAMPLE_FRAMES = 4
WARM = 3  # files per worker left out at either end of a run, see `steady_rate`
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
INSTRUMENTS = {
    "violin": {"program": 40, "family": "string", "low": 55, "high": 84},
    "trumpet": {"program": 56, "family": "brass", "low": 54, "high": 84},
    "flute": {"program": 73, "family": "flute", "low": 60, "high": 84},
}
STAGE, PREDICT = "features stage", "crepe.predict"
# setting: how many files it works on at once, options of the stage or variables of predict's
# environment
RATES = {
    f"{STAGE}, 1 worker, 1 thread": (1, ["--direct_num_workers=1"]),
    f"{STAGE}, 2 workers": (2, ["--workers=2"]),
    f"{STAGE}, default": (os.cpu_count(), ["--workers=1"]),
    f"{PREDICT}, default": (1, {}),
    f"{PREDICT}, 1 thread": (1, ONE_THREAD),
}
FEWEST = 2 * WARM * max(parallel for parallel, _ in RATES.values()) + 4  # notes
RATIOS = [
    (f"{STAGE}, 2 workers", f"{STAGE}, 1 worker, 1 thread"),
    (f"{STAGE}, default", f"{PREDICT}, default"),
    (f"{STAGE}, 1 worker, 1 thread", f"{PREDICT}, 1 thread"),
]
UNLIKE = (
    "predict also shows the network silent frames, the stage does not; the stage also computes "
    "loudness and writes files"
)
SUM = "resident, all processes together"
Count = Annotated[int, typer.Option(min=1)]


class Row(NamedTuple):
    """A line of the CSV: the median of `repeats` values, the lowest and the highest."""

    benchmark: str
    setting: str
    value: float | str
    unit: str = ""
    repeats: int = 1
    low: float | str = ""
    high: float | str = ""
    note: str = ""


def main(
    out: Path,
    notes: Count = 32,
    recordings: Count = 70_000,
    shards: Count = 64,
    repeats: Count = 3,
    params: Path = Path("params.yaml"),
) -> None:
    """Writes the CSV OUT. NOTES are tracked; RECORDINGS and a tenth of them are cut into
    examples.
    """
    if notes < FEWEST or recordings < 100:
        raise UserError(
            f"too little to measure: give --notes of at least {FEWEST} and --recordings of at "
            "least 100"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.touch()  # before minutes of work; a former file stays as it is
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}); name another file") from None
    rows = machine()
    with TemporaryDirectory(prefix="bench-") as name:
        settings = write_params(params, Path(name) / "params.yaml", notes, shards)
        rows += measure_features(Path(name), settings, notes, repeats)
        rows += measure_examples(Path(name), settings, recordings, repeats)
    table = pd.DataFrame(rows)
    write_text(out, table.to_csv(index=False))
    print(table.drop(columns="note").to_string(index=False))


def machine() -> list[Row]:
    """What it ran on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    cpu = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )
    facts = {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    names = packages_distributions()
    facts |= {
        module: version(names[module][0])
        for module in ("tensorflow", "keras", "apache_beam", "numpy", "crepe")
    }
    return [Row("machine", key, value) for key, value in facts.items()]


def write_params(params: Path, path: Path, notes: int, shards: int) -> Path:
    """The settings of the benchmark: those of `params` where they do not matter."""
    data = Settings.read(params).mapping("data", "notes") | {
        "instruments": INSTRUMENTS,
        "seconds": NOTE_SECONDS,
        "zones_per_test_zone": 4,
    }
    seconds = EXAMPLE_FRAMES / FRAME_RATE
    values = {
        # the instruments have 20 zones
        "data": {"notes": data | {"notes_per_zone": math.ceil(notes / 20)}},
        "features": {"crepe": CREPE, "f0_step_ms": STEP_MS, "viterbi": False},
        "examples": {
            "seconds": seconds,
            "hop_seconds": seconds,
            "shards": dict.fromkeys(SPLITS, shards),
            "seed": 0,
        },
    }
    path.write_text(yaml.safe_dump(values))
    return path


def measure_features(folder: Path, params: Path, notes: int, repeats: int) -> list[Row]:
    """Seconds of audio per second of every way, its memory, and the ratios between them."""
    manifest = render(folder, params, notes)
    rates, memory = {setting: [] for setting in RATES}, {setting: [] for setting in RATES}
    for setting in progress(list(RATES) * repeats, "features", unit="run"):
        parallel, special = RATES[setting]
        track = track_by_stage if setting.startswith(STAGE) else track_by_predict
        finished, megabytes = track(folder, params, manifest, special)
        rates[setting].append(steady_rate(finished, parallel))
        memory[setting].append(megabytes)
    # of runs close to each other in time
    ratios = {pair: np.divide(rates[pair[0]], rates[pair[1]]) for pair in RATIOS}
    return [
        *(
            summarize("features", f"{setting}: speed", values, "s audio / s")
            for setting, values in rates.items()
        ),
        *(
            summarize("features", f"{setting}: peak memory", values, "MB", SUM)
            for setting, values in memory.items()
        ),
        *(
            summarize(
                "features",
                f"speed: {one} / {other}",
                values,
                "ratio",
                UNLIKE if PREDICT in other else "",
            )
            for (one, other), values in ratios.items()
        ),
    ]


def render(folder: Path, params: Path, notes: int) -> Path:
    """Render real notes; returns a manifest with `notes` of them, from all over the data set."""
    run(["stages.data", "notes", folder / "set", folder / "all.csv", "--params", params])
    table = read_manifest(folder / "all.csv")
    if len(table) < notes:
        raise UserError(f"--notes {notes}: only {len(table)} could be rendered; ask for fewer")
    table.iloc[np.linspace(0, len(table) - 1, notes).round().astype(int)].to_csv(
        folder / "manifest.csv", index=False
    )
    return folder / "manifest.csv"


def track_by_stage(
    folder: Path, params: Path, manifest: Path, options: list[str]
) -> tuple[list[float], float]:
    """Run the features stage from nothing; returns when each feature file was finished, and the
    memory.
    """
    with TemporaryDirectory(dir=folder) as name:
        done = run(
            [
                "stages.features",
                folder / "set",
                manifest,
                Path(name) / "out",
                *options,
                "--scratch",
                Path(name) / "scratch",
                "--params",
                params,
            ]
        )
        return [
            path.stat().st_mtime for path in (Path(name) / "scratch").glob("*.npy")
        ], done.megabytes


def track_by_predict(
    folder: Path, params: Path, manifest: Path, environment: dict[str, str]
) -> tuple[list[float], float]:
    """Track the same recordings with the package's own function; returns when each was finished,
    and the memory.
    """
    paths = [folder / "set" / "audio" / name for name in read_manifest(manifest).path]
    done = run(["benchmarks.crepe_predict", CREPE, STEP_MS, *paths], environment)
    return [float(line) for line in done.printed.split()], done.megabytes


def steady_rate(finished: list[float], parallel: int) -> float:
    """Seconds of audio per second of wall time, from the times at which equally long files were
    finished.

    Imports, loading the network and TensorFlow's tracing all come before a worker's first files,
    and at the end some workers may have nothing left to do. So the first and the last few per
    worker do not count, only the time between them.
    """
    times = sorted(finished)[WARM * parallel - 1 : len(finished) - WARM * parallel]
    if len(times) < 2:
        raise UserError(f"{len(finished)} files finished: too few to measure a speed")
    return (len(times) - 1) * NOTE_SECONDS / (times[-1] - times[0])


def measure_examples(folder: Path, params: Path, recordings: int, repeats: int) -> list[Row]:
    """Memory and time of the examples stage for RECORDINGS and for a tenth of them, and the
    ratios.
    """
    few, start_up = recordings // 10, 60
    features = {
        count: make_features(folder / str(count), count) for count in (start_up, few, recordings)
    }
    runs = {count: [] for count in features}
    for count in progress(list(features) * repeats, "examples", unit="run"):
        runs[count].append(run_examples(features[count], params))
    seconds, megabytes = (
        {count: np.array(values)[:, column] for count, values in runs.items()} for column in (0, 1)
    )
    each = {
        count: 1000 * (seconds[count] - np.median(seconds[start_up])) / count
        for count in (few, recordings)
    }
    rows = [
        summarize(
            "examples", f"{start_up} recordings: wall time", seconds[start_up], "s", "the start-up"
        )
    ]
    for count in (few, recordings):
        rows += [
            summarize("examples", f"{count} recordings: {what}", values, unit, note)
            for what, values, unit, note in (
                ("peak memory", megabytes[count], "MB", SUM),
                ("wall time", seconds[count], "s", ""),
                ("time per recording", 1000 * seconds[count] / count, "ms", ""),
                ("time per recording without start-up", each[count], "ms", ""),
            )
        ]
    ratios = {
        "peak memory": megabytes[recordings] / megabytes[few],
        "time per recording without start-up": each[recordings] / each[few],
        "time per recording": seconds[recordings] / seconds[few] * few / recordings,
    }
    return rows + [
        summarize("examples", f"{what}: {recordings} / {few} recordings", values, "ratio")
        for what, values in ratios.items()
    ]


def make_features(folder: Path, count: int) -> Path:
    """Feature files of made-up recordings, a window long each, and their table."""
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


def run_examples(features: Path, params: Path) -> tuple[float, float]:
    """Run the examples stage; returns its wall time in seconds and its peak memory in MB."""
    with TemporaryDirectory(dir=features.parent) as name:
        done = run(
            [
                "stages.examples",
                features,
                Path(name) / "out",
                "--scratch",
                Path(name) / "scratch",
                "--params",
                params,
            ]
        )
    return done.seconds, done.megabytes


def summarize(
    benchmark: str, setting: str, values: np.ndarray | list[float], unit: str, note: str = ""
) -> Row:
    """The row of repeated measurements."""
    median, low, high = (
        float(f"{value:.4g}") for value in (np.median(values), np.min(values), np.max(values))
    )
    return Row(benchmark, setting, median, unit, len(values), low, high, note)


if __name__ == "__main__":
    run_stage(main)
