"""The Apache Beam pipelines: recordings -> features (f0, loudness), features -> TFRecord shards.

Each is one linear chain (`run_chain`) whose workers leave a small JSON row per element in a folder: rejects are rows, not
exceptions, the driver reads them afterwards, and an interrupted run continues with what is already there.
"""

import json
import shutil
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np
import pandas as pd
from apache_beam.options.pipeline_options import PipelineOptions
from pydantic import PositiveInt

from pipeline import audio, f0, loudness, spectral
from pipeline.audio import BadAudio, read_audio
from pipeline.command import UserError, progress
from pipeline.config import Params
from pipeline.examples import CURVES, SPLITS, ExamplesConfig, shard_of, shard_path, window_starts, write_shard
from pipeline.f0 import Capacity, load_crepe, to_control_rate, track_f0
from pipeline.files import atomic, atomic_folder, digest, write_json
from pipeline.loudness import loudness_db
from pipeline.units import FRAME_RATE, HOP

FEATURE_CODE = (audio, f0, loudness, spectral)  # what a feature file's content depends on, besides audio and settings


class FeaturesConfig(Params):
    """The `features` section of params.yaml."""

    crepe: Capacity
    f0_step_ms: PositiveInt  # the tracker's grid; interpolated to 250 Hz


def extract_features(config: FeaturesConfig, audio_folder: Path, manifest: Path, out: Path, scratch: Path,
                     runner: list[str]) -> pd.DataFrame:  # fmt: skip
    """One ID.npz (audio, f0_hz, f0_confidence, loudness_db) per recording of the manifest, and features.csv.

    Feature files are kept in `scratch` by the hash of audio, settings and code, so that only what changed is computed again.
    """
    recordings = pd.read_csv(manifest)
    load_crepe(config.crepe)  # missing weights are the user's to add: say so here, not from inside a worker
    key = [config.model_dump(), *(Path(module.__file__).read_bytes() for module in FEATURE_CODE)]
    elements = [
        {"id": row.id, "path": str(audio_folder / f"{row.id}.wav"), "file": str(scratch / f"{digest(row.sha256, *key)}.npz")}
        for row in recordings.itertuples()
    ]
    rows = run_chain(elements, partial(_features_of, config), scratch / "rows", "features", runner)
    accepted = rows[rows.status == "ok"]
    with atomic_folder(out) as folder:
        for row in accepted.itertuples():
            shutil.copyfile(row.file, folder / f"{row.id}.npz")
        table = recordings.merge(rows[["id", "status", "reason", "frames"]], on="id", validate="one_to_one")
        table.to_csv(folder / "features.csv", index=False)
    if rejected := len(rows) - len(accepted):
        first = rows[rows.status != "ok"].iloc[0]
        raise UserError(f"{rejected} of {len(rows)} recordings rejected, listed in {out / 'features.csv'}; "
                        f"the first: {first.id} {first.reason}; remove or replace them")  # fmt: skip
    return table


def _features_of(config: FeaturesConfig, element: dict) -> dict:
    file = Path(element["file"])
    try:
        if not file.exists():
            features = compute_features(config, read_audio(Path(element["path"])))
            with atomic(file) as temporary:
                np.savez(temporary, **features)
        frames = len(np.load(file)["loudness_db"])
        return element | {"status": "ok", "reason": "", "frames": frames}
    except BadAudio as error:
        return element | {"status": "rejected", "reason": str(error), "frames": 0}


def compute_features(config: FeaturesConfig, samples: np.ndarray) -> dict[str, np.ndarray]:
    """Features of one recording, cut to whole control frames: audio [frames * 64] and the curves [frames]."""
    frames = len(samples) // HOP
    if not frames:
        raise BadAudio(f"is shorter than one control frame of {1000 // FRAME_RATE} ms")
    samples = samples[: frames * HOP]
    track = to_control_rate(track_f0(samples, config.crepe, config.f0_step_ms), config.f0_step_ms, frames)
    return {"audio": samples, "f0_hz": track.f0_hz, "f0_confidence": track.confidence,
            "loudness_db": loudness_db(samples[None])[0].numpy()}  # fmt: skip


def build_examples(config: ExamplesConfig, features: Path, out: Path, scratch: Path, runner: list[str]) -> None:
    """TFRecord shards per split, and statistics.json from the training split alone."""
    table = pd.read_csv(features / "features.csv")
    length, hop = round(config.seconds * FRAME_RATE), round(config.hop_seconds * FRAME_RATE)
    shards: dict[tuple[str, int], list[dict]] = {}
    for row in table[table.status == "ok"].itertuples():
        for start in window_starts(row.frames, length, hop):
            key = f"{row.id}@{start}"
            shard = shard_of(key, config.seed, config.shards[row.split])
            shards.setdefault((row.split, shard), []).append({"example_id": key, "recording_id": row.id, "start": start})
    empty = [split for split in SPLITS if not any(key[0] == split for key in shards)]
    if empty:
        raise UserError(f"examples: no recording of {config.seconds} s in split {empty[0]}; shorten examples.seconds or add data")
    with atomic_folder(out) as folder:
        elements = [
            {"id": f"{split}-{shard}", "split": split, "pointers": sorted(pointers, key=lambda pointer: pointer["example_id"]),
             "path": str(shard_path(folder, split, shard, config.shards[split]))}
            for (split, shard), pointers in sorted(shards.items())
        ]  # fmt: skip
        rows = run_chain(elements, partial(_write_shard, features, length), scratch / "rows", "examples", runner)
        write_json(folder / "statistics.json", _statistics(rows))


def _write_shard(features: Path, length: int, element: dict) -> dict:
    sums = {"count": 0, "sum": 0.0, "squares": 0.0}

    def examples():
        for pointer in element["pointers"]:
            recording = np.load(features / f"{pointer['recording_id']}.npz")
            frames = slice(pointer["start"], pointer["start"] + length)
            decibels = recording["loudness_db"][frames].astype(np.float64)
            sums["count"] += decibels.size
            sums["sum"] += decibels.sum()
            sums["squares"] += np.square(decibels).sum()
            yield pointer | {"audio": recording["audio"][frames.start * HOP : frames.stop * HOP]} | {
                name: recording[name][frames] for name in CURVES
            }

    write_shard(Path(element["path"]), examples())
    return {"id": element["id"], "split": element["split"], "examples": len(element["pointers"])} | sums


def _statistics(rows: pd.DataFrame) -> dict:
    train = rows[rows.split == "train"]
    mean = train["sum"].sum() / train["count"].sum()
    variance = train["squares"].sum() / train["count"].sum() - mean**2
    examples = rows.groupby("split")["examples"].sum()
    return {
        "loudness_mean": round(float(mean), 6),
        "loudness_std": round(float(np.sqrt(variance)), 6),
        "examples": {split: int(examples[split]) for split in SPLITS},
    }


def run_chain(elements: list[dict], work: Callable[[dict], dict], rows: Path, label: str, runner: list[str]) -> pd.DataFrame:
    """Run `work` on every element in one linear Beam chain; returns its rows, sorted by the elements' ids.

    Args:
        elements: plain dicts with a unique `id`.
        work: a picklable function from an element to a row that JSON can hold.
        rows: a scratch folder for one JSON file per row.
        runner: Beam's own options; the runner is FnApiRunner unless they name another.
    """
    if not any(option.startswith("--runner") for option in runner):
        runner = ["--runner=FnApiRunner", *runner]  # Beam's own default first tries to download another runner
    shutil.rmtree(rows, ignore_errors=True)
    rows.mkdir(parents=True)
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(rows, len(elements), label, done))
    watcher.start()
    try:
        with beam.Pipeline(options=PipelineOptions(runner)) as chain:
            _ = chain | beam.Create(elements) | beam.Reshuffle() | beam.Map(partial(_work_and_note, work, rows))
    finally:
        done.set()
        watcher.join()
    found = [json.loads(path.read_text()) for path in rows.iterdir()]
    if len(found) != len(elements):
        raise RuntimeError(f"{label}: {len(elements)} elements went in, {len(found)} rows came out")
    return pd.DataFrame(sorted(found, key=lambda row: row["id"]))


def _work_and_note(work: Callable[[dict], dict], rows: Path, element: dict) -> None:
    write_json(rows / f"{digest(element['id'])[:24]}.json", work(element))


def _watch(rows: Path, total: int, label: str, done: threading.Event) -> None:
    """Draw progress from the rows' number: the local runner blocks, so its counters cannot be asked."""
    with progress(None, label, total, unit="file") as bar:
        while not done.wait(0.5):
            bar.update(sum(1 for _ in rows.glob("[!.]*.json")) - bar.n)
        bar.update(sum(1 for _ in rows.glob("[!.]*.json")) - bar.n)
