"""What stands beside the figures: how this reproduction differs from the paper, and what its
data can show.
"""

from pathlib import Path

import pandas as pd

from pipeline.common.settings import Settings
from pipeline.common.units import CONFIDENCE_THRESHOLD

SOUNDFONT = "TimGM6mb.sf2"
OF_MODELS = {  # experiments whose row needs a word
    "unsupervised": (
        "`unsupervised` is the paper's recipe: the f0 encoder learns end to end from spectral and "
        "perceptual loss. Both have a useful f0 gradient only within about half a semitone of the "
        "right pitch, so at minutes of training it does not find it."
    ),
    "unsupervised_pretrained": (
        "`unsupervised_pretrained` is not the paper's recipe: its f0 encoder was first trained on "
        "synthetic tones of random known f0 (a later idea of the same authors), without a label of "
        "this data, and then left as it was."
    ),
    "wavernn": (
        "`wavernn`, `strided_conv` and `stft` have the conditioning (z included), the data and "
        "about the training time of `supervised` (training.md). At minutes of training none of "
        "them holds a pitch well: read them as what a network without an oscillator makes of "
        "this budget, not as what WaveRNN can do; the paper's figure for it comes from a far "
        "larger model and training. `strided_conv` and `stft` are also far too quiet (loudness "
        "bias): as long as partials are not where they belong, less of them means less spectral "
        "loss."
    ),
    "tiny": (
        "`solo_violin` and `tiny` are compared on the reverberant recordings; their F0 L1 and "
        "loudness include the room."
    ),
}


def table_remarks(settings: Settings, rows: pd.DataFrame) -> list[str]:
    """A line each on models that need one, on every data set, and on tracker, units, floor,
    yardsticks, intervals and seeds.
    """
    params, seeds = settings.values, settings.seeds
    features, tracking = params["features"], params["resynthesize"]
    decoding = "with Viterbi" if features["viterbi"] else "without Viterbi"
    one = "one seed: intervals are over test examples, and nothing is said about training anew"
    known = f"{len(seeds)} seeds" if len(seeds) > 1 else one
    return [
        *(remark for name, remark in OF_MODELS.items() if name in params["experiments"]),
        *(
            _data_remark(
                name, values["source"], (params["outside"] or {}).get(name), rows[rows.data == name]
            )
            for name, values in params["data"].items()
        ),
        (
            f"Tracker: f0 is handed to the models from CREPE {features['crepe']} every "
            f"{features['f0_step_ms']} ms {decoding}; originals and resyntheses are tracked with "
            f"CREPE {tracking['crepe']} every {tracking['f0_step_ms']} ms without Viterbi (the "
            "authors' code: full, 4 ms, Viterbi). Frames below -80 dB count as unpitched."
        ),
        (
            "F0 L1 has a floor, since f0 is handed to the oscillator: what the two tracker runs "
            "disagree by on the original itself. It does not tell supervised models apart. By "
            "construction that row keeps the original's confidence, so its paper outliers are 0."
        ),
        (
            "Loudness L1 (std) is in standard deviations of the training split's loudness, the "
            "paper's unit, which the silence after notes inflates; the decibel figures are the "
            "honest ones. 0 dB is a full-scale 1 kHz sine, the floor -80 dB, sounding above -70 dB."
        ),
        (
            "Loudness bias is the signed difference, below 0 if the resynthesis is too quiet. The "
            "spectral loss is nearly flat in overall gain, so the bias, and with it loudness L1, "
            "differs from one training to the next: with one seed do not read loudness L1 as a "
            "ranking."
        ),
        (
            "F0 outliers: the paper's definition is CREPE confidence below "
            f"{CONFIDENCE_THRESHOLD} on the resynthesis (it does not say of what; Table 1 above "
            "shows the share of frames); the authors' code counts clips with F0 L1 over 12 "
            "semitones."
        ),
        (
            "F0 L1 counts every clip with a pitched frame; the authors' code leaves outliers out "
            "(own line)."
        ),
        (
            "Models are far smaller and trained for minutes (params.yaml); params/paper.yaml holds "
            "the paper's sizes."
        ),
        (
            "Intervals: 95 %, means by a bootstrap over groups (recorded samples, pieces, "
            "instruments, files), shares by Wilson with the number of clips as n (not clustered, "
            f"so rather narrow); {known}."
        ),
    ]


def _data_remark(name: str, source: str, outside: str | None, rows: pd.DataFrame) -> str:
    test = rows.drop_duplicates("example_id")
    font = Path(outside).name if outside else SOUNDFONT
    size = f"Data `{name}`: {len(test)} test examples from {test.group.nunique()}"
    return {
        "notes": (
            f"{size} recorded samples of {test.instrument.nunique()} instruments, rendered from "
            f"{font} with seeded dynamics, vibrato and slides, in place of NSynth's acoustic "
            "subset (70,379 notes). No recorded sample is in two splits; an instrument's lowest "
            "and highest sample always train, so that test asks for unseen recordings and not "
            "for unseen pitches, on which models do worse. A SoundFont loops one short recording "
            "per key zone, so these notes are more regular than NSynth's: read differences "
            "between rows, not distances to the paper's figures."
        ),
        "violin": (
            f"{size} pieces: violin lines of free scores, played by the violin of {font} with "
            "seeded expression in one simulated room, in place of 13 minutes of one performer in "
            "one room. Split by piece; but every piece is played on the same few recorded samples, "
            "so test asks for unseen lines and not for an unseen violin."
        ),
        "nsynth": f"{size} instruments of NSynth as published (params.yaml names filter and split).",
        "folder": f"{size} files or time blocks of the user's own recordings.",
    }[source]
