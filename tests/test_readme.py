"""The README and docs agree with the reports, the Makefile and the code."""

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

# of the working tree; its table is compared with the reports of the same commit
README = (ROOT / "README.md").read_text()


def table_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_table_is_the_reports_table(committed):
    report = (committed / "reports" / "tables" / "resynthesis.md").read_text()
    readme = (committed / "README.md").read_text()
    expected = table_lines(report.split("\n## ")[0])
    assert len(expected) > 6
    position = readme.index(expected[0])
    assert table_lines(readme[position:])[: len(expected)] == expected


def test_links_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_make_commands_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE)):
        assert f"\n{target}:" in makefile, target


def test_the_documented_use_of_an_exported_model_works(tmp_path, small_model_values):
    """Run the code of docs/models.md on a small model."""
    docs = (ROOT / "docs" / "models.md").read_text()
    (code,) = re.findall("```python\n(.*?)```", docs, re.DOTALL)
    recipe = Recipe(ModelConfig(**small_model_values))
    statistics = Statistics(loudness_mean=-40.0, loudness_std=20.0)
    save_model(build_model(recipe, statistics), recipe, statistics, tmp_path)
    export_model(tmp_path, tmp_path / "exports" / "supervised-0")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    audio, rate = soundfile.read(tmp_path / "example.wav")
    assert (rate, len(audio)) == (16000, 64000)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() > 1e-4
