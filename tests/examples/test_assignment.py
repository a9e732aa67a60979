"""An assignment changes with its experiment's data set and base, and with nothing else."""

import pytest
import yaml

from pipeline.common.cli import UserError
from pipeline.common.files import write_json
from pipeline.common.settings import Settings
from pipeline.examples.assignment import read_assignment, write_assignments


@pytest.fixture
def project(tmp_path):
    params = {
        "data": {"notes": {"source": "notes"}, "field": {"source": "folder"}},
        "experiments": {
            "one": {"data": "notes"},
            "two": {"data": "field", "model": {"use_z": False}},
            "less": {"ablates": "two", "asks": "Why?", "model": {"harmonics": 9}},
        },
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    for name in params["data"]:
        write_json(tmp_path / "examples" / name / "statistics.json", {"sha256": {"train": name}})
    return tmp_path


def assigned(project):
    """Write the assignments; return {experiment: content}."""
    settings = Settings.read(project / "params.yaml")
    write_assignments(settings, project / "examples", project / "assigned")
    return {path.stem: path.read_bytes() for path in (project / "assigned").iterdir()}


def test_every_experiment_is_assigned_its_data_set(project):
    assert set(assigned(project)) == {"one", "two", "less"}
    for name in ("two", "less"):
        assert read_assignment(project / "assigned" / f"{name}.json") == (
            "field",
            project / "examples" / "field",
        )


def test_an_ablations_assignment_changes_with_its_base(project):
    before = assigned(project)
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("use_z: false", "use_z: true"))
    after = assigned(project)
    assert {name for name in before if before[name] != after[name]} == {"less"}


def test_only_the_experiments_of_a_changed_data_set_change(project):
    before = assigned(project)
    write_json(project / "examples" / "field" / "statistics.json", {"sha256": {"train": "other"}})
    after = assigned(project)
    assert {name for name in before if before[name] != after[name]} == {"two", "less"}


def test_missing_examples_name_the_remedy(project):
    (project / "examples" / "field" / "statistics.json").unlink()
    with pytest.raises(UserError, match="dvc repro examples@field"):
        assigned(project)
