"""The impulse response of a simulated room, by the image source method (Allen and Berkley 1979).

The response of the paper's room (section 3.4) is unknown. The response of this one is known, so
that dereverberation can be measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyroomacoustics
from pydantic import Field, PositiveFloat

from pipeline.common.cli import UserError
from pipeline.common.params import Params
from pipeline.common.units import SAMPLE_RATE

SPEED_OF_SOUND = pyroomacoustics.constants.get("c")  # m/s
CONSTANTS = {
    # the library's 10 Hz high-pass is zero-phase and would sound before the direct path
    "rir_hpf_enable": False,
    "num_threads": 1,  # fixes the order of floating-point sums on every machine
}


class RoomConfig(Params):
    """A shoe-box room whose walls are all alike."""

    size_m: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    absorption: float = Field(
        gt=0, lt=1
    )  # share of energy, at each reflection and at all frequencies
    source_m: tuple[float, float, float]
    # moved by at most about a centimetre, so that the direct path takes a whole number of samples
    microphone_m: tuple[float, float, float]
    seconds: PositiveFloat  # length of the response


def room_response(config: RoomConfig) -> np.ndarray:
    """Simulate the response: [samples] float32 at 16 kHz, the direct path at sample 0 with gain 1.

    All image sources that are audible within this length are included; nothing is random.

    Raises:
        UserError: the source or the microphone is outside the room, or they coincide.
    """
    samples = round(config.seconds * SAMPLE_RATE)
    source = np.array(config.source_m)
    offset = np.array(config.microphone_m) - source
    delay = round(np.linalg.norm(offset) / SPEED_OF_SOUND * SAMPLE_RATE)
    microphone = source + offset * (
        delay * SPEED_OF_SOUND / SAMPLE_RATE / max(np.linalg.norm(offset), 1e-9)
    )
    inside = all(
        0 < coordinate < size
        for point in (source, microphone)
        for coordinate, size in zip(point, config.size_m)
    )
    if not inside or not delay:
        raise UserError(
            "data: source 'violin': room: source_m and microphone_m must lie apart and inside "
            "size_m"
        )
    farthest = SPEED_OF_SOUND * (delay + samples) / SAMPLE_RATE
    order = int(np.ceil(farthest * np.linalg.norm(1 / np.array(config.size_m))))
    with _library_constants():
        start = delay + pyroomacoustics.constants.get("frac_delay_length") // 2
        walls = pyroomacoustics.Material(config.absorption)
        room = pyroomacoustics.ShoeBox(
            config.size_m, fs=SAMPLE_RATE, materials=walls, max_order=order
        )
        room.add_source(source)
        room.add_microphone(microphone)
        room.compute_rir()
    response = room.rir[0][0][start : start + samples]
    return (response / response[0]).astype(np.float32)


@contextmanager
def _library_constants() -> Iterator[None]:
    """Set pyroomacoustics' global constants for the duration of the block."""
    former = {name: pyroomacoustics.constants.get(name) for name in CONSTANTS}
    try:
        for name, value in CONSTANTS.items():
            pyroomacoustics.constants.set(name, value)
        yield
    finally:
        for name, value in former.items():
            pyroomacoustics.constants.set(name, value)
