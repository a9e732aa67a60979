"""Rows: complete, each once, of the test split; what is undefined is explained."""

import csv

import numpy as np

from pipeline.audit.checks import Check, Columns, Project

UNDEFINED_IF = {  # a metric is NaN exactly where this holds
    "f0_l1": lambda r: r["frames_pitched"] == 0,
    "outlier_clips_paper": lambda r: r["frames_pitched"] == 0,
    "outlier_clips_code": lambda r: r["frames_pitched"] == 0,
    "f0_l1_without_outliers": lambda r: (r["frames_pitched"] == 0) | (r["outlier_clips_code"] == 1),
    "rpa_crepe": lambda r: r["frames_pitched"] == 0,
    "rca_crepe": lambda r: r["frames_pitched"] == 0,
    "loudness_l1_db_sounding": lambda r: r["frames_sounding"] == 0,
    "loudness_bias_db_sounding": lambda r: r["frames_sounding"] == 0,
    "loudness_l1_std": lambda r: np.zeros(len(r["frames_loudness"]), bool),
    "loudness_l1_db": lambda r: np.zeros(len(r["frames_loudness"]), bool),
    "spectral_loss": lambda r: np.zeros(len(r["frames_loudness"]), bool),
}
# NaN where nothing sounds, or where the data set's true f0 is not known
FROM_TRUTH = ("rpa_true", "rca_true")
KNOWS_F0 = ("notes", "violin")  # sources of which it is


def read_manifest(project: Project, data: str) -> list[dict[str, str]]:
    """The lines of a data set's manifest."""
    with open(project.root / "reports" / "data" / data / "manifest.csv", newline="") as file:
        return list(csv.DictReader(file))


def expected_files(project: Project) -> dict[str, str]:
    """The data set of each file that reports/rows must hold."""
    files = {run: project.data_of(experiment) for run, (experiment, _) in project.runs().items()}
    for data, values in project.params["data"].items():
        yardsticks = ["original_retracked", "mean_spectrum"] + (
            ["nearest_note"] if values["source"] in ("notes", "nsynth") else []
        )
        files |= {f"{name}@{data}": data for name in yardsticks}
    return files


def check_complete(project: Project) -> Check:
    """Experiments x seeds x test examples exactly, each once, in the right file."""
    expected, findings, count = expected_files(project), [], 0
    findings += [
        f"reports/rows: {name}.parquet is missing"
        for name in sorted(set(expected) - set(project.rows))
    ]
    findings += [
        f"reports/rows: {name}.parquet belongs to nothing in params.yaml"
        for name in sorted(set(project.rows) - set(expected))
    ]
    examples = {}
    for name in sorted(set(expected) & set(project.rows)):
        rows, data, run = project.rows[name], expected[name], project.runs().get(name, (name, None))
        count += len(rows["example_id"])
        if set(rows["experiment"]) != {run[0]} or set(rows["data"]) != {data}:
            findings.append(
                f"{name}.parquet: holds rows of {sorted(set(rows['experiment']))} on "
                f"{sorted(set(rows['data']))}"
            )
        if run[1] is not None and set(rows["seed"]) != {run[1]}:
            findings.append(f"{name}.parquet: holds rows of seeds {sorted(set(rows['seed']))}")
        ids = list(rows["example_id"])
        if len(ids) != len(set(ids)):
            findings.append(f"{name}.parquet: holds an example twice")
        others = examples.setdefault(data, (name, set(ids)))
        if set(ids) != others[1]:
            findings.append(f"{name}.parquet: its examples are not those of {others[0]}.parquet")
    return Check("rows are complete, each once", "reports/rows/*.parquet", count, findings)


def check_test_split(project: Project) -> Check:
    """Rows are of recordings that the manifest puts into the test split: all of them, and no
    others.
    """
    findings, count = [], 0
    for data in project.params["data"]:
        lines = {line["id"]: line for line in read_manifest(project, data) if not line["rejected"]}
        wanted = {name for name, line in lines.items() if "test" in line["split"].split()}
        for name, of_data in expected_files(project).items():
            if of_data != data or name not in project.rows:
                continue
            rows = project.rows[name]
            count += len(rows["recording_id"])
            found = set(rows["recording_id"])
            findings += [
                f"{name}.parquet: {recording} is not in the test split"
                for recording in sorted(found - wanted)
            ]
            findings += [
                f"{name}.parquet: {recording} of the test split is missing"
                for recording in sorted(wanted - found)
            ]
            findings += _of_recording(name, rows, lines)
    return Check(
        "rows are the test split", "reports/rows, reports/data/*/manifest.csv", count, findings
    )


def _of_recording(name: str, rows: Columns, lines: dict[str, dict[str, str]]) -> list[str]:
    """Findings where a row's example is not its recording's, or its instrument or group is not
    the manifest's.
    """
    findings = []
    for example, recording, instrument, group in zip(
        rows["example_id"], rows["recording_id"], rows["instrument"], rows["group"]
    ):
        line = lines.get(recording)
        if example.split("@")[0] != recording:
            findings.append(f"{name}.parquet: {example} is not of {recording}")
        elif line and (instrument != line["instrument"] or not group.startswith(line["group"])):
            findings.append(
                f"{name}.parquet: {example}: instrument or group differ from the manifest's"
            )
    return findings


def check_undefined(project: Project) -> Check:
    """NaN stands exactly where the counts of the row explain it."""
    findings, count = [], 0
    for name, rows in project.rows.items():
        data = rows["data"][0]
        unknown = project.params["data"].get(data, {}).get("source") not in KNOWS_F0
        rules = UNDEFINED_IF | {
            metric: (lambda r: (r["frames_sounding_coarse"] == 0) | unknown)
            for metric in FROM_TRUTH
        }
        for metric, rule in rules.items():
            undefined = np.isnan(rows[metric])
            count += int(undefined.sum())
            for wrong, what in (
                (undefined & ~rule(rows), "undefined without a reason"),
                (~undefined & rule(rows), "defined where it cannot be"),
            ):
                findings += [
                    f"{name}.parquet, {example}: {metric} is {what}"
                    for example in rows["example_id"][wrong]
                ]
    looked = f"{len(UNDEFINED_IF) + len(FROM_TRUTH)} metrics of every row; {count} undefined"
    return Check(
        "undefined values are explained",
        looked,
        sum(len(rows["example_id"]) for rows in project.rows.values()),
        findings,
    )


def check_splits(project: Project) -> Check:
    """No recording (by id or by sound), no recorded sample or piece in two splits."""
    findings, count = [], 0
    for data in project.params["data"]:
        lines = [line for line in read_manifest(project, data) if not line["rejected"]]
        count += len(lines)
        for key in ("id", "sha256", "group"):
            splits = {}
            for line in lines:
                if " " in line["split"] and key != "id":
                    continue  # split by time blocks: the recording is in several by design
                splits.setdefault(line[key], set()).add(line["split"])
            findings += [
                f"{data}: {key} {name} is in {' and '.join(sorted(found))}"
                for name, found in splits.items()
                if len(found) > 1
            ]
        ids = [line["id"] for line in lines]
        findings += [
            f"{data}: id {name} twice"
            for name in sorted({name for name in ids if ids.count(name) > 1})
        ]
    return Check(
        "nothing is in two splits",
        "reports/data/*/manifest.csv: id, sha256 of the sound, group",
        count,
        findings,
    )
