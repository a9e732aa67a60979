"""Small parts of NSynth in its published form."""

import json

from hostile import tone
from pipeline.audio.files import write_audio
from pipeline.data.nsynth import NsynthConfig

CONFIG = NsynthConfig(
    source="nsynth",
    seed=0,
    acoustic=True,
    pitch=(24, 84),
    split="published",
    test_share=0.8,
    valid_share=0.1,
    max_rejected=100,
)
PAPER = CONFIG.model_copy(update={"split": "paper"})
SOURCES = ("acoustic", "electronic", "synthetic")
FAMILIES = ("brass", "flute", "string")
INSTRUMENTS = {"train": (0, 1), "valid": (2,), "test": (3,)}


def entry(family, source, number, pitch, velocity=75):
    """Return an entry of examples.json with every published key."""
    instrument = f"{family}_{source}_{number:03d}"
    return {
        "note": 1000 * number + pitch,
        "note_str": f"{instrument}-{pitch:03d}-{velocity:03d}",
        "instrument": number,
        "instrument_str": instrument,
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": 16000,
        "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 1, 0],
        "qualities_str": ["dark", "reverb"],
        "instrument_family": FAMILIES.index(family),
        "instrument_family_str": family,
        "instrument_source": SOURCES.index(source),
        "instrument_source_str": source,
    }


def write_part(folder, name, notes):
    """Write folder/nsynth-NAME: examples.json, and tones of 0.1 s, since no audio is decoded."""
    (folder / f"nsynth-{name}" / "audio").mkdir(parents=True, exist_ok=True)
    for number, note in enumerate(notes):
        write_audio(
            folder / f"nsynth-{name}" / "audio" / f"{note['note_str']}.wav",
            tone(note["pitch"], 0.1, seed=number),
        )
    (folder / f"nsynth-{name}" / "examples.json").write_text(
        json.dumps({note["note_str"]: note for note in notes})
    )
