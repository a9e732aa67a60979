"""The chain: rows of all elements, whatever the number of workers; options that no one knows are
named.
"""

import json
from functools import partial

import pytest

from commands import error_line, stage
from pipeline.common.cli import UserError
from pipeline.preparation.beam import run_chain, runner_options


def square(offset, element):
    return {"id": element["id"], "square": element["number"] ** 2 + offset}


ELEMENTS = [{"id": f"e{number:03d}", "number": number} for number in range(100)]


def test_every_element_gives_its_row(tmp_path, capfd):
    rows = run_chain(
        ELEMENTS[::-1], partial(square, 1), tmp_path / "rows", "squares", runner_options(1, [])
    )
    assert rows == [{"id": f"e{number:03d}", "square": number**2 + 1} for number in range(100)]
    assert not (tmp_path / "rows").exists()
    assert "squares: 100%" in capfd.readouterr().err


def test_a_proxy_is_not_asked_for_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # where nothing listens
    assert (
        len(
            run_chain(
                ELEMENTS, partial(square, 0), tmp_path / "rows", "squares", runner_options(1, [])
            )
        )
        == 100
    )


def test_rows_of_a_former_run_do_not_count(tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "old.jsonl").write_text(json.dumps({"id": "old"}) + "\n")
    assert (
        len(
            run_chain(
                ELEMENTS, partial(square, 0), tmp_path / "rows", "squares", runner_options(1, [])
            )
        )
        == 100
    )


def test_missing_rows_are_named(tmp_path):
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
def test_wrong_options_are_one_line(tmp_path, options, message):
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
