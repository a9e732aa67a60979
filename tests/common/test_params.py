"""Strict parameters: an error names the file and the key, and the command fails."""

import re

import pytest
import yaml

from commands import error_line, stage
from conftest import ROOT
from pipeline.common.cli import UserError
from pipeline.common.params import Params, validate
from pipeline.common.settings import Settings
from pipeline.data.sources import SOURCES, read_data_set
from pipeline.models.recipe import read_recipe
from pipeline.overlay import keep_only, merge
from pipeline.training.config import TrainConfig
from stages.check import SECTION_CONFIGS

PARAMS = ROOT / "params.yaml"
EXPERIMENTS = list(yaml.safe_load(PARAMS.read_text())["experiments"])
DATA = list(yaml.safe_load(PARAMS.read_text())["data"])


def write(path, edit):
    values = yaml.safe_load(PARAMS.read_text())
    edit(values)
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.parametrize("section", SECTION_CONFIGS)
def test_the_committed_params_are_valid(section):
    Settings.read(PARAMS).section(section, SECTION_CONFIGS[section])


@pytest.mark.parametrize("name", DATA)
def test_the_committed_data_sets_are_valid(name):
    assert read_data_set(Settings.read(PARAMS), name).source in SOURCES


@pytest.mark.parametrize("overlay", ["smoke", "paper", "long"])
def test_overlays_merge_to_valid_params(tmp_path, overlay):
    values = yaml.safe_load((ROOT / "params" / f"{overlay}.yaml").read_text())
    only = values.pop("only", EXPERIMENTS)
    only_data = values.pop("only_data", DATA)
    path = write(
        tmp_path / "params.yaml",
        lambda base: (
            merge(base, values, tmp_path),
            keep_only(base["experiments"], only, tmp_path),
            keep_only(base["data"], only_data, tmp_path),
        ),
    )
    settings = Settings.read(path)
    for name in only_data:
        read_data_set(settings, name)
    for section, config in SECTION_CONFIGS.items():
        settings.section(section, config)
    for experiment in only:
        settings.section("train", TrainConfig, experiment)
        read_recipe(settings, experiment)


@pytest.mark.parametrize(
    ("section", "edit", "message"),
    [
        (
            "model",
            lambda v: v["model"].update(use_zz=True),
            "unknown key 'model.use_zz'; did you mean 'use_z'?",
        ),
        (
            "train",
            lambda v: v["train"].update(steps="many"),
            "train.steps: input should be a valid integer, not 'many'",
        ),
        (
            "train",
            lambda v: v["train"].update(steps=1.5),
            "train.steps: input should be a valid integer, not 1.5",
        ),
        ("train", lambda v: v["train"].pop("steps"), "'train.steps' is missing"),
        ("model", lambda v: v.update(modle={}), "unknown section 'modle'; did you mean 'model'?"),
        ("model", lambda v: v.pop("model"), "section 'model' is missing"),
        (
            "model",
            lambda v: v["experiments"].update({"no.z": {}}),
            "experiments.no.z: a name may hold only",
        ),
        ("train", lambda v: v.update(train=5), "train: must be a mapping, not 5"),
        ("train", lambda v: v.update(experiments=["supervised"]), "experiments: must be a mapping"),
        ("train", lambda v: v.update(seeds=[0.5]), "seeds: must be a list of whole numbers"),
        (
            "train",
            lambda v: v["train"].update(log_every=0),
            "train.log_every: input should be greater than 0, not 0",
        ),
        (
            "model",
            lambda v: v["experiments"].update(nearest_note={}),
            "experiments.nearest_note: is the name of a yardstick",
        ),
        (
            "features",
            lambda v: v["features"].update(crepe="huge"),
            "features.crepe: input should be 'tiny', ",
        ),
        ("model", lambda v: v["data"].update({"my.set": {}}), "data.my.set: a name may hold only"),
        ("model", lambda v: v.update(outside=["/x"]), "outside: must be a mapping such as"),
    ],
)
def test_a_mistake_is_named(tmp_path, section, edit, message):
    path = write(tmp_path / "params.yaml", edit)
    with pytest.raises(UserError) as caught:
        Settings.read(path).section(section, SECTION_CONFIGS[section])
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda v: v["data"]["notes"]["instruments"]["violin"].update(prog=1),
            "unknown key 'data.notes.instruments.violin.prog'",
        ),
        (
            lambda v: v["data"]["notes"].update(source="notez"),
            "data.notes.source: must be one of notes, violin, nsynth, folder, not 'notez'",
        ),
        (lambda v: v["data"]["notes"].pop("source"), "data.notes.source: must be one of"),
        (
            lambda v: v["data"]["notes"].update(max_rejected=-1),
            "data.notes.max_rejected: input should be greater than or equal to 0",
        ),
        (lambda v: v["data"].update(note=v["data"].pop("notes")), "'data.notes' is missing"),
    ],
)
def test_a_mistake_in_a_data_set_is_named(tmp_path, edit, message):
    path = write(tmp_path / "params.yaml", edit)
    with pytest.raises(UserError) as caught:
        read_data_set(Settings.read(path), "notes")
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_an_overlay_may_not_invent_keys(tmp_path):
    with pytest.raises(UserError, match="'model.gru_size' is not in params.yaml"):
        merge(yaml.safe_load(PARAMS.read_text()), {"model": {"gru_size": 1}}, tmp_path)
    with pytest.raises(UserError, match="'train' must be a mapping"):
        merge(yaml.safe_load(PARAMS.read_text()), {"train": 3}, tmp_path)


def test_not_yaml_and_no_file_are_named(tmp_path):
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    for path, message in (
        (tmp_path / "broken.yaml", "not valid YAML"),
        (tmp_path / "none.yaml", "no such file"),
    ):
        with pytest.raises(UserError, match=message):
            Settings.read(path)


def test_a_stage_exits_with_one_line(tmp_path):
    path = write(tmp_path / "params.yaml", lambda v: v["data"]["notes"].update(sedd=1))
    done = stage("data", "notes", tmp_path / "notes", tmp_path / "m.csv", params=path)
    assert done.returncode == 1
    assert error_line(done) == f"error: {path}: unknown key 'data.notes.sedd'; did you mean 'seed'?"
    assert not (tmp_path / "notes").exists()


def test_the_documented_data_sets_are_valid():
    blocks = re.findall("```yaml\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), re.DOTALL)
    sets = {
        name: values
        for block in blocks
        for name, values in (yaml.safe_load(block).get("data") or {}).items()
    }
    assert set(sets) == {"mine", "nsynth"}
    for name, values in sets.items():
        validate(values, SOURCES[values["source"]][0], PARAMS, f"data.{name}")


def test_configs_refuse_silent_conversion():
    class Example(Params):
        count: int

    with pytest.raises(ValueError):
        Example(count="3")
