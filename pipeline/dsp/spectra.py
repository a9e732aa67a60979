"""Short-time Fourier transforms, overlapping frames, and the adjoints of both."""

import tensorflow as tf


def stft(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Compute the STFT with a periodic Hann window, the end padded with zeros.

    Frame t begins at sample t * hop, as in `tf.signal.stft(pad_end=True)`.

    Args:
        audio: [batch, samples].
        size: length of window and transform, a multiple of `hop`.
        hop: samples between frames.

    Returns:
        [batch, ceil(samples / hop), size / 2 + 1], complex.
    """
    return tf.signal.rfft(overlapping_frames(audio, hop, size // hop) * tf.signal.hann_window(size))


def magnitude_gradient(
    upstream: tf.Tensor, spectrum: tf.Tensor, magnitude: tf.Tensor, hop: int, samples: tf.Tensor
) -> tf.Tensor:
    """Propagate a gradient with respect to the magnitudes |stft(x)| back to the audio x.

    d|S_k| / dx_n = Re(S_k / |S_k| e^(2 pi i k n / size)), which takes one inverse transform per
    frame with the inner bins counted once; TensorFlow's own gradient takes several. The gradient
    at magnitude 0 is 0.

    Args:
        upstream: [batch, frames, bins], gradient with respect to the magnitudes.
        spectrum: [batch, frames, bins], stft(x).
        magnitude: [batch, frames, bins], |stft(x)|.
        hop: samples between frames.
        samples: length of x.

    Returns:
        [batch, samples], gradient with respect to x.
    """
    size = 2 * (spectrum.shape[-1] - 1)
    interior = tf.concat([[1.0], tf.fill([size // 2 - 1], 0.5), [1.0]], 0) * size
    scale = tf.math.divide_no_nan(upstream, magnitude) * interior
    direction = spectrum * tf.cast(scale, spectrum.dtype)
    frames = tf.signal.irfft(direction) * tf.signal.hann_window(size)
    return overlap_add(frames, hop, size // hop)[:, :samples]


def overlapping_frames(audio: tf.Tensor, hop: int, overlap: int) -> tf.Tensor:
    """Cut audio into frames that begin at every hop, with zeros beyond the end.

    Args:
        audio: [batch, samples].
        hop: samples between frames.
        overlap: length of a frame, in hops.

    Returns:
        [batch, ceil(samples / hop), overlap * hop].
    """
    samples = audio.shape[1] or tf.shape(audio)[1]
    count = -(-samples // hop)
    padded = tf.pad(audio, [[0, 0], [0, (count + overlap - 1) * hop - samples]])
    hops = tf.reshape(padded, [tf.shape(audio)[0], count + overlap - 1, hop])
    return tf.concat([hops[:, part : part + count] for part in range(overlap)], axis=-1)


def overlap_add(frames: tf.Tensor, hop: int, overlap: int) -> tf.Tensor:
    """Add overlapping frames: the adjoint of `overlapping_frames`.

    Args:
        frames: [batch, frames, overlap * hop].
        hop: samples between frames.
        overlap: length of a frame, in hops.

    Returns:
        [batch, (frames + overlap - 1) * hop].
    """
    parts = tf.split(frames, overlap, axis=-1)
    shifted = [
        tf.pad(part, [[0, 0], [number, overlap - 1 - number], [0, 0]])
        for number, part in enumerate(parts)
    ]
    return tf.reshape(tf.add_n(shifted), [tf.shape(frames)[0], -1])


def centered_frames(audio: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Cut audio into frames centred on every hop, with zeros beyond both ends.

    Args:
        audio: [batch, samples].
        size: length of a frame.
        hop: samples between frames.

    Returns:
        [batch, ceil(samples / hop), size].
    """
    padded = tf.pad(audio, [[0, 0], [size // 2, size]])
    return tf.signal.frame(padded, size, hop)[:, : -(-tf.shape(audio)[-1] // hop)]


def centered_overlap_add(frames: tf.Tensor, hop: int, samples: tf.Tensor) -> tf.Tensor:
    """Add centred frames: the adjoint of `centered_frames`.

    Args:
        frames: [batch, frames, size]; size is a multiple of `hop`, at least two hops.
        hop: samples between frames.
        samples: length of the result.

    Returns:
        [batch, samples].
    """
    size = frames.shape[-1]
    return overlap_add(frames, hop, size // hop)[:, size // 2 : size // 2 + samples]
