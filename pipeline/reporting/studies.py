"""Definitions of the studies' tables: lines and metrics of each, and what it says of itself."""

from typing import NamedTuple

from pipeline.common.params import by_study
from pipeline.reporting.columns import Metric

FOLLOWING = (
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
    Metric(
        "outlier_frames", "F0 outliers (frames)", "frames_outlier", "frames_pitched", share=True
    ),
)
CENTROID = Metric("centroid_hz", "Spectral centroid (Hz)", "centroid_hz")
DISTANCE = Metric(
    "log_spectral_distance_db", "Log-spectral distance (dB)", "log_spectral_distance_db"
)
CLOSENESS = (
    Metric("spectral_loss", "Spectral loss", "spectral_loss"),
    Metric("spectral_loss_as_is", "Spectral loss, not aligned", "spectral_loss_as_is"),
    DISTANCE,
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("tail_db", "Tail (dB)", "tail_db"),
    Metric("delay_ms", "Delay (ms)", "delay_ms"),
    Metric("gain_db", "Gain (dB)", "gain_db"),
)
BY_BAND = (DISTANCE, Metric("level_db", "Level (dB)", "level_db"))
ALIGNED = (
    "First the delay is taken away (one per line: of onset envelopes, to 4 ms, within 100 ms; "
    "phases of a model are arbitrary, so that waveforms need not correlate) and a gain (per "
    "clip, least squares on magnitude spectrograms within the octave bands; it is that of the "
    "loudest partials, so that other figures can be worse with it than without). Spectral loss: "
    "the training loss; its logarithms reach so far down that hiss, and what is left in the "
    "silences, weigh as much as the notes; not aligned: with neither taken away. Log-spectral "
    "distance: over the octave bands from 125 Hz to 4 kHz, where the true sound is above -70 dB. "
)
OCTAVES = (
    "Per octave band (its centre in Hz), aligned as in the other table: log-spectral distance, "
    "and the band's level over the true one, which is colour. "
)


class Study(NamedTuple):
    """A table: a line per experiment and distinct values of the columns `lines` of its rows, a
    column per metric.
    """

    name: str
    stage: str  # whose work is scored
    title: str
    lines: tuple[str, ...]
    metrics: tuple[Metric, ...]
    about: str
    # the line (by the first of `lines`) that paired differences are taken from
    base: str | int | None = None


CONTROL = Study(
    "control",
    "control",
    "Independent control",
    ("varied",),
    (
        *FOLLOWING,
        Metric("spearman", "Monotonicity (Spearman)", "spearman"),
        Metric("largest_step", "Largest step", "largest_step"),
    ),
    (
        "Pairs of test notes of different instruments; one feature goes from the first note's to "
        "the second's in equal steps, the others stay the first note's. L1 and outliers: "
        "measured on the resynthesis against the conditioning, over all steps; what is varied "
        "and what is held alike. The last two are about the clips' means of what is varied, as "
        "measured (loudness; f0 in semitones; for z the spectral centroid in semitones). "
        "Monotonicity: rank correlation with the step, above 0 where it goes the way of the "
        "conditioning; for z, where the way is not known beforehand, the way of the last step "
        "against the first, so that 5 steps in random order would have 0.4 in the mean. Largest "
        "step: its share of the whole way, back and forth: 0.25 if even, 1 if it jumps."
    ),
)
EXTRAPOLATION = Study(
    "extrapolation",
    "extrapolation",
    "Extrapolation of f0",
    ("octaves",),
    (
        *FOLLOWING,
        CENTROID,
        Metric("centroid_harmonics", "Centroid / f0", "centroid_harmonics"),
        Metric(
            "beyond_frames",
            "Beyond the tracker's range (frames)",
            "frames_beyond",
            "frames_asked",
            share=True,
        ),
    ),
    (
        "Test examples with their f0 moved by octaves, loudness as it was. F0 L1 and outliers "
        "count the frames that CREPE can track at all (32.7 to 1975.5 Hz); the rest is the last "
        "column. A sound that keeps its spectrum keeps the centroid in Hz, one that is merely "
        "played faster keeps it in multiples of f0."
    ),
    base=0,
)
TIMBRE_TRANSFER = Study(
    "timbre_transfer",
    "timbre_transfer",
    "Timbre transfer",
    ("instrument",),
    (
        Metric("rpa", "RPA", "rpa"),
        Metric("rpa_asked", "RPA of the f0 asked for", "rpa_asked"),
        Metric("rca", "RCA", "rca"),
        Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
        Metric(
            "outlier_frames", "F0 outliers (frames)", "frames_outlier", "frames_pitched", share=True
        ),
        Metric("source_rpa_true", "Source: RPA vs true f0", "source_rpa_true"),
        Metric("rca_true", "RCA vs true f0", "rca_true"),
        Metric("loudness_correlation", "Loudness correlation", "loudness_correlation"),
        Metric(
            "loudness_correlation_asked",
            "Loudness correlation of the loudness asked for",
            "loudness_correlation_asked",
        ),
        Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
        Metric(
            "timbre_source_to_training", "Timbre: source to training", "timbre_source_to_training"
        ),
        Metric("timbre_to_training", "Timbre: output to training", "timbre_to_training"),
        Metric("timbre_to_source", "Timbre: output to source", "timbre_to_source"),
    ),
    (
        "Dry lines of other instruments, from scores that no training split holds, drive the "
        "model: violin parts, moved by octaves where an instrument's range asks for it. As the "
        "authors do, f0 is moved by octaves, here those that bring a line's median pitch nearest "
        "to the training data's (their demo: the mean, and rounded up below 1.5); and, as in the "
        "paper, the source is put into the room that the model learned before its loudness is "
        "taken. Then loudness gets the mean and standard deviation of the training data's over "
        "the frames above -70 dB, quieter frames stay as they are (their demo: quantiles, and 20 "
        "dB less between notes). Windows of 4 s. RPA, RCA (50 cents), F0 L1 and outliers: the "
        "output against CREPE's f0 of the source, moved by the octaves, where its confidence on "
        "the source is at least 0.85; the f0 asked for is the smaller CREPE's, which all models "
        "are conditioned on. Against the true f0: CREPE on the source, and the output but for "
        "octaves; where the first is low CREPE was misled, and the octaves are chosen by what it "
        "heard. Loudness correlation: Pearson's with the dry source's loudness over its frames "
        "above -70 dB; L1: to the loudness asked for. Timbre: 12 MFCCs (13 without the first, 40 "
        "mel bands), mean over sounding frames, in standard deviations between training clips; "
        "distance: root of the mean square over the 12; training: the mean of the training "
        "clips. For scale the last line: real test clips as source and their resynthesis as "
        "output, which are not tracked."
    ),
)
PHASE = Study(
    "phase",
    "phase",
    "Phase invariance",
    ("version",),
    (
        Metric("waveform_distance", "Waveform distance", "waveform_distance"),
        Metric("spectral_loss", "Spectral loss", "spectral_loss"),
        Metric(
            "spectral_loss_to_original",
            "Spectral loss to the original",
            "spectral_loss_to_original",
        ),
    ),
    (
        "Each test note resynthesized with the same controls: as always (first), with random "
        "initial phases of its harmonics, with other noise. Distances are to the first; the "
        "waveform's is the root of the difference's energy over that of the first one's (0: "
        "equal; root of 2: as far as any other sound of the same energy)."
    ),
)
DEREVERBERATION = Study(
    "dereverberation",
    "dereverberation",
    "Dereverberation",
    ("signal",),
    CLOSENESS,
    (
        "The test examples against the true dry sound, which is known of this data set: `wet`, "
        "doing nothing; `wpe`, weighted prediction error (nara_wpe, one microphone, offline, "
        "whole recordings; settings chosen on the valid split by spectral loss, from filters "
        "shorter and longer than these: reports/benchmarks/wpe_grid.csv); `model_dry`, the model "
        "without its reverb; `dry`, the truth itself. `model_wet`, with its reverb, is against "
        "the true wet sound: what the model gets wrong before any room is taken away. "
        + ALIGNED
        + "Tail: the level where the dry sound is silent, and was not within the half second "
        "before, over that where it sounds; only clips with such a rest have one, and the line "
        "`dry` is its floor. What this cannot show: a model may give the room's colour to its "
        "harmonics, or theirs to the room, and its sound with reverb would be the same; its "
        "loudness and f0 are those of the wet sound, so that it may play the tail itself. It is "
        "one simulated room, with walls that absorb all frequencies alike. A model's examples "
        "begin without the tail of what came before, the wet ones with it. The reverb was "
        "trained for minutes. WPE filters the sound that is there and the model makes a new one: "
        "its own error is in all its figures but the tail."
    ),
    base="wet",
)
DEREVERBERATION_BANDS = Study(
    "dereverberation_bands",
    "dereverberation",
    "Dereverberation by octave band",
    ("signal", "band_hz"),
    BY_BAND,
    OCTAVES
    + "The violin's lowest note is at 196 Hz: at 125 Hz the true sound is next to nothing, and "
    "what is found there is hiss.",
)
LEARNED_ROOM = Study(
    "learned_room",
    "dereverberation",
    "The room that was learned",
    ("response", "band_hz"),
    (
        Metric("t60_seconds", "T60 (s)", "t60_seconds"),
        Metric(
            "direct_to_reverberant_db", "Direct to reverberant (dB)", "direct_to_reverberant_db"
        ),
        Metric("c50_db", "C50 (dB)", "c50_db"),
        Metric(
            "decay_distance_db", "Decay curve, distance to the true one (dB)", "decay_distance_db"
        ),
    ),
    (
        "The impulse responses: `true`, `learned`, and `noise`, white noise that decays "
        "exponentially with the learned one's T60 and direct-to-reverberant ratio; over all "
        "octave bands (88 Hz to 5.7 kHz) and by band (Butterworth, fourth order). T60: of what "
        "comes after the direct sound (2.5 ms), a line fitted to its decay curve (Schroeder) "
        "from -5 to -35 dB. Direct to reverberant: energy within 2.5 ms over the rest; C50: "
        "within 50 ms. Distance of decay curves: mean |difference| from the start until the true "
        "one is at -30 dB. A training has one response: intervals are empty. The direct sound's "
        "gain is 1 by construction. What is trained of the learned response is its ratio to a "
        "decay of 60 dB over its length, so that a T60 near that length says more of this scale "
        "than of the room. The violin sounds nothing below 196 Hz: at 125 Hz nothing was there "
        "to learn from. The fine structure is not compared: a loss that is blind to phase leaves "
        "it open."
    ),
)
ACOUSTIC_TRANSFER = Study(
    "acoustic_transfer",
    "dereverberation",
    "Acoustic transfer",
    ("response",),
    CLOSENESS,
    (
        "Dry notes of other instruments, of a test split and high-passed at 40 Hz, in the room "
        "that was learned (`learned`), against the same notes in the true room. `dry` is doing "
        "nothing; `noise` is the notes in white noise that decays with the learned T60 and "
        "direct-to-reverberant ratio: where `learned` is no closer, the detail of what was "
        "learned does not matter; `true` is the truth itself, whose tail is the one to reach. "
        + ALIGNED
        + "Tail: the level where the dry note is silent, and was not within the half second "
        "before, over that where it sounds. What this cannot show: notes that are played alone, "
        "in one room; a room that was learned from a violin, which sounds nothing below 196 Hz, "
        "is asked for other instruments' bass."
    ),
    base="dry",
)
ACOUSTIC_TRANSFER_BANDS = Study(
    "acoustic_transfer_bands",
    "dereverberation",
    "Acoustic transfer by octave band",
    ("response", "band_hz"),
    BY_BAND,
    OCTAVES.strip(),
)
ROOMS = (
    DEREVERBERATION,
    DEREVERBERATION_BANDS,
    LEARNED_ROOM,
    ACOUSTIC_TRANSFER,
    ACOUSTIC_TRANSFER_BANDS,
)


STUDY_TABLES: dict[str, tuple[Study, ...]] = by_study(
    "pipeline.reporting.studies.STUDY_TABLES",
    {
        "control": (CONTROL,),
        "extrapolation": (EXTRAPOLATION,),
        "dereverberation": ROOMS,
        "timbre_transfer": (TIMBRE_TRANSFER,),
        "phase": (PHASE,),
    },
)


TABLES = tuple(table for tables in STUDY_TABLES.values() for table in tables)
