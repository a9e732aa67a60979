"""The reference of benchmarks.tracking: the `crepe` package's own `predict`, one file at a time."""

import sys
import time
from pathlib import Path

import crepe
from pipeline.audio.files import read_audio
from pipeline.crepe.network import load_crepe


def main(capacity: str, step_ms: int, paths: list[str]) -> None:
    """Track f0 of audio files; print the time at which each was finished."""
    # the package builds its own network with local weights, and `predict` uses that network
    load_crepe(capacity)
    for path in paths:
        crepe.predict(
            read_audio(Path(path)),
            16000,
            model_capacity=capacity,
            viterbi=False,
            step_size=step_ms,
            verbose=0,
        )
        print(time.time(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
