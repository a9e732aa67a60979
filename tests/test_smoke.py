"""The whole of `make repro` at smoke size in a copy of the repository, and what DVC users do
with it.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from commands import error_line, run
from hostile import tone
from pipeline.page.render import check_weight
from pipeline.reporting.table_1 import NAMES

TRAINED = ("supervised", "no_z")
ROWS = (*TRAINED, *(f"{name}@notes" for name in NAMES))


def would_run(folder) -> set[str]:
    status = json.loads(run(folder, "dvc", "status", "--json").stdout)
    return {name for name, changes in status.items() if not name.endswith(".dvc") and changes}


@pytest.fixture(scope="module")
def project(smoke_project):
    return smoke_project


def test_it_writes_the_table_its_rows_and_metrics(project):
    rows = pd.concat(
        [pd.read_parquet(path) for path in (project / "reports" / "rows").glob("*.parquet")]
    )
    manifest = pd.read_csv(project / "reports" / "data" / "notes" / "manifest.csv")
    test_notes = set(manifest[manifest.split == "test"].id)
    assert len(test_notes) >= 3
    for name in ROWS:
        assert set(rows[rows.experiment == name].recording_id) == test_notes
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    table = pd.concat(
        [
            pd.read_csv(project / "reports" / "tables" / f"{name}.csv")
            for name in ("resynthesis", "ablations")
        ]
    )
    for name in ROWS:
        spectral = rows[rows.experiment == name].spectral_loss.mean()
        assert metrics[name]["spectral_loss"] == pytest.approx(spectral, abs=1e-5)
        assert table[
            (table["row"] == name) & (table.metric == "spectral_loss")
        ].value.item() == pytest.approx(spectral)
    assert (
        metrics["original_retracked@notes"]["spectral_loss"] == 0
        and metrics["supervised"]["spectral_loss"] > 0
    )
    assert np.isfinite(metrics["supervised"]["f0_l1"])
    for name in (
        "training.png",
        "resynthesis-supervised.png",
        "ablations.png",
        "control.png",
        "extrapolation.png",
        "phase.png",
        "timbre_transfer.png",
    ):
        assert (project / "reports" / "figures" / name).read_bytes().startswith(b"\x89PNG")
    for kind in ("md", "tex"):
        assert "0.003" in (project / "reports" / "tables" / f"resynthesis.{kind}").read_text()


def test_studies_have_rows_tables_and_metrics(project):
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    for name, experiment, line in (
        ("control", "supervised", "f0"),
        ("extrapolation", "no_z", "-1"),
        ("phase", "supervised", "other_phases"),
        ("timbre_transfer", "supervised", "flute"),
    ):
        rows = pd.read_parquet(project / "reports" / "studies" / f"{name}-{experiment}-0.parquet")
        assert len(rows) and set(rows.experiment) == {experiment}
        assert f"| {experiment}" in (project / "reports" / "tables" / f"{name}.md").read_text()
        assert len(metrics[f"{name}/{experiment}/{line}"])


def test_its_page_has_what_was_made_and_nothing_else(project):
    html = (project / "reports" / "index.html").read_text()
    assert check_weight(project / "reports" / "index.html", 6) > 0.1
    found = set(re.findall(r'<section id="([\w-]+)">', html))
    assert found == {
        "table-1",
        "models",
        "ablations",
        "audit",
        "again",
        *(path.stem for path in (project / "data" / "studies").iterdir()),
    }
    assert "Play harmonic" in html and html.count("<audio") > 10


def test_it_is_small_enough_to_wait_for(project):
    """CI and newcomers wait for it: two trainings of six steps on a handful of notes."""
    logs = {
        path.stem: pd.read_csv(path) for path in (project / "reports" / "training").glob("*.csv")
    }
    assert {name: log.step.max() for name, log in logs.items()} == {
        f"{name}-0": 6 for name in TRAINED
    }
    assert len(pd.read_csv(project / "reports" / "data" / "notes" / "manifest.csv")) < 40


def test_a_second_repro_has_nothing_to_do(project):
    assert would_run(project) == set()
    assert "up to date" in run(project, "dvc", "repro").stdout
    done = run(project, "python", "-m", "pipeline.side_by_side")
    assert done.stdout == "Data and pipelines are up to date.\n"


def edit_params(project, change):
    path = project / "params.yaml"
    before = path.read_text()
    values = yaml.safe_load(before)
    change(values)
    path.write_text(yaml.safe_dump(values))
    return lambda: path.write_text(before)


def test_editing_metrics_tracks_and_trains_nothing(project):
    path = project / "pipeline" / "evaluation" / "metrics.py"
    before = path.read_text()
    path.write_text(before + "\n# edited\n")
    try:
        assert would_run(project) == {"evaluate", "score", "figures", "audit"}
    finally:
        path.write_text(before)


def test_editing_one_experiment_reruns_one(project):
    undo = edit_params(
        project, lambda values: values["experiments"]["no_z"]["model"].update(gru_units=16)
    )
    try:
        stages = would_run(project)
        assert "train@no_z-0" in stages and "train@supervised-0" not in stages
        assert not stages & {"data@notes", "features@notes", "examples@notes", "yardsticks@notes"}
    finally:
        undo()


def test_an_ablation_takes_one_block_and_runs_itself_alone(project, tmp_path):
    folder, block = (
        tmp_path / "clone",
        {
            "ablates": "supervised",
            "asks": "Are the upper harmonics needed?",
            "model": {"harmonics": 9},
        },
    )
    run(tmp_path, "cp", "-r", str(project), str(folder))
    edit_params(folder, lambda values: values["experiments"].update(few=block))
    assert {name for name in would_run(folder) if "@" in name} == {
        "train@few-0",
        "resynthesize@few-0",
    }
    before = weights_of(folder)
    run(folder, "dvc", "repro", "tabulate")
    after = weights_of(folder)
    assert set(after) - set(before) == {"few-0"} and all(
        after[name] == before[name] for name in before
    )
    assert (
        "Are the upper harmonics needed?"
        in (folder / "reports" / "tables" / "ablations.md").read_text()
    )


def weights_of(project):
    """When each model's weights were written."""
    return {
        path.parent.name: path.stat().st_mtime_ns
        for path in (project / "models").glob("*/model.weights.h5")
    }


def test_a_dotted_experiment_name_is_our_line_before_anything_runs(project):
    undo = edit_params(
        project,
        lambda values: values["experiments"].update({"no.z": values["experiments"].pop("no_z")}),
    )
    try:
        done = run(project, "dvc", "repro", check=False)
        assert "rename it to 'no_z'" in error_line(done) and "stages.train" not in done.stdout
    finally:
        undo()


def test_example_length_recomputes_no_f0(project):
    undo = edit_params(
        project, lambda values: values["examples"].update(seconds=2.0, hop_seconds=2.0)
    )
    try:
        stages = would_run(project)
        assert "examples@notes" in stages and not stages & {"data@notes", "features@notes"}
    finally:
        undo()


@pytest.mark.slow
def test_an_override_runs_and_compares(project):
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", "done")
    run(project, "dvc", "exp", "run", "--name", "shorter", "-S", "train.steps=4", "tabulate")
    difference = json.loads(run(project, "dvc", "metrics", "diff", "--json").stdout)
    assert difference["reports/metrics.json"]["supervised.spectral_loss"]["diff"] != 0
    log = pd.read_csv(project / "reports" / "training" / "supervised-0.csv")
    assert log.step.max() == 4 and log.valid_loss.notna().any()
    refused = run(project, "dvc", "exp", "run", "-S", "train.stepz=4", check=False)
    assert refused.returncode != 0 and "stepz" in refused.stderr


@pytest.mark.slow
def test_a_users_own_recordings_live_beside_the_notes_and_a_change_is_noticed(project, tmp_path):
    recordings = tmp_path / "my recordings"
    recordings.mkdir()
    for number in range(3):
        soundfile.write(
            recordings / f"take {number}.flac",
            np.concatenate([tone(60 + number + n, seed=n) for n in range(4)]),
            16000,
        )

    def change(values):
        values["outside"] = {"mine": str(recordings)}
        values["data"]["mine"] = {
            "source": "folder",
            "seed": 0,
            "instrument": "tone",
            "split": "time",
            "block_seconds": 4.0,
            "test_share": 0.3,
            "valid_share": 0.1,
            "max_rejected": 0,
        }
        values["experiments"] = {
            "supervised": values["experiments"]["supervised"],
            "own": {"data": "mine", "model": {"use_z": False}},
        }
        values["extrapolation"]["experiments"] = ["own"]

    undo = edit_params(project, change)
    try:
        done = run(project, "dvc", "repro")
        assert (
            "train@own-0" in done.stdout and "Running stage 'train@supervised-0'" not in done.stdout
        )
        rows = pd.read_parquet(project / "reports" / "rows" / "own-0.parquet")
        assert (
            len(rows) == 4
            and (rows.data == "mine").all()
            and rows.group.str.contains(" block ").all()
        )
        assert "mean_spectrum@mine" in json.loads(
            (project / "reports" / "metrics.json").read_text()
        )
        before = (project / "reports" / "outside" / "mine.json").read_text()
        soundfile.write(
            recordings / "take 0.flac",
            np.concatenate([tone(50 + n, seed=n) for n in range(4)]),
            16000,
        )
        done = run(project, "dvc", "repro", "assign")
        assert (project / "reports" / "outside" / "mine.json").read_text() != before
        assert (
            "Running stage 'features@mine'" in done.stdout
            and "Running stage 'features@notes'" not in done.stdout
        )
        assert "train@own-0" in would_run(project) and "train@supervised-0" not in would_run(
            project
        )
    finally:
        undo()
