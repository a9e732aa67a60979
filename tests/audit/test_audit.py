"""The audit: an untouched report passes, every kind of tampering is caught by the check that is
for it.
"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from commands import error_line, run
from conftest import ROOT
from made_rows import make_rows
from pipeline.audit import (
    cells,
    hashes,
    known_answers,
    models,
    printed,
    replayed,
    resynthesis,
    rows,
    settings,
    studies,
)
from pipeline.audit.checks import Check, Project, read_project
from pipeline.audit.report import CHECKS, audit, failed
from pipeline.common.settings import Settings
from pipeline.reporting.ablations import ablation_cells, write_ablation_table
from pipeline.reporting.cells import TabulateConfig
from pipeline.reporting.table_1 import read_paper, resynthesis_cells, write_resynthesis_table
from pipeline.reporting.tiny import write_tiny_table
from tampering import (
    edit_table,
    edit_text,
    edit_values,
    leak,
    other_weights,
    replace,
    set_cell,
    shift_printed,
    swap_rows,
)

COPIED = (
    ".dvcignore",
    "reports",
    "params.yaml",
    "dvc.yaml",
    "dvc.lock",
    "uv.lock",
    "pipeline",
    "stages",
    "params",
    "data/examples",
    "models",
)
SLOW = (known_answers.check_metrics, resynthesis.check_resynthesis, replayed.check_played)


@pytest.fixture
def clone(smoke_project, tmp_path):
    """What the audit reads of the smoke project, to be spoilt."""
    for name in COPIED:
        source, copy = smoke_project / name, tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy2(source, copy)
    return tmp_path


ROWS, TABLES, MANIFEST = "reports/rows", "reports/tables", "reports/data/notes/manifest.csv"
SUPERVISED, SUMMARY = f"{ROWS}/supervised-0.parquet", "reports/training/supervised-0.json"
NOTE = "spectral_loss_minus_base"
CONTROL, PHASE, EXTRAPOLATION = (
    f"reports/studies/{name}-0.parquet"
    for name in ("control-supervised", "phase-supervised", "extrapolation-no_z")
)
TRANSFER = "reports/studies/timbre_transfer-supervised-0.parquet"
# checks of what the smoke size does not have
ABSENT = {"the tiny model's table equals resynthesis.csv"}
TAMPERINGS = {  # what is done, and the check that must find it
    "an edited cell": (
        edit_table(
            f"{TABLES}/resynthesis.csv", set_cell("supervised", "spectral_loss", "value", "1.5")
        ),
        cells.check_cells,
    ),
    "a rounded figure": (
        edit_table(
            f"{TABLES}/resynthesis.csv",
            set_cell("supervised", "f0_l1", "value", lambda v: f"{float(v):.4f}"),
        ),
        cells.check_cells,
    ),
    "a narrower interval": (
        edit_table(
            f"{TABLES}/resynthesis.csv",
            set_cell("supervised", "spectral_loss", "high", lambda v: str(float(v) - 0.01)),
        ),
        cells.check_cells,
    ),
    "more examples than there are": (
        edit_table(f"{TABLES}/resynthesis.csv", set_cell("supervised", "f0_l1", "examples", "64")),
        cells.check_cells,
    ),
    "another key to the rows": (
        edit_table(f"{TABLES}/resynthesis.csv", set_cell("supervised", "f0_l1", "rows", "no_z-0")),
        cells.check_cells,
    ),
    "swapped rows of a table": (
        edit_table(f"{TABLES}/resynthesis.csv", swap_rows),
        cells.check_cells,
    ),
    "a dropped line of a table": (
        edit_table(f"{TABLES}/resynthesis.csv", lambda t: t[t.metric != "f0_l1"]),
        cells.check_cells,
    ),
    "another base": (
        edit_table(f"{TABLES}/ablations.csv", lambda t: t.assign(base="no_z")),
        cells.check_cells,
    ),
    "an edited difference": (
        edit_table(f"{TABLES}/ablations.csv", set_cell("no_z", NOTE, "value", "-3.0")),
        cells.check_cells,
    ),
    "an edited p": (
        edit_table(f"{TABLES}/ablations.csv", set_cell("no_z", NOTE, "p", "0.001")),
        cells.check_tests,
    ),
    "an uncorrected p": (
        edit_table(f"{TABLES}/ablations.csv", set_cell("no_z", NOTE, "p_holm", "0.001")),
        cells.check_tests,
    ),
    "a verdict on one seed": (
        edit_table(f"{TABLES}/ablations.csv", set_cell("no_z", NOTE, "verdict", "worse")),
        cells.check_tests,
    ),
    "an edited metrics.json": (
        edit_values("reports/metrics.json", lambda v: v["supervised"].update(f0_l1=0.01)),
        cells.check_metrics,
    ),
    "an edited Markdown cell": (
        shift_printed(f"{TABLES}/resynthesis.md"),
        printed.check_resynthesis,
    ),
    "an edited LaTeX cell": (shift_printed(f"{TABLES}/resynthesis.tex"), printed.check_resynthesis),
    "an edited cell of ablations.md": (
        shift_printed(f"{TABLES}/ablations.md"),
        printed.check_ablations,
    ),
    "another question than was asked": (
        edit_text(f"{TABLES}/ablations.md", "Does z carry", "Does z hide"),
        printed.check_ablations,
    ),
    "an edited row": (
        edit_table(SUPERVISED, lambda t: t.assign(spectral_loss=t.spectral_loss * 0.9)),
        cells.check_cells,
    ),
    "rows of another experiment": (
        replace(SUPERVISED, f"{ROWS}/no_z-0.parquet"),
        rows.check_complete,
    ),
    "a dropped seed": (lambda clone: (clone / SUPERVISED).unlink(), rows.check_complete),
    "a dropped row": (edit_table(SUPERVISED, lambda t: t[1:]), rows.check_complete),
    "a doubled row": (edit_table(SUPERVISED, lambda t: pd.concat([t, t[:1]])), rows.check_complete),
    "rows of a run that is not asked for": (
        replace(f"{ROWS}/no_z-0.parquet", f"{ROWS}/supervised-0.parquet"),
        rows.check_complete,
    ),
    "a hidden failure": (
        edit_table(SUPERVISED, lambda t: t.assign(f0_l1=np.nan)),
        rows.check_undefined,
    ),
    "a row of a training recording": (
        edit_table(
            SUPERVISED,
            lambda t: t.assign(recording_id=["violin-055-100-0", *list(t.recording_id[1:])]),
        ),
        rows.check_test_split,
    ),
    "a recording in two splits": (edit_table(MANIFEST, leak("sha256")), rows.check_splits),
    "a recorded sample in two splits": (edit_table(MANIFEST, leak("group")), rows.check_splits),
    "an edited override": (
        edit_values("params.yaml", lambda v: v["experiments"]["no_z"]["model"].update(use_z=True)),
        settings.check_settings,
    ),
    "an edited default": (
        edit_values("params.yaml", lambda v: v["train"].update(learning_rate=0.001)),
        settings.check_settings,
    ),
    "settings that a summary does not have": (
        edit_values(SUMMARY, lambda v: v["settings"]["loss"].update(alpha=0.5)),
        settings.check_settings,
    ),
    "another seed than was asked for": (
        edit_values(SUMMARY, lambda v: v.update(seed=7)),
        settings.check_settings,
    ),
    "another version than is locked": (
        edit_values(SUMMARY, lambda v: v["versions"].update(numpy="1.0")),
        settings.check_versions,
    ),
    "an edited training log": (
        edit_table(
            "reports/training/supervised-0.csv",
            lambda t: t.assign(valid_loss=[v and "1.0" for v in t.valid_loss]),
        ),
        settings.check_trainings,
    ),
    "a changed figure of the paper's": (
        edit_text(
            "pipeline/reporting/paper.yaml", "loudness_l1_std: 0.10", "loudness_l1_std: 0.30"
        ),
        settings.check_paper,
    ),
    "a changed figure of the paper's as printed": (
        edit_table(f"{TABLES}/resynthesis.csv", set_cell("paper_wavernn", "f0_l1", "value", "3.0")),
        settings.check_paper,
    ),
    "a stage that did not run": (
        edit_values("dvc.lock", lambda v: v["stages"].pop("train@supervised-0")),
        hashes.check_stages,
    ),
    "a stage of other settings": (
        edit_values("params.yaml", lambda v: v["tabulate"].update(resamples=499)),
        hashes.check_params,
    ),
    "code that was changed afterwards": (
        edit_text(
            "pipeline/evaluation/metrics.py", "OUTLIER_SEMITONES = 12.0", "OUTLIER_SEMITONES = 24.0"
        ),
        hashes.check_sources,
    ),
    "an old table": (
        edit_text(f"{TABLES}/training.md", "# Training", "# Trainings"),
        hashes.check_outputs,
    ),
    "an old figure": (
        replace("reports/figures/training.png", "reports/figures/ablations.png"),
        hashes.check_outputs,
    ),
    "a stage that read something else": (
        edit_values(
            "dvc.lock",
            lambda v: next(
                d for d in v["stages"]["tabulate"]["deps"] if d["path"] == "reports/rows"
            ).update(md5="0" * 32),
        ),
        hashes.check_inputs,
    ),
    "a checkpoint of another experiment": (
        replace("models/supervised-0", "models/no_z-0"),
        models.check_parameters,
    ),
    "an edited count of parameters": (
        edit_values(SUMMARY, lambda v: v["parameters"].update(amplitude=1)),
        models.check_parameters,
    ),
    "statistics of other data": (
        edit_values("data/examples/notes/statistics.json", lambda v: v.update(loudness_std=20.0)),
        models.check_statistics,
    ),
    "other weights": (other_weights, resynthesis.check_resynthesis),
    "an edited cell of a study": (
        edit_table(f"{TABLES}/control.csv", lambda t: t.assign(value=["0.5", *t.value[1:]])),
        studies.check_cells,
    ),
    "an edited row of a study": (
        edit_table(PHASE, lambda t: t.assign(waveform_distance=t.waveform_distance * 0.5)),
        studies.check_cells,
    ),
    "an edited difference of a study": (
        edit_table(
            f"{TABLES}/extrapolation.csv",
            lambda t: t.assign(
                low=[(m.endswith("base") and "-9") or v for m, v in zip(t.metric, t.low)]
            ),
        ),
        studies.check_cells,
    ),
    "a dropped line of a study": (
        edit_table(f"{TABLES}/extrapolation.csv", lambda t: t[t.octaves != "-1"]),
        studies.check_cells,
    ),
    "an edited figure of a study as printed": (
        shift_printed(f"{TABLES}/phase.md"),
        studies.check_printed,
    ),
    "an edited LaTeX cell of a study": (
        shift_printed(f"{TABLES}/control.tex"),
        studies.check_printed,
    ),
    "an instrument of the transfers that is missing": (
        edit_table(TRANSFER, lambda t: t[t.instrument != "flute"]),
        studies.check_rows,
    ),
    "a study that was not made": (lambda clone: (clone / CONTROL).unlink(), studies.check_rows),
    "a step of a study that is missing": (edit_table(CONTROL, lambda t: t[1:]), studies.check_rows),
    "an example of a study that is missing": (
        edit_table(PHASE, lambda t: t[t.example_id != t.example_id[0]]),
        studies.check_rows,
    ),
    "a hidden failure of a study": (
        edit_table(EXTRAPOLATION, lambda t: t.assign(f0_l1=np.nan)),
        studies.check_rows,
    ),
    "a smoother way than was gone": (
        edit_table(CONTROL, lambda t: t.assign(spearman=1.0, largest_step=0.25)),
        studies.check_ways,
    ),
    "an edited study in metrics.json": (
        edit_values(
            "reports/metrics.json", lambda v: v["phase/supervised/first"].update(spectral_loss=1.0)
        ),
        cells.check_metrics,
    ),
}


def test_the_untouched_report_passes(smoke_project):
    stated = {
        entry["name"]: entry["verdict"]
        for entry in json.loads((smoke_project / "reports" / "audit.json").read_text())
    }
    assert (
        len(stated) == len(CHECKS)
        and {name for name, verdict in stated.items() if verdict != "holds"} == ABSENT
    )
    markdown = (smoke_project / "reports" / "audit.md").read_text()
    assert "No check fails." in markdown and all(name in markdown for name in stated)


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_caught_by_the_check_that_is_for_it(clone, kind):
    spoil, check = TAMPERINGS[kind]
    spoil(clone)
    (found,) = audit(clone, [check])
    assert found.verdict == "fails" and found.findings, kind


def test_what_nobody_touched_is_not_accused(clone):
    assert [
        check.name
        for check in failed(audit(clone, [check for check in CHECKS if check not in SLOW]))
    ] == []


@pytest.fixture
def three_seeds(tmp_path, random):
    """Rows of three experiments with three seeds each, and their table of ablations."""
    params = {
        "seeds": [0, 1, 2],
        "tabulate": {"bases": {}, "resamples": 300, "seed": 0},
        "data": {"notes": {"source": "notes"}},
        "experiments": {
            "base": {"data": "notes"},
            "worse": {"ablates": "base", "asks": "Why?", "model": {}},
            "same": {"ablates": "base", "asks": "Why not?", "model": {}},
        },
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    made, tables = make_rows(random, [0, 1, 2]), tmp_path / TABLES
    (tmp_path / ROWS).mkdir(parents=True)
    for (name, seed), mine in made.groupby(["experiment", "seed"]):
        mine.to_parquet(tmp_path / ROWS / f"{name}-{seed}.parquet")
    config, ablations = TabulateConfig(**params["tabulate"]), Settings(tmp_path, params).ablations
    write_ablation_table(ablation_cells(made, ablations, config), ablations, tables)
    resynthesis_cells(made, {"notes": ["base"]}, config).to_csv(
        tables / "resynthesis.csv", index=False
    )
    return tmp_path


def test_three_seeds_are_audited(three_seeds):
    checks = [cells.check_cells, cells.check_tests, printed.check_ablations]
    assert [check.findings for check in audit(three_seeds, checks)] == [[], [], []]
    assert {
        line["verdict"] for line in cells.read_cells(three_seeds / TABLES / "ablations.csv")
    } == {"", "worse", "no measurable change"}
    edit_table(f"{TABLES}/ablations.csv", set_cell("same", NOTE, "verdict", "better"))(three_seeds)
    edit_table(f"{ROWS}/worse-1.parquet", lambda t: t.assign(spectral_loss=t.spectral_loss - 3))(
        three_seeds
    )
    assert [check.verdict for check in audit(three_seeds, checks)] == ["fails", "fails", "fails"]


def test_the_tiny_models_table_is_audited(tmp_path, random):
    made = make_rows(random, [0]).replace({"experiment": {"base": "solo_violin", "worse": "tiny"}})
    config, order, tables = (
        TabulateConfig(bases={"notes": "solo_violin"}, resamples=300, seed=0),
        {"notes": ["solo_violin", "tiny"]},
        tmp_path / TABLES,
    )
    found = resynthesis_cells(made, order, config)
    write_resynthesis_table(
        found,
        order,
        config.bases,
        read_paper(ROOT / "pipeline" / "reporting" / "paper.yaml"),
        [],
        tables,
    )
    counts = pd.DataFrame(
        [
            (name, "trained", "decoder", size)
            for name, size in (("solo_violin", 300_000), ("tiny", 200_000))
        ],
        columns=["experiment", "scale", "part", "parameters"],
    )
    write_tiny_table(found, counts, "solo_violin", tables)
    project = Project(tmp_path, {}, {}, {})
    assert studies.check_tiny(project).verdict == "holds"
    for spoil in (
        shift_printed(f"{TABLES}/tiny.md"),
        edit_table(f"{TABLES}/tiny.csv", set_cell("tiny", "spectral_loss", "value", "1.0")),
    ):
        spoil(tmp_path)
        assert studies.check_tiny(project).verdict == "fails"
        write_tiny_table(found, counts, "solo_violin", tables)


def test_on_a_bare_clone_only_what_needs_checkpoints_is_not_run(clone):
    shutil.rmtree(clone / "models"), shutil.rmtree(clone / "data")
    verdicts = {
        check.name: check.verdict
        for check in audit(
            clone, [check for check in CHECKS if check is not known_answers.check_metrics]
        )
    }
    needs = {
        "parameters are counted right",
        "statistics are of the training split",
        "checkpoints give the rows",
        "checkpoints give the studies' rows",
    }
    assert {name for name, verdict in verdicts.items() if verdict == "not run"} == needs | ABSENT
    assert {verdict for name, verdict in verdicts.items() if name not in needs | ABSENT} == {
        "holds"
    }


def test_what_is_wrong_on_a_bare_clone_is_not_hidden_by_what_is_not_run(clone):
    shutil.rmtree(clone / "models")
    edit_table(f"{TABLES}/parameters.csv", lambda t: t.assign(parameters="7"))(clone)
    (found,) = audit(clone, [models.check_parameters])
    assert found.verdict == "fails" and found.findings


def test_rows_of_studies_that_no_checkpoint_gives_are_found(clone):
    edited = {
        CONTROL: "loudness_l1_db",
        PHASE: "spectral_loss_to_original",
        EXTRAPOLATION: "loudness_l1_db",
        TRANSFER: "f0_l1",
    }
    for name, metric in edited.items():
        edit_table(name, lambda rows: rows.assign(**{metric: rows[metric] * 1.1 + 0.1}))(clone)
    (found,) = audit(clone, [replayed.check_played])
    assert {finding.split(".parquet")[0] for finding in found.findings} == {
        name.split("/")[-1].split(".")[0] for name in edited
    }
    assert all(
        any(f"{metric} is " in finding for finding in found.findings) for metric in edited.values()
    )


def test_a_broken_metric_is_found(monkeypatch, smoke_project):
    honest = known_answers.evaluate
    monkeypatch.setattr(
        known_answers,
        "evaluate",
        lambda *given: honest(*given) | {"f0_l1": honest(*given)["f0_l1"] * 0.9},
    )
    check = known_answers.check_metrics(read_project(smoke_project))
    assert check.verdict == "fails" and all("f0_l1" in finding for finding in check.findings)


def test_a_file_that_cannot_be_read_fails_its_check_and_no_other(clone):
    (clone / "reports" / "metrics.json").write_text("{")
    found = audit(clone, [cells.check_metrics, rows.check_complete])
    assert [check.verdict for check in found] == ["fails", "holds"] and "JSONDecodeError" in found[
        0
    ].findings[0]


def test_a_check_that_looked_at_nothing_does_not_hold():
    assert (
        Check("", "", 0, []).verdict == "fails"
        and Check("", "", 0, [], "no checkpoints").verdict == "not run"
    )
    assert Check("", "", 0, ["wrong"], "no checkpoints").verdict == "fails"


def test_the_command_says_what_fails_and_exits(clone):
    edit_values("reports/metrics.json", lambda v: v["supervised"].update(f0_l1=0.01))(clone)
    shutil.rmtree(clone / "models"), shutil.rmtree(clone / "data")
    done = run(clone, "python", "-m", "stages.audit", "out/audit.json", check=False)
    line = error_line(done)
    assert (
        done.returncode == 1
        and line.startswith("error: audit: ")
        and "metrics.json equals the tables" in line
    )
    assert "0.01" in (clone / "out" / "audit.md").read_text()
