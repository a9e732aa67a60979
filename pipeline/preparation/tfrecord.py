"""Write TFRecord files of tf.train.Example without TensorFlow.

The bytes are those that TensorFlow writes; the memory is a tenth. A record consists of the data's
length, the masked CRC-32C of the length, the data, and the masked CRC-32C of the data
(https://www.tensorflow.org/tutorials/load_data/tfrecord). The message is the public one of
tensorflow/core/example/example.proto.
"""

import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import google_crc32c
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from pipeline.common.files import atomic

FIELD = descriptor_pb2.FieldDescriptorProto


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Write a TFRecord file, whole or not at all."""
    with atomic(path) as temporary, open(temporary, "wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + _masked_crc(length) + record + _masked_crc(record))


def encode(texts: dict[str, str], arrays: dict[str, np.ndarray]) -> bytes:
    """Serialize a tf.train.Example deterministically.

    Args:
        texts: {feature: text}, stored as bytes features.
        arrays: {feature: one-dimensional float array}, stored as float features.
    """
    example = example_class()()
    for name, text in texts.items():
        example.features.feature[name].bytes_list.value.append(text.encode())
    for name, values in arrays.items():
        # a list is several times faster than an array
        example.features.feature[name].float_list.value.extend(values.tolist())
    return example.SerializeToString(deterministic=True)


@cache
def example_class() -> type:
    """Build the message class of tf.train.Example from its fields."""
    file = descriptor_pb2.FileDescriptorProto(
        name="pipeline/example.proto", package="pipeline", syntax="proto3"
    )
    _message(file, "BytesList", ("value", 1, FIELD.TYPE_BYTES, None, FIELD.LABEL_REPEATED))
    _message(file, "FloatList", ("value", 1, FIELD.TYPE_FLOAT, None, FIELD.LABEL_REPEATED))
    feature = _message(
        file,
        "Feature",
        ("bytes_list", 1, FIELD.TYPE_MESSAGE, "BytesList", FIELD.LABEL_OPTIONAL),
        ("float_list", 2, FIELD.TYPE_MESSAGE, "FloatList", FIELD.LABEL_OPTIONAL),
    )
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = _message(
        file,
        "Features",
        ("feature", 1, FIELD.TYPE_MESSAGE, "Features.FeatureEntry", FIELD.LABEL_REPEATED),
    )
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    _field(entry, "key", 1, FIELD.TYPE_STRING, None, FIELD.LABEL_OPTIONAL)
    _field(entry, "value", 2, FIELD.TYPE_MESSAGE, "Feature", FIELD.LABEL_OPTIONAL)
    _message(file, "Example", ("features", 1, FIELD.TYPE_MESSAGE, "Features", FIELD.LABEL_OPTIONAL))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pipeline.Example"))


def _message(
    file: descriptor_pb2.FileDescriptorProto, name: str, *fields: tuple
) -> descriptor_pb2.DescriptorProto:
    """Add a message with these fields to a file."""
    message = file.message_type.add(name=name)
    for field in fields:
        _field(message, *field)
    return message


def _field(
    message: descriptor_pb2.DescriptorProto,
    name: str,
    number: int,
    kind: int,
    type_name: str | None,
    label: int,
) -> None:
    """Add a field to a message; `type_name` names the message type of a message field."""
    qualified = type_name and f".pipeline.{type_name}"
    message.field.add(name=name, number=number, type=kind, label=label, type_name=qualified)


def _masked_crc(data: bytes) -> bytes:
    """Return the masked CRC-32C of the data as four bytes."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
