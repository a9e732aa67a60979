"""Every kind of tampering with the smoke project is caught by the check that covers it."""

import numpy as np
import pandas as pd
import pytest

from pipeline.audit import (
    ablation_tests,
    cells,
    hashes,
    models,
    printed,
    resynthesis,
    rows,
    settings,
    study_cells,
    study_rows,
)
from pipeline.audit.report import audit
from tampering import (
    edit_table,
    edit_text,
    edit_values,
    leak,
    other_weights,
    remove,
    replace,
    set_cell,
    shift_printed,
    swap_rows,
)

ROWS = "reports/rows"
TABLES = "reports/tables"
MANIFEST = "reports/data/notes/manifest.csv"
SUPERVISED = f"{ROWS}/supervised-0.parquet"
SUMMARY = "reports/training/supervised-0.json"
PRIMARY_DIFFERENCE = "spectral_loss_minus_base"
CONTROL = "reports/studies/control-supervised-0.parquet"
PHASE = "reports/studies/phase-supervised-0.parquet"
EXTRAPOLATION = "reports/studies/extrapolation-no_z-0.parquet"
TRANSFER = "reports/studies/timbre_transfer-supervised-0.parquet"
TAMPERINGS = {  # the edit, and the check that must find it
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
    "too many examples": (
        edit_table(f"{TABLES}/resynthesis.csv", set_cell("supervised", "f0_l1", "examples", "64")),
        cells.check_cells,
    ),
    "the rows of another experiment named": (
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
        edit_table(
            f"{TABLES}/ablations.csv", set_cell("no_z", PRIMARY_DIFFERENCE, "value", "-3.0")
        ),
        cells.check_cells,
    ),
    "an edited p": (
        edit_table(f"{TABLES}/ablations.csv", set_cell("no_z", PRIMARY_DIFFERENCE, "p", "0.001")),
        ablation_tests.check_tests,
    ),
    "an uncorrected p": (
        edit_table(
            f"{TABLES}/ablations.csv", set_cell("no_z", PRIMARY_DIFFERENCE, "p_holm", "0.001")
        ),
        ablation_tests.check_tests,
    ),
    "a verdict on one seed": (
        edit_table(
            f"{TABLES}/ablations.csv", set_cell("no_z", PRIMARY_DIFFERENCE, "verdict", "worse")
        ),
        ablation_tests.check_tests,
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
    "another question of an ablation": (
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
    "a dropped seed": (remove(SUPERVISED), rows.check_complete),
    "a dropped row": (edit_table(SUPERVISED, lambda t: t[1:]), rows.check_complete),
    "a doubled row": (edit_table(SUPERVISED, lambda t: pd.concat([t, t[:1]])), rows.check_complete),
    "a file of rows replaced by another run's": (
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
    "other settings in a summary": (
        edit_values(SUMMARY, lambda v: v["settings"]["loss"].update(alpha=0.5)),
        settings.check_settings,
    ),
    "another seed in a summary": (
        edit_values(SUMMARY, lambda v: v.update(seed=7)),
        settings.check_settings,
    ),
    "another version in a summary": (
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
    "a changed figure of the paper's in paper.yaml": (
        edit_text(
            "pipeline/reporting/paper.yaml",
            "loudness_l1_std_0_0_6: 0.10",
            "loudness_l1_std_0_0_6: 0.30",
        ),
        settings.check_paper,
    ),
    "a changed figure of the paper's in the table": (
        edit_table(f"{TABLES}/resynthesis.csv", set_cell("paper_wavernn", "f0_l1", "value", "3.0")),
        settings.check_paper,
    ),
    "a stage that did not run": (
        edit_values("dvc.lock", lambda v: v["stages"].pop("train@supervised-0")),
        hashes.check_stages,
    ),
    "settings changed after a stage ran": (
        edit_values("params.yaml", lambda v: v["tabulate"].update(resamples=499)),
        hashes.check_params,
    ),
    "code changed after a stage ran": (
        edit_text(
            "pipeline/evaluation/outliers.py",
            "OUTLIER_SEMITONES = 12.0",
            "OUTLIER_SEMITONES = 24.0",
        ),
        hashes.check_sources,
    ),
    "a table edited after its stage ran": (
        edit_text(f"{TABLES}/training.md", "# Training", "# Trainings"),
        hashes.check_outputs,
    ),
    "a figure replaced after its stage ran": (
        replace("reports/figures/training.png", "reports/figures/ablations.png"),
        hashes.check_outputs,
    ),
    "a stage with another input": (
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
        study_cells.check_cells,
    ),
    "an edited row of a study": (
        edit_table(PHASE, lambda t: t.assign(waveform_distance=t.waveform_distance * 0.5)),
        study_cells.check_cells,
    ),
    "an edited difference of a study": (
        edit_table(
            f"{TABLES}/extrapolation.csv",
            lambda t: t.assign(
                low=[(m.endswith("base") and "-9") or v for m, v in zip(t.metric, t.low)]
            ),
        ),
        study_cells.check_cells,
    ),
    "a dropped line of a study": (
        edit_table(f"{TABLES}/extrapolation.csv", lambda t: t[t.octaves != "-1"]),
        study_cells.check_cells,
    ),
    "an edited Markdown cell of a study": (
        shift_printed(f"{TABLES}/phase.md"),
        study_cells.check_printed,
    ),
    "an edited LaTeX cell of a study": (
        shift_printed(f"{TABLES}/control.tex"),
        study_cells.check_printed,
    ),
    "a missing instrument of timbre transfer": (
        edit_table(TRANSFER, lambda t: t[t.instrument != "flute"]),
        study_rows.check_rows,
    ),
    "a missing study": (remove(CONTROL), study_rows.check_rows),
    "a missing step of a study": (edit_table(CONTROL, lambda t: t[1:]), study_rows.check_rows),
    "a missing example of a study": (
        edit_table(PHASE, lambda t: t[t.example_id != t.example_id[0]]),
        study_rows.check_rows,
    ),
    "a hidden failure of a study": (
        edit_table(EXTRAPOLATION, lambda t: t.assign(f0_l1=np.nan)),
        study_rows.check_rows,
    ),
    "a smoother trajectory": (
        edit_table(CONTROL, lambda t: t.assign(spearman=1.0, largest_step=0.25)),
        study_rows.check_trajectories,
    ),
    "an edited study in metrics.json": (
        edit_values(
            "reports/metrics.json", lambda v: v["phase/supervised/first"].update(spectral_loss=1.0)
        ),
        cells.check_metrics,
    ),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_caught_by_the_check_that_covers_it(clone, kind):
    tamper, check = TAMPERINGS[kind]
    tamper(clone)
    (outcome,) = audit(clone, [check])
    assert outcome.verdict == "fails" and outcome.findings, kind
