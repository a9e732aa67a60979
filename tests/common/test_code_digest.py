"""Keys of kept work: they name all code that makes it, change with that code and with no other."""

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from commands import run
from conftest import ROOT
from layers import closure_files, covers
from pipeline.audio.files import read_audio
from pipeline.common import units
from pipeline.common.files import code_digest
from pipeline.crepe import layers
from pipeline.features.extract import compute_features
from pipeline.features.f0 import track_f0
from pipeline.features.loudness import loudness_curve
from pipeline.models.recipe import build_model
from pipeline.preparation import extraction, shards
from pipeline.preparation.shards import build_examples, encode_example
from pipeline.preparation.tfrecord import write_records
from pipeline.reporting import remarks
from pipeline.training import experiment, pretraining
from pipeline.training.trainer import Trainer

PACKAGE = ROOT / "pipeline"
MAKERS = {
    "features": extraction.extract_features,
    "shards": build_examples,
    "training": experiment.train,
}
NAMED = {"features": extraction.CODE, "shards": shards.CODE, "training": experiment.CODE}
NO_CONTENT = {  # modules that the makers import and that decide nothing of what they make
    "common/cli.py": "errors and progress bars",
    "common/experiments.py": "reads settings, whose values are in the keys",
    "common/params.py": "reads settings, whose values are in the keys",
    "common/settings.py": "reads settings, whose values are in the keys",
    "common/yaml_files.py": "reads settings, whose values are in the keys",
    "preparation/beam.py": "runs workers",
    "preparation/local_workers.py": "runs workers",
    "common/files.py": "writes files whole or not at all",
    "common/manifest.py": "reads tables, whose values are in the keys",
}
MATTERS = {  # modules, and things for the modules that define them
    "features": (compute_features, track_f0, loudness_curve, read_audio, layers, units),
    "shards": (build_examples, encode_example, write_records, units),
    "training": (experiment, build_model, Trainer, pretraining, layers, units),
}
KEYS = """
from pathlib import Path
from pipeline.common.settings import Settings
from pipeline.models.recipe import read_recipe
from pipeline.models.objective import LossConfig
from pipeline.training.config import TrainConfig
from pipeline.training.experiment import run_key
import pipeline, pipeline.reporting.remarks, pipeline.training.trainer

settings = Settings.read(Path("params.yaml"))
loss = settings.section("loss", LossConfig)
train = settings.section("train", TrainConfig)
given = (read_recipe(settings, "supervised"), loss, train, Path("."))

def edited(module):
    with open(module.__file__, "a") as file:
        file.write("# edited")
    return run_key(*given)

print(Path(pipeline.__file__).parent)
print(run_key(*given), edited(pipeline.reporting.remarks), edited(pipeline.training.trainer))
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the package."""
    return shutil.copytree(
        PACKAGE, tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__")
    )


def append(path):
    path.write_text(path.read_text() + "# edited\n")


def file_of(thing):
    """The path under pipeline/ of a module, or of the module that defines a thing."""
    module = thing if isinstance(thing, ModuleType) else sys.modules[thing.__module__]
    return Path(module.__file__).relative_to(PACKAGE)


def modules_behind(kind):
    """The files of the closure of imports that decide what is made."""
    name = MAKERS[kind].__module__.removeprefix("pipeline.")
    return closure_files(name) - NO_CONTENT.keys()


@pytest.mark.parametrize("kind", NAMED)
def test_the_named_code_covers_what_is_imported(kind):
    assert [path for path in sorted(modules_behind(kind)) if not covers(NAMED[kind], path)] == []


@pytest.mark.parametrize("kind", NAMED)
def test_no_code_is_named_for_nothing(kind):
    assert [
        name
        for name in NAMED[kind]
        if not any(covers([name], path) for path in modules_behind(kind))
    ] == []


def test_what_decides_nothing_is_imported_by_a_maker():
    imported = set().union(
        *(closure_files(maker.__module__.removeprefix("pipeline.")) for maker in MAKERS.values())
    )
    assert NO_CONTENT.keys() - imported == set()


@pytest.mark.parametrize("kind", NAMED)
def test_an_edit_of_what_matters_changes_the_key(kind, package):
    for thing in MATTERS[kind]:
        before = code_digest(*NAMED[kind], root=package)
        append(package / file_of(thing))
        assert code_digest(*NAMED[kind], root=package) != before, file_of(thing)


@pytest.mark.parametrize("kind", NAMED)
def test_an_edit_of_what_does_not_matter_leaves_the_key(kind, package):
    before = code_digest(*NAMED[kind], root=package)
    append(package / file_of(remarks))
    assert code_digest(*NAMED[kind], root=package) == before


def test_a_checkpoint_outlives_an_edit_of_remarks_but_not_of_the_trainer(package):
    folder = package.parent
    shutil.copy2(ROOT / "params.yaml", folder)
    (folder / "statistics.json").write_text("{}")
    where, keys = run(folder, sys.executable, "-c", KEYS).stdout.splitlines()
    before, remarks_edited, trainer_edited = keys.split()
    assert where == str(package) and before == remarks_edited != trainer_edited


@pytest.fixture
def room(tmp_path):
    """A folder of code with a folder within, and a file beside it."""
    (tmp_path / "room" / "inner").mkdir(parents=True)
    for name in ("room/a.py", "room/inner/b.py", "room/table.yaml", "beside.py"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_a_folder_stands_for_its_code(room):
    before = {code_digest("room", root=room)}
    for name in ("room/a.py", "room/inner/b.py", "room/table.yaml"):
        append(room / name)
        before.add(code_digest("room", root=room))
    (room / "room" / "c.py").touch()
    before.add(code_digest("room", root=room))
    (room / "room" / "c.py").rename(room / "room" / "d.py")
    before.add(code_digest("room", root=room))
    (room / "room" / "d.py").unlink()
    assert len(before) == 6 and code_digest("room", root=room) in before
    append(room / "beside.py")
    assert code_digest("room", root=room) in before
    assert code_digest("room", "beside.py", root=room) == code_digest(
        "beside.py", "room", "room/a.py", root=room
    )


def test_what_editors_and_python_leave_changes_nothing(room):
    before = code_digest("room", root=room)
    for name in (
        "__pycache__/a.py",
        "__pycache__/a.pyc",
        ".ipynb_checkpoints/a.py",
        ".#a.py",
        ".a.py.swp",
        "a.py~",
        "note.txt",
    ):
        (room / "room" / name).parent.mkdir(exist_ok=True)
        (room / "room" / name).write_text("left behind")
    assert code_digest("room", root=room) == before


def test_a_name_without_code_is_an_error(room):
    (room / "empty" / "__pycache__").mkdir(parents=True)
    for name in ("nothing.py", "nothing", "empty"):
        with pytest.raises(FileNotFoundError, match=name):
            code_digest("room", name, root=room)
