"""Studies are named once, in STUDIES; every registry, stage and section has them all."""

import subprocess
import sys

import pytest
import yaml

from conftest import ROOT
from pipeline.audit.study_tables import TABLES as AUDITED
from pipeline.common.cli import UserError
from pipeline.common.params import STUDIES, by_study
from pipeline.common.settings import Settings, check_studies
from pipeline.evaluation.study_rows import STUDY_ROWS
from pipeline.reporting.studies import STUDY_TABLES
from pipeline.reporting.study_figures import STUDY_FIGURES
from pipeline.studies.registry import STUDY_CONFIGS

REGISTRIES = [
    "pipeline.studies.registry",
    "pipeline.evaluation.study_rows",
    "pipeline.reporting.studies",
    "pipeline.reporting.study_figures",
]


@pytest.mark.parametrize("module", REGISTRIES)
def test_a_study_that_a_registry_lacks_is_named(module):
    program = f"import pipeline.common.params as p; p.STUDIES += ('vibrato',); import {module}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no entry for ['vibrato']" in done.stderr


def test_a_registry_has_every_study_once():
    assert list(by_study("here", {name: name for name in reversed(STUDIES)})) == list(STUDIES)
    with pytest.raises(LookupError, match=r"here: no entry for \['phase'\], unknown .*'phaze'"):
        by_study("here", dict.fromkeys([*STUDIES[:-1], "phaze"]))


def test_every_study_is_everywhere():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for study in STUDIES:
        assert set(STUDY_CONFIGS[study].model_fields) == set(params[study])
        assert callable(STUDY_ROWS[study])
        assert callable(STUDY_FIGURES[study])
        assert {table.stage for table in STUDY_TABLES[study]} == {study}
        assert stages[study]["matrix"]["experiment"] == f"${{{study}.experiments}}"
        assert (ROOT / "stages" / f"{study}.py").exists()
    tables = {table.name: study for study in STUDIES for table in STUDY_TABLES[study]}
    assert set(params["page"]["worst_by"]) - {"models"} <= set(tables)
    assert {table: stage for table, (stage, *_) in AUDITED.items()} == tables


def test_studies_name_autoencoders_that_exist(tmp_path):
    params = {
        "experiments": {"supervised": {"data": "notes"}, "stft": {"data": "notes", "stft": {}}},
        "data": {"notes": {}},
    }
    studies = {name: {"experiments": []} for name in STUDIES}
    check_studies(Settings(tmp_path, params | studies))
    for wrong, said in (
        (["nobody"], "no experiment 'nobody'"),
        (["stft"], "not a DDSP autoencoder"),
        ("supervised", "must be a list"),
    ):
        with pytest.raises(UserError, match=said):
            check_studies(Settings(tmp_path, params | studies | {"phase": {"experiments": wrong}}))
