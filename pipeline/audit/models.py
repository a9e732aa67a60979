"""Check parameter counts and loudness statistics where checkpoints and examples are on disk."""

import math
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from pipeline.audit.checks import Check, Project, read_json, read_lines, same
from pipeline.audit.measures import loudness_0_0_6
from pipeline.audit.rows import read_manifest
from pipeline.audit.settings import resolved

NO_CHECKPOINTS = "there are no checkpoints; run `dvc repro`"
NO_EXAMPLES = "there are no examples; run `dvc repro`"
# mean and standard deviation of the 30 MFCCs: stored with the z encoder, but not trained
UNTRAINED = 2 * 30
FRAMES_PER_SECOND = 250
SAMPLES_PER_FRAME = 64


def has_checkpoint(project: Project, run: str) -> bool:
    """Tell whether a training's weights are on disk."""
    return weights_path(project, run).exists()


def weights_path(project: Project, run: str) -> Path:
    """Return the path of a training's weights."""
    return project.root / "models" / run / "model.weights.h5"


def count_weights(path: Path) -> int:
    """Count all numbers in a Keras weights file."""
    sizes = []

    def add_size(_: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            sizes.append(math.prod(item.shape))

    with h5py.File(path) as file:
        file.visititems(add_size)
    return sum(sizes)


def check_parameters(project: Project) -> Check:
    """Compare parameter counts: checkpoints with training summaries, those with the table."""
    lines = read_lines(project.root / "reports" / "tables" / "parameters.csv")
    findings = []
    count = 0
    for run, (experiment, seed) in project.runs().items():
        stated = project.training_summary(run)["parameters"]
        if has_checkpoint(project, run):
            count += 1
            findings += _checkpoint_count_findings(project, run, experiment, stated)
        if seed == project.params["seeds"][0]:
            findings += _table_findings(lines, experiment, stated)
    findings += _paper_size_findings(project, lines)
    return Check(
        "parameter counts match the checkpoints",
        "models/*/model.weights.h5, reports/tables/parameters.csv",
        count,
        findings,
        "" if count else NO_CHECKPOINTS,
    )


def _checkpoint_count_findings(
    project: Project, run: str, experiment: str, stated: dict[str, int]
) -> Iterator[str]:
    """Compare a checkpoint's parameters with the summary's counts by part."""
    counted = count_weights(weights_path(project, run))
    model = resolved(project, experiment)["model"]
    if model["use_z"] and model["z_normalization"] == "data_set":
        counted -= UNTRAINED
    total = sum(stated.values())
    if counted != total:
        yield f"{run}: the checkpoint has {counted} parameters, its summary {total}"


def _table_findings(
    lines: list[dict[str, str]], experiment: str, stated: dict[str, int]
) -> Iterator[str]:
    """Compare the table's counts of the trained size with the summary's, by part."""
    table = {
        line["part"]: int(line["parameters"])
        for line in lines
        if (line["experiment"], line["scale"]) == (experiment, "trained")
    }
    if table != stated:
        yield f"parameters.csv: {experiment}: {table}, the summary has {stated}"


def _paper_size_findings(project: Project, lines: list[dict[str, str]]) -> Iterator[str]:
    """Compare the table's counts at the paper's sizes with those of the parameters stage."""
    columns = ("experiment", "part", "parameters")
    counted = read_lines(project.root / "reports" / "parameters.csv")
    at_paper_size = [line for line in lines if line["scale"] == "paper"]
    if [[line[name] for name in columns] for line in counted] != [
        [line[name] for name in columns] for line in at_paper_size
    ]:
        yield ("parameters.csv: its counts at the paper's sizes differ from reports/parameters.csv")


def read_records(project: Project, data: str, split: str) -> Iterator[dict]:
    """Yield the TFRecords of a split: recording_id, example_id, loudness_db [frames]."""
    schema = {
        "example_id": tf.io.FixedLenFeature([], tf.string),
        "recording_id": tf.io.FixedLenFeature([], tf.string),
        "loudness_db": tf.io.FixedLenFeature([_frames(project)], tf.float32),
    }
    return _parse(project, data, split, schema)


def training_sounds(project: Project, data: str) -> Iterator[np.ndarray]:
    """Yield the audio of the training records, [samples] each."""
    samples = _frames(project) * SAMPLES_PER_FRAME
    schema = {"audio": tf.io.FixedLenFeature([samples], tf.float32)}
    for record in _parse(project, data, "train", schema):
        yield record["audio"]


def _frames(project: Project) -> int:
    return round(project.params["examples"]["seconds"] * FRAMES_PER_SECOND)


def _parse(project: Project, data: str, split: str, schema: dict) -> Iterator[dict]:
    """Yield what a schema names of each record of a split, as NumPy values."""
    for path in sorted((project.root / "data" / "examples" / data).glob(f"{split}-*.tfrecord")):
        for record in tf.data.TFRecordDataset(str(path)):
            example = tf.io.parse_single_example(record, schema)
            yield {name: value.numpy() for name, value in example.items()}


def check_statistics(project: Project) -> Check:
    """Check that loudness statistics come from the training split alone.

    Every record must belong to its split, and checkpoints must hold the same statistics.
    """
    findings = []
    count = 0
    for data in project.params["data"]:
        path = project.root / "data" / "examples" / data / "statistics.json"
        if not path.exists():
            continue
        stated = read_json(path)
        for split in ("train", "valid", "test"):
            records = list(read_records(project, data, split))
            count += len(records)
            findings += _split_findings(project, data, split, records)
            if split == "train":
                findings += _statistics_findings(data, stated, records)
        findings += _checkpoint_statistics_findings(project, data, stated)
        findings += _deviation_findings(project, data)
    return Check(
        "loudness statistics come from the training split",
        "data/examples/*/*.tfrecord, models/*/config.json, data/yardsticks/*/statistics.json",
        count,
        findings,
        "" if count else NO_EXAMPLES,
    )


def _split_findings(project: Project, data: str, split: str, records: list[dict]) -> Iterator[str]:
    """Find recordings among a split's records that the manifest puts elsewhere."""
    splits = {line["id"]: line["split"] for line in read_manifest(project, data)}
    for name in sorted({record["recording_id"].decode() for record in records}):
        if split not in splits.get(name, ""):
            yield f"{data}: {name} is in the {split} records, not in that split"


def _statistics_findings(data: str, stated: dict, records: list[dict]) -> Iterator[str]:
    """Recompute the loudness statistics from the training records."""
    loudness = np.concatenate([record["loudness_db"] for record in records]).astype(np.float64)
    recomputed = {"loudness_mean": loudness.mean(), "loudness_std": loudness.std()}
    for key, value in recomputed.items():
        if abs(stated[key] - value) > 1e-4:
            yield f"{data}: {key} is {stated[key]}, the training records give {value:.6f}"


def _deviation_findings(project: Project, data: str) -> Iterator[str]:
    """Recompute the deviation of the loudness curve of 0.0.6 from the training records' audio."""
    path = project.root / "data" / "yardsticks" / data / "statistics.json"
    if not path.exists():
        yield f"{data}: data/yardsticks/{data}/statistics.json is missing"
        return
    stated = read_json(path)["loudness_std_0_0_6"]
    curves = [loudness_0_0_6(audio) for audio in training_sounds(project, data)]
    recomputed = np.concatenate(curves).std()
    if not abs(stated - recomputed) <= 1e-3:
        yield f"{data}: loudness_std_0_0_6 is {stated}, the training records give {recomputed:.6f}"


def _checkpoint_statistics_findings(project: Project, data: str, stated: dict) -> Iterator[str]:
    """Compare the statistics in the checkpoints of a data set with its own."""
    for run, (experiment, _) in project.runs().items():
        config = project.root / "models" / run / "config.json"
        if not config.exists() or project.data_of(experiment) != data:
            continue
        for key, value in read_json(config)["statistics"].items():
            if not same(value, stated[key]):
                yield f"models/{run}: {key} is {value}, {data} has {stated[key]}"
