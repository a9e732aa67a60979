"""WaveRNN (Kalchbrenner et al. 2018): a recurrent network predicts one sample after another (paper,
figure 1 and section 1.1). It uses 8-bit mu-law, a GRU conditioned on the decoder's hidden features,
and a softmax over the 256 levels. One step of the GRU covers several samples, as in SampleRNN
(Mehri et al. 2017) and bunched LPCNet (Vipperla et al. 2020): within a step, every sample is
predicted from the state of the GRU and the preceding samples. Two ideas come from LPCNet (Valin and
Skoglund 2019): the network predicts how a sample differs from a linear prediction, and training
adds a little noise to the true past, to reduce exposure bias.
"""

import keras
import tensorflow as tf
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from pipeline.common.params import Params
from pipeline.common.units import HOP
from pipeline.dsp.interpolation import upsample_linear
from pipeline.dsp.mu_law import LEVELS, ZERO, companded, inverse_mu_law, to_levels
from pipeline.examples.schema import Statistics
from pipeline.models.conditioning import Conditioning, ConditioningConfig
from pipeline.models.gru import recurrence
from pipeline.models.networks import BuiltByCall
from pipeline.models.objective import Objective

BLOCK = 16  # levels per block in `draw`
# bias of the ridge's slope: training starts with about eight likely levels on each side of the last
# sample
BLUNT = -2.0


class WaveRnnConfig(Params):
    """Sizes of the network and of its training pieces; how to sample."""

    units: PositiveInt  # of the GRU
    step_samples: PositiveInt  # samples per step of the GRU, a divisor of 64
    past_samples: PositiveInt  # preceding samples in the input
    output_units: PositiveInt  # units of the layer between state and softmax
    pieces: PositiveInt  # pieces per training crop
    piece_frames: PositiveInt  # length of a piece in control frames
    input_noise: NonNegativeFloat  # largest error that training adds to the past, in levels
    temperature: PositiveFloat  # softmax temperature in sampling


def draw(logits: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Draw levels from a softmax by inverting its distribution function: [batch, levels], [batch]
    in [0, 1] -> [batch] int32.

    Finds a block of levels first, then a level in the block: a cumulative sum over all levels would
    take longer than the rest of a step.
    """
    blocks = tf.reshape(tf.nn.softmax(logits), [tf.shape(logits)[0], -1, BLOCK])
    cumulative = tf.cumsum(tf.reduce_sum(blocks, axis=2), axis=1)
    target = uniform * cumulative[:, -1]
    block = _first_above(cumulative, target)
    before = tf.gather(tf.pad(cumulative, [[0, 0], [1, 0]]), block, batch_dims=1)
    return block * BLOCK + _first_above(
        tf.cumsum(tf.gather(blocks, block, batch_dims=1), axis=1), target - before
    )


def _first_above(cumulative: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return the index of the first cumulative sum above a target: [batch, n], [batch] -> [batch].

    A target that rounding puts above the last sum gives the last index.
    """
    target = tf.minimum(target, cumulative[:, -1] * (1 - 1e-6))
    return tf.reduce_sum(tf.cast(cumulative <= target[:, None], tf.int32), axis=1)


def gru_step(state: tf.Tensor, given: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Take one step of `models.gru.recurrence`.

    Args:
        state: [batch, units]
        given: the inputs' contribution to the gates, [batch, 3 * units].
        kernel: [units, 3 * units]
        bias: [3 * units]

    Returns:
        The next state, [batch, units].
    """
    units = state.shape[-1]
    hidden = tf.matmul(state, kernel) + bias
    z, r = tf.split(tf.sigmoid(given[:, : 2 * units] + hidden[:, : 2 * units]), 2, axis=1)
    candidate = tf.tanh(given[:, 2 * units :] + r * hidden[:, 2 * units :])
    return candidate + z * (state - candidate)


def piece_starts(
    noise: tf.Tensor, pieces: int, first: int, frames: tf.Tensor, length: tf.Tensor
) -> tf.Tensor:
    """Choose where training pieces start, uniformly from `first` to frames - length.

    Args:
        noise: the batch's noise, uniform in [-1, 1], [batch, samples]; sample k places piece k.
        pieces: pieces per example.
        first: the first control frame at which a piece may start.
        frames: control frames per example.
        length: control frames per piece.

    Returns:
        First control frames of the pieces, [batch, pieces] int32.
    """
    choices = tf.maximum(frames - length - first + 1, 1)
    offset = (noise[:, :pieces] + 1) / 2 * tf.cast(choices, tf.float32)
    return tf.minimum(first, frames - length) + tf.minimum(tf.cast(offset, tf.int32), choices - 1)


class WaveRnn(BuiltByCall, keras.Model):
    """Resynthesizes autoregressively: `call` samples, `losses` uses teacher forcing."""

    def __init__(self, config: ConditioningConfig, own: WaveRnnConfig, statistics: Statistics):
        super().__init__(name="wavernn", autocast=False)
        self.own = own
        self.conditioning = Conditioning(config, statistics)
        self.gates_from_hidden = _dense(config.mlp_units, 3 * own.units, "gates_from_hidden")
        self.gates_from_past = _dense(own.past_samples, 3 * own.units, "gates_from_past")
        self.output_from_state = _dense(
            own.units, own.step_samples * own.output_units, "output_from_state"
        )
        self.output_from_past = _dense(own.past_samples, own.output_units, "output_from_past")
        self.to_logits = _dense(own.output_units, LEVELS, "to_logits")
        self.to_ridge = _dense(own.output_units, 2, "to_ridge")
        self.prediction = _dense(own.past_samples, 1, "linear_prediction")
        # the initial prediction is the last sample
        self.prediction.kernel.assign(tf.one_hot([0], own.past_samples, axis=0)[::-1])
        shape = (own.units, 3 * own.units)
        self.recurrent_kernel = self.add_weight(
            shape=shape, initializer="orthogonal", autocast=False, name="recurrent_kernel"
        )
        self.recurrent_bias = self.add_weight(
            shape=shape[1:], initializer="zeros", autocast=False, name="recurrent_bias"
        )

    def call(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Sample all clips in parallel: {audio: [batch, samples]}. The batch's noise, one number
        per sample, supplies the random draws.
        """
        gates = self.gates_from_hidden(self.conditioning(batch))
        uniform = tf.reshape(
            (batch["noise"] + 1) / 2, [tf.shape(gates)[0], -1, self.own.step_samples]
        )
        return {"audio": inverse_mu_law(self.sample(gates, tf.transpose(uniform, [1, 0, 2])))}

    def losses(self, batch: dict[str, tf.Tensor], loss: Objective, skip: int) -> tf.Tensor:
        """Return the cross-entropy of random pieces of each example in nats per sample: [batch].

        Pieces start after the first `skip` samples where the length allows it; `loss`, which weighs
        the spectral loss, is ignored.
        """
        hidden = self.conditioning(batch)
        frames = tf.shape(hidden)[1]
        length = tf.minimum(self.own.piece_frames, frames)
        starts = piece_starts(batch["noise"], self.own.pieces, -(-skip // HOP), frames, length)
        around = tf.minimum(starts[..., None] + tf.range(length + 1), frames - 1)
        audio = self._pieces(batch["audio"], starts, length)
        noise = self._pieces(batch["noise"], starts, length)
        levels = to_levels(audio)
        past = companded(levels) + noise * self.own.input_noise / (ZERO - 1)
        logits = self.teacher_forced(_flat(tf.gather(hidden, around, batch_dims=1)), past)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            levels[:, self.own.past_samples :], logits
        )
        return tf.reduce_mean(tf.reshape(entropy, [tf.shape(hidden)[0], -1]), axis=1)

    def teacher_forced(self, hidden: tf.Tensor, signal: tf.Tensor) -> tf.Tensor:
        """Compute the logits of every sample of a piece, given the samples before it.

        Args:
            hidden: [pieces, frames + 1, channels]; the last frame is only interpolated towards.
            signal: [pieces, past_samples + frames * 64] companded samples.

        Returns:
            [pieces, frames * 64, levels]
        """
        past = tf.signal.frame(signal[:, :-1], self.own.past_samples, 1)
        given = upsample_linear(self.gates_from_hidden(hidden), HOP // self.own.step_samples)
        gates = self.gates_from_past(past[:, :: self.own.step_samples])
        gates += given[:, : tf.shape(gates)[1]]
        states = recurrence(
            tf.transpose(gates, [1, 0, 2]), self.recurrent_kernel + 0.0, self.recurrent_bias + 0.0
        )
        from_state = self.output_from_state(tf.transpose(states, [1, 0, 2]))
        return self._logits(
            tf.reshape(from_state, [tf.shape(past)[0], -1, self.own.output_units]), past
        )

    # also called eagerly, where a step without a graph would take a tenth of a second
    @tf.function(reduce_retracing=True)
    def sample(self, gates: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """Draw one sample after another.

        Args:
            gates: the hidden features' contribution to the GRU's gates, [batch, frames, 3 * units];
                interpolated here, because it would be large at a higher rate.
            uniform: [steps, batch, step_samples] in [0, 1].

        Returns:
            Companded samples, [batch, samples].
        """
        size = tf.shape(gates)[0]
        steps = tf.shape(uniform)[0]
        gates = tf.transpose(gates, [1, 0, 2])
        slopes = tf.concat([gates[1:] - gates[:-1], tf.zeros_like(gates[:1])], axis=0)
        kernel = self.recurrent_kernel + 0.0
        bias = self.recurrent_bias + 0.0
        per_frame = HOP // self.own.step_samples

        def step(number, state, past, drawn):
            """Take one step of the GRU and draw the samples that it covers."""
            frame = number // per_frame
            position = tf.cast(number % per_frame, tf.float32) / per_frame
            given = gates[frame] + position * slopes[frame] + self.gates_from_past(past)
            state = gru_step(state, given, kernel, bias)
            past = self._draw_step(state, past, uniform[number])
            return number + 1, state, past, drawn.write(number, past[:, -self.own.step_samples :])

        start = (
            0,
            tf.zeros([size, self.own.units]),
            tf.zeros([size, self.own.past_samples]),
            tf.TensorArray(tf.float32, steps),
        )
        drawn = tf.while_loop(lambda number, *_: number < steps, step, start)[-1].stack()
        return tf.reshape(tf.transpose(drawn, [1, 0, 2]), [size, -1])

    def _draw_step(self, state: tf.Tensor, past: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """Draw the samples of one step of the GRU and shift them into the past, [batch,
        past_samples].
        """
        from_state = tf.split(self.output_from_state(state), self.own.step_samples, axis=1)
        for number, given in enumerate(from_state):
            level = draw(self._logits(given, past) / self.own.temperature, uniform[:, number])
            past = tf.concat([past[:, 1:], companded(level)[:, None]], axis=1)
        return past

    def _logits(self, from_state: tf.Tensor, past: tf.Tensor) -> tf.Tensor:
        """Compute the logits of samples: [..., output_units], [..., past_samples] -> [..., levels].

        They are the sum of a ridge around the linear prediction, which is learned quickly, and a
        free correction of every level.

        Args:
            from_state: the GRU's contribution to each sample.
            past: the samples before each sample.
        """
        features = tf.nn.relu(from_state + self.output_from_past(past))
        offset, slope = tf.split(self.to_ridge(features), 2, axis=-1)
        centre = ZERO + (ZERO - 1) * (self.prediction(past) + offset)
        distance = tf.abs(tf.range(LEVELS, dtype=tf.float32) - centre)
        return self.to_logits(features) - tf.nn.softplus(slope + BLUNT) * distance

    def _pieces(self, signal: tf.Tensor, starts: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        """Cut pieces with their past: [batch, samples] -> [batch * pieces, past_samples + length *
        64]. Silence precedes a signal.
        """
        padded = tf.pad(signal, [[0, 0], [self.own.past_samples, 0]])
        indices = starts[..., None] * HOP + tf.range(self.own.past_samples + length * HOP)
        return _flat(tf.gather(padded, indices, batch_dims=1))


def _dense(inputs: int, units: int, name: str) -> keras.layers.Dense:
    """Build a linear layer in float32 under any policy. Its weights are created here because a loop
    cannot create any.
    """
    layer = keras.layers.Dense(units, dtype="float32", name=name)
    layer.build((None, inputs))
    return layer


def _flat(pieces: tf.Tensor) -> tf.Tensor:
    """Merge the first two axes: [batch, pieces, ...] -> [batch * pieces, ...]."""
    return tf.reshape(pieces, tf.concat([[-1], tf.shape(pieces)[2:]], axis=0))
