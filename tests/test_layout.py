"""The architecture, enforced: rooms and their order, one name per stage, complete dependencies,
short files.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from graphlib import TopologicalSorter

import pytest
import yaml

from layers import (
    ON_TOP,
    ORDER,
    ROOT,
    STAGES,
    code_deps,
    covers,
    data_files,
    direct_imports,
    module_file,
    modules,
    named_data,
    place_of,
    transitive_imports,
)
from pipeline import audit
from pipeline.common.params import BASELINES, SECTIONS, STUDIES
from pipeline.models.recipe import NETWORKS

MODULES = modules()
ROOMS = sorted(path.parent.name for path in (ROOT / "pipeline").glob("*/__init__.py"))
PIPELINE = {
    name: stage.get("do", stage)
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
}
SOURCES = sorted(
    path for folder in ("pipeline", "stages", "tests") for path in (ROOT / folder).rglob("*.py")
)
BEFORE_EVALUATION = (
    "outside",
    "data",
    "features",
    "examples",
    "assign",
    "train",
    "yardsticks",
    "resynthesize",
    *STUDIES,
)


def test_every_module_lives_in_a_room_or_is_run_by_hand():
    rooms = {room for names in ORDER for room in names}
    assert rooms == {*ROOMS, *ON_TOP}
    assert sorted(name for name in MODULES if "." not in name) == sorted(ON_TOP)
    assert {name.split(".")[0] for name in MODULES if "." in name} == set(ROOMS)
    assert all(name.count(".") <= 1 for name in MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_to_the_left(module):
    others = {
        name
        for name in direct_imports(module_file(module))
        if name.split(".")[0] != module.split(".")[0]
    }
    assert sorted(name for name in others if place_of(name) >= place_of(module)) == []


def test_no_module_imports_itself_by_a_detour():
    graph = {name: direct_imports(module_file(name)) for name in MODULES}
    assert list(TopologicalSorter(graph).static_order())  # a cycle raises


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_nothing_by_itself(room):
    assert direct_imports(module_file(room)) == frozenset()


def test_the_audit_trusts_nothing():
    """Three modules run what they check, and the room's docstring names them; the others import
    only the audit's own.
    """
    own = [name for name in MODULES if name.startswith("audit.")]
    rooms = {
        name: {each.split(".")[0] for each in direct_imports(module_file(name))} for name in own
    }
    trusting = {name for name, used in rooms.items() if used - {"audit"}}
    assert trusting == {f"audit.{name}" for name in re.findall(r"`(\w+)`", audit.__doc__)}
    assert len(trusting) == 3
    assert not set().union(*rooms.values()) & {"reporting", "page"}


def test_stages_have_one_name_everywhere():
    assert sorted(PIPELINE) == STAGES
    for name, stage in PIPELINE.items():
        assert f"{stage['cmd']} ".startswith(f"python -m stages.{name} ")
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert set(parameters) == set(SECTIONS)
    assert set(SECTIONS) - {"seeds", "model", "loss", "experiments"} <= set(STAGES)


def test_the_vocabulary_of_params_is_that_of_the_code():
    assert set(BASELINES) == set(NETWORKS) - {None}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_rooms_it_imports(stage):
    code = code_deps(stage)
    listed = [dep for dep in PIPELINE[stage]["deps"] if dep.startswith(("pipeline/", "stages/"))]
    data = [dep for dep in listed if dep.endswith((".yaml", ".html", ".css", ".js"))]
    assert [dep for dep in listed if dep not in data] == code
    assert not any(dep.startswith(f"{room}/") for dep in data for room in code)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_data_files_it_reads(stage):
    """Those that its modules name, and those that its command is given."""
    own = ROOT / "stages" / f"{stage}.py"
    files = [own, *(module_file(name) for name in transitive_imports(own))]
    read = {file for path in files for file in named_data(path)}
    words = PIPELINE[stage]["cmd"].split()
    read |= {word for word in words if word.startswith(("pipeline/", "params/"))}
    assert [file for file in sorted(read) if not covers(PIPELINE[stage]["deps"], file)] == []


def test_every_data_file_is_a_dependency():
    deps = {dep for stage in PIPELINE.values() for dep in stage["deps"]}
    assert data_files() and [file for file in data_files() if not covers(deps, file)] == []


@pytest.mark.parametrize("stage", BEFORE_EVALUATION)
def test_measures_and_reports_rerun_nothing_that_comes_before_them(stage):
    deps = PIPELINE[stage]["deps"]
    assert not {"pipeline/evaluation", "pipeline/reporting", "pipeline/page"} & set(deps)


def test_what_only_evaluation_may_know_is_shown_to_no_one_else():
    for stage in ("features", "examples", "train", "yardsticks", "resynthesize"):
        read = f"{PIPELINE[stage]['cmd']} {PIPELINE[stage]['deps']}"
        assert "truth" not in read
    assert "data/sets/${item.data}/audio" in PIPELINE["features"]["deps"]


def test_writing_examples_needs_no_tensorflow():
    program = "import sys, stages.examples; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 45, f"{node.name} is too long"


@pytest.mark.parametrize("name", [*MODULES, *ROOMS])
def test_public_functions_say_what_they_do(name):
    tree = ast.parse(module_file(name).read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_no_leftovers():
    words = ("TODO", "FIXME")
    for path in SOURCES:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            found = token.type == tokenize.COMMENT and any(word in token.string for word in words)
            assert not found, path


def test_tests_are_grouped_when_they_run_side_by_side(request):
    """Without groups each process would run the smoke project, which takes minutes."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("this run is not `make test`: its tests are not to be grouped")
    assert request.node.nodeid.endswith("@test_layout.py")
