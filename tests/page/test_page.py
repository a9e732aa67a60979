"""The page without a browser: which examples are picked, their sound and pictures, the tables'
cells, what the page weighs.
"""

import io
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf
from PIL import Image

from commands import hashes, stage
from conftest import ROOT
from made_rows import make_rows
from pipeline.audio.clips import store_audio
from pipeline.common.cli import UserError
from pipeline.common.params import validate
from pipeline.examples.schema import Statistics
from pipeline.models.autoencoder import Autoencoder, ModelConfig
from pipeline.page.listing import (
    Example,
    PageConfig,
    Picker,
    Track,
    TrackRow,
    read_listing,
    write_listing,
)
from pipeline.page.modules import module_sounds
from pipeline.page.picks import pick
from pipeline.page.render import check_weight, referred, with_code
from pipeline.page.sections import Reports, study_sections
from pipeline.page.sound import SoundFolder, picture
from pipeline.page.studies import study_pickers
from pipeline.page.table_cells import Cell
from pipeline.page.tables import difference_table, reading, table_1
from pipeline.page.tracks import PageInputs, Tracks
from pipeline.reporting.cells import TabulateConfig, format_cell
from pipeline.reporting.columns import METRICS
from pipeline.reporting.studies import CONTROL, EXTRAPOLATION, PHASE
from pipeline.reporting.study_tables import study_cells, write_study_table
from pipeline.reporting.table_1 import resynthesis_cells

CONFIG = TabulateConfig(bases={"notes": "base"}, resamples=200, seed=0)
SECONDS = np.arange(64000) / 16000


def tone(hz, level=0.5):
    return (level * np.sin(2 * np.pi * hz * SECONDS)).astype(np.float32)


def test_the_best_the_middle_and_the_worst_are_picked_once_each():
    rows = pd.DataFrame(
        {
            "example_id": list("abcde"),
            "group": "g",
            "spectral_loss": [3.0, 1, 2, 5, 4],
            "f0_l1": [0, 0, 0, 9, 1.0],
            "rpa_true": [1, 1, 0.2, 1, 1],
            "frames_outlier_paper": [1, 0, 0, 0, 1],
            "frames_pitched": [9, 9, 9, 9, 2],
        }
    )
    found = pick(rows, METRICS, ["spectral_loss", "f0_l1", "-rpa_true", "outlier_frames_paper"])
    assert found == {
        "b": ["best spectral loss"],
        "a": ["median spectral loss"],
        "d": ["worst spectral loss", "worst F0 L1"],
        "c": ["worst RPA vs true f0"],
        "e": ["worst F0 outliers"],
    }


def test_a_metric_without_a_worst_one_picks_none():
    rows = pd.DataFrame(
        {
            "example_id": list("ba"),
            "group": "g",
            "spectral_loss": [1.0, 1.0],
            "f0_l1": [np.nan, 2.0],
        }
    )
    assert pick(rows, METRICS, ["spectral_loss", "f0_l1"]) == {"a": ["first"]}


def test_a_misspelt_metric_is_named():
    with pytest.raises(UserError, match="page.worst_by: no metric 'f0_l2'; known: "):
        pick(pd.DataFrame(), METRICS, ["f0_l2"])


def test_the_same_sound_is_one_file_and_sounds_like_itself(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        sounds = SoundFolder(tmp_path / folder, 0.5)
        name, seconds = sounds.add(tone(440))
        assert seconds == 4 and sounds.add(tone(440)) == (name, seconds) != sounds.add(tone(441))
    assert (
        hashes(tmp_path / "one") == hashes(tmp_path / "other")
        and len(hashes(tmp_path / "one")) == 4
    )
    heard, rate = soundfile.read(tmp_path / "one" / f"{name}.mp3", dtype="float32")
    # nothing before or behind it that would shift the play position
    assert (len(heard), rate) == (64000, 16000)
    assert 20 * np.log10(np.std(heard - tone(440)) / np.std(tone(440))) < -20


@pytest.mark.parametrize("hz", [1000, 6000])
def test_a_tone_is_a_line_at_its_height(hz):
    image = np.asarray(Image.open(io.BytesIO(picture(tone(hz))))).sum(axis=2)
    assert image.shape == (128, 320)
    assert np.median(image.argmax(axis=0)) == pytest.approx(128 * (1 - hz / 8000), abs=1.5)
    assert image.max() > 600  # of 765: at -6 dB nearly white


def test_silence_is_black():
    assert np.asarray(Image.open(io.BytesIO(picture(np.zeros(64000, np.float32))))).max() < 12


def test_modules_add_up_to_the_whole(small_model_values, random):
    model = Autoencoder(
        ModelConfig(**small_model_values | {"reverb_seconds": 0.1, "use_z": False}),
        Statistics(loudness_mean=-40.0, loudness_std=10.0),
    )
    example = {
        "audio": tone(440)[:16000],
        "noise": random.uniform(-1, 1, 16000).astype(np.float32),
        "f0_hz": np.full(250, 440, np.float32),
        "loudness_db": np.full(250, -30, np.float32),
    }
    model({name: tf.constant(value[None]) for name, value in example.items()})
    model.reverb.set_weights(
        [random.normal(size=weight.shape, scale=0.01) for weight in model.reverb.get_weights()]
    )
    (found,) = module_sounds(model, [example])
    assert set(found) == {"audio", "harmonic", "noise", "reverb"}
    assert found["harmonic"] + found["noise"] + found["reverb"] == pytest.approx(
        found["audio"], abs=1e-6
    )
    assert all(np.abs(sound).max() > 1e-6 for sound in found.values())


@pytest.fixture
def tracks(tmp_path):
    (tmp_path / "sounds").mkdir()
    inputs = PageInputs(*[tmp_path / "nothing"] * 5, data={}, seed=0, seconds=4.0, noise_seed=0)
    return Tracks(inputs, SoundFolder(tmp_path / "sounds", 0.5))


def sound(value):
    return np.full(1600, value, np.float32)


def store(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    store_audio(folder, name, sound(value))


def study_rows(folder, name, rows):
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).assign(experiment="x", seed=0).to_parquet(folder / f"{name}-x-0.parquet")


def test_steps_on_a_way_stand_in_a_line_of_their_kind(tmp_path, tracks):
    rows = [
        {
            "example_id": f"{pair} to z",
            "group": pair,
            "varied": varied,
            "step": step,
            "clip": f"{pair}-{varied}-{step}",
            "f0_l1": f0_l1,
        }
        for pair, f0_l1 in (("a", 1.0), ("b", 2.0), ("c", 3.0))
        for varied in ("loudness", "f0")
        for step in range(3)
    ]
    study_rows(tmp_path / "rows", "control", rows)
    for number, row in enumerate(rows):
        store(tmp_path / "control" / "x-0" / "clips", row["clip"], number / 100)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"control": ["f0_l1"]})
    assert (picker.section, picker.title, picker.experiment) == (
        "control",
        "Independent control, `x`",
        "x",
    )
    assert [(each.title, each.why) for each in picker.examples] == [
        ("b to z", ["median F0 L1"]),
        ("c to z", ["worst F0 L1"]),
    ]
    first, second = picker.examples[0].lines
    assert (first.label, second.label) == ("loudness", "f0")
    assert [track.label for track in second.tracks] == ["1 of 3", "2 of 3", "3 of 3"]
    assert [track.name for track in second.tracks] == [
        tracks.sounds.add(sound(number / 100))[0] for number in (9, 10, 11)
    ]


def test_one_clip_of_a_kind_makes_one_line(tmp_path, tracks):
    rows = [
        {
            "example_id": "a@1000",
            "group": "g",
            "octaves": octaves,
            "clip": f"a{octaves:+g}",
            "f0_l1": 1.0,
        }
        for octaves in (-1.0, 0.0)
    ]
    study_rows(tmp_path / "rows", "extrapolation", rows)
    for row in rows:
        store(tmp_path / "extrapolation" / "x-0" / "clips", row["clip"], 0.1)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"extrapolation": ["f0_l1"]})
    (example,) = picker.examples
    assert example.title == "a from 4 s" and [track.label for track in example.lines[0].tracks] == [
        "octaves -1",
        "octaves +0",
    ]


def test_sets_of_one_example_stand_in_the_tables_order(tmp_path, tracks):
    rows = [
        {"example_id": "a@0", "group": "g", "version": version, "spectral_loss": 1.0}
        for version in ("first", "other_phases", "other_noise")
    ]
    study_rows(tmp_path / "rows", "phase", rows)
    for name in ("other_noise", "first", "other_phases", "original"):
        store(tmp_path / "phase" / "x-0" / name, "a@0", 0.1)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"phase": ["spectral_loss"]})
    assert [track.label for track in picker.examples[0].lines[0].tracks] == [
        "original",
        "first",
        "other phases",
        "other noise",
    ]


def test_examples_of_every_kind_are_picked_but_for_those_without_sound(tmp_path, tracks):
    lines = [
        ("a@0", "flute", 1.0),
        ("b@0", "flute", 3.0),
        ("c@0", "oboe", 2.0),
        ("d@0", "real", 9.0),
    ]
    study_rows(
        tmp_path / "rows",
        "phase",
        [
            {"example_id": name, "group": "g", "version": kind, "spectral_loss": loss}
            for name, kind, loss in lines
        ],
    )
    for name in ("a@0", "b@0", "c@0"):
        store(tmp_path / "phase" / "x-0" / "source", name, 0.1)
        store(tmp_path / "phase" / "x-0" / "deeper" / "output", name, 0.2)
    (picker,) = study_pickers(tracks, tmp_path, tmp_path / "rows", {"phase": ["spectral_loss"]})
    assert [(each.title, each.why) for each in picker.examples] == [
        ("a", ["flute: median spectral loss"]),
        ("b", ["flute: worst spectral loss"]),
        ("c", ["oboe: first"]),
    ]
    assert [track.label for track in picker.examples[0].lines[0].tracks] == ["source", "output"]


def test_a_study_without_its_sound_or_its_table_is_named(tmp_path, tracks):
    study_rows(
        tmp_path / "rows",
        "phase",
        [{"example_id": "a@0", "group": "g", "version": "first", "spectral_loss": 1.0}],
    )
    with pytest.raises(UserError, match="holds no sound of a@0; run `dvc repro phase`"):
        study_pickers(tracks, tmp_path, tmp_path / "rows", {"phase": ["spectral_loss"]})
    with pytest.raises(UserError, match="page.worst_by.phases: neither"):
        study_pickers(tracks, tmp_path, tmp_path / "rows", {"phases": []})


@pytest.mark.parametrize("study", [CONTROL, EXTRAPOLATION, PHASE], ids=lambda study: study.name)
def test_a_section_is_there_where_its_table_is(tmp_path, random, study):
    columns = sorted(
        {c for metric in study.metrics for c in (metric.column, metric.denominator) if c}
    )
    rows = pd.DataFrame(
        [
            {
                "experiment": "x",
                "seed": 0,
                "example_id": f"{n}@0",
                "group": f"g{n % 4}",
                study.lines[0]: line,
            }
            | dict(zip(columns, random.uniform(0, 1, len(columns))))
            for n in range(12)
            for line in ("one", "two")
        ]
    )
    rows = rows.assign(**{metric.denominator: 2 for metric in study.metrics if metric.denominator})
    cells = study_cells(rows, study, CONFIG)
    reports = Reports(tmp_path / "tables", tmp_path / "figures", [])
    assert study_sections(reports) == []
    write_study_table(cells, study, tmp_path / "tables")
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "figures" / f"{study.name}.png")
    (section,) = study_sections(reports)
    assert (section.name, section.title, section.tables[0].about) == (
        study.stage,
        study.title,
        study.about,
    )
    assert [(figure.width, figure.height) for figure in section.figures] == [(30, 20)]
    texts = [[cell.text for cell in line] for line in section.tables[0].table.lines]
    by_line = dict(list(cells.groupby(study.lines[0], sort=False)))
    assert texts == [
        ["x", line, *(format_cell(cell) for _, cell in mine.iterrows())]
        for line, mine in by_line.items()
    ]
    markdown = (tmp_path / "tables" / f"{study.name}.md").read_text()
    assert all(text in markdown for line in texts for text in line)


def test_ours_stand_beside_the_papers(committed):
    cells = pd.read_csv(committed / "reports" / "tables" / "resynthesis.csv")
    table = table_1(cells)
    supervised = next(line for line in table.lines if line[0].text == "supervised")
    assert [cell.text for cell in supervised[2::2]] == ["0.07", "0.02", "0.003"]
    assert supervised[3].source == {
        "table": "resynthesis",
        "row": "supervised",
        "metric": "loudness_l1_std",
    }
    assert len(table.lines) == cells[cells.source.isna()]["row"].nunique()


def test_only_an_interval_without_zero_is_read():
    assert [
        reading(pd.Series({"low": low, "high": high}))
        for low, high in ((0.1, 2), (-2, -0.1), (-1, 1), (0, 1), (np.nan, np.nan))
    ] == ["worse", "better", "undecided", "undecided", "undecided"]


def test_a_made_up_difference_is_read(random):
    cells = resynthesis_cells(make_rows(random, [0]), {"notes": ["base", "worse", "same"]}, CONFIG)
    lines = {
        line[0].text: [cell.text for cell in line[2::2]]
        for line in difference_table(cells, "base").lines
    }
    assert lines == {"worse": ["worse", "worse"], "same": ["undecided", "undecided"]}


def test_a_cell_is_split_where_its_interval_begins():
    cell = Cell("1.23 [1.10, 1.40] n=9")
    assert (cell.value, cell.interval) == ("1.23", "[1.10, 1.40] n=9") and (
        Cell("undefined").value,
        Cell("undefined").interval,
    ) == ("undefined", "")


def test_names_in_backticks_are_code_and_nothing_else_is_markup():
    assert with_code("a `b` <c>") == "a <code>b</code> &lt;c&gt;"


def test_the_listing_comes_back(tmp_path):
    track = Track(label="original", name="0123", seconds=4.0)
    example = Example(
        example_id="a@0", title="A", why=["best"], lines=[TrackRow(label="", tracks=[track])]
    )
    pickers = [
        Picker(
            section="models", title="X", experiment="x", kind="modules", seed=0, examples=[example]
        )
    ]
    write_listing(pickers, tmp_path)
    assert read_listing(tmp_path) == pickers


def test_the_page_needs_a_model_to_open_with():
    with pytest.raises(UserError, match="worst_by.models must name at least one metric"):
        validate(
            {"worst_by": {"control": ["f0_l1"]}, "quality": 0.4, "megabytes": 6.0},
            PageConfig,
            ROOT / "params.yaml",
            "page",
        )


def test_a_page_that_is_too_heavy_or_refers_to_nothing_stops(tmp_path):
    page = tmp_path / "index.html"
    page.write_text('<img src="a/b.webp"><a href="#x">x</a><link href="data:,">')
    with pytest.raises(UserError, match="refers to .*b.webp, which does not exist"):
        check_weight(page, 1)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.webp").write_bytes(bytes(1_500_000))
    assert referred(page.read_text()) == {"a/b.webp"} and check_weight(page, 2) == pytest.approx(
        1.5, abs=0.01
    )
    with pytest.raises(
        UserError,
        match="has 1.5 MB with everything it refers to, but page.megabytes is 1; lower page.quality",
    ):
        check_weight(page, 1)


def test_the_committed_page_is_light_and_needs_no_network(committed):
    html = (committed / "reports" / "index.html").read_text()
    assert check_weight(committed / "reports" / "index.html", 6) > 1
    assert (
        sum(
            path.stat().st_size
            for path in (committed / "reports" / "page").rglob("*")
            if path.is_file()
        )
        < 6e6
    )
    assert (
        all(not name.startswith(("/", "..", "http")) for name in referred(html))
        and "://" not in html
    )
    # they play without the script, too
    assert html.count("<audio controls") == html.count("<audio") > 50
    assert "fetch" not in (committed / "reports" / "page" / "style" / "page.js").read_text()


def test_the_committed_page_is_that_of_the_committed_reports(tmp_path, committed):
    reports = tmp_path / "reports"
    shutil.copytree(
        committed / "reports",
        reports,
        ignore=shutil.ignore_patterns("index.html", "style", "benchmarks", "data", "long"),
    )
    folders = [reports / name for name in ("tables", "figures", "rows", "audit.json")]
    stage(
        "page",
        *folders,
        ROOT / "pipeline" / "reporting" / "paper.yaml",
        reports / "page" / "sounds",
        reports / "index.html",
        reports / "page" / "style",
        check=True,
    )
    assert (reports / "index.html").read_bytes() == (
        committed / "reports" / "index.html"
    ).read_bytes()
    assert hashes(reports / "page" / "style") == hashes(committed / "reports" / "page" / "style")
    named = set(
        re.findall(r'"name": "(\w+)"', (reports / "page" / "sounds" / "sounds.json").read_text())
    )
    assert {
        path.stem for path in (committed / "reports" / "page" / "sounds").glob("*.mp3")
    } == named
