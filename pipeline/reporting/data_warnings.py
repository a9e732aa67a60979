"""Warnings on accepted recordings: in no example, mostly left out, above full scale."""

import numpy as np
import pandas as pd

from pipeline.common.units import FRAME_RATE
from pipeline.examples.schema import ExamplesConfig, split_windows

# tails shorter than an example are left out; this share of the sound is worth a warning
MUCH = 0.25


def find_warnings(table: pd.DataFrame, config: ExamplesConfig) -> list[str]:
    """List what a data set's owner should know, one line each.

    Args:
        table: features.csv.
        config: settings of the examples.
    """
    accepted = table[table.rejected == ""]
    used = {row.id: _used_frames(row, config) for row in accepted.itertuples()}
    warnings = [
        f"`{row.id}` is in no example: none of {config.seconds:g} s fits into its "
        f"{row.frames / FRAME_RATE:.3f} s"
        for row in accepted.itertuples()
        if not used[row.id]
    ]
    total = accepted.frames.sum()
    unused = total - sum(used.values())
    if unused > MUCH * total:
        warnings.append(
            f"{unused / FRAME_RATE:.0f} of {total / FRAME_RATE:.0f} s are in no example; shorten "
            "examples.seconds, or lengthen the data set's blocks"
        )
    if "peak" in accepted:
        warnings += [
            f"`{row.id}` peaks at {row.peak:.3f}, but full scale is 1"
            for row in accepted[accepted.peak > 1].itertuples()
        ]
    return warnings


def _used_frames(recording: tuple, config: ExamplesConfig) -> int:
    length = round(config.seconds * FRAME_RATE)
    hop = round(config.hop_seconds * FRAME_RATE)
    used = np.zeros(recording.frames, bool)
    for _, start in split_windows(
        recording.frames, recording.split, recording.block_seconds, length, hop
    ):
        used[start : start + length] = True
    return int(used.sum())
