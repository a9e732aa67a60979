"""The Beam chain returns a row per element; wrong options give one clear error line."""

import json
from functools import partial

import pytest

from commands import error_line, stage
from pipeline.common.cli import UserError
from pipeline.preparation.beam import run_chain, runner_options


def square(offset, element):
    return {"id": element["id"], "square": element["number"] ** 2 + offset}


ELEMENTS = [{"id": f"e{number:03d}", "number": number} for number in range(100)]
SQUARES = [{"id": f"e{number:03d}", "square": number**2} for number in range(100)]


def squares(tmp_path):
    """Square all elements on the default runner."""
    work = partial(square, 0)
    return run_chain(ELEMENTS, work, tmp_path / "rows", "squares", runner_options(1, []))


def test_every_element_gives_its_row_in_order_of_ids(tmp_path, capfd):
    work = partial(square, 1)
    options = runner_options(1, [])
    rows = run_chain(ELEMENTS[::-1], work, tmp_path / "rows", "squares", options)
    assert rows == [{"id": f"e{number:03d}", "square": number**2 + 1} for number in range(100)]
    assert not (tmp_path / "rows").exists()
    assert "squares: 100%" in capfd.readouterr().err


def test_local_workers_are_reached_without_a_proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nothing listens there
    assert squares(tmp_path) == SQUARES


def test_rows_of_an_earlier_run_are_ignored(tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "old.jsonl").write_text(json.dumps({"id": "old"}) + "\n")
    assert squares(tmp_path) == SQUARES


def test_missing_rows_are_an_error(tmp_path):
    with pytest.raises(UserError, match="2 elements went in, 1 rows came out"):
        run_chain(
            ELEMENTS[:2],
            lambda element: {"id": "e000"},
            tmp_path / "rows",
            "squares",
            runner_options(1, []),
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--worker=2"], "neither this stage nor Beam's runner has an option --worker"),
        (["--runner=Xyz"], "; correct --runner or BEAM_OPTIONS"),
        (["--runner=no.such.Runner"], "; correct --runner or BEAM_OPTIONS"),
        (["--workers", "2", "--runner=PortableRunner"], "--workers counts local processes"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_wrong_options_give_one_error_line(tmp_path, options, message):
    (tmp_path / "features.csv").write_text(
        "id,split,block_seconds,features,frames,rejected\n"
        + "".join(f"{split},{split},,x,1000,\n" for split in ("train", "valid", "test"))
    )
    done = stage(
        "examples", tmp_path, tmp_path / "out", "--scratch", tmp_path / "scratch", *options
    )
    assert message in error_line(done)
    assert not (tmp_path / "out").exists()


def test_options_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("BEAM_OPTIONS", "--runner=PortableRunner --job_endpoint='a b'")
    assert runner_options(1, ["--x"]) == ["--runner=PortableRunner", "--job_endpoint=a b", "--x"]
