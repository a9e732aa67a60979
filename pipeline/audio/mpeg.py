"""Count the frames of an MPEG audio file (MP3) and read how many its header promises.

Decoders guess the length of a file without a Xing, Info or VBRI header from its size and its first
frame. Walking from frame header to frame header (ISO/IEC 11172-3, section 2.4) gives the number.
"""

import mmap
import os
import struct
from typing import BinaryIO, NamedTuple

SAME_STREAM = 0xFFFE0C00  # bits of a frame header that all frames share: version, layer, rate
RATES = (44100, 48000, 32000)  # Hz, of MPEG 1; halved for MPEG 2, quartered for MPEG 2.5
KBPS = {  # by (version 1, layer), for the bitrate indices 1 to 14
    (True, 1): range(32, 449, 32),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MOST_SIDE_INFO = 36  # bytes between a frame's start and its Xing or Info header


class MpegFrames(NamedTuple):
    """The frames of an MPEG audio file; the one that holds the length is not counted."""

    found: int
    promised: int | None  # None: the file states no length
    samples: int  # per frame and channel


class _Header(NamedTuple):
    bits: int
    size: int  # bytes of the frame
    samples: int


def count_frames(raw: BinaryIO) -> MpegFrames | None:
    """Count the frames in a file; tags, and what else is no frame, are skipped.

    Returns:
        None if no MPEG frame follows the tags at the file's start.
    """
    if not os.fstat(raw.fileno()).st_size:
        return None
    with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
        first = skip_tags(content)
        header = _header(content, first)
        if header is None or not _continues(content, first, header):
            return None
        promised = _promised(content[first : first + header.size])
        found = 0
        position = first
        while position < len(content):
            frame = _header(content, position)
            if frame is None:
                position = _next_frame(content, skip_tags(content, position))
            elif position + frame.size <= len(content):
                found += 1
                position += frame.size
            else:
                break
        return MpegFrames(found - (promised is not None), promised, header.samples)


def skip_tags(content: bytes | mmap.mmap, position: int = 0) -> int:
    """Return the position behind the ID3v2 tags that begin at `position`."""
    while content[position : position + 3] == b"ID3" and len(content) >= position + 10:
        size = content[position + 6 : position + 10]  # 7 bits per byte
        position += 10 + sum((byte & 127) << shift for byte, shift in zip(size, (21, 14, 7, 0)))
    return position


def _header(content: mmap.mmap, position: int) -> _Header | None:
    """Parse a frame header; None if there is none, or if it does not tell the frame's size."""
    if len(content) < position + 4:
        return None
    (bits,) = struct.unpack_from(">I", content, position)
    version = bits >> 19 & 3  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    layer = 4 - (bits >> 17 & 3)
    kbps_index = bits >> 12 & 15
    rate_index = bits >> 10 & 3
    if bits >> 21 != 0x7FF or version == 1 or layer == 4 or rate_index == 3:
        return None
    if kbps_index not in range(1, 15):
        return None
    rate = RATES[rate_index] >> (3 - version if version else 2)
    kbps = KBPS[version == 3, layer][kbps_index - 1]
    padding = bits >> 9 & 1
    if layer == 1:
        return _Header(bits, (12000 * kbps // rate + padding) * 4, 384)
    samples = 576 if layer == 3 and version != 3 else 1152
    return _Header(bits, samples // 8 * 1000 * kbps // rate + padding, samples)


def _continues(content: mmap.mmap, position: int, header: _Header) -> bool:
    """Tell whether a frame is followed by one of the same stream, or by the end of the file."""
    end = position + header.size
    following = _header(content, end)
    if following is None:
        return end >= len(content) or content[end : end + 3] in (b"ID3", b"TAG", b"APE")
    return following.bits & SAME_STREAM == header.bits & SAME_STREAM


def _next_frame(content: mmap.mmap, position: int) -> int:
    """Return the first position from `position` on at which a stream of frames begins."""
    while (position := content.find(b"\xff", position)) >= 0:
        header = _header(content, position)
        if header is not None and _continues(content, position, header):
            return position
        position += 1
    return len(content)


def _promised(frame: bytes) -> int | None:
    """Read the number of frames from a file's first frame, if it states one."""
    for name in (b"Xing", b"Info"):
        place = frame.find(name, 4, 4 + MOST_SIDE_INFO + len(name))
        if place >= 0 and len(frame) >= place + 12:
            flags, frames = struct.unpack_from(">II", frame, place + 4)
            return (frames or None) if flags & 1 else None
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return struct.unpack_from(">I", frame, 50)[0] or None
    return None
