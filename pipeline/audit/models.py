"""Checkpoints and examples where they are on disk: parameters counted anew, statistics taken
anew from the training split.
"""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from pipeline.audit.checks import Check, Project, same
from pipeline.audit.rows import read_manifest
from pipeline.audit.settings import resolved

NO_CHECKPOINTS, NO_EXAMPLES = (
    "no checkpoints; `dvc repro` makes them",
    "no examples; `dvc repro` makes them",
)
# mean and spread of the MFCCs, which belong to the z encoder but are not trained
UNTRAINED = 2 * 30
FRAME_SIZE, FRAMES_PER_SECOND = 64, 250


def count_weights(path: Path) -> int:
    """All numbers in a Keras weights file."""
    sizes = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                sizes.append(math.prod(item.shape)) if isinstance(item, h5py.Dataset) else None
            )
        )
    return sum(sizes)


def check_parameters(project: Project) -> Check:
    """Parameters in the checkpoints against the trainings' summaries; the table's against those."""
    findings, count = [], 0
    with open(project.root / "reports" / "tables" / "parameters.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    for run, (experiment, seed) in project.runs().items():
        stated = json.loads((project.root / "reports" / "training" / f"{run}.json").read_text())[
            "parameters"
        ]
        weights = project.root / "models" / run / "model.weights.h5"
        if weights.exists():
            count += 1
            found = count_weights(weights) - (
                UNTRAINED if resolved(project, experiment)["model"]["use_z"] else 0
            )
            findings += (
                []
                if found == sum(stated.values())
                else [
                    (
                        f"{run}: the checkpoint has {found} parameters, its summary "
                        f"{sum(stated.values())}"
                    )
                ]
            )
        if seed == project.params["seeds"][0]:
            table = {
                line["part"]: int(line["parameters"])
                for line in lines
                if (line["experiment"], line["scale"]) == (experiment, "trained")
            }
            findings += (
                []
                if table == stated
                else [f"parameters.csv: {experiment}: {table}, the summary has {stated}"]
            )
    with open(project.root / "reports" / "parameters.csv", newline="") as file:
        counted = [
            (line["experiment"], line["part"], line["parameters"]) for line in csv.DictReader(file)
        ]
    if counted != [
        (line["experiment"], line["part"], line["parameters"])
        for line in lines
        if line["scale"] == "paper"
    ]:
        findings.append(
            "parameters.csv: its counts at the paper's sizes are not those of "
            "reports/parameters.csv"
        )
    looked = "models/*/model.weights.h5, reports/tables/parameters.csv"
    return Check(
        "parameters are counted right", looked, count, findings, "" if count else NO_CHECKPOINTS
    )


def read_records(project: Project, data: str, split: str) -> Iterator[dict]:
    """The TFRecords of a split: recording_id, example_id, loudness_db."""
    frames = round(project.params["examples"]["seconds"] * FRAMES_PER_SECOND)
    schema = {
        "example_id": tf.io.FixedLenFeature([], tf.string),
        "recording_id": tf.io.FixedLenFeature([], tf.string),
        "loudness_db": tf.io.FixedLenFeature([frames], tf.float32),
    }
    for path in sorted((project.root / "data" / "examples" / data).glob(f"{split}-*.tfrecord")):
        for record in tf.data.TFRecordDataset(str(path)):
            found = tf.io.parse_single_example(record, schema)
            yield {name: value.numpy() for name, value in found.items()}


def check_statistics(project: Project) -> Check:
    """Loudness statistics are the training split's alone; every record is of its split;
    checkpoints hold the same statistics.
    """
    findings, count = [], 0
    for data in project.params["data"]:
        path = project.root / "data" / "examples" / data / "statistics.json"
        if not path.exists():
            continue
        stated, splits = (
            json.loads(path.read_text()),
            {line["id"]: line["split"] for line in read_manifest(project, data)},
        )
        for split in ("train", "valid", "test"):
            records = list(read_records(project, data, split))
            count += len(records)
            names = {record["recording_id"].decode() for record in records}
            findings += [
                f"{data}: {name} is in the {split} records, not in that split"
                for name in sorted(names)
                if split not in splits.get(name, "")
            ]
            if split == "train":
                loudness = np.concatenate([record["loudness_db"] for record in records]).astype(
                    np.float64
                )
                found = {"loudness_mean": loudness.mean(), "loudness_std": loudness.std()}
                findings += [
                    f"{data}: {key} is {stated[key]}, the training records give {value:.6f}"
                    for key, value in found.items()
                    if abs(stated[key] - value) > 1e-4
                ]
        findings += _of_checkpoints(project, data, stated)
    looked = "data/examples/*/*.tfrecord, models/*/config.json"
    return Check(
        "statistics are of the training split",
        looked,
        count,
        findings,
        "" if count else NO_EXAMPLES,
    )


def _of_checkpoints(project: Project, data: str, stated: dict) -> list[str]:
    findings = []
    for run, (experiment, _) in project.runs().items():
        config = project.root / "models" / run / "config.json"
        if config.exists() and project.data_of(experiment) == data:
            held = json.loads(config.read_text())["statistics"]
            findings += [
                f"models/{run}: {key} is {value}, {data} has {stated[key]}"
                for key, value in held.items()
                if not same(value, stated[key])
            ]
    return findings
