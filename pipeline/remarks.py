"""What stands beside the figures: how this reproduction differs from the paper, and what its data can show."""

import pandas as pd

from pipeline.units import CONFIDENCE_THRESHOLD


def table_remarks(params: dict, rows: pd.DataFrame) -> list[str]:
    """One line each on data, tracker, units, floor, yardsticks, intervals and seeds."""
    test = rows.drop_duplicates("example_id")
    features, tracking, seeds = params["features"], params["resynthesize"], params["seeds"]
    font = params["data"]["soundfont"] or "TimGM6mb.sf2"
    known = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed: intervals are over test notes, and nothing is said about training anew"
    return [
        f"Data: the paper uses NSynth's acoustic subset (70,379 notes); here {len(test)} test notes of {test.instrument.nunique()} "
        f"instruments rendered from {font} with seeded dynamics, vibrato and slides. No recorded sample is in two splits "
        f"({test.zone.nunique()} samples in test); an instrument's lowest and highest sample always train, so that test asks for unseen "
        "recordings and not for unseen pitches, on which models do worse. A SoundFont loops one short recording per key zone, so these notes are more regular "
        "than NSynth's: read differences between rows, not distances to the paper's figures.",
        f"Tracker: f0 is handed to the models from CREPE {features['crepe']} every {features['f0_step_ms']} ms; originals and "
        f"resyntheses are tracked with CREPE {tracking['crepe']} every {tracking['f0_step_ms']} ms without Viterbi (the authors' code: "
        "full, 4 ms, Viterbi). Frames below -80 dB count as unpitched.",
        "F0 L1 has a floor, since f0 is handed to the oscillator: what the two tracker runs disagree by on the original itself. It does "
        "not tell supervised models apart. By construction that row keeps the original's confidence, so its paper outliers are 0.",
        "Loudness L1 (std) is in standard deviations of the training split's loudness, the paper's unit, which the silence after notes "
        "inflates; the decibel figures are the honest ones. 0 dB is a full-scale 1 kHz sine, the floor -80 dB, sounding above -70 dB.",
        f"F0 outliers: the paper's definition is CREPE confidence below {CONFIDENCE_THRESHOLD} on the resynthesis (it does not say of "
        "what; Table 1 above shows the share of frames); the authors' code counts clips with F0 L1 over 12 semitones.",
        "F0 L1 counts every clip with a pitched frame; the authors' code leaves outliers out (own line).",
        "Models are far smaller and trained for minutes (params.yaml); params/paper.yaml holds the paper's sizes.",
        f"Intervals: 95 %, means by a bootstrap over recorded samples, shares by Wilson with the number of clips as n (not clustered, so rather narrow); {known}.",
    ]
