"""`make repro` at smoke size in a copy of the repository, and what users of DVC do with it."""

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
FIGURES = (
    "training",
    "resynthesis-supervised",
    "ablations",
    "control",
    "extrapolation",
    "phase",
    "timbre_transfer",
)


def would_run(folder) -> set[str]:
    """Return the stages that `dvc repro` would run."""
    status = json.loads(run(folder, "dvc", "status", "--json").stdout)
    return {name for name, changes in status.items() if not name.endswith(".dvc") and changes}


@pytest.fixture(scope="module")
def project(smoke_project):
    return smoke_project


def read_metrics(project):
    return json.loads((project / "reports" / "metrics.json").read_text())


def read_rows(project):
    """Read all of reports/rows."""
    paths = (project / "reports" / "rows").glob("*.parquet")
    return pd.concat([pd.read_parquet(path) for path in paths])


def test_rows_cover_the_test_notes(project):
    rows = read_rows(project)
    manifest = pd.read_csv(project / "reports" / "data" / "notes" / "manifest.csv")
    test_notes = set(manifest[manifest.split == "test"].id)
    assert len(test_notes) >= 3
    for name in ROWS:
        assert set(rows[rows.experiment == name].recording_id) == test_notes


def test_tables_and_metrics_hold_the_means_of_the_rows(project):
    rows = read_rows(project)
    metrics = read_metrics(project)
    tables = project / "reports" / "tables"
    table = pd.concat(
        [pd.read_csv(tables / f"{name}.csv") for name in ("resynthesis", "ablations")]
    )
    losses = table[table.metric == "spectral_loss"].set_index("row").value
    for name in ROWS:
        expected = rows[rows.experiment == name].spectral_loss.mean()
        assert metrics[name]["spectral_loss"] == pytest.approx(expected, abs=1e-5)
        assert losses[name] == pytest.approx(expected)
    assert metrics["original_retracked@notes"]["spectral_loss"] == 0
    assert metrics["supervised"]["spectral_loss"] > 0
    assert np.isfinite(metrics["supervised"]["f0_l1"])
    for kind in ("md", "tex"):
        assert "0.003" in (tables / f"resynthesis.{kind}").read_text()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(project, name):
    assert (project / "reports" / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_studies_have_rows_tables_and_metrics(project):
    metrics = read_metrics(project)
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


def test_the_page_has_the_sections_of_this_run_alone(project):
    html = (project / "reports" / "index.html").read_text()
    assert check_weight(project / "reports" / "index.html", 6) > 0.1
    assert set(re.findall(r'<section id="([\w-]+)">', html)) == {
        "table-1",
        "models",
        "ablations",
        "audit",
        "run",
        *(path.stem for path in (project / "data" / "studies").iterdir() if path.is_dir()),
    }
    assert "Play harmonic" in html and html.count("<audio") > 10


def test_the_smoke_size_is_small(project):
    """CI and newcomers wait for two trainings of six steps on a few notes."""
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
    """Change params.yaml; return a function that restores it."""
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


def test_a_new_ablation_is_one_block_and_reruns_no_other_training(project, tmp_path):
    folder = tmp_path / "clone"
    block = {
        "ablates": "supervised",
        "asks": "Are the upper harmonics needed?",
        "model": {"harmonics": 9},
    }
    run(tmp_path, "cp", "-r", str(project), str(folder))
    edit_params(folder, lambda values: values["experiments"].update(few=block))
    assert {name for name in would_run(folder) if "@" in name} == {
        "train@few-0",
        "resynthesize@few-0",
    }
    before = weights_of(folder)
    run(folder, "dvc", "repro", "tabulate")
    after = weights_of(folder)
    assert set(after) - set(before) == {"few-0"}
    assert {name: after[name] for name in before} == before
    assert block["asks"] in (folder / "reports" / "tables" / "ablations.md").read_text()


def weights_of(project):
    """Return the modification time of each model's weights, in nanoseconds."""
    return {
        path.parent.name: path.stat().st_mtime_ns
        for path in (project / "models").glob("*/model.weights.h5")
    }


def test_a_dotted_experiment_name_is_refused_before_anything_runs(project):
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


def write_take(path, first):
    """Write a recording of four tones."""
    tones = [tone(first + number, seed=number) for number in range(4)]
    soundfile.write(path, np.concatenate(tones), 16000)


def add_own_recordings(values, folder):
    """Edit the values of params.yaml: a data set of the folder and an experiment on it."""
    values["outside"] = {"mine": str(folder)}
    values["data"]["mine"] = {
        "source": "folder",
        "seed": 0,
        "instrument": "tone",
        "split": "time",
        "block_seconds": 4.0,
        "shortest_seconds": 4.0,
        "test_share": 0.3,
        "valid_share": 0.1,
        "max_rejected": 0,
    }
    values["experiments"] = {
        "supervised": values["experiments"]["supervised"],
        "own": {"data": "mine", "model": {"use_z": False}},
    }
    values["extrapolation"]["experiments"] = ["own"]


@pytest.fixture
def own_recordings(project, tmp_path):
    """A folder of recordings, used by the project while a test runs."""
    folder = tmp_path / "my recordings"
    folder.mkdir()
    for number in range(3):
        write_take(folder / f"take {number}.flac", 60 + number)
    undo = edit_params(project, lambda values: add_own_recordings(values, folder))
    yield folder
    undo()


@pytest.mark.slow
def test_own_recordings_are_used_beside_the_notes_and_a_change_is_noticed(project, own_recordings):
    hashes = project / "reports" / "outside" / "mine.json"
    done = run(project, "dvc", "repro")
    assert "train@own-0" in done.stdout
    assert "Running stage 'train@supervised-0'" not in done.stdout
    rows = pd.read_parquet(project / "reports" / "rows" / "own-0.parquet")
    assert len(rows) == 4
    assert (rows.data == "mine").all()
    assert rows.group.str.contains(" block ").all()
    assert "mean_spectrum@mine" in read_metrics(project)
    before = hashes.read_text()
    write_take(own_recordings / "take 0.flac", 50)
    done = run(project, "dvc", "repro", "assign")
    assert hashes.read_text() != before
    assert "Running stage 'features@mine'" in done.stdout
    assert "Running stage 'features@notes'" not in done.stdout
    stages = would_run(project)
    assert "train@own-0" in stages
    assert "train@supervised-0" not in stages
