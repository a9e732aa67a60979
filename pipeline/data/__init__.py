"""Data sets and their sources: SoundFont notes, violin scores, folders of recordings, NSynth."""
