"""Suffixes of audio and video files, including formats that libsndfile cannot read.

A recording in such a format is then rejected by name instead of being overlooked.
"""

import soundfile

READABLE = {name.lower() for name in soundfile.available_formats()}
# fmt: off
ALIASES = {  # of formats that libsndfile reads
    "16sv", "8svx", "aif", "aifc", "bw64", "bwf", "iff", "mp1", "mp2", "mpga", "oga", "opus", "sf",
    "snd", "sph", "wave",
}
CODED = {
    "aa", "aa3", "aac", "aax", "ac3", "ac4", "adp", "adts", "adx", "alac", "amr", "ape", "at3",
    "awb", "dff", "dsf", "dss", "dts", "dtshd", "eac3", "ec3", "evc", "gsm", "loas", "m4a", "m4b",
    "m4p", "m4r", "mka", "mlp", "mogg", "mpa", "mpc", "mpp", "ofr", "ofs", "oma", "qcp", "ra",
    "rka", "shn", "silk", "spx", "tak", "thd", "tta", "vox", "vqf", "weba", "wma", "wv", "wvc",
    "xwma",
}
WITHOUT_HEADER = {"al", "alaw", "g722", "g723", "g726", "g729", "lpcm", "pcm", "raw", "ul", "ulaw"}
VIDEO = {  # which may hold a recording's sound
    "3g2", "3ga", "3gp", "3gpp", "3gpp2", "asf", "avi", "divx", "f4a", "f4v", "flv", "m1v", "m2t",
    "m2ts", "m2v", "m4v", "mk3d", "mkv", "mov", "movie", "mp4", "mpe", "mpeg", "mpg", "mts", "mxf",
    "nut", "ogm", "ogv", "ogx", "qt", "rm", "rmvb", "ts", "vob", "webm", "wm", "wmv", "wtv",
}
# fmt: on
SUFFIXES = READABLE | ALIASES | CODED | WITHOUT_HEADER | VIDEO
