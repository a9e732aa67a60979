"""Describe a data set: its contents, its rejected recordings, and CREPE's error on it.

The error is |1200 log2(tracked / played)| in cents, over frames in which a note was played and
CREPE's confidence is at least 0.85. A recording may itself be out of tune: the tuning offset is the
median signed difference in its group (recorded sample or piece). The offset is reported separately,
and the error is given with and without it.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.common.files import write_json, write_text
from pipeline.common.units import CONFIDENCE_THRESHOLD, FRAME_RATE
from pipeline.reporting.layout import markdown_table, markdown_text

STEP = 4  # control frames, that is 16 ms: dense enough for a description
GROSS_CENTS = 50.0


def collect_frames(features: Path, truth: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Collect every fourth control frame of every accepted recording.

    Args:
        features: folder of ID.npy.
        truth: folder of ID.f0.npy, the played f0, for recordings where it is known.
        table: the manifest.

    Returns:
        Rows of instrument, group, f0_hz, confidence, loudness_db and cents. `cents` is tracked
        against played f0; NaN if the played f0 is unknown, nothing sounds or CREPE is not
        confident.
    """
    parts = []
    for row in table[table.rejected == ""].itertuples():
        frames = np.load(features / f"{row.id}.npy", mmap_mode="r")[::STEP]
        part = {
            "f0_hz": frames["f0_hz"],
            "confidence": frames["f0_confidence"],
            "loudness_db": frames["loudness_db"],
        }
        played = _played(truth / f"{row.id}.f0.npy", len(frames))
        confident = (part["confidence"] >= CONFIDENCE_THRESHOLD) & (played > 0)
        cents = 1200 * np.log2(
            np.maximum(part["f0_hz"].astype(float), 1e-3) / np.where(confident, played, 1.0)
        )
        parts.append(
            pd.DataFrame(part).assign(
                instrument=row.instrument, group=row.group, cents=np.where(confident, cents, np.nan)
            )
        )
    return pd.concat(parts, ignore_index=True).astype(
        {"instrument": "category", "group": "category"}
    )


def summarize(
    table: pd.DataFrame, frames: pd.DataFrame, examples: Path, warnings: Sequence[str] = ()
) -> dict:
    """Summarize a data set for JSON; seconds and shares are of accepted recordings.

    Args:
        table: features.csv.
        frames: from `collect_frames`.
        examples: the data set's examples.
        warnings: from `find_warnings`; the summary has the key only if there are any.
    """
    accepted = table[table.rejected == ""]
    rejected = table[table.rejected != ""]
    return {
        "recordings": len(accepted),
        "seconds": round(float(accepted.frames.sum()) / FRAME_RATE, 2),
        "rejected": {"number": len(rejected), "reasons": dict(zip(rejected.id, rejected.rejected))},
        "f0_coverage": round(_coverage(accepted), 4),
        "loudness_db": {
            "lowest": float(accepted.loudness_low.min()),
            "highest": float(accepted.loudness_high.max()),
            "percentiles_5_50_95": [
                round(float(value), 2) for value in frames.loudness_db.quantile([0.05, 0.5, 0.95])
            ],
        },
        "examples": json.loads((examples / "statistics.json").read_text())["examples"],
        "instruments": by_instrument(accepted, frames).to_dict("index"),
    } | ({"warnings": list(warnings)} if warnings else {})


def by_instrument(accepted: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Summarize each instrument: recordings, seconds, coverage, tuning offset, CREPE's error.

    Offsets and errors are in cents; errors are given with and without the offset.
    """
    offset = frames.groupby("group", observed=True).cents.median()
    frames = frames.assign(offset=frames.group.map(offset).astype(float), error=frames.cents.abs())
    frames = frames.assign(without=(frames.cents - frames.offset).abs())
    groups = frames.groupby("instrument", observed=True)
    measured = {
        "coverage": pd.Series(
            {name: _coverage(group) for name, group in accepted.groupby("instrument")}
        ),
        "tuning_offset_lowest": groups.offset.min(),
        "tuning_offset_highest": groups.offset.max(),
        "error_median": groups.error.median(),
        "error_95": groups.error.quantile(0.95),
        "error_without_offset_median": groups.without.median(),
        "error_without_offset_95": groups.without.quantile(0.95),
        "gross_error_share": groups.without.agg(
            lambda error: (error.dropna() > GROSS_CENTS).mean()
        ),
    }
    counted = accepted.groupby("instrument").frames.agg(
        recordings="size", seconds=lambda frames: frames.sum() / FRAME_RATE
    )
    table = counted.join(pd.DataFrame(measured)).round(4)
    return table.astype(object).where(table.notna(), None)


def write_summary(summary: dict, name: str, path: Path) -> None:
    """Write path.json and path.md."""
    write_json(path.with_suffix(".json"), summary)
    write_text(path.with_suffix(".md"), _markdown(summary, name))


def _markdown(summary: dict, name: str) -> str:
    loudness = summary["loudness_db"]
    low, median, high = loudness["percentiles_5_50_95"]
    splits = ", ".join(f"{split} {number}" for split, number in summary["examples"].items())
    reasons = "".join(
        f"- `{recording}`: {markdown_text(reason)}\n"
        for recording, reason in summary["rejected"]["reasons"].items()
    )
    no_reasons = "None.\n"
    warnings = "".join(f"- {line}\n" for line in summary.get("warnings", []))
    if warnings:
        warnings = f"\n## Warnings\n\n{warnings}"
    return (
        f"# Data set `{name}`\n"
        "\n"
        f"- {summary['recordings']} recordings, {summary['seconds']:.0f} s; "
        f"{summary['rejected']['number']} rejected\n"
        "- f0 coverage (share of frames with CREPE confidence of at least "
        f"{CONFIDENCE_THRESHOLD}): {summary['f0_coverage']:.3f}\n"
        f"- loudness: {loudness['lowest']:.1f} to {loudness['highest']:.1f} dB; 5 % {low:.1f}, "
        f"median {median:.1f}, 95 % {high:.1f}\n"
        f"- examples: {splits}\n"
        "\n"
        "## By instrument\n"
        "\n"
        f"{_instrument_table(summary['instruments'])}\n"
        "\n"
        "Errors are those of CREPE's f0 against the played f0, in cents, over confident frames; "
        "lower is better. The tuning offset is the median signed difference in each group "
        "(recorded sample or piece), also in cents. Gross errors exceed "
        f"{GROSS_CENTS:.0f} cents after the offset is subtracted; their share is given.\n"
        "\n"
        "## Rejected\n"
        "\n"
        f"{reasons or no_reasons}"
        f"{warnings}"
    )


def _instrument_table(instruments: dict) -> str:
    table = pd.DataFrame.from_dict(instruments, orient="index").rename_axis("instrument")
    shown = table.reset_index().map(_shown)
    return markdown_table(shown)


def _coverage(recordings: pd.DataFrame) -> float:
    """Return the share over all frames, from each recording's share in features.csv."""
    return float((recordings.coverage * recordings.frames).sum() / recordings.frames.sum())


def _shown(value: object) -> str:
    if pd.isna(value):
        return "unknown"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _played(path: Path, length: int) -> np.ndarray:
    return np.load(path)[::STEP][:length] if path.exists() else np.zeros(length)
