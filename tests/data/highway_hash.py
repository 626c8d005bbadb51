"""HighwayHash-64 of whole packets, with the key of Riegeli: what lets a forged header pass.

Source: c/highwayhash.c of https://github.com/google/highwayhash; the key is that of
doc/riegeli_records_file_format.md of https://github.com/google/riegeli
"""

import struct

KEY = struct.unpack("<4Q", b"Riegeli/records\nRiegeli/records\n")
STARTS = (
    (0xDBE6D5D5FE4CCE2F, 0xA4093822299F31D0, 0x13198A2E03707344, 0x243F6A8885A308D3),
    (0x3BD39E10CB0EF593, 0xC0ACF169B5F18A8C, 0xBE5466CF34E90C6C, 0x452821E638D01377),
)
ORDERS = ((3, 12, 2, 5, 14, 1, 15, 0), (11, 4, 10, 13, 9, 6, 8, 7))
"""Bytes of two numbers that are added to the first of two, and to the second."""

BITS, HALF, ROUNDS = 64, 32, 4
WHOLE = (1 << BITS) - 1
LOW = (1 << HALF) - 1


def highway_hash(data):
    """Compute the hash of bytes, 32 or a multiple."""
    state = _start()
    for lanes in struct.iter_unpack("<4Q", data):
        _update(state, lanes)
    for _ in range(ROUNDS):
        first = state[0]
        _update(state, [_turned(first[lane]) for lane in (2, 3, 0, 1)])
    return sum(lanes[0] for lanes in state) & WHOLE


def _start():
    first = [start ^ key for start, key in zip(STARTS[0], KEY, strict=True)]
    second = [start ^ _turned(key) for start, key in zip(STARTS[1], KEY, strict=True)]
    return first, second, list(STARTS[0]), list(STARTS[1])


def _turned(number):
    """Swap the halves."""
    return (number << HALF | number >> HALF) & WHOLE


def _update(state, lanes):
    first, second, factors, others = state
    for lane in range(4):
        second[lane] = (second[lane] + factors[lane] + lanes[lane]) & WHOLE
        factors[lane] ^= (second[lane] & LOW) * (first[lane] >> HALF)
        first[lane] = (first[lane] + others[lane]) & WHOLE
        others[lane] ^= (first[lane] & LOW) * (second[lane] >> HALF)
    _mix(second, first)
    _mix(first, second)


def _mix(source, target):
    """Add the bytes of two numbers at a time, in another order."""
    for lane in (0, 2):
        data = struct.pack("<2Q", *source[lane : lane + 2])
        for more, order in enumerate(ORDERS):
            number = int.from_bytes(bytes(data[place] for place in order), "little")
            target[lane + more] = (target[lane + more] + number) & WHOLE
