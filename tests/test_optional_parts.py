"""Everything of an optional kind switched off: studies, ablations, bases, the default data sets.

The run ends with the page, without those tables.
"""

import json
import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from commands import copy_repository, run
from conftest import ROOT, need_git
from pipeline.audio.clips import store_audio
from pipeline.audit.report import audit
from pipeline.audit.study_cells import check_cells, check_printed
from pipeline.audit.study_rows import check_rows, check_trajectories
from pipeline.common.params import STUDIES
from pipeline.common.settings import Settings
from pipeline.page.listing import write_listing
from stages import figures, page, tabulate

REPORTS = ROOT / "reports"
OWN = {
    "source": "folder",
    "seed": 0,
    "instrument": "drum | $ <b>",
    "split": "time",
    "block_seconds": 4.0,
    "shortest_seconds": 4.0,
    "test_share": 0.3,
    "valid_share": 0.1,
    "max_rejected": 0,
}


def switch_off(values):
    """Edit the values of params.yaml: one experiment on own recordings, and nothing optional."""
    for study in STUDIES:
        values[study]["experiments"] = []
    values["data"] = {"mine": OWN}
    values["outside"] = {}
    values["experiments"] = {"own": {"data": "mine", "model": {"use_z": False}}}
    values["tabulate"] |= {"bases": {}, "resamples": 50}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """This repository's files, with a params.yaml that names nothing optional."""
    need_git()
    folder = tmp_path_factory.mktemp("optional") / "clone"
    copy_repository(folder)
    run(folder, sys.executable, "-m", "pipeline.overlay", "params/smoke.yaml")
    edit_params(folder, switch_off)
    return folder


def edit_params(folder, edit):
    values = yaml.safe_load((folder / "params.yaml").read_text())
    edit(values)
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def test_without_studies_a_clone_has_every_folder_that_score_needs(repository):
    run(repository, "git", "add", "--all")
    kept = run(repository, "git", "ls-files", "data").stdout.split()
    assert kept == ["data/studies/.gitignore"]
    run(repository, "dvc", "repro", "--single-item", "score")
    assert list((repository / "reports" / "studies").iterdir()) == []
    assert json.loads(run(repository, "dvc", "status", "--json", "score").stdout) == {}


def own_rows(name, experiment):
    """Return committed rows as those of own recordings: of no known f0, and no frame is pitched."""
    rows = pd.read_parquet(REPORTS / "rows" / f"{name}.parquet")
    undefined = [column for column in rows if re.search("f0|rpa|rca|outlier_clips_3_7", column)]
    counts = [column for column in rows if re.search("frames_(pitched|outlier)", column)]
    return rows.assign(
        data="mine",
        experiment=experiment,
        **dict.fromkeys(undefined, np.nan),
        **dict.fromkeys(counts, 0),
        outlier_clips_0_0_6=1.0,
    )


@pytest.fixture
def scored(repository, tmp_path):
    """A project after its stages `evaluate`, `score`, `train` and `sounds`."""
    shutil.copy(repository / "params.yaml", tmp_path)
    reports = tmp_path / "reports"
    for folder in ("rows", "studies", "training", "page/sounds", "figures"):
        (reports / folder).mkdir(parents=True)
    rows = {
        "own-0": own_rows("supervised-0", "own"),
        "original_retracked@mine": own_rows("original_retracked@notes", "original_retracked@mine"),
        "mean_spectrum@mine": own_rows("mean_spectrum@notes", "mean_spectrum@mine"),
    }
    for name, of_name in rows.items():
        of_name.to_parquet(reports / "rows" / f"{name}.parquet", index=False)
    for suffix in ("csv", "json"):
        training = REPORTS / "training" / f"supervised-0.{suffix}"
        shutil.copy(training, reports / "training" / f"own-0.{suffix}")
    counts = pd.read_csv(REPORTS / "parameters.csv").query("experiment == 'supervised'")
    counts.assign(experiment="own").to_csv(reports / "parameters.csv", index=False)
    for folder in ("yardsticks/mine/original", "resyntheses/own-0"):
        (tmp_path / folder).mkdir(parents=True)
        for name in figures.pick_notes(rows["own-0"]).index:
            store_audio(tmp_path / folder, name, np.zeros(16000, np.float32))
    write_listing([], reports / "page" / "sounds")
    (reports / "audit.json").write_text("[]")
    return tmp_path


def test_from_rows_to_the_page(scored, monkeypatch):
    monkeypatch.chdir(scored)
    reports = scored.relative_to(scored) / "reports"
    tables = reports / "tables"
    paper = ROOT / "pipeline" / "reporting" / "paper.yaml"
    tabulate.main(
        reports / "rows",
        reports / "studies",
        reports / "training",
        reports / "parameters.csv",
        paper,
        tables,
        reports / "metrics.json",
    )
    assert {path.stem for path in tables.iterdir()} == {"resynthesis", "parameters", "training"}
    data = scored.relative_to(scored)
    figures.main(
        reports / "training",
        reports / "rows",
        tables,
        data / "yardsticks",
        data / "resyntheses",
        data / "studies",  # does not exist
        reports / "studies",
        reports / "figures",
    )
    drawn = {path.name for path in (reports / "figures").iterdir()}
    assert drawn == {"training.png", "resynthesis-own.png"}
    page.main(
        tables,
        reports / "figures",
        reports / "rows",
        reports / "audit.json",
        paper,
        reports / "page" / "sounds",
        reports / "index.html",
        reports / "page" / "style",
    )
    html = (reports / "index.html").read_text()
    sections = re.findall(r'<section id="([\w-]+)">', html)
    assert sections == ["table-1", "models", "audit", "run"]


def test_the_audit_says_that_there_are_no_studies(scored):
    checks = audit(scored, [check_rows, check_trajectories, check_cells, check_printed])
    assert {check.verdict for check in checks} == {"not run"}
    assert Settings.read(scored / "params.yaml").study_runs("control") == []


def write_percussion(folder, random):
    """Write three takes of noise bursts, of which no frame has a pitch."""
    folder.mkdir()
    decay = np.exp(-np.arange(8000) / 800)
    for number in range(3):
        bursts = [random.uniform(-0.5, 0.5, 8000) * decay for _ in range(32)]
        soundfile.write(folder / f"take | {number}.flac", np.concatenate(bursts), 16000)


@pytest.mark.slow
def test_own_percussion_alone_runs_to_the_page(repository, tmp_path, random):
    """The whole pipeline on a folder of recordings without a pitch, at smoke size."""
    recordings = tmp_path / "recordings"
    write_percussion(recordings, random)
    edit_params(repository, lambda values: values["outside"].update(mine=str(recordings)))
    run(repository, sys.executable, "-m", "pipeline.side_by_side")
    reports = repository / "reports"
    assert (reports / "index.html").exists() and not list((reports / "studies").iterdir())
    checks = json.loads((reports / "audit.json").read_text())
    assert {check["name"] for check in checks if check["verdict"] == "fails"} == set()
    assert (reports / "describe" / "mine" / "figures" / "pitch.png").exists()
    status = json.loads(run(repository, "dvc", "status", "--json").stdout)
    assert {name for name, changes in status.items() if changes} <= {"outside@mine"}
