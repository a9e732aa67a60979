"""Tables of the dereverberation study: columns, and captions that say how they are measured."""

from pipeline.reporting.columns import Metric, StudyTable

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
    "Each sound is aligned with its reference before it is compared. Delay: one per line, "
    "estimated from onset envelopes to 4 ms within 100 ms, because a model's phases are arbitrary "
    "and its waveform need not correlate with the reference. Gain: one per clip, fitted by least "
    "squares to the magnitude spectrograms within the octave bands. It follows the loudest "
    "partials, so other measures can be worse with it than without.\n"
    "\n"
    "Lower is better for the spectral losses, the log-spectral distance and loudness L1. Spectral "
    "loss is the training loss. Its logarithms reach so far down that hiss and residue in the "
    "silences weigh as much as the notes. `Not aligned` is the same loss without delay and gain "
    "correction. Log-spectral distance covers the octave bands from 125 Hz to 4 kHz where the "
    "true sound is above -70 dB.\n"
    "\n"
)
OCTAVES = (
    "Measures by octave band (centre frequency in Hz), aligned as in the other table. "
    "Log-spectral distance: lower is better. Level: the band's level relative to the true one, "
    "that is, coloration; 0 dB is correct."
)
DEREVERBERATION = StudyTable(
    "dereverberation",
    "dereverberation",
    "Dereverberation",
    ("signal",),
    CLOSENESS,
    (
        "Test examples compared with the true dry sound, which is known for this data set. `wet` "
        "is the unprocessed recording. `wpe` is weighted prediction error (nara_wpe, one "
        "microphone, offline, whole recordings); its settings have the lowest spectral loss on "
        "the valid split, among shorter and longer filters (reports/benchmarks/wpe_grid.csv). "
        "`model_dry` is the model without its reverb. `dry` is the true sound itself. "
        "`model_wet`, the model with its reverb, is compared with the true wet sound: it shows "
        "the model's error before any room is removed.\n"
        "\n"
        + ALIGNED
        + "Tail is the level in frames where the dry sound is silent but sounded within the "
        "preceding half second, relative to the level where it sounds. Only clips with such a "
        "rest have a tail. The line `dry` is its floor.\n"
        "\n"
        "Limits: a model can move coloration between its harmonics and its room without changing "
        "its wet sound. Its loudness and f0 come from the wet sound, so it may play the tail "
        "itself. There is one simulated room, and its walls absorb all frequencies alike. A "
        "model's examples begin without the tail of the preceding sound; the wet ones include "
        "it. The reverb was trained for minutes. WPE filters the existing sound, while the model "
        "synthesizes a new one, so the model's own error is in all its figures except the tail."
    ),
    base="wet",
)
DEREVERBERATION_BANDS = StudyTable(
    "dereverberation_bands",
    "dereverberation",
    "Dereverberation by octave band",
    ("signal", "band_hz"),
    BY_BAND,
    OCTAVES + " The violin's lowest note is at 196 Hz. In the 125 Hz band the true sound is almost "
    "silent, and what is measured there is hiss.",
)
LEARNED_ROOM = StudyTable(
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
        "Properties of three impulse responses: `true`, `learned`, and `noise`, white noise that "
        "decays exponentially with the learned T60 and direct-to-reverberant ratio. They are "
        "measured over all octave bands (88 Hz to 5.7 kHz) and by band (Butterworth, fourth "
        "order).\n"
        "\n"
        "T60 is the time to decay by 60 dB, from a line fitted between -5 and -35 dB to the "
        "Schroeder decay curve of the response after the direct sound (2.5 ms). Direct to "
        "reverberant is the energy within 2.5 ms relative to the rest; C50 is the same with 50 "
        "ms. For these three, compare with the line `true`. Decay curve distance is the mean "
        "absolute difference from the start until the true curve reaches -30 dB; lower is "
        "better.\n"
        "\n"
        "Limits: a training has one response, so there are no intervals. The direct sound's gain "
        "is 1 by construction. Training adjusts the learned response relative to a decay of 60 dB "
        "over its length, so a T60 near that length says more about this scale than about the "
        "room. The violin plays nothing below 196 Hz, so the 125 Hz band had nothing to learn "
        "from. The fine structure is not compared, because a loss that ignores phase does not "
        "determine it."
    ),
)
ACOUSTIC_TRANSFER = StudyTable(
    "acoustic_transfer",
    "dereverberation",
    "Acoustic transfer",
    ("response",),
    CLOSENESS,
    (
        "Dry test notes of other instruments, high-passed at 40 Hz and placed in the learned room "
        "(`learned`), compared with the same notes in the true room. `dry` adds no room. `noise` "
        "adds white noise that decays with the learned T60 and direct-to-reverberant ratio: where "
        "`learned` is no closer than `noise`, the learned detail makes no difference. `true` is "
        "the reference itself; its tail is the target.\n"
        "\n"
        + ALIGNED
        + "Tail is the level in frames where the dry note is silent but sounded within the "
        "preceding half second, relative to the level where it sounds.\n"
        "\n"
        "Limits: the notes are played one at a time, in one room. The room was learned from a "
        "violin, which plays nothing below 196 Hz, yet it is applied to the bass of other "
        "instruments."
    ),
    base="dry",
)
ACOUSTIC_TRANSFER_BANDS = StudyTable(
    "acoustic_transfer_bands",
    "dereverberation",
    "Acoustic transfer by octave band",
    ("response", "band_hz"),
    BY_BAND,
    OCTAVES,
)
ROOM_TABLES = (
    DEREVERBERATION,
    DEREVERBERATION_BANDS,
    LEARNED_ROOM,
    ACOUSTIC_TRANSFER,
    ACOUSTIC_TRANSFER_BANDS,
)
