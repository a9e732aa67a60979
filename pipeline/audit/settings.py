"""Compare the settings and versions that trainings report, and the paper's figures.

The paper's figures are compared with a copy that only the audit uses.
"""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.audit.checks import Check, Project, read_json, read_lines, read_yaml, same

SECTIONS = ("model", "loss", "train")
BASELINES = ("wavernn", "strided_conv", "stft")
# names in uv.lock of each package whose version a training reports
LOCKED = {"tensorflow": ("tensorflow-cpu", "tensorflow"), "keras": ("keras",), "numpy": ("numpy",)}
PAPER_COLUMNS = ("loudness_l1_std_0_0_6", "f0_l1", "outlier_clips_0_0_6")
PAPER = {  # Engel et al. 2020, Table 1: loudness L1, F0 L1, F0 outliers
    "paper_wavernn": (0.10, 1.00, 0.07),
    "paper_supervised": (0.07, 0.02, 0.003),
    "paper_unsupervised": (0.09, 0.80, 0.04),
}
PAPER_PARAMETERS = {
    "WaveNet": 75e6,
    "WaveRNN": 23e6,
    "GANSynth": 15e6,
    "unsupervised": 12e6,
    ", supervised": 7e6,
    "tiny": 0.24e6,
}


def resolved(project: Project, experiment: str) -> dict[str, Any]:
    """Return an experiment's settings.

    The overrides of its base, then its own, are applied to the sections of params.yaml.
    """
    block = project.params["experiments"][experiment]
    blocks = [block]
    if "ablates" in block:
        blocks = [project.params["experiments"][block["ablates"]], block]
    settings = {section: dict(project.params[section]) for section in SECTIONS}
    settings |= {"baseline": None, "own": None}
    for overrides in blocks:
        for section in SECTIONS:
            settings[section] |= overrides.get(section, {})
        for name in BASELINES:
            if name in overrides:
                settings |= {"baseline": name, "own": (settings["own"] or {}) | overrides[name]}
    return settings


def check_settings(project: Project) -> Check:
    """Compare params.yaml with each training's summary and, if there is one, its checkpoint."""
    findings = []
    count = 0
    for run, (experiment, seed) in project.runs().items():
        expected = resolved(project, experiment)
        summary = project.training_summary(run)
        where = f"reports/training/{run}.json"
        count += 1
        findings += _differences(where, expected, summary["settings"])
        top_level = {"seed": seed, "steps": expected["train"]["steps"]}
        findings += _differences(where, top_level, summary)
        config = project.root / "models" / run / "config.json"
        if config.exists():
            count += 1
            recipe = {
                name: value for name, value in expected.items() if name not in ("loss", "train")
            }
            findings += _differences(f"models/{run}/config.json", recipe, read_json(config))
    return Check(
        "trainings ran with params.yaml",
        "reports/training/*.json, models/*/config.json",
        count,
        findings,
    )


def _differences(where: str, expected: dict, stated: dict, prefix: str = "") -> Iterator[str]:
    """Find each key of `expected` whose value differs in `stated`; numbers compare by value."""
    for key, value in expected.items():
        other = stated.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            yield from _differences(where, value, other, f"{prefix}{key}.")
        elif value != other:
            yield f"{where}: {prefix}{key} is {other!r}, params.yaml gives {value!r}"


def check_versions(project: Project) -> Check:
    """Compare the versions that trainings ran with with those of uv.lock."""
    packages = tomllib.loads((project.root / "uv.lock").read_text())["package"]
    locked = {
        name: {package["version"] for package in packages if package["name"] in names}
        for name, names in LOCKED.items()
    }
    findings = []
    count = 0
    for run in project.runs():
        versions = project.training_summary(run)["versions"]
        count += len(versions)
        findings += [
            f"{run}: {name} {version}, uv.lock has {' and '.join(sorted(locked[name]))}"
            for name, version in versions.items()
            if version not in locked[name]
        ]
    return Check(
        "trainings ran with the versions in uv.lock",
        "reports/training/*.json, uv.lock",
        count,
        findings,
    )


def check_trainings(project: Project) -> Check:
    """Recompute training.csv from the logs and summaries."""
    table = read_lines(project.root / "reports" / "tables" / "training.csv")
    lines = {f"{line['experiment']}-{line['seed']}": line for line in table}
    runs = set(project.runs())
    findings = [
        f"training.csv: {run} is missing or should not be there"
        for run in sorted(set(lines) ^ runs)
    ]
    for run in sorted(set(lines) & runs):
        texts = _training_findings(project, run, lines[run])
        findings += [f"training.csv, {run}: {text}" for text in texts]
    return Check(
        "training.csv agrees with the logs",
        "reports/tables/training.csv, reports/training",
        len(lines),
        findings,
    )


def _training_findings(project: Project, run: str, line: dict[str, str]) -> Iterator[str]:
    """Compare a training's line with its log and summary."""
    log = read_lines(project.root / "reports" / "training" / f"{run}.csv")
    valid = [float(row["valid_loss"]) for row in log if row["valid_loss"]]
    summary = project.training_summary(run)
    expected = {
        "steps": summary["steps"],
        "epochs": summary["epochs"],
        "parameters": sum(summary["parameters"].values()),
        "last_change": valid[-1] / valid[-2] - 1 if len(valid) > 1 else np.nan,
    }
    for key, value in expected.items():
        if not same(float(line[key] or "nan"), value):
            yield f"{key} is {line[key]}, expected {value}"
    if json.loads(line["valid"]) != valid:
        yield f"validation is {line['valid']}, the log has {valid}"


def check_paper(project: Project) -> Check:
    """Compare the paper's figures, in the data file and in the table, with the audit's copy."""
    paper = read_yaml(project.root / "pipeline" / "reporting" / "paper.yaml")
    counts = {row["label"]: row["parameters"] for row in paper["parameters"]["rows"]}
    findings = [
        *_paper_table_findings(paper["table_1"]["rows"]),
        *_paper_parameter_findings(counts),
        *_printed_paper_findings(project),
    ]
    return Check(
        "the paper's figures are copied correctly",
        "pipeline/reporting/paper.yaml, reports/tables/resynthesis.csv",
        2 * len(PAPER) * len(PAPER_COLUMNS) + len(counts),
        findings,
    )


def _paper_table_findings(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Compare Table 1 in the data file with the audit's copy."""
    stated = {row["row"]: tuple(row[name] for name in PAPER_COLUMNS) for row in rows}
    for row, figures in PAPER.items():
        if stated.get(row) != figures:
            yield f"paper.yaml: {row} is {stated.get(row)}, the paper has {figures}"


def _paper_parameter_findings(counts: dict[str, float]) -> Iterator[str]:
    """Compare the parameter counts in the data file with the audit's copy."""
    for model, figure in PAPER_PARAMETERS.items():
        stated = [count for label, count in counts.items() if model in label]
        if stated != [figure]:
            name = model.strip(", ")
            yield f"paper.yaml: parameters of {name} are {stated}, the paper has {figure:g}"


def _printed_paper_findings(project: Project) -> Iterator[str]:
    """Compare the paper's lines of resynthesis.csv with the audit's copy."""
    printed = {
        (line["row"], line["metric"]): float(line["value"])
        for line in read_lines(project.root / "reports" / "tables" / "resynthesis.csv")
        if line.get("source")
    }
    for row, figures in PAPER.items():
        for name, figure in zip(PAPER_COLUMNS, figures):
            stated = printed.get((row, name))
            if stated != figure:
                yield f"resynthesis.csv: {row}, {name} is {stated}, the paper has {figure}"
