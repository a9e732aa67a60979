"""A selection may be empty: no confident frame, no sounding frame, no value of a metric.

Pictures say so and tables call the value undefined; nothing stops.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from made_rows import COLUMNS, make_rows
from pipeline.audit import estimates, replay_checks
from pipeline.audit.measures import f0_distance
from pipeline.common.cli import UserError
from pipeline.common.experiments import Ablation
from pipeline.page.picks import pick
from pipeline.reporting import data_figures, drawing
from pipeline.reporting.ablations import ablation_cells
from pipeline.reporting.cells import TabulateConfig, format_cell
from pipeline.reporting.columns import METRICS
from pipeline.reporting.data_summary import by_instrument
from pipeline.reporting.dereverberation_figure import DISTANCE, draw_distances
from pipeline.reporting.figures import forest, training_curves
from pipeline.reporting.study_figures import extrapolation_figure
from pipeline.reporting.timbre_transfer_figure import draw_transfers, pick_windows
from pipeline.studies.adjustment import adjust
from pipeline.studies.target import describe_target
from pipeline.studies.timbre_transfer import write_transfers
from tracked_tones import condition, tone, tracked_tone
from transfer_sounds import TARGET

CONFIG = TabulateConfig(bases={}, resamples=50, seed=0)
PITCHLESS = [name for name in COLUMNS if "f0" in name or "rpa" in name or "rca" in name]


@pytest.fixture
def drawn_texts(monkeypatch):
    """All texts of each figure that is saved, by file name."""
    texts = {}
    save = drawing.save

    def save_and_read(figure, path):
        figure.canvas.draw()
        texts[path.name] = [text.get_text() for text in figure.findobj(plt.Text)]
        save(figure, path)

    monkeypatch.setattr(drawing, "save", save_and_read)
    monkeypatch.setattr("pipeline.reporting.figures.save", save_and_read)
    return texts


def frames_of(**by_instrument):
    """Return ten frames per instrument, given as (confidence, loudness in dB, cents)."""
    parts = [
        pd.DataFrame(
            {
                "f0_hz": np.linspace(200, 240, 10),
                "confidence": confidence,
                "loudness_db": loudness,
                "cents": cents,
                "instrument": name,
                "group": f"of {name}",
            }
        )
        for name, (confidence, loudness, cents) in by_instrument.items()
    ]
    return pd.concat(parts).astype({"instrument": "category", "group": "category"})


FLUTE = (0.9, -30.0, 5.0)
PERCUSSION = (0.2, -30.0, np.nan)
FAINT = (0.9, -75.0, 5.0)


@pytest.mark.parametrize(
    ("instruments", "picture", "said"),
    [
        ({"drum": PERCUSSION}, "pitch.png", ["no confident frame", "drum: no confident frame"]),
        ({"drum": PERCUSSION, "flute": FLUTE}, "pitch.png", ["flute", "drum: no confident frame"]),
        ({"air": FAINT}, "loudness.png", ["no frame above -70 dB"]),
        ({"air": FAINT, "flute": FLUTE}, "loudness.png", ["air: no frame above -70 dB"]),
        ({"drum": PERCUSSION, "flute": FLUTE}, "f0_error.png", ["flute"]),
    ],
)
def test_a_data_set_without_frames_to_draw(instruments, picture, said, tmp_path, drawn_texts):
    frames = frames_of(**instruments)
    data_figures.draw_data_set(frames, "mine", tmp_path)
    assert set(said) <= set(drawn_texts[picture]) and (tmp_path / picture).stat().st_size > 500
    accepted = pd.DataFrame(
        {"instrument": list(instruments), "frames": 40, "coverage": 0.0, "group": "g"}
    )
    summary = by_instrument(accepted, frames)
    assert summary.error_median.notna().to_dict() == {
        name: bool(np.isfinite(cents)) for name, (*_, cents) in instruments.items()
    }


def no_pitch(rows):
    """Make rows as percussion gives them: nothing that needs a pitched frame is defined."""
    return rows.assign(
        **dict.fromkeys(PITCHLESS, np.nan),
        frames_pitched=0,
        frames_outlier_paper=0,
        outlier_clips_0_0_6=1.0,
        outlier_clips_3_7=np.nan,
    )


def test_tables_pictures_and_picks_of_a_run_without_a_pitched_frame(tmp_path, random):
    rows = no_pitch(make_rows(random, [0]))
    ablations = [Ablation("worse", "base", "Why?")]
    cells = ablation_cells(rows, ablations, CONFIG)
    shown = {cell.metric: format_cell(cell._asdict()) for cell in cells.itertuples()}
    undefined = {name for name, text in shown.items() if text == "undefined"}
    assert {"f0_l1", "outlier_frames_paper", "rpa_true_minus_base"} <= undefined
    assert "spectral_loss" not in undefined
    forest(
        cells, {"f0_l1_minus_base": "f0", "spectral_loss_minus_base": "loss"}, tmp_path / "f.png"
    )
    log = pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0], "valid_loss": [np.nan, np.nan]})
    training_curves({"base-0": log}, tmp_path / "t.png")
    of_base = rows[rows.experiment == "base"]
    assert pick(of_base, METRICS, ["f0_l1", "-rpa_crepe"]) == {"0@0": ["first"]}


def extrapolated(**values):
    """Return cells of two shifts for each metric; NaN is undefined."""
    names = ("loudness_l1_db", "f0_l1", "outlier_frames", "centroid_hz", "centroid_harmonics")
    return pd.DataFrame(
        [
            {"experiment": "own", "octaves": octaves, "metric": name, "low": np.nan}
            | {"high": np.nan, "value": values.get(name, np.nan)}
            for name in names
            for octaves in (-1, 0)
        ]
    )


@pytest.mark.parametrize("defined", [{"loudness_l1_db": 3.0}, {"centroid_hz": 500.0}, {}])
def test_extrapolation_without_values(defined, tmp_path, drawn_texts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a legend of nothing warns
        extrapolation_figure(extrapolated(**defined), tmp_path / "e.png")
    texts = drawn_texts["e.png"]
    assert texts.count("undefined at every shift") == 5 - len(defined)
    assert texts.count("own") == len(defined)


@pytest.mark.parametrize("value", [np.nan, 2.0])
def test_distances_without_values(value, tmp_path, drawn_texts):
    rows = pd.DataFrame(
        {"signal": ["wet"], "example_id": ["a@0"], "group": ["g"], DISTANCE.column: [value]}
    )
    with drawing.panel(tmp_path / "d.png", 2) as axis:
        draw_distances(axis, rows, "signal", DISTANCE, CONFIG)
    assert ("undefined for every line" in drawn_texts["d.png"]) == np.isnan(value)


def transferred(*windows):
    """Return rows of timbre transfer from (example id, instrument, octaves, rpa)."""
    rows = pd.DataFrame(windows, columns=["example_id", "instrument", "octaves", "rpa"])
    return rows.assign(group="piece")


def test_an_instrument_without_a_pitched_window_shows_one_of_its_windows():
    rows = transferred(
        ("a@0", "drum", 0.0, np.nan),
        ("b@0", "flute", 1.0, 0.5),
        ("c@0", "flute", 1.0, np.nan),
        ("d@0", "real clips", np.nan, np.nan),
    )
    assert list(pick_windows(rows).example_id) == ["a@0", "b@0"]


def test_a_transfer_of_percussion_is_drawn(tmp_path, drawn_texts):
    from pipeline.audio.clips import store_audio, write_tracks
    from pipeline.studies.conditions import write_conditions

    clips = {"a@0": tracked_tone(220.0, -30.0, confidence=0.1)}
    for name in ("source", "output"):
        (tmp_path / name).mkdir()
        store_audio(tmp_path / name, "a@0", tone(220.0))
        write_tracks(tmp_path / name, clips, 128)
    write_conditions(tmp_path / "output", {"a@0": condition(220.0, -30.0)})
    draw_transfers(transferred(("a@0", "drum", 0.0, np.nan)), tmp_path, tmp_path / "p.png")
    assert any("undefined: no confident frame" in text for text in drawn_texts["p.png"])


def test_lines_shorter_than_a_window_are_named(tmp_path):
    with pytest.raises(UserError, match="passage_seconds: no line is as long as a window of 4 s"):
        write_transfers(tmp_path, [], TARGET, None, 1000)


@pytest.mark.parametrize(
    ("confidence", "decibels", "octaves", "loudness"),
    [(0.2, -30.0, 0, -30.0), (0.9, -75.0, 0, -45.0), (0.9, -30.0, 1, -30.0)],
)
def test_a_target_without_pitched_or_sounding_frames(confidence, decibels, octaves, loudness):
    training = {
        "audio": tone(440.0),
        "f0_hz": np.full(256, 440.0),
        "f0_confidence": np.full(256, confidence),
        "loudness_db": np.full(256, decibels),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the mean of nothing warns
        target = describe_target([training])
    done, f0_hz, moved = adjust(np.full(50, 220.0), np.ones(50), np.full(50, -45.0), target)
    assert done.octaves == octaves and (f0_hz == 220.0 * 2**octaves).all()
    np.testing.assert_allclose(moved, loudness)


def test_the_audits_selections():
    assert np.isnan(estimates.weighted_mean({}))
    assert estimates.permutation_p({}) == 1.0
    assert np.isnan(f0_distance(np.ones(3), np.ones(3), np.zeros(3, bool)))
    rows = {
        "example_id": np.array(["a@0"], object),
        "octaves": np.array([np.nan]),
        "loudness_l1_db": np.array([1.0]),
    }
    picked = replay_checks.pick(
        rows, replay_checks.REPLAYS["timbre_transfer"], np.random.default_rng(0)
    )
    assert len(picked["example_id"]) == 0
