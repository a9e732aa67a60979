"""The audit's hash of folders: DVC's own, blind to what .dvcignore names alone."""

import shutil
import sys

import pytest
import yaml

from commands import run
from conftest import ROOT
from pipeline.audit.checks import Project
from pipeline.audit.hashes import Hashes, check_sources
from tampering import add_file

LEFTOVERS = (
    "__pycache__/a.pyc",
    "a.py~",
    ".a.py.swp",
    ".ipynb_checkpoints/a.py",
    ".DS_Store",
    ".a.1.tmp.py",
)
FILES = ("stages/one.py", "pipeline/overlay.py")  # further deps, which are files


def room():
    """Return the first room that a stage depends on."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    deps = [dep for stage in stages for dep in stage.get("do", stage)["deps"]]
    return next(dep for dep in deps if dep.startswith("pipeline/") and (ROOT / dep).is_dir())


def locked(folder, *deps):
    """Lock one stage with these deps by DVC itself; returns the project as the audit reads it."""
    shutil.copy2(ROOT / ".dvcignore", folder)
    (folder / "dvc.yaml").write_text(
        yaml.safe_dump({"stages": {"one": {"cmd": "true", "deps": list(deps)}}})
    )
    run(folder, sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet")
    run(folder, sys.executable, "-m", "dvc", "repro", "--quiet")
    return Project(folder, {}, {}, {})


@pytest.fixture(scope="module")
def locked_project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("locked")
    shutil.copytree(ROOT / "pipeline", folder / "pipeline")
    add_file("stages/one.py")(folder)
    return locked(folder, room(), *FILES)


@pytest.fixture
def project(locked_project, tmp_path):
    return locked_project._replace(root=shutil.copytree(locked_project.root, tmp_path / "copy"))


def code_of(project):
    """A file of the room's code."""
    return min((project.root / room()).rglob("*.py"))


def test_what_nobody_touched_holds_and_each_file_is_counted(project):
    check = check_sources(project)
    code = [
        path
        for path in (project.root / room()).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert (check.verdict, check.count) == ("holds", len(code) + len(FILES)) and len(code) > 1


def edit(project):
    """Edit a file."""
    code_of(project).write_text("edited = True\n")


def add(project):
    """Add a file, in a folder of its own."""
    add_file(f"{room()}/inner/new.py")(project.root)


def remove(project):
    """Remove a file."""
    code_of(project).unlink()


def rename(project):
    """Rename a file."""
    code_of(project).rename(code_of(project).with_name("renamed.py"))


@pytest.mark.parametrize("tamper", [edit, add, remove, rename])
def test_tampering_with_a_file_of_a_folder_is_found(project, tamper):
    tamper(project)
    (finding,) = check_sources(project).findings
    assert finding.startswith(f"{room()}: is not what one was made with")


def test_a_removed_folder_is_found(project):
    shutil.rmtree(project.root / room())
    assert check_sources(project).findings == [f"{room()}: is missing"]


def test_what_dvcignore_names_changes_nothing(project):
    before = check_sources(project)
    for name in LEFTOVERS:
        add_file(f"{room()}/{name}")(project.root)
    assert check_sources(project) == before


def test_a_project_without_sources_fails(project):
    lock = project.root / "dvc.lock"
    lock.write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {"one": {"cmd": "true", "deps": []}}})
    )
    assert check_sources(project).verdict == "fails"


def test_a_folders_hash_is_dvcs_own(tmp_path):
    """Whatever names sort like, also beyond ASCII, empty folders and ignored files included."""
    (tmp_path / "room" / "empty").mkdir(parents=True)
    for name in (
        "a.py",
        "a/b.py",
        "a-b.py",
        "a0.py",
        "B.py",
        "ä/ß.py",
        "a b.py",
        ".hidden",
        ".gitignore",
        *LEFTOVERS,
    ):
        add_file(f"room/{name}", f"name = {name!r}\n")(tmp_path)
    project = locked(tmp_path, "room")
    (entry,) = yaml.safe_load((tmp_path / "dvc.lock").read_text())["stages"]["one"]["deps"]
    hashes = Hashes(project.root)
    assert hashes.md5("room") == entry["md5"]
    assert len(hashes.files) == entry["nfiles"] == 8
