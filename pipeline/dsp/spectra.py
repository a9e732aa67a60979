"""Spectra: short-time Fourier transforms, overlapping frames and their adjoints, magnitudes for
the loss.
"""

import tensorflow as tf


def stft(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """STFT with a periodic Hann window, the end padded with zeros: [batch, samples] -> [batch,
    frames, size / 2 + 1] complex.

    Frame t begins at sample t * hop, as in `tf.signal.stft(pad_end=True)`; `size` is a multiple of
    `hop`.
    """
    return tf.signal.rfft(overlapping_frames(audio, hop, size // hop) * tf.signal.hann_window(size))


def magnitude_gradient(
    slope: tf.Tensor, spectrum: tf.Tensor, magnitude: tf.Tensor, hop: int, samples: tf.Tensor
) -> tf.Tensor:
    """From the slope of a value in the magnitudes |stft(x)| to its slope in x: 3 x [batch, frames,
    bins] -> [batch, samples].

    d|S_k| / dx_n = Re(S_k / |S_k| e^(2 pi i k n / size)): one inverse transform per frame, its
    inner bins counted once. TensorFlow's own gradient takes several. At magnitude 0 it is 0.
    """
    size = 2 * (spectrum.shape[-1] - 1)
    interior = tf.concat([[1.0], tf.fill([size // 2 - 1], 0.5), [1.0]], 0) * size
    direction = spectrum * tf.cast(
        tf.math.divide_no_nan(slope, magnitude) * interior, spectrum.dtype
    )
    return overlap_add(tf.signal.irfft(direction) * tf.signal.hann_window(size), hop, size // hop)[
        :, :samples
    ]


def overlapping_frames(audio: tf.Tensor, hop: int, overlap: int) -> tf.Tensor:
    """Frames of overlap * hop samples at every hop, zeros beyond the end: [batch, samples] ->
    [batch, ceil(samples / hop), overlap * hop].
    """
    samples = audio.shape[1] or tf.shape(audio)[1]
    count = -(-samples // hop)
    padded = tf.pad(audio, [[0, 0], [0, (count + overlap - 1) * hop - samples]])
    hops = tf.reshape(padded, [tf.shape(audio)[0], count + overlap - 1, hop])
    return tf.concat([hops[:, part : part + count] for part in range(overlap)], axis=-1)


def overlap_add(frames: tf.Tensor, hop: int, overlap: int) -> tf.Tensor:
    """The adjoint of `overlapping_frames`: [batch, frames, overlap * hop] -> [batch, (frames +
    overlap - 1) * hop].
    """
    parts = tf.split(frames, overlap, axis=-1)
    shifted = [
        tf.pad(part, [[0, 0], [number, overlap - 1 - number], [0, 0]])
        for number, part in enumerate(parts)
    ]
    return tf.reshape(tf.add_n(shifted), [tf.shape(frames)[0], -1])


def centered_frames(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Frames centred on every hop: [batch, samples] -> [batch, ceil(samples / hop), size], zeros
    beyond the ends.
    """
    padded = tf.pad(audio, [[0, 0], [size // 2, size]])
    return tf.signal.frame(padded, size, hop)[:, : -(-tf.shape(audio)[-1] // hop)]


def centered_overlap_add(frames: tf.Tensor, hop: int, samples: tf.Tensor) -> tf.Tensor:
    """The adjoint of `centered_frames`: [batch, frames, size] -> [batch, samples]; `size` is a
    multiple of `hop`, at least two.
    """
    size = frames.shape[-1]
    return overlap_add(frames, hop, size // hop)[:, size // 2 : size // 2 + samples]
