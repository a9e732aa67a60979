"""The benchmark against the authors' package: its arithmetic, its errors and a complete run at tiny
sizes.
"""

import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest

from benchmarks.comparisons import NEVER_RISES, OURS, REFERENCE, compare, growth, memory
from benchmarks.figures import Figure, Target, summarize, write_report
from benchmarks.phase import phase_error
from benchmarks.serving import seconds_per_run
from benchmarks.sizes import Size, write_params
from benchmarks.workers import Contender, Timing, find_uv, start, take_turns
from commands import ENVIRONMENT, ROOT, error_line
from pipeline.common.cli import UserError
from pipeline.common.settings import Settings
from pipeline.common.units import HOP, SAMPLE_RATE
from pipeline.models.recipe import read_recipe
from pipeline.training.config import TrainConfig

ECHO = """
import sys
print("ready", flush=True)
for line in sys.stdin:
    print(float(line) * {factor}, flush=True)
print(12.5)
print(2.5)
"""
BENCHMARKS = (
    "training step",
    "peak memory",
    "harmonic synthesizer, 100",
    "filtered noise",
    "reverb",
    "spectral loss",
    "phase error",
    "resynthesis, batch 1",
    "step of `supervised`",
    "cost per second of audio, loss",
)


def bench(*arguments, environment=None):
    command = [sys.executable, "-m", "benchmarks.training", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT | (environment or {}), capture_output=True, text=True
    )


def echoing(folder, name, factor):
    """Return a worker that answers every number with a multiple of it."""
    (folder / f"{name}.py").write_text(ECHO.format(factor=factor))
    return Contender(name, {}, {"PYTHONPATH": str(folder)})


def test_ratios_compare_neighbouring_turns():
    timings = {
        REFERENCE: Timing([1.0, 20.0, 3.0], 3.0, 1.0),
        OURS: Timing([0.5, 5.0, 1.0], 2.0, 1.0),
    }
    *times, ratio = compare("step", "small", timings, {OURS: Target(at_least=2.3)})
    assert [time.value for time in times] == [3000.0, 1000.0]
    assert (ratio.value, ratio.low, ratio.high, ratio.met) == (3.0, 2.0, 4.0, "yes")


@pytest.mark.parametrize(
    ("target", "value", "verdict", "text"),
    [
        (Target(at_least=2.3, stretch=3), 2.3, "yes", ">= 2.3 (stretch 3)"),
        (Target(at_least=2.3), 2.2, "no", ">= 2.3"),
        (Target(at_most=0.5), 0.51, "no", "<= 0.5"),
        (Target(at_most=0.5), 0.5, "yes", "<= 0.5"),
        (
            Target(at_least=3.2, remark="no such CPU", applies=False),
            1.0,
            "-",
            ">= 3.2 (no such CPU)",
        ),
    ],
)
def test_targets(target, value, verdict, text):
    assert target.verdict(value) == verdict and str(target) == text


def test_memory_with_and_without_the_imports():
    rows = memory("small", {REFERENCE: Timing([1.0], 5.0, 1.0), OURS: Timing([1.0], 3.0, 1.0)})
    shares = {row.setting: (row.value, row.met) for row in rows if row.unit == "ratio"}
    assert list(shares.values()) == [(0.6, "no"), (0.5, "")]


def test_growth_is_judged_for_each_size():
    costs = {"1 s": np.array([2.0, 2.0]), "2 s": np.array([2.0, 2.2]), "4 s": np.array([3.0, 3.0])}
    rows = {row.setting: row for row in growth("loss", costs, "longer")}
    assert rows["longer: 2 s / 1 s"].met == "yes" and rows["longer: 4 s / 1 s"].met == "no"
    assert rows["longer: 4 s / 1 s"].value == 1.5 > NEVER_RISES.at_most
    assert rows["longer: 1 s"].value == 2000


def test_phase_error_is_relative_to_the_peak():
    f0_hz = np.full(250, 100.0)
    samples = np.arange(1, SAMPLE_RATE + 1)
    exact = np.mean([np.sin(2 * np.pi * k * 100 * samples / SAMPLE_RATE) for k in (1, 2)], axis=0)
    assert phase_error(exact, f0_hz, 2) < 1e-9
    louder = exact.copy()
    louder[-4 * HOP] += 0.1 * np.abs(exact).max()
    assert phase_error(louder, f0_hz, 2) == pytest.approx(0.1, rel=1e-3)


def test_a_turn_lasts_as_long_as_asked(monkeypatch):
    calls = []
    # the fake clock advances by a second per run
    monkeypatch.setattr("benchmarks.serving.time.perf_counter", lambda: float(len(calls)))
    assert seconds_per_run(lambda: calls.append(1), 2.5) == 1.0 and len(calls) == 3
    assert seconds_per_run(lambda: calls.append(1), 0.0) == 1.0 and len(calls) == 4


def test_workers_take_turns_and_share_the_work(tmp_path):
    contenders = {
        "one": echoing(tmp_path, "one", 2),
        "two": echoing(tmp_path, "two", 3)._replace(processes=2),
    }
    timings = take_turns(contenders, 3, 0.5)
    assert timings["one"] == Timing([1.0] * 3, 12.5, 2.5)
    assert timings["two"].seconds == pytest.approx([0.75] * 3)  # two in parallel, 1.5 s each


def test_a_failing_worker_is_one_error_and_no_process_remains(tmp_path):
    (tmp_path / "bad.py").write_text("raise ValueError('out of luck')")
    good = echoing(tmp_path, "good", 1)
    bad = Contender("bad", {}, {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(UserError, match="bad ended with status 1: ValueError: out of luck"):
        take_turns({"good": good, "bad": bad}, 1, 0.1)
    with ExitStack() as stack:
        worker = start(good, stack)
    assert worker.process.poll() is not None


def test_the_solo_instrument_is_the_papers(tmp_path):
    size = Size(batch=4, seconds=4.0, units=512, repeats=5, least=1.0, largest=16)
    path = write_params(ROOT / "params.yaml", tmp_path / "params.yaml", size)
    settings = Settings.read(path)
    model = read_recipe(settings, "solo_100").model
    assert (model.gru_units, model.mlp_units, model.mlp_layers) == (512, 512, 3)
    assert model.harmonics == 100
    assert not model.use_z
    assert model.reverb_seconds == 4.0
    assert read_recipe(settings, "solo_60").model.reverb_seconds == 3.0
    assert settings.section("train", TrainConfig, "solo_60_bfloat16").precision == "mixed_bfloat16"
    assert settings.section("train", TrainConfig, "supervised").precision == "float32"


def test_the_report_lists_targets_separately_from_all_figures(tmp_path):
    judged = summarize("loss", "forward", [1.0, 3.0, 2.0], "ratio", "a note", Target(at_least=0.9))
    write_report(
        tmp_path / "out.csv",
        [Figure("machine", "cores", 2), judged, summarize("loss", "ours", [7.0], "ms")],
    )
    table = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert list(table.benchmark) == ["machine", "loss", "loss"]
    assert list(table.met) == ["", "yes", ""]
    targets, figures = (tmp_path / "out.md").read_text().split("## All figures")
    assert "| loss | forward | 2.0 | ratio | 1.0 to 3.0 | >= 0.9 | yes | a note |" in targets
    assert "ours" not in targets
    assert "| loss | ours | 7.0 | ms |" in figures
    assert "| cores | 2 |" in figures


def test_bad_input_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be written" in error_line(bench(tmp_path / "file" / "out.csv"))
    assert "the Markdown file would replace it" in error_line(bench(tmp_path / "out.md"))
    assert "--repeats" in error_line(bench(tmp_path / "out.csv", "--repeats", 0))


def test_without_uv_the_error_names_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.workers.ROOT", tmp_path)
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="make bench"):
        find_uv()


@pytest.mark.parametrize("folder", ["benchmarks", "conformance"])
def test_the_reference_is_locked_without_private_addresses(folder):
    lock = (ROOT / folder / "reference" / "uv.lock").read_text()
    hosts = {
        line.split("://")[1].split("/")[0].strip('" }')
        for line in lock.splitlines()
        if "://" in line
    }
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.slow
def test_it_measures_everything(tmp_path):
    try:
        uv = find_uv()
    except UserError:
        pytest.skip("needs uv")
    out = tmp_path / "new" / "out.csv"
    sizes = ("--batch", 1, "--seconds", 0.512, "--units", 8, "--largest", 2)
    done = bench(out, *sizes, "--repeats", 1, "--least", 0.01, environment={"UV": uv})
    assert done.returncode == 0, done.stderr[-3000:]
    table = pd.read_csv(out, keep_default_na=False)
    measured = table[table.benchmark != "machine"]
    assert set(BENCHMARKS) <= set(measured.benchmark)
    assert (measured.value.astype(float) > 0).all()
    compared = table.setting.str.contains(f"{REFERENCE} / {OURS}", regex=False)
    assert (table.met != "")[compared].all()
    our_phase = (measured.benchmark == "phase error") & (measured.setting == OURS)
    assert measured.value[our_phase].astype(float).item() < 0.005
    assert "| harmonic synthesizer, 100 |" in out.with_suffix(".md").read_text()
