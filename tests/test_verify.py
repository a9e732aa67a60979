"""`make verify`: what is the same, nearly the same and different is called so."""

import json
import math

import pandas as pd
import pytest

from commands import error_line, run
from pipeline.common.cli import UserError
from pipeline.verify import CLOSE, DIFFERENT, IDENTICAL, compare, largest_difference, main


@pytest.fixture
def clone(tmp_path):
    """A repository that holds a table, a JSON file and a picture."""
    pd.DataFrame({"name": ["a", "b"], "value": [1.0, None]}).to_csv(
        tmp_path / "table.csv", index=False
    )
    (tmp_path / "figures.json").write_text(json.dumps({"a": {"b": [1.5, None, "text"]}}))
    (tmp_path / "picture.png").write_bytes(b"one")
    run(tmp_path, "git", "init", "--quiet")
    run(tmp_path, "git", "add", "--all")
    run(tmp_path, "git", "commit", "--quiet", "--message", "all")
    return tmp_path


def test_the_same_hash_is_identical(clone):
    assert compare(clone, "tabulate", "table.csv", "1", "1") == (
        "tabulate: table.csv",
        IDENTICAL,
        "",
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "verdict"),
    [
        ("table.csv", "1.0", "1.00001", CLOSE),
        ("table.csv", "1.0", "1.1", DIFFERENT),
        ("table.csv", "a,", "c,", DIFFERENT),
        ("figures.json", "1.5", "1.50001", CLOSE),
        ("figures.json", "1.5", "null", DIFFERENT),
        ("figures.json", "text", "test", DIFFERENT),
    ],
)
def test_numbers_decide_where_bytes_differ(clone, name, old, new, verdict):
    text = (clone / name).read_text()
    assert old in text
    (clone / name).write_text(text.replace(old, new))
    assert compare(clone, "tabulate", name, "1", "2").verdict == verdict


def test_what_git_does_not_hold_or_was_not_written_differs(clone):
    assert compare(clone, "figures", "picture.png", "1", "2").verdict == DIFFERENT
    assert "git does not hold it" in compare(clone, "features", "data/features", "1", "2").remark
    (clone / "table.csv").unlink()
    assert "was not written" in compare(clone, "tabulate", "table.csv", "1", "2").remark


def test_the_largest_difference(tmp_path):
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    pd.DataFrame({"x": [1.0, 200.0, float("nan")]}).to_parquet(one)
    pd.DataFrame({"x": [1.5, 201.0, float("nan")]}).to_parquet(other)
    assert largest_difference(one, other) == pytest.approx(0.5)
    pd.DataFrame({"x": [1.0, 200.0]}).to_parquet(other)
    assert largest_difference(one, other) == math.inf
    pd.DataFrame({"x": [1.0, 200.0, 0.0]}).to_parquet(other)
    assert largest_difference(one, other) == math.inf


def test_a_stage_that_does_not_exist_is_refused_before_any_work(clone):
    (clone / "dvc.lock").write_text("stages: {data@notes: {}, page: {}}")
    with pytest.raises(UserError, match="--stage dta: not in dvc.lock; name one of data, page"):
        main(clone, ["data", "dta"])


def test_a_run_is_compared_with_what_is_committed(smoke_project, tmp_path):
    """On the smoke project, committed as a user would: nothing differs; after an edit of a
    committed table, that one does.
    """
    folder = tmp_path / "project"
    run(tmp_path, "cp", "-r", str(smoke_project), str(folder))
    command = (
        "python",
        "-m",
        "pipeline.verify",
        "--no-smoke",
        "--stage",
        "parameters",
        "--stage",
        "data",
    )
    commit = ("git", "commit", "--quiet", "--all", "--message", "reports")
    run(folder, "git", "add", "reports", "dvc.lock"), run(folder, *commit)
    assert run(folder, *command).stdout.count(IDENTICAL) >= 3
    lock = (folder / "dvc.lock").read_text()
    stage = lock.index("  parameters:")
    where = lock.index("md5:", lock.index("outs:", stage))
    (folder / "dvc.lock").write_text(lock[: where + 5] + "a" * 32 + lock[where + 37 :])
    counts = pd.read_csv(folder / "reports" / "parameters.csv")
    counts.assign(parameters=counts.parameters + 1).to_csv(
        folder / "reports" / "parameters.csv", index=False
    )
    run(folder, *commit)
    done = run(folder, *command, check=False)
    assert done.returncode == 1 and error_line(done).startswith(
        "error: verify: parameters: reports/parameters.csv differ"
    )
