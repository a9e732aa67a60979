"""Settings: what each training says it ran with against params.yaml; versions; the paper's
figures against a copy of the audit's own.
"""

import csv
import json
import tomllib

import numpy as np
import yaml

from pipeline.audit.checks import Check, Project, same

SECTIONS, BASELINES = ("model", "loss", "train"), ("wavernn", "strided_conv", "stft")
# names in uv.lock
LOCKED = {"tensorflow": ("tensorflow-cpu", "tensorflow"), "keras": ("keras",), "numpy": ("numpy",)}
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


def resolved(project: Project, experiment: str) -> dict:
    """An experiment's settings: the sections of params.yaml, under the overrides of its base,
    under its own.
    """
    block = project.params["experiments"][experiment]
    blocks = (
        [project.params["experiments"][block["ablates"]], block] if "ablates" in block else [block]
    )
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
    """The settings in each training's summary, and in its checkpoint's config where there is
    one.
    """
    findings, count = [], 0
    for run, (experiment, seed) in project.runs().items():
        expected = resolved(project, experiment)
        summary = json.loads((project.root / "reports" / "training" / f"{run}.json").read_text())
        count += 1
        findings += _differences(f"reports/training/{run}.json", expected, summary["settings"])
        findings += _differences(
            f"reports/training/{run}.json",
            {"seed": seed, "steps": expected["train"]["steps"]},
            summary,
        )
        config = project.root / "models" / run / "config.json"
        if config.exists():
            count += 1
            without = {
                name: value for name, value in expected.items() if name not in ("loss", "train")
            }
            findings += _differences(
                f"models/{run}/config.json", without, json.loads(config.read_text())
            )
    return Check(
        "trainings ran with params.yaml",
        "reports/training/*.json, models/*/config.json",
        count,
        findings,
    )


def _differences(where: str, expected: dict, found: dict, prefix: str = "") -> list[str]:
    """A finding per key of `expected` that is another in `found`; numbers may be written in
    another way.
    """
    findings = []
    for key, value in expected.items():
        other = found.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            findings += _differences(where, value, other, f"{prefix}{key}.")
        elif not (value == other or (isinstance(value, list) and list(value) == other)):
            findings.append(f"{where}: {prefix}{key} is {other!r}, params.yaml gives {value!r}")
    return findings


def check_versions(project: Project) -> Check:
    """Versions that trainings ran with are those of uv.lock."""
    packages = tomllib.loads((project.root / "uv.lock").read_text())["package"]
    locked = {
        name: {package["version"] for package in packages if package["name"] in names}
        for name, names in LOCKED.items()
    }
    findings, count = [], 0
    for run in project.runs():
        versions = json.loads((project.root / "reports" / "training" / f"{run}.json").read_text())[
            "versions"
        ]
        count += len(versions)
        findings += [
            f"{run}: {name} {version}, uv.lock has {' and '.join(sorted(locked[name]))}"
            for name, version in versions.items()
            if version not in locked[name]
        ]
    return Check(
        "versions are those of uv.lock", "reports/training/*.json, uv.lock", count, findings
    )


def check_trainings(project: Project) -> Check:
    """training.csv from the logs and summaries."""
    with open(project.root / "reports" / "tables" / "training.csv", newline="") as file:
        lines = {f"{line['experiment']}-{line['seed']}": line for line in csv.DictReader(file)}
    findings = [
        f"training.csv: {run} is missing or too many"
        for run in sorted(set(lines) ^ set(project.runs()))
    ]
    for run in set(lines) & set(project.runs()):
        path = project.root / "reports" / "training" / f"{run}.csv"
        with open(path, newline="") as file:
            valid = [float(row["valid_loss"]) for row in csv.DictReader(file) if row["valid_loss"]]
        summary = json.loads(path.with_suffix(".json").read_text())
        expected = {
            "steps": summary["steps"],
            "epochs": summary["epochs"],
            "parameters": sum(summary["parameters"].values()),
            "last_change": valid[-1] / valid[-2] - 1 if len(valid) > 1 else np.nan,
        }
        findings += [
            f"training.csv, {run}: {key} is {lines[run][key]}, expected {value}"
            for key, value in expected.items()
            if not same(float(lines[run][key] or "nan"), value)
        ]
        if json.loads(lines[run]["valid"]) != valid:
            findings.append(
                f"training.csv, {run}: validation is {lines[run]['valid']}, the log has {valid}"
            )
    return Check(
        "training.csv equals the logs",
        "reports/tables/training.csv, reports/training",
        len(lines),
        findings,
    )


def check_paper(project: Project) -> Check:
    """The paper's figures, in the data file and as printed, against a copy of the audit's own."""
    paper = yaml.safe_load((project.root / "pipeline" / "reporting" / "paper.yaml").read_text())
    columns = ("loudness_l1_std", "f0_l1", "outlier_frames_paper")
    found = {row["row"]: tuple(row[name] for name in columns) for row in paper["table_1"]["rows"]}
    findings = [
        f"paper.yaml: {row} is {found.get(row)}, the paper has {figures}"
        for row, figures in PAPER.items()
        if found.get(row) != figures
    ]
    counts = {row["label"]: row["parameters"] for row in paper["parameters"]["rows"]}
    for part, figure in PAPER_PARAMETERS.items():
        stated = [count for label, count in counts.items() if part in label]
        if stated != [figure]:
            findings.append(
                f"paper.yaml: parameters of {part.strip(', ')} are {stated}, the paper has "
                f"{figure:g}"
            )
    with open(project.root / "reports" / "tables" / "resynthesis.csv", newline="") as file:
        printed = {
            (line["row"], line["metric"]): float(line["value"])
            for line in csv.DictReader(file)
            if line.get("source")
        }
    expected = {
        (row, name): figure
        for row, figures in PAPER.items()
        for name, figure in zip(columns, figures)
    }
    findings += [
        f"resynthesis.csv: {row}, {name} is {printed.get((row, name))}, the paper has {figure}"
        for (row, name), figure in expected.items()
        if printed.get((row, name)) != figure
    ]
    count = 2 * len(expected) + len(counts)
    return Check(
        "the paper's figures are the paper's",
        "pipeline/reporting/paper.yaml, reports/tables/resynthesis.csv",
        count,
        findings,
    )
