"""Whether all sound in a file was read: what its header promises, and streams joined to it.

libsndfile reads a file that ends too early without an error, stops at the end of a file's first
stream, and states a guess where a header gives no length.
"""

import os
import re
from typing import BinaryIO

import soundfile

from pipeline.audio.mpeg import MpegFrames, skip_tags

# libsndfile's log of a file that ends before its header's length. The size of the whole file (RIFF,
# FORM) is ignored: many writers get it wrong and the size of the samples right.
SHORTER = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE
)
# "data chunk seems to be truncated" is left out: it says that samples end within a block, as GSM's
# do whose chunk is padded to an even size
CUT_OFF = re.compile(
    r"lacks an end-of-stream bit|(?:file|File|Seems) (?:seems )?to be (?:a )?truncated"
    r"|does not match value from 'ds64'"
)
UNKNOWN_LENGTH = 2**62  # libsndfile's frame count exceeds this if the header gives none
# sizes that programs write where they cannot go back to enter the right one, as in a pipe, and how
# far below them a size may be: headers are subtracted, and incomplete blocks
PLACEHOLDERS = (0x7F000000, 0x7FFFF000, 0x80000000, 0xFFFFFFFF)
PLACEHOLDER_SLACK = 256
MPEG_SLACK = 2  # frames; encoders count the one that holds the length, or not
MPEG_CUT = 4 * 1152  # samples; a decoder removes the encoder's delay and padding
MARKS = {  # how a file begins, by its first four bytes
    b"RIFF": re.compile(rb"RIFF.{4}WAVE", re.DOTALL),
    b"RF64": re.compile(rb"RF64.{4}WAVEds64", re.DOTALL),
    b"riff": re.compile(rb"riff\x2e\x91\xcf\x11", re.DOTALL),
    b"FORM": re.compile(rb"FORM.{4}(?:AIF[FC]|8SVX|16SV)", re.DOTALL),
    b".snd": re.compile(rb"\.snd\0\0.{6}\0\0\0", re.DOTALL),
    b"caff": re.compile(rb"caff\0[\1\2]\0\0desc", re.DOTALL),
    b"fLaC": re.compile(rb"fLaC[\0\x80]\0\0\x22", re.DOTALL),
    b"OggS": re.compile(rb"OggS\0\x02\0{8}", re.DOTALL),
}
LONGEST_MARK = 20  # bytes
BLOCK = 2**20  # bytes
JOINED = "is several files joined end to end, and only the first would be read; separate them"


class BadAudio(Exception):
    """A recording is unusable; the message is the reason, in one line and without the path."""


def check_single(raw: BinaryIO, mpeg: MpegFrames | None) -> None:
    """Check that a file holds one stream; leave its position at its start.

    Several Ogg streams side by side, which begin before any other page, count as one.

    Args:
        raw: the file.
        mpeg: its MPEG frames, if it has any.
    """
    if mpeg is not None:
        joined = mpeg.promised is not None and mpeg.found > mpeg.promised + MPEG_SLACK
    else:
        joined = _begins_again(raw)
    raw.seek(0)
    if joined:
        raise BadAudio(JOINED)


def _begins_again(raw: BinaryIO) -> bool:
    start = skip_tags(raw.read(10))
    raw.seek(start)
    kind = raw.read(4)
    mark = MARKS.get(kind)
    if mark is None:
        return False
    raw.seek(start + _first_pages(raw, start) if kind == b"OggS" else start + 4)
    kept = b""
    while block := raw.read(BLOCK):
        kept += block
        place = kept.find(kind)
        while place >= 0:
            if mark.match(kept, place):
                return True
            place = kept.find(kind, place + 1)
        kept = kept[-LONGEST_MARK:]
    return False


def _first_pages(raw: BinaryIO, start: int) -> int:
    """Return the size of the pages at the start of an Ogg file that begin its streams."""
    size = 0
    while True:
        raw.seek(start + size)
        head = raw.read(27)  # of a page; its last byte is the number of segments
        if len(head) < 27 or not MARKS[b"OggS"].match(head):
            return size
        size += len(head) + head[26] + sum(raw.read(head[26]))


def check_length(
    file: soundfile.SoundFile, frames: int, raw: BinaryIO, mpeg: MpegFrames | None
) -> None:
    """Check that a file was read whole.

    Args:
        file: the file, after reading.
        frames: how many samples of each channel were read.
        raw: the same file's bytes; its position is where libsndfile stopped.
        mpeg: its MPEG frames, if it has any.
    """
    if not frames:
        unread = os.fstat(raw.fileno()).st_size - os.lseek(raw.fileno(), 0, os.SEEK_CUR)
        raise BadAudio(_empty(unread))
    if file.format == "MP3":
        if mpeg is not None:
            _check_mpeg(mpeg, frames)
        return  # a frame count of libsndfile's may be a guess
    sizes = SHORTER.search(file.extra_info)
    if sizes and int(sizes[1]) > int(sizes[2]) and not _is_placeholder(int(sizes[1])):
        raise BadAudio(f"is truncated: {sizes[2]} of {sizes[1]} bytes of samples came")
    if CUT_OFF.search(file.extra_info):
        raise BadAudio("is truncated: its end is missing")
    if frames < file.frames < UNKNOWN_LENGTH:
        raise BadAudio(f"is truncated: {frames} of {file.frames} samples came")


def _empty(unread: int) -> str:
    if unread <= 0:
        return "holds no samples"
    return (
        f"holds no samples by its header, but {unread} bytes follow, as a program writes it that "
        "was stopped or wrote to a pipe; convert it to FLAC with ffmpeg"
    )


def _is_placeholder(size: int) -> bool:
    return any(place - PLACEHOLDER_SLACK <= size <= place + 8 for place in PLACEHOLDERS)


def _check_mpeg(mpeg: MpegFrames, frames: int) -> None:
    if mpeg.promised is not None and mpeg.found < mpeg.promised - MPEG_SLACK:
        raise BadAudio(f"is truncated: {mpeg.found} of {mpeg.promised} MPEG frames came")
    if frames + MPEG_CUT < mpeg.found * mpeg.samples:
        if mpeg.promised is None:
            raise BadAudio(
                "is an MP3 without a length in its header, which cannot be read whole; convert it "
                "to FLAC with ffmpeg"
            )
        raise BadAudio(f"is damaged: {frames} of {mpeg.found * mpeg.samples} samples came")
