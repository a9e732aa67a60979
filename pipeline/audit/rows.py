"""Check that rows are complete and of the test split, and that undefined values have a reason."""

from collections.abc import Callable, Iterator

import numpy as np

from pipeline.audit.checks import Check, Columns, Project, read_lines

Rule = Callable[[Columns], np.ndarray]  # where a metric must be undefined: [rows]


def _never(rows: Columns) -> np.ndarray:
    return np.zeros(len(rows["frames_loudness"]), bool)


def _unpitched(rows: Columns) -> np.ndarray:
    return rows["frames_pitched"] == 0


def _silent(rows: Columns) -> np.ndarray:
    return rows["frames_sounding"] == 0


def _outlier_0_0_6(rows: Columns) -> np.ndarray:
    return rows["outlier_clips_0_0_6"] == 1


def _unpitched_or_outlier_3_7(rows: Columns) -> np.ndarray:
    return _unpitched(rows) | (rows["outlier_clips_3_7"] == 1)


UNDEFINED_IF: dict[str, Rule] = {  # a metric is NaN exactly where its rule holds
    "f0_l1": _unpitched,
    "outlier_clips_0_0_6": _never,
    "outlier_clips_3_7": _unpitched,
    "f0_l1_without_outliers_0_0_6": _outlier_0_0_6,
    "f0_l1_without_outliers_3_7": _unpitched_or_outlier_3_7,
    "rpa_crepe": _unpitched,
    "rca_crepe": _unpitched,
    "loudness_l1_db_sounding": _silent,
    "loudness_bias_db_sounding": _silent,
    "loudness_l1_std_0_0_6": _never,
    "loudness_l1_std": _never,
    "loudness_l1_db": _never,
    "spectral_loss": _never,
}
# NaN where nothing sounds, and where the data set's true f0 is unknown
FROM_TRUTH = ("rpa_true", "rca_true")
KNOWS_F0 = ("notes", "violin")  # sources whose true f0 is known


def read_manifest(project: Project, data: str) -> list[dict[str, str]]:
    """Read the lines of a data set's manifest."""
    return read_lines(project.root / "reports" / "data" / data / "manifest.csv")


def accepted_recordings(project: Project, data: str) -> list[dict[str, str]]:
    """Read the lines of a data set's manifest that are not rejected."""
    return [line for line in read_manifest(project, data) if not line["rejected"]]


def expected_files(project: Project) -> dict[str, str]:
    """Map each file that reports/rows must hold to its data set."""
    files = {run: project.data_of(experiment) for run, (experiment, _) in project.runs().items()}
    for data, values in project.params["data"].items():
        yardsticks = ["original_retracked", "mean_spectrum"]
        if values["source"] in ("notes", "nsynth"):
            yardsticks.append("nearest_note")
        files |= {f"{name}@{data}": data for name in yardsticks}
    return files


def missing_or_unexpected(folder: str, expected: set[str], present: set[str]) -> list[str]:
    """Find Parquet files that a folder lacks or should not have."""
    missing = [f"{folder}: {name}.parquet is missing" for name in sorted(expected - present)]
    unexpected = [
        f"{folder}: nothing in params.yaml asks for {name}.parquet"
        for name in sorted(present - expected)
    ]
    return missing + unexpected


def check_complete(project: Project) -> Check:
    """Check for one row per experiment, seed and test example, each in the right file."""
    expected = expected_files(project)
    findings = missing_or_unexpected("reports/rows", set(expected), set(project.rows))
    first_of_data = {}
    count = 0
    for name in sorted(set(expected) & set(project.rows)):
        data = expected[name]
        first = first_of_data.setdefault(data, name)
        count += len(project.rows[name]["example_id"])
        findings += [f"{name}.parquet: {text}" for text in _content(project, name, data, first)]
    return Check("every row is present once", "reports/rows/*.parquet", count, findings)


def _content(project: Project, name: str, data: str, first: str) -> Iterator[str]:
    """Check a file's experiment, seed and examples; `first` is a file of the same data set."""
    rows = project.rows[name]
    experiment, seed = project.runs().get(name, (name, None))
    if set(rows["experiment"]) != {experiment} or set(rows["data"]) != {data}:
        yield (f"holds rows of {sorted(set(rows['experiment']))} on {sorted(set(rows['data']))}")
    if seed is not None and set(rows["seed"]) != {seed}:
        yield f"holds rows of seeds {sorted(set(rows['seed']))}"
    ids = set(rows["example_id"])
    if len(rows["example_id"]) != len(ids):
        yield "holds an example twice"
    if ids != set(project.rows[first]["example_id"]):
        yield f"its examples differ from those of {first}.parquet"


def check_test_split(project: Project) -> Check:
    """Check that rows cover every recording of the manifest's test split, and no other."""
    findings = []
    count = 0
    for data in project.params["data"]:
        recordings = {line["id"]: line for line in accepted_recordings(project, data)}
        for name, data_of_file in expected_files(project).items():
            if data_of_file != data or name not in project.rows:
                continue
            rows = project.rows[name]
            count += len(rows["recording_id"])
            texts = [*_split_findings(rows, recordings), *_origin_findings(rows, recordings)]
            findings += [f"{name}.parquet: {text}" for text in texts]
    return Check(
        "rows cover exactly the test split",
        "reports/rows, reports/data/*/manifest.csv",
        count,
        findings,
    )


def _split_findings(rows: Columns, recordings: dict[str, dict[str, str]]) -> Iterator[str]:
    """Compare the rows' recordings with the test split."""
    test = {name for name, line in recordings.items() if "test" in line["split"].split()}
    present = set(rows["recording_id"])
    for recording in sorted(present - test):
        yield f"{recording} is not in the test split"
    for recording in sorted(test - present):
        yield f"{recording} of the test split is missing"


def _origin_findings(rows: Columns, recordings: dict[str, dict[str, str]]) -> Iterator[str]:
    """Compare each row's example, instrument and group with its recording's."""
    for example, recording, instrument, group in zip(
        rows["example_id"], rows["recording_id"], rows["instrument"], rows["group"]
    ):
        line = recordings.get(recording)
        if example.split("@")[0] != recording:
            yield f"{example} is not of {recording}"
        elif line and (instrument != line["instrument"] or not group.startswith(line["group"])):
            yield f"{example}: instrument or group differs from the manifest's"


def check_undefined(project: Project) -> Check:
    """Check that a value is NaN exactly where the counts of its row say so."""
    findings = []
    undefined_count = 0
    for name, rows in project.rows.items():
        for metric, rule in _rules(project, rows["data"][0]).items():
            undefined = np.isnan(rows[metric])
            must_be = rule(rows)
            undefined_count += int(undefined.sum())
            findings += [
                f"{name}.parquet, {example}: {metric} is undefined without a reason"
                for example in rows["example_id"][undefined & ~must_be]
            ]
            findings += [
                f"{name}.parquet, {example}: {metric} is defined where it cannot be"
                for example in rows["example_id"][~undefined & must_be]
            ]
    metrics = len(UNDEFINED_IF) + len(FROM_TRUTH)
    return Check(
        "undefined values have a reason",
        f"{metrics} metrics of every row; {undefined_count} undefined values",
        sum(len(rows["example_id"]) for rows in project.rows.values()),
        findings,
    )


def _rules(project: Project, data: str) -> dict[str, Rule]:
    """Return where each metric of a data set must be undefined."""
    unknown = project.params["data"].get(data, {}).get("source") not in KNOWS_F0

    def without_truth(rows: Columns) -> np.ndarray:
        return (rows["frames_sounding_coarse"] == 0) | unknown

    return UNDEFINED_IF | dict.fromkeys(FROM_TRUTH, without_truth)


def check_splits(project: Project) -> Check:
    """Check that no recording (by id or sound), source sample or piece is in two splits."""
    findings = []
    count = 0
    for data in project.params["data"]:
        lines = accepted_recordings(project, data)
        count += len(lines)
        for key in ("id", "sha256", "group"):
            findings += [f"{data}: {text}" for text in _in_two_splits(lines, key)]
        ids = [line["id"] for line in lines]
        findings += [
            f"{data}: the id {name} occurs more than once"
            for name in sorted(set(ids))
            if ids.count(name) > 1
        ]
    return Check(
        "no recording is in two splits",
        "reports/data/*/manifest.csv: id, sha256 of the sound, group",
        count,
        findings,
    )


def _in_two_splits(lines: list[dict[str, str]], key: str) -> Iterator[str]:
    """Find values of a manifest's column that are in more than one split."""
    splits = {}
    for line in lines:
        if " " in line["split"] and key != "id":
            continue  # split by time blocks: by design, such a recording is in several splits
        splits.setdefault(line[key], set()).add(line["split"])
    for name, names in splits.items():
        if len(names) > 1:
            yield f"{key} {name} is in {' and '.join(sorted(names))}"
