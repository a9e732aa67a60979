"""The architecture, enforced: import direction, one name per stage, complete dependencies, no god files."""

import ast
import io
import re
import subprocess
import sys
import tokenize

import pytest
import yaml

from layers import (
    LAYERS,
    ROOT,
    code_deps,
    covers,
    data_files,
    direct_imports,
    layer_of,
    module_file,
    named_data,
    transitive_imports,
)
from pipeline import audit
from pipeline.common.params import SECTIONS, STUDIES

FILES = [path.relative_to(ROOT / "pipeline") for path in (ROOT / "pipeline").rglob("*.py")]
MODULES = sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in FILES if path.name != "__init__.py" or len(path.parts) > 1)
STAGES = sorted(path.stem for path in (ROOT / "stages").glob("*.py") if path.stem != "__init__")
PIPELINE = {name: stage.get("do", stage) for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()}
SOURCES = sorted([*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "stages").glob("*.py"), *(ROOT / "tests").glob("*.py")])


def test_every_module_has_exactly_one_layer():
    assert sorted(module for layer in LAYERS for module in layer) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_to_lower_layers(module):
    imported = direct_imports(module_file(f"pipeline.{module}"))
    assert [name for name in imported if layer_of(name) >= layer_of(module)] == []


def test_the_audit_trusts_nothing_and_says_so():
    """Three modules run what they check; the others import only the audit's own."""
    own = [name for name in MODULES if name.startswith("audit.")]
    imports = {name: direct_imports(module_file(f"pipeline.{name}")) for name in own}
    trusting = {name for name in own if any(not used.startswith("audit") for used in imports[name])}
    assert trusting == {"audit.resynthesis", "audit.played", "audit.stick"}
    assert {f"audit.{name}" for name in re.findall(r"`(\w+)`", audit.__doc__)} == trusting


def test_stages_have_one_name_everywhere():
    assert sorted(PIPELINE) == STAGES
    for name, stage in PIPELINE.items():
        assert f"{stage['cmd']} ".startswith(f"python -m stages.{name} ")
    parameters = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert set(parameters) == set(SECTIONS)
    assert set(SECTIONS) - {"seeds", "model", "loss", "experiments"} <= set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_it_imports(stage):
    listed = [dep for dep in PIPELINE[stage]["deps"] if dep.startswith(("pipeline/", "stages/")) and dep.endswith(".py")]
    assert sorted(listed) == code_deps(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_data_files_it_reads(stage):
    """Those that its modules name, and those that its command is given."""
    own = ROOT / "stages" / f"{stage}.py"
    modules = [own, *(module_file(f"pipeline.{name}") for name in transitive_imports(own))]
    read = {file for path in modules for file in named_data(path)}
    words = PIPELINE[stage]["cmd"].split()
    read |= {word for word in words if word.startswith(("pipeline/", "params/"))}
    assert [file for file in sorted(read) if not covers(PIPELINE[stage]["deps"], file)] == []


def test_every_data_file_is_a_dependency():
    deps = {dep for stage in PIPELINE.values() for dep in stage["deps"]}
    assert data_files() and [file for file in data_files() if not covers(deps, file)] == []


def test_metrics_are_no_dependency_of_training_or_tracking():
    for stage in ("data", "features", "examples", "train", "yardsticks", "resynthesize", *STUDIES):
        assert "pipeline/metrics.py" not in PIPELINE[stage]["deps"]
        assert "pipeline/tables.py" not in PIPELINE[stage]["deps"]


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


@pytest.mark.parametrize("name", MODULES)
def test_public_functions_say_what_they_do(name):
    tree = ast.parse(module_file(f"pipeline.{name}").read_text())
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_no_leftovers():
    for path in SOURCES:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            assert not (token.type == tokenize.COMMENT and any(word in token.string for word in ("TO" "DO", "FIX" "ME"))), path
