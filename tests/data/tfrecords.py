"""TFRecord files framed by hand, with a CRC-32C of their own."""

import struct

POLYNOMIAL = 0x82F63B78
"""Castagnoli's, its bits reversed. Source: RFC 3720, 12.1."""


def shifted(crc):
    """Shift a byte out bit by bit, as the definition has it."""
    for _ in range(8):
        crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc


OF_BYTES = [shifted(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ OF_BYTES[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def framed(records):
    made = bytearray()
    for record in records:
        length = struct.pack("<Q", len(record))
        made += length + struct.pack("<I", masked(length))
        made += record + struct.pack("<I", masked(record))
    return bytes(made)
