"""The benchmark of preparation: its arithmetic, its errors and a complete run on little data."""

import subprocess
import sys

import pandas as pd
import pytest

from benchmarks.measurements import Row, summarize
from benchmarks.tracking import FEWEST_NOTES, RATES, RATIOS, WARM, steady_rate
from commands import ENVIRONMENT, ROOT, error_line
from pipeline.common.cli import UserError


def bench(*arguments):
    command = [sys.executable, "-m", "benchmarks.preparation", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)


def test_the_steady_rate_ignores_start_and_end():
    steady = [100 + 0.5 * number for number in range(20)]  # a 4-s note every half second
    start = [10 * number for number in range(WARM - 1)]
    end = [200 + 50 * number for number in range(WARM)]
    assert steady_rate([*end, *steady, *start], 1) == pytest.approx(8.0)
    with pytest.raises(UserError, match="files"):
        steady_rate(steady[: 2 * WARM], 1)


def test_a_row_has_median_and_range():
    row = summarize("features", "a setting", [3.0, 1.0, 2.0], "s")
    assert (row.value, row.low, row.high, row.repeats) == (2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--notes", 5], "--notes of at least"),
        (["--repeats", 0], "--repeats"),
        (["--params", "none.yaml"], "none.yaml: no such file"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, words):
    assert words in error_line(bench(tmp_path / "out.csv", *arguments))


def test_a_file_that_cannot_be_written_stops_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be written" in error_line(bench(tmp_path / "file" / "out.csv"))


@pytest.mark.slow
def test_it_measures_everything(tmp_path):
    out = tmp_path / "new" / "out.csv"
    sizes = ("--notes", FEWEST_NOTES, "--recordings", 1000, "--shards", 2, "--repeats", 1)
    done = bench(out, *sizes)
    assert done.returncode == 0, done.stderr[-3000:]
    table = pd.read_csv(out, keep_default_na=False)
    assert list(table) == list(Row._fields)
    assert expected_settings() <= set(table.setting)
    measured = table[table.benchmark != "machine"]
    # the difference to a run of mere start-up may be negative
    positive = ~measured.setting.str.contains("without start-up")
    assert (measured.value.astype(float) > 0)[positive].all()
    memory = table.value[table.setting == "100 recordings: peak memory"]
    assert memory.astype(float).item() > 50  # MB, about that of a bare interpreter


def expected_settings():
    """Return names of rows that every report has."""
    speeds = {f"{setting}: speed" for setting in RATES}
    memories = {f"{setting}: peak memory" for setting in RATES}
    ratios = {f"speed: {one} / {other}" for one, other in RATIOS}
    quantities = ("peak memory", "wall time", "time per recording")
    growth = {f"{count} recordings: {quantity}" for count in (100, 1000) for quantity in quantities}
    growth |= {"peak memory: 1000 / 100 recordings", "time per recording: 1000 / 100 recordings"}
    return speeds | memories | ratios | growth | {"cpu", "tensorflow"}
