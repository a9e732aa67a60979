"""The README's table and pictures are what the pipeline wrote."""

import re
import subprocess
import sys

import numpy as np
import soundfile

from conftest import ROOT
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import ModelConfig
from pipeline.models.recipe import Recipe, build_model, save_model
from pipeline.training.export import export_model

# of the working tree; what it says of the reports is compared within one commit
README = (ROOT / "README.md").read_text()


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_its_table_is_the_reports_table(committed):
    report, readme = (
        (committed / "reports" / "tables" / "resynthesis.md").read_text(),
        (committed / "README.md").read_text(),
    )
    wanted = table_lines(report.split("## Every metric")[0])
    assert len(wanted) > 6
    position = readme.index(wanted[0])
    assert table_lines(readme[position:])[: len(wanted)] == wanted


def test_its_links_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_its_commands_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE)):
        assert f"\n{target}:" in makefile, target


def test_the_documented_use_of_an_exported_model_works(tmp_path, small_model_values):
    """docs/models.md's code, on a small model."""
    (code,) = re.findall(
        "```python\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL
    )
    recipe, statistics = (
        Recipe(ModelConfig(**small_model_values)),
        Statistics(loudness_mean=-40.0, loudness_std=20.0),
    )
    save_model(build_model(recipe, statistics), recipe, statistics, tmp_path)
    export_model(tmp_path, tmp_path / "exports" / "supervised-0")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    audio, rate = soundfile.read(tmp_path / "example.wav")
    assert (
        rate == 16000
        and len(audio) == 64000
        and np.isfinite(audio).all()
        and np.abs(audio).max() > 1e-4
    )
