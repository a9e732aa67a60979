"""The README and docs agree with the reports, the Makefile and the code."""

import re
import subprocess
import sys

import numpy as np
import pytest
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


TRAINED = ROOT / "exports" / "supervised-0"


@pytest.fixture(scope="module")
def untrained(tmp_path_factory, small_model_values):
    """A small exported model without training, whose harmonics sound for any z."""
    folder = tmp_path_factory.mktemp("untrained")
    recipe = Recipe(ModelConfig(**small_model_values))
    statistics = Statistics(loudness_mean=-40.0, loudness_std=20.0)
    save_model(build_model(recipe, statistics), recipe, statistics, folder)
    export_model(folder, folder / "exported")
    return folder / "exported"


@pytest.fixture
def exported(request):
    """The exported model that a test names."""
    if request.param == "trained":
        if not TRAINED.exists():
            pytest.skip("needs exports/supervised-0: run `make repro`")
        return TRAINED
    return request.getfixturevalue("untrained")


def documented_code() -> list[tuple[str, str]]:
    """Return (name of the document, code) for every Python block of README and docs."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = {
        path.name: re.findall("```python\n(.*?)```", path.read_text(), re.DOTALL) for path in paths
    }
    return [(name, code) for name, found in blocks.items() for code in found]


def strongest_hz(audio: np.ndarray) -> float:
    """Return the frequency of the strongest partial, in Hz."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 2**18))
    return spectrum.argmax() * 16000 / 2**18


@pytest.mark.parametrize("exported", ["untrained", "trained"], indirect=True)
def test_the_documented_use_of_an_exported_model_sounds(tmp_path, exported):
    """The code runs as it stands, and what it writes has the level and the pitch that it asks for.

    A small untrained model shows that it runs; only a trained one hears that its z is of silence.
    """
    ((name, code),) = documented_code()
    assert name == "models.md"
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "supervised-0").symlink_to(exported)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    audio, rate = soundfile.read(tmp_path / "example.wav")
    assert (rate, len(audio)) == (16000, 64000)
    held = audio[8000:40000]  # asked for: -25 to -29 dB
    assert -40 < 10 * np.log10(2 * np.mean(held**2)) < 0
    harmonic = strongest_hz(held) / 220
    assert round(harmonic) >= 1 and abs(harmonic / round(harmonic) - 1) < 0.025  # with vibrato
