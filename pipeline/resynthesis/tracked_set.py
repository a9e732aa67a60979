"""Track f0 and loudness of whole test splits: expensive, so done once and stored."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import PositiveInt

from pipeline.audio.clips import Clip, store_audio, write_tracks
from pipeline.common.cli import progress
from pipeline.common.files import atomic_folder
from pipeline.common.params import Params
from pipeline.crepe.network import Capacity
from pipeline.features.f0 import track_f0
from pipeline.features.loudness import loudness_db


class ResynthesizeConfig(Params):
    """The `resynthesize` section of params.yaml.

    Originals, yardsticks and resyntheses are all tracked with these settings.
    """

    crepe: Capacity
    f0_step_ms: PositiveInt
    noise_seed: int
    batch_size: PositiveInt


def write_tracked_set(
    out: Path, config: ResynthesizeConfig, ids: list[str], audio: Iterator[np.ndarray], label: str
) -> None:
    """Write each clip's audio, and the f0 and loudness measured on the audio as written.

    Args:
        out: folder to write; its format is that of `pipeline.audio.clips`.
        config: how f0 is tracked.
        ids: the clips' ids, in the order of `audio`.
        audio: the clips' sounds, [samples] each.
        label: shown on the progress bar.
    """
    with atomic_folder(out) as folder:
        clips = {}
        for name, samples in progress(zip(ids, audio), label, len(ids), unit="clip"):
            written = store_audio(folder, name, samples)
            track = track_f0(written, config.crepe, config.f0_step_ms)
            loudness = loudness_db(written[None])[0].numpy()
            clips[name] = Clip(written, loudness, track.f0_hz, track.confidence)
        write_tracks(folder, clips, config.f0_step_ms)
