"""The benchmark of preparation: its arithmetic, its errors, and once all of it on next to
nothing.
"""

import subprocess
import sys

import pandas as pd
import pytest

from benchmarks.preparation import FEWEST, RATES, RATIOS, WARM, steady_rate, summarize
from commands import ENVIRONMENT, ROOT, error_line
from pipeline.common.cli import UserError


def bench(*arguments):
    command = [sys.executable, "-m", "benchmarks.preparation", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)


def test_the_steady_rate_leaves_start_and_end_out():
    steady = [100 + 0.5 * number for number in range(20)]  # a 4-s note every half second
    start, end = (
        [10 * number for number in range(WARM - 1)],
        [200 + 50 * number for number in range(WARM)],
    )
    assert steady_rate([*end, *steady, *start], 1) == pytest.approx(8.0)
    with pytest.raises(UserError, match="files"):
        steady_rate(steady[: 2 * WARM], 1)


def test_a_row_is_the_median_and_the_range():
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
    done = bench(
        tmp_path / "new" / "out.csv",
        "--notes",
        FEWEST,
        "--recordings",
        1000,
        "--shards",
        2,
        "--repeats",
        1,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    table = pd.read_csv(tmp_path / "new" / "out.csv", keep_default_na=False)
    assert list(table) == [
        "benchmark",
        "setting",
        "value",
        "unit",
        "repeats",
        "low",
        "high",
        "note",
    ]
    settings = set(table.setting)
    assert {
        f"{setting}: {what}" for setting in RATES for what in ("speed", "peak memory")
    } <= settings
    assert {f"speed: {one} / {other}" for one, other in RATIOS} <= settings
    assert {
        f"{count} recordings: {what}"
        for count in (100, 1000)
        for what in ("peak memory", "wall time", "time per recording")
    } <= settings
    assert {
        "peak memory: 1000 / 100 recordings",
        "time per recording: 1000 / 100 recordings",
        "cpu",
        "tensorflow",
    } <= settings
    measured = table[table.benchmark != "machine"]
    assert (measured.value.astype(float) > 0)[
        ~measured.setting.str.contains("without start-up")
    ].all()
    # an interpreter alone
    assert table.value[table.setting == "100 recordings: peak memory"].astype(float).item() > 50
