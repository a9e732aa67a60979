"""Summaries of data sets, from made-up features with known errors."""

import json

import numpy as np
import pandas as pd
import pytest

from pipeline.common.files import write_json
from pipeline.common.manifest import make_manifest
from pipeline.common.units import FRAME
from pipeline.examples.schema import ExamplesConfig
from pipeline.reporting.data_figures import draw_data_set
from pipeline.reporting.data_summary import collect_frames, summarize, write_summary
from pipeline.reporting.data_warnings import find_warnings

CENTS = {"sharp": 10.0, "flat": -20.0, "flat_too": -20.0, "unknown": 0.0}


@pytest.fixture
def data(tmp_path):
    """Three recordings out of tune by known amounts, one without known f0, one rejected."""
    (tmp_path / "truth").mkdir()
    rows = []
    for name, cents in CENTS.items():
        frames = np.zeros(400, FRAME)
        played = np.full(400, 220.0, np.float32)
        frames["f0_hz"] = played * 2 ** (cents / 1200)
        frames["f0_confidence"] = np.where(np.arange(400) < 300, 0.9, 0.5)
        frames["loudness_db"] = np.linspace(-80, -20, 400)
        frames["f0_hz"][:4] *= 2  # one octave error among 75 measured frames
        np.save(tmp_path / f"{name}.npy", frames)
        if name != "unknown":
            played[200:] = 0  # nothing was played there: not an error
            np.save(tmp_path / "truth" / f"{name}.f0.npy", played)
        rows.append(
            {
                "id": name,
                "instrument": "flute" if name != "unknown" else "oboe",
                "group": f"of_{name}",
                "split": "train",
            }
        )
    table = make_manifest([*rows, {"id": "bad", "rejected": "is silent"}])
    # bad, flat, flat_too, sharp, unknown
    table = table.assign(coverage=[np.nan, 0.75, 0.75, 0.75, 0.25])
    table = table.assign(
        frames=pd.array([None, 400, 400, 400, 1200], "Int64"),
        loudness_low=-80.0,
        loudness_high=-20.0,
    )
    write_json(
        tmp_path / "examples" / "statistics.json", {"examples": {"train": 4, "valid": 0, "test": 0}}
    )
    frames = collect_frames(tmp_path, tmp_path / "truth", table)
    return frames, summarize(table, frames, tmp_path / "examples"), tmp_path


def test_the_summary_counts_recordings_and_names_rejects(data):
    _, summary, _ = data
    assert summary["recordings"] == 4 and summary["seconds"] == pytest.approx(9.6)
    assert summary["rejected"] == {"number": 1, "reasons": {"bad": "is silent"}}
    assert summary["f0_coverage"] == pytest.approx(0.5) and summary["examples"]["train"] == 4
    assert summary["loudness_db"]["lowest"] == -80 and summary["loudness_db"]["highest"] == -20


def test_tuning_offset_and_error_are_separated(data):
    flute = data[1]["instruments"]["flute"]
    assert flute["tuning_offset_lowest"] == pytest.approx(-20, abs=0.01) and flute[
        "tuning_offset_highest"
    ] == pytest.approx(10, abs=0.01)
    assert flute["error_median"] == pytest.approx(20, abs=0.01) and flute[
        "error_without_offset_median"
    ] == pytest.approx(0, abs=0.01)
    assert flute["gross_error_share"] == pytest.approx(1 / 50, abs=1e-4)
    assert flute["coverage"] == pytest.approx(0.75)


def test_errors_are_none_without_known_f0(data):
    oboe = data[1]["instruments"]["oboe"]
    assert oboe["error_median"] is None and oboe["gross_error_share"] is None


def test_the_files_hold_the_summary(data):
    _frames, summary, folder = data
    write_summary(summary, "mine", folder / "summary")
    assert json.loads((folder / "summary.json").read_text()) == summary
    text = (folder / "summary.md").read_text()
    assert (
        "4 recordings, 10 s; 1 rejected" in text
        and "`bad`: is silent" in text
        and "unknown" in text
        and "20.00" in text
    )


EXAMPLES = ExamplesConfig(
    seconds=4.0, hop_seconds=4.0, shards={"train": 1, "valid": 1, "test": 1}, seed=0
)


def table_of(frames, splits=None, peaks=None):
    """A features.csv of recordings of so many frames, in blocks of 5 s."""
    splits = splits or ["train"] * len(frames)
    rows = [
        {"id": f"take-{number}", "split": split, "block_seconds": 5.0 if " " in split else None}
        for number, split in enumerate(splits)
    ]
    table = make_manifest(rows).assign(frames=frames)
    return table if peaks is None else table.assign(peak=peaks)


@pytest.mark.parametrize(
    "table, warnings",
    [
        (table_of([1000, 4900]), []),
        (
            table_of([10_000, 975]),
            ["`take-1` is in no example: none of 4 s fits into its 3.900 s"],
        ),
        (
            table_of([1900, 1900]),
            ["7 of 15 s are in no example; shorten examples.seconds, or lengthen the data set's"],
        ),
        (table_of([2600], ["train test"]), []),
        (table_of([1000, 1000], peaks=[1.0, 1.31]), ["`take-1` peaks at 1.310, but full scale"]),
    ],
)
def test_warnings_name_what_gives_less_than_it_seems(table, warnings):
    found = find_warnings(table, EXAMPLES)
    assert len(found) == len(warnings)
    for line, expected in zip(found, warnings, strict=True):
        assert line.startswith(expected)


def test_warnings_are_in_both_files_and_only_if_there_are_any(data):
    _, summary, folder = data
    for extra, lines in (({}, 0), ({"warnings": ["one", "other"]}, 2)):
        write_summary(summary | extra, "mine", folder / "summary")
        read = json.loads((folder / "summary.json").read_text())
        assert read.get("warnings", []) == list(extra.get("warnings", []))
        _, _, text = (folder / "summary.md").read_text().partition("## Warnings")
        assert text.count("\n- ") == lines


def test_figures_are_reproducible(data):
    frames, _, folder = data
    for name in ("one", "other"):
        (folder / name).mkdir()
        draw_data_set(frames, "mine", folder / name)
    names = ["f0_error.png", "loudness.png", "pitch.png"]
    assert sorted(path.name for path in (folder / "one").iterdir()) == names
    for name in names:
        assert (folder / "one" / name).read_bytes() == (folder / "other" / name).read_bytes()
    draw_data_set(
        frames[frames.instrument == "oboe"].assign(cents=np.nan), "mine", folder / "truth"
    )
    assert not (folder / "truth" / "f0_error.png").exists()
