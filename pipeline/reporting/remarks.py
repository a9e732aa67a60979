"""Remarks below Table 1: differences from the paper, and limits of the data."""

from pathlib import Path

import pandas as pd

from pipeline.common.settings import Settings
from pipeline.common.units import CONFIDENCE_THRESHOLD

SOUNDFONT = "TimGM6mb.sf2"
MODEL_REMARKS = {  # by experiment: what its row needs said
    "unsupervised": (
        "`unsupervised` is the paper's recipe with networks of a smaller size: the f0 encoder, the "
        "2-D ResNet of the authors' code, learns end to end from spectral and perceptual loss. "
        "Both losses have a useful f0 gradient only within about half a semitone "
        "of the right pitch, so minutes of training do not find it."
    ),
    "unsupervised_pretrained": (
        "`unsupervised_pretrained` is not the paper's recipe: its f0 encoder was first trained on "
        "synthetic tones of random known f0 (a later idea of the same authors), without labels "
        "from this data, and then frozen."
    ),
    "wavernn": (
        "`wavernn`, `strided_conv` and `stft` share the conditioning (including z), the data and "
        "roughly the training time of `supervised` (training.md). After minutes of training none "
        "of them holds a pitch well. They show what a network without an oscillator achieves on "
        "this budget, not what WaveRNN can do: the paper's figure for it comes from a far larger "
        "model and far more training. `strided_conv` and `stft` are also far too quiet "
        "(loudness bias): while partials are misplaced, quieter ones give a lower spectral loss."
    ),
    "tiny": (
        "`solo_violin` and `tiny` are compared on the reverberant recordings; their F0 L1 and "
        "loudness include the room."
    ),
}
MEASURE_REMARKS = (
    (
        "F0 L1 has a floor, because f0 is given to the oscillator: the disagreement of the two "
        "tracker runs on the original itself. It does not distinguish supervised models. The "
        "floor's row keeps the original's confidence by construction, so its outliers by the "
        "paper's text are 0, and those of 0.0.6 are the clips whose original is untrackable."
    ),
    (
        "Loudness L1 (std) is in standard deviations over the training split, the paper's unit, "
        "once of the curve of the authors' code 0.0.6 (frames not centred, mean of decibels over "
        "the bins, floor of -120 dB in each), which is comparable with the paper's figure, and "
        "once of ours. The silence after notes inflates that deviation, so prefer the figures in "
        "decibels, which are of our curve: 0 dB is a full-scale 1 kHz sine, the floor is -80 dB, "
        "and frames above -70 dB are sounding."
    ),
    (
        "Loudness bias is the signed difference, negative if the resynthesis is too quiet. The "
        "spectral loss is nearly flat in overall gain, so the bias, and with it loudness L1, "
        "varies between trainings: with one seed, do not rank models by loudness L1."
    ),
    (
        "F0 outliers have three definitions, each named by its source. 0.0.6, the code of the "
        "paper's time, which Table 1 shows: clips whose original or resynthesis never reaches a "
        f"CREPE confidence of {CONFIDENCE_THRESHOLD}, or whose F0 L1 is above 12 semitones. 3.7: "
        "clips whose F0 L1 is above 12 semitones, without those whose original never reaches that "
        "confidence. The paper's text: confidence below it on the resynthesis, without naming the "
        "unit; we count pitched frames."
    ),
    (
        "F0 L1 includes every clip with a pitched frame. The authors' code leaves its "
        "outliers out; each version's variant has its own line."
    ),
    (
        "Models are far smaller than the paper's and were trained for minutes (params.yaml); "
        "params/paper.yaml holds the paper's sizes."
    ),
)


def table_remarks(settings: Settings, rows: pd.DataFrame) -> list[str]:
    """Write one remark per bullet point below Table 1.

    Args:
        settings: name the models, data sets, trackers and seeds.
        rows: of all experiments; they give the number of test examples and groups.

    Returns:
        Remarks on models, data sets, the tracker, measures, sizes and intervals, in this order.
    """
    params = settings.values
    outside = params["outside"] or {}
    return [
        *(remark for name, remark in MODEL_REMARKS.items() if name in params["experiments"]),
        *(
            _data_remark(name, values["source"], outside.get(name), rows[rows.data == name])
            for name, values in params["data"].items()
        ),
        _tracker_remark(params["features"], params["resynthesize"]),
        *MEASURE_REMARKS,
        _interval_remark(len(settings.seeds)),
    ]


def _data_remark(name: str, source: str, outside: str | None, rows: pd.DataFrame) -> str:
    test = rows.drop_duplicates("example_id")
    font = Path(outside).name if outside else SOUNDFONT
    size = f"Data `{name}`: {len(test)} test examples from {test.group.nunique()}"
    return {
        "notes": (
            f"{size} recorded samples of {test.instrument.nunique()} instruments, rendered from "
            f"{font} with seeded dynamics, vibrato and slides, in place of NSynth's acoustic "
            "subset (70,379 notes). No recorded sample is in two splits. An instrument's lowest "
            "and highest samples are always in the training split, so the test split asks for "
            "unseen recordings but not for unseen pitches, on which models do worse. A SoundFont "
            "loops one short recording per key zone, so these notes are more regular than "
            "NSynth's: compare rows with each other, not with the paper's figures."
        ),
        "violin": (
            f"{size} pieces: violin lines of free scores, played by the violin of {font} with "
            "seeded expression in one simulated room, in place of 13 minutes of one performer in "
            "one room. The data is split by piece, but every piece uses the same few recorded "
            "samples, so the test split asks for unseen lines but not for an unseen violin."
        ),
        "nsynth": f"{size} instruments of NSynth as published (filter and split: params.yaml).",
        "folder": f"{size} files or time blocks of the user's own recordings.",
    }[source]


def _tracker_remark(features: dict, resynthesize: dict) -> str:
    decoding = "with Viterbi" if features["viterbi"] else "without Viterbi"
    return (
        f"Tracker: models receive f0 from CREPE {features['crepe']} every "
        f"{features['f0_step_ms']} ms {decoding}. Originals and resyntheses are tracked with "
        f"CREPE {resynthesize['crepe']} every {resynthesize['f0_step_ms']} ms without Viterbi "
        "(the authors' code: full, 4 ms, Viterbi). Frames below -80 dB count as unpitched."
    )


def _interval_remark(seeds: int) -> str:
    trainings = (
        f"There are {seeds} seeds."
        if seeds > 1
        else "There is one seed: intervals are over test examples and say nothing about the "
        "variation between trainings."
    )
    return (
        "Intervals: 95 %. Means use a bootstrap over groups (recorded samples, pieces, "
        "instruments, files). Shares use Wilson's interval with the number of clips as n; it "
        f"ignores the clusters, so it is rather narrow. {trainings}"
    )
