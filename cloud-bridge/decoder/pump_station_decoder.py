#!/usr/bin/env python3
"""Decoder of a pump station's messages, after docs/wire-format.md; Python 3.9 or later, nothing but its library.

    from pump_station_decoder import decode_message, readings, WireError

    schemas = {}                                # schema hash (16 hex digits) -> schema; filled by schema messages
    message = decode_message(payload, schemas)  # {"kind": "batch" | "schema" | "clock" | ... | "alarms", ...}
    if message["kind"] == "batch":
        for reading in readings(message, schemas):
            print(reading["ms"], reading["stream"], reading["channel"], reading["value"], reading["missing"])

On the command line: python3 pump_station_decoder.py FILE... [--csv]
A file holds one message (raw bytes), or a message a line: hex, base64, or JSON {"topic": ..., "payload": base64}.
"""

import base64
import csv
import datetime
import hashlib
import json
import re
import struct
import sys
import zlib
from decimal import Decimal

MESSAGE_BYTES_MAX = 64 * 1024
SAMPLES_MAX = 20_000
TIGHT_VALUES_MAX = 400_000
INFLATED_BYTES_MAX = 8 * 1024 * 1024
CHANNELS_MAX = 256
STATES_MAX = 256
DEPTH_MAX = 8
SAFE = 2**53 - 1

MISSING_REASONS = (
    None, "timeout", "nack", "checksum", "malformed", "refused", "port-absent", "device-off", "no-sensor",
    "implausible", "stale", "unchanged", "busy", "left-out", "calm", "too-few",
)


class WireError(Exception):
    """Why bytes were not taken. kind: truncated, checksum, version, malformed, schema-wanted (`hash` says which)."""

    def __init__(self, kind, message, hash=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hash = hash


def malformed(message):
    return WireError("malformed", message)


def decode_message(data, schemas):
    """What a message says, as a dict with its "kind". A schema message's schema is added to `schemas`.

    Times are whole ms on the batch's basis; a value is a float, or {"missing": reason} with "code" where the device
    gave one. Raises WireError.
    """
    data = bytes(data)
    if data[:1] == b"[":
        return {"kind": "alarms", "alarms": alarms_from(data)}
    version, items = open_envelope(data)
    if version == 1 and items and isinstance(items[0], str):
        message = ledger_from(items)
        if message["kind"] == "schema":
            schemas[message["hash"]] = message["schema"]
        return message
    return batch_from(version, items, schemas)


def readings(batch, schemas):
    """Each value of a decoded batch as one flat dict; "value" or "missing" is None."""
    boot = batch["basis"].get("bootId")
    for block in batch["blocks"]:
        channels = schemas[block["schemaHash"]]["channels"]
        names = [dict(map(tuple, channel.get("states") or ())) for channel in channels]
        for at, (ms, row) in enumerate(zip(block["times"], block["rows"])):
            for channel, states, value in zip(channels, names, row):
                gap = value if isinstance(value, dict) else None
                yield {
                    "epoch": batch["epoch"],
                    "stream": block["stream"],
                    "sequence": block["sequence"] + at,
                    "ms": ms,
                    "utc": utc_from(ms) if boot is None else None,
                    "boot": boot,
                    "channel": channel["name"],
                    "value": None if gap else value,
                    "unit": channel["unit"],
                    "state": None if gap else states.get(value),
                    "missing": gap["missing"] if gap else None,
                    "code": gap.get("code") if gap else None,
                }


def utc_from(ms):
    """ISO 8601 with ms; None beyond the year 9999."""
    try:
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    except OverflowError:
        return None
    return at.isoformat(timespec="milliseconds") + "Z"


# Envelope ------------------------------------------------------------------------------------------------------------

def open_envelope(data):
    """(version, the items between version and check)."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise malformed(f"open: {len(data)} bytes, at most {MESSAGE_BYTES_MAX}")
    if not data:
        raise WireError("truncated", "open: no bytes")
    if not 0x80 <= data[0] <= 0x98:
        raise malformed("open: not an array")
    at = 2 if data[0] == 0x98 else 1
    if at >= len(data):
        raise WireError("truncated", "open: ends before the version")
    if data[at] not in (1, 2, 3):
        raise WireError("version", f"open: version {data[at]}, known is 1, 2, 3")
    items = cbor_from(data)
    if data[-5] != 0x44 or len(items) < 2:
        raise malformed("open: no check at the end")
    if int.from_bytes(data[-4:], "big") != crc32c(data[:-5]):
        raise WireError("checksum", "open: the check is another")
    return items[0], items[1:-1]


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def cbor_from(data):
    """One item, and nothing after it."""
    item, end = cbor_item(data, 0, 0)
    if end != len(data):
        raise malformed(f"decode: {len(data) - end} bytes after the end")
    return item


def cbor_item(data, at, depth):
    """(item, where it ends)"""
    if at >= len(data):
        raise WireError("truncated", f"decode: ends at byte {at}")
    head = data[at]
    major, info = head >> 5, head & 0x1F
    if major == 7:
        if head in (0xF4, 0xF5, 0xF6):
            return {0xF4: False, 0xF5: True, 0xF6: None}[head], at + 1
        if head == 0xFB:
            return cbor_float(data, at)
    if major > 4 or info > 27:
        raise malformed(f"decode: 0x{head:02x} at byte {at} is not used here")
    number, end = cbor_number(data, at, info)
    if major == 0:
        return number, end
    if major == 1:
        return -1 - number, end
    # Each item of an array takes a byte at least.
    if number > len(data) - end:
        raise WireError("truncated", f"decode: ends within byte {at}'s item")
    if major == 4:
        return cbor_array(data, number, end, depth)
    content = data[end:end + number]
    if major == 2:
        return content, end + number
    try:
        return content.decode("utf-8"), end + number
    except UnicodeDecodeError:
        raise malformed(f"decode: the text at byte {at} is not UTF-8") from None


def cbor_array(data, count, at, depth):
    if depth == DEPTH_MAX:
        raise malformed(f"decode: nested deeper than {DEPTH_MAX} at byte {at}")
    items = []
    for _ in range(count):
        item, at = cbor_item(data, at, depth + 1)
        items.append(item)
    return items, at


def cbor_number(data, at, info):
    if info < 24:
        return info, at + 1
    end = at + 1 + (1 << info - 24)
    if end > len(data):
        raise WireError("truncated", f"decode: ends within byte {at}'s item")
    number = int.from_bytes(data[at + 1:end], "big")
    if number < (24, 1 << 8, 1 << 16, 1 << 32)[info - 24]:
        raise malformed(f"decode: the head at byte {at} is longer than it has to be")
    return number, end


def cbor_float(data, at):
    if at + 9 > len(data):
        raise WireError("truncated", f"decode: ends within byte {at}'s item")
    (number,) = struct.unpack_from(">d", data, at + 1)
    if number - number != 0:
        raise malformed(f"decode: the float at byte {at} is no number")
    return number, at + 9


# Shapes --------------------------------------------------------------------------------------------------------------

def whole(item, what, low=-SAFE, high=SAFE):
    if type(item) is int and low <= item <= high:
        return item
    raise malformed(f"decode {what}: not a whole number from {low} to {high}")


def array(item, what, length=None):
    if isinstance(item, list) and length in (None, len(item)):
        return item
    raise malformed(f"decode {what}: not an array" + ("" if length is None else f" of {length}"))


def octets(item, what, length=None):
    if isinstance(item, bytes) and length in (None, len(item)):
        return item
    raise malformed(f"decode {what}: not bytes" + ("" if length is None else f", {length} of them"))


def hex16(item, what):
    return octets(item, what, 8).hex()


def text(item, what, shortest=0):
    if isinstance(item, str) and item != "__proto__" and not re.search("[\x00-\x1f\x7f-\x9f\ufffd]", item):
        if shortest <= len(item.encode("utf-16-le")) // 2 <= 64:
            return item
    raise malformed(f"decode {what}: not a text of {shortest} to 64 plain characters")


def name(item, what):
    return text(item, what, 1)


def boot_id(item):
    if isinstance(item, str):
        return name(item, "boot id")
    digits = octets(item, "boot id", 16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


# Batch ---------------------------------------------------------------------------------------------------------------

def batch_from(version, items, schemas):
    epoch, basis, t0, blocks = array(items, "batch", 4)
    epoch = hex16(epoch, "epoch")
    basis = {"kind": "wall"} if type(basis) is int and basis == 0 else {"kind": "boot", "bootId": boot_id(basis)}
    t0 = whole(t0, "t0", 0)
    heads = [head_from(block, t0) for block in array(blocks, "blocks")]
    samples = sum(head["samples"] for head in heads)
    if samples > SAMPLES_MAX:
        raise malformed(f"decode batch: {samples} samples")
    for head in heads:
        if head["schemaHash"] not in schemas:
            message = f"batch: schema {head['schemaHash']} is not known"
            raise WireError("schema-wanted", message, head["schemaHash"])
        head["channels"] = schemas[head["schemaHash"]]["channels"]
    values = sum(head["samples"] * len(head["channels"]) for head in heads)
    if version > 1 and values > TIGHT_VALUES_MAX:
        raise malformed(f"decode batch: {values} values")
    decoded, left = [], INFLATED_BYTES_MAX
    for head in heads:
        if version > 1:
            jitter, columns = tight_body(head["body"], head["samples"], len(head["channels"]), version == 3)
        else:
            inflated = inflate(head["body"], left)
            left -= len(inflated)
            jitter, columns = open_body(cbor_from(inflated), head["samples"], len(head["channels"]))
        decoded.append(block_from(head, jitter, columns))
    return {"kind": "batch", "epoch": epoch, "basis": basis, "blocks": decoded}


def head_from(block, t0):
    stream, schema, sequence, dt, n, period, body = array(block, "block", 7)
    return {
        "stream": name(stream, "stream"),
        "schemaHash": hex16(schema, "schema hash"),
        "sequence": whole(sequence, "sequence", 1, SAFE - SAMPLES_MAX),
        "first": whole(t0 + whole(dt, "dt", 0), "time", 0),
        "samples": whole(n, "n", 1, SAMPLES_MAX),
        "period": whole(period, "period"),
        "body": octets(body, "body"),
    }


def block_from(head, jitter, columns):
    """`jitter`: n - 1 numbers; `columns`: (cells, numbers of the present samples) per channel."""
    times = [head["first"]]
    for late in jitter:
        times.append(whole(times[-1] + head["period"] + late, "time", 0))
    filled = [
        column_values(cells, numbers, decimal_from(channel["resolution"]))
        for channel, (cells, numbers) in zip(head["channels"], columns)
    ]
    rows = [list(row) for row in zip(*filled)] if filled else [[] for _ in times]
    return {key: head[key] for key in ("stream", "schemaHash", "sequence")} | {"times": times, "rows": rows}


def column_values(cells, numbers, resolution):
    numerator, denominator = resolution
    following = iter(numbers)
    # A quotient of whole numbers is rounded once, to the nearest double (Python's reference, "/" of integers).
    return [quotient(next(following) * numerator, denominator) if cell == 0 else missing(cell) for cell in cells]


def quotient(numerator, denominator):
    try:
        return numerator / denominator
    except OverflowError:
        return float("inf") if numerator > 0 else float("-inf")


def decimal_from(resolution):
    """(m, 10^e) of resolution = m / 10^e, from its shortest decimal form."""
    _, digits, exponent = Decimal(repr(resolution)).as_tuple()
    mantissa = int("".join(map(str, digits)))
    return (mantissa * 10**exponent, 1) if exponent >= 0 else (mantissa, 10**-exponent)


def missing(cell):
    reason = cell if cell < 256 else cell >> 8
    if not 0 < reason < len(MISSING_REASONS):
        raise malformed(f"decode gap: no reason has the number {cell}")
    return {"missing": MISSING_REASONS[reason]} | ({} if cell < 256 else {"code": cell & 0xFF})


# Open body -----------------------------------------------------------------------------------------------------------

def inflate(body, bytes_max):
    inflater = zlib.decompressobj(-15)
    try:
        # One byte more than may come out tells the full from the overfull.
        inflated = inflater.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise malformed(f"inflate a body: {error}") from None
    if len(inflated) > bytes_max or not inflater.eof:
        raise malformed("inflate a body: it is too large or cut off")
    return inflated


def open_body(item, samples, channels):
    jitter, gaps, *columns = array(item, "body", 2 + channels)
    if jitter == 0 and type(jitter) is int:
        jitter = [0] * (samples - 1)
    jitter = [whole(late, "jitter") for late in array(jitter, "jitter", samples - 1)]
    if gaps == 0 and type(gaps) is int:
        gaps = [0] * channels
    gaps = array(gaps, "gaps", channels)
    return jitter, [open_column(cells, deltas, samples) for cells, deltas in zip(gaps, columns)]


def open_column(cells, deltas, samples):
    if cells == 0 and type(cells) is int:
        cells = [0] * samples
    cells = [whole(cell, "gap", 0, 0xFFFF) for cell in array(cells, "gaps", samples)]
    k, numbers = 0, []
    for delta in array(deltas, "column", cells.count(0)):
        k = whole(k + whole(delta, "difference", -(2**64), 2**64), "value")
        numbers.append(k)
    return cells, numbers


# Tight body ----------------------------------------------------------------------------------------------------------

def tight_body(body, samples, channels, knows_trends):
    coder = RangeDecoder(body)
    columns, gaps = Columns(coder, knows_trends), Gaps(coder, samples)
    jitter = columns.column(samples - 1) if coder.coin({}, 0) else [0] * (samples - 1)
    decoded = []
    for _ in range(channels):
        cells = gaps.channel()
        decoded.append((cells, columns.column(cells.count(0))))
    coder.end()
    return jitter, decoded


class RangeDecoder:
    def __init__(self, body):
        self.body, self.at = body, 4
        self.code = int.from_bytes(body[:4].ljust(4, b"\0"), "big")
        self.range = 2**31 - 1
        if self.code >= self.range:
            raise malformed("decode body: no beginning")

    def renew(self):
        while self.range < 1 << 23:
            self.range <<= 8
            self.code = self.code << 8 | (self.body[self.at] if self.at < len(self.body) else 0)
            self.at += 1

    def bit(self, ones):
        bound = (self.range >> 16) * ones
        if self.code < bound:
            bit, self.range = 1, bound
        else:
            bit, self.code, self.range = 0, self.code - bound, self.range - bound
        if self.range < 1 << 23:
            self.renew()
        return bit

    def raw(self, count):
        self.range >>= count
        value = self.code // self.range
        if value >> count:
            raise malformed("decode body: beyond its range")
        self.code -= value * self.range
        self.renew()
        return value

    def bits(self, count):
        result = 0
        while count > 0:
            some = min(16, count)
            result, count = result << some | self.raw(some), count - some
        return result

    def end(self):
        if self.at < len(self.body):
            raise malformed("decode body: bytes after the end")

    def coin(self, slots, at):
        """Slots are (ones, count) by their number; one that isn't there yet is fresh."""
        slot = slots.get(at, (32768, 0))
        bit = self.bit(slot[0])
        slots[at] = learnt(slot, bit)
        return bit

    def mix(self, one, one_at, other, other_at, expected):
        first = one.get(one_at) or (expected, 10)
        second = other.get(other_at) or (expected, 10)
        bit = self.bit(first[0] + second[0] >> 1)
        one[one_at], other[other_at] = learnt(first, bit), learnt(second, bit)
        return bit


RATES = [327680 // (10 * count + 16) for count in range(251)]


def learnt(slot, bit):
    ones, count = slot
    ones = ones + ((65536 - ones) * RATES[count] >> 15) if bit else ones - (ones * RATES[count] >> 15)
    return ones, min(250, count + 1)


class Gaps:
    def __init__(self, coder, samples):
        self.coder, self.slots, self.above = coder, {}, [0] * samples

    def channel(self):
        """n cells: 0 = present, else reason, or reason * 256 + code"""
        coder, slots = self.coder, self.slots
        cells = [0] * len(self.above)
        if coder.coin(slots, 0):
            likely, before, last = 1, 0, 0
            for at, above in enumerate(self.above):
                is_missing = coder.coin(slots, 8 + 4 * before + 2 * last + (above != 0))
                before, last = last, is_missing
                if is_missing:
                    likely = cells[at] = self.cell(above or likely)
        self.above = cells
        return cells

    def cell(self, likely):
        coder, slots = self.coder, self.slots
        if coder.coin(slots, 1):
            return likely
        has_code = coder.coin(slots, 2)
        reason = coder.raw(8)
        if reason == 0:
            raise malformed("decode body: missing for no reason")
        return reason << 8 | coder.raw(8) if has_code else reason


def safe(value):
    if -SAFE <= value <= SAFE:
        return value
    raise malformed("decode body: a value beyond 2^53")


class Columns:
    def __init__(self, coder, knows_trends):
        self.coder, self.knows_trends = coder, knows_trends
        self.number_slots, self.form_slots, self.rank_slots, self.trend_slots = {}, {}, {}, {}
        self.shared_lengths, self.shared_rests = {}, {}

    def unsigned(self):
        length = self.coder.raw(6 if self.coder.coin(self.number_slots, 0) else 4)
        if length > 53:
            raise malformed(f"decode body: a number of {length} bits")
        return length if length < 2 else (1 << length - 1) + self.coder.bits(length - 1)

    def signed(self):
        size = self.unsigned()
        return -size if size and self.coder.coin(self.number_slots, 1) else size

    def column(self, count):
        coin, slots = self.coder.coin, self.form_slots
        if count == 0:
            return []
        if count == 1:
            return [self.signed()]
        if not coin(slots, 0):
            return [self.signed()] * count
        if not coin(slots, 1):
            return self.distances(self.signed(), count)
        if not coin(slots, 2):
            first, step = self.signed(), self.unsigned() + 2
            return [safe(first + safe(s * step)) for s in self.distances(0, count)]
        table, by_rhythm = self.ranks()
        first = self.coder.raw(5)
        ranks = self.rhythm(first, count) if by_rhythm else self.distances(first, count)
        if min(ranks) < 0 or max(ranks) >= len(table):
            raise malformed("decode body: a rank without a value")
        return [table[rank] for rank in ranks]

    def ranks(self):
        coin, slots = self.coder.coin, self.rank_slots
        size = self.coder.raw(5) + 2
        by_rhythm = size == 33
        if by_rhythm:
            size = self.coder.raw(5) + 2
        table = [self.signed()]
        gap, other, same = self.unsigned() + 1, 1, 1
        for i in range(1, size):
            if i > 1:
                same = coin(slots, 1 - same)
                if not same:
                    gap, other = (other if coin(slots, 2) else self.unsigned() + 1), gap
            table.append(safe(table[-1] + gap))
        return table, by_rhythm

    def rhythm(self, first, count):
        coin, slots = self.coder.coin, {}
        ranks, known = [first], {}
        for i in range(1, count):
            before = (ranks[i - 1], ranks[max(0, i - 2)], ranks[max(0, i - 3)])
            followed, trust = known.get(before, (ranks[i - 1], 4))
            if coin(slots, trust):
                rank, trust = followed, 0 if trust == 4 else min(3, trust + 1)
            else:
                p = 1
                for _ in range(5):
                    p = 2 * p + coin(slots, 32 + p)
                rank, trust = p - 32, 0
            ranks.append(rank)
            known[before] = rank, trust
        return ranks

    def distances(self, first, count):
        coder, mix = self.coder, self.coder.mix
        lengths, rests = {}, {}
        has_trends = self.knows_trends and coder.coin(self.trend_slots, 0) == 1
        values, predictors, h = [first], Predictors(has_trends), 512
        for n in range(1, count):
            offset = predictors.offset
            step = offset + 128 >> 8
            part = offset - 256 * step
            v = h + 38
            b = v.bit_length() - 1
            q = 4 * b + (v >> b - 2 & 3) - 16
            length = 0
            while length < 31:
                f = 6 * abs(part) >> 8 if length < 2 else 0
                d = distance_class(q, length)
                shared = 49 * (4 * min(length, 3) + f) + d
                if not mix(lengths, 31 * (q >> 3) + length, self.shared_lengths, shared, LONGER[min(length, 2)][d] << 8):
                    break
                length += 1
            if length == 31:
                u, value = 1 << 20, self.signed()
            else:
                u = length if length < 2 else self.rest(rests, length, distance_class(q, length))
                r = (u + 1) // 2 if u & 1 else -(u // 2)
                value = safe(values[-1] + step + (-r if part <= 0 else r))
            g = 256 * min(u, 1 << 20) - h
            h += g >> 1 if n < 4 else 3 * g >> 4
            predictors.learn(value - values[-1])
            values.append(value)
        return values

    def rest(self, rests, length, d):
        expected = 256 * min(124, max(40, 7 * d - 44))
        prefix, left = 1, length - 1
        while left > (0 if length <= 4 else length - 3):
            shared = 49 * (8 * min(length, 4) + prefix) + d
            prefix = 2 * prefix + self.coder.mix(rests, 8 * length + prefix, self.shared_rests, shared, expected)
            left -= 1
        if left > 16:
            prefix, left = prefix << left - 16 | self.coder.raw(left - 16), 16
        return prefix << left | self.coder.raw(left) if left > 0 else prefix


def distance_class(q, length):
    return min(40, max(-8, q - 4 * length)) + 8


class Predictors:
    GAINS = (None, 2, 4, 16, 64)
    TRENDS = ((1, 16), (2, 8), (8, 64))

    def __init__(self, has_trends):
        self.has_trends = has_trends
        self.begin()

    def begin(self):
        trends = len(self.TRENDS) if self.has_trends else 0
        self.p, self.errors = [0] * (6 + trends), [256] * 5 + [768] * (1 + trends)
        self.levels, self.slopes = [0] * trends, [0] * trends
        self.offset, self.n = 0, 1

    def learn(self, distance):
        if abs(distance) >= 1 << 28:
            self.begin()
            return
        self.n += 1
        m = 256 * distance
        for k, p in enumerate(self.p):
            self.errors[k] += abs(m - p) - self.errors[k] >> 4
            if 1 <= k <= 4:
                self.p[k] = p + (m - p) // min(self.GAINS[k], self.n) - m
        self.p[5] = m
        for trend in range(len(self.levels)):
            self.p[6 + trend] = self.trend(trend, 65536 * distance)
        self.offset = self.p[self.errors.index(min(self.errors))]

    def trend(self, trend, moved):
        changes, (g, h) = self.n - 1, self.TRENDS[trend]
        guess = self.levels[trend] + self.slopes[trend]
        off = moved - guess
        self.levels[trend] = guess + off // min(g, changes) - moved
        self.slopes[trend] += off // min(h, 1 + changes * changes // 4)
        return self.levels[trend] + self.slopes[trend] >> 8


LONGER = (
    (
        4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 9, 19, 26, 32,
        38, 45, 54, 62, 75, 92, 112, 128, 140, 154, 162, 171, 186, 198, 208, 214,
        220, 226, 230, 234, 238, 241, 243, 245, 246, 248, 249, 250, 251, 252, 252, 253, 254,
    ),
    (
        130, 130, 130, 130, 130, 130, 130, 130, 128, 126, 124, 124, 124, 122, 120, 116,
        115, 118, 125, 132, 139, 146, 155, 168, 184, 195, 204, 212, 219, 224, 229, 233,
        237, 240, 242, 244, 246, 247, 248, 249, 250, 251, 252, 253, 253, 254, 254, 255, 255,
    ),
    (
        160, 130, 100, 90, 80, 70, 60, 52, 46, 40, 36, 34, 32, 31, 31, 35,
        43, 51, 62, 76, 96, 121, 142, 157, 172, 186, 196, 205, 214, 221, 226, 231,
        235, 238, 240, 242, 244, 246, 247, 248, 249, 250, 251, 252, 253, 253, 254, 254, 255,
    ),
)


# Schema and ledger messages ------------------------------------------------------------------------------------------

def schema_hash(schema):
    """The first 8 bytes of SHA-256 over [stream, channels] as CBOR, as hex."""
    channels = [
        [one["name"], one["kind"], one["unit"], one["resolution"], one.get("states")] for one in schema["channels"]
    ]
    return hashlib.sha256(cbor_bytes([schema["stream"], channels])).hexdigest()[:16]


def cbor_bytes(item):
    """None, text, numbers and arrays; a float that is whole is written as an integer."""
    if item is None:
        return b"\xf6"
    if isinstance(item, str):
        encoded = item.encode("utf-8")
        return cbor_head(3, len(encoded)) + encoded
    if isinstance(item, (list, tuple)):
        return cbor_head(4, len(item)) + b"".join(map(cbor_bytes, item))
    if -SAFE <= item <= SAFE and item == int(item):
        return cbor_head(0, int(item)) if item >= 0 else cbor_head(1, -1 - int(item))
    return b"\xfb" + struct.pack(">d", item)


def cbor_head(major, number):
    if number < 24:
        return bytes((major << 5 | number,))
    size = next(size for size in range(4) if number < 1 << (8 << size))
    return bytes((major << 5 | 24 + size,)) + number.to_bytes(1 << size, "big")


def ledger_from(items):
    kind, *rest = items
    if kind == "schema":
        schema = schema_from(rest)
        return {"kind": kind, "hash": schema_hash(schema), "schema": schema}
    if kind == "epoch-closed":
        epoch, counts = array(rest, kind, 2)
        return {"kind": kind, "epoch": hex16(epoch, "epoch"), "counts": [count_from(one) for one in array(counts, kind)]}
    if kind == "dropped":
        dropped, reason = array(rest, kind, 2)
        if reason not in ("full", "unconfirmed", "corrupt"):
            raise malformed("decode reason: not full, unconfirmed or corrupt")
        return {"kind": kind, "dropped": ranges_from(dropped), "reason": reason}
    if kind == "clock":
        boot, offset, *earlier = array(rest, kind, 3 if len(rest) == 3 else 2)
        clock = {"kind": kind, "bootId": boot_id(boot), "offsetMs": whole(offset, "offset")}
        return clock | {"earlierMs": whole(one, "earlier by", 0) for one in earlier}
    if kind in ("receipt", "ranges-wanted"):
        key = "stored" if kind == "receipt" else "wanted"
        return {"kind": kind, key: ranges_from(array(rest, kind, 1)[0])}
    if kind == "schema-wanted":
        return {"kind": kind, "hashes": [hex16(one, kind) for one in array(array(rest, kind, 1)[0], kind)]}
    raise malformed("decode ledger message: unknown kind")


def schema_from(items):
    stream, channels = array(items, "schema", 2)
    if len(array(channels, "channels")) > CHANNELS_MAX:
        raise malformed(f"decode schema: {len(channels)} channels")
    return {"stream": name(stream, "stream"), "channels": [channel_from(one) for one in channels]}


def channel_from(item):
    title, kind, unit, resolution, states = array(item, "channel", 5)
    if type(resolution) not in (int, float) or not resolution > 0 or type(resolution) is int and resolution > SAFE:
        raise malformed("decode channel: its resolution is no number above 0")
    if kind not in ("gauge", "counter", "state"):
        raise malformed("decode channel's kind: not one of gauge, counter, state")
    channel = {"name": name(title, "name"), "kind": kind, "unit": text(unit, "unit"), "resolution": resolution}
    if states is not None:
        if len(array(states, "states")) > STATES_MAX:
            raise malformed(f"decode channel: {len(states)} states")
        pairs = [array(state, "state", 2) for state in states]
        channel["states"] = [[whole(number, "state"), name(state, "state's name")] for number, state in pairs]
    return channel


def count_from(item):
    stream, last = array(item, "count", 2)
    return {"stream": name(stream, "stream"), "last": whole(last, "last", 0)}


def ranges_from(item):
    decoded = []
    for entry in array(item, "ranges"):
        epoch, stream, bounds = array(entry, "stream's ranges", 3)
        if len(array(bounds, "bounds")) % 2:
            raise malformed("decode bounds: a range without an end")
        lowest, ranges = 1, []
        for first, last in zip(bounds[::2], bounds[1::2]):
            whole(first, "first", lowest)
            ranges.append({"first": first, "last": whole(last, "last", first)})
            lowest = last + 1
        decoded.append({"epoch": hex16(epoch, "epoch"), "stream": name(stream, "stream"), "ranges": ranges})
    return decoded


def alarms_from(data):
    if len(data) > MESSAGE_BYTES_MAX:
        raise malformed(f"decode alarms: {len(data)} bytes")
    try:
        alarms = json.loads(data.decode("utf-8"), parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise malformed("decode alarms: no JSON in UTF-8") from None
    if not all(isinstance(alarm, dict) for alarm in alarms):
        raise malformed("decode alarms: not an array of objects")
    return alarms


def no_constant(word):
    raise ValueError(f"{word} is no JSON")


# Command line --------------------------------------------------------------------------------------------------------

def messages_in(data):
    """(line or None, bytes) of each message in a file; bytes is a WireError where a line holds none."""
    if data[:1] == b"[" or (data and 0x80 <= data[0] <= 0x98):
        yield None, data
        return
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield number, message_of(line.strip().decode("ascii"))
            except (ValueError, KeyError, TypeError, AttributeError):
                yield number, malformed("no hex, no base64, no JSON with a payload in base64")


def message_of(line):
    if line.startswith("{"):
        return base64.b64decode(json.loads(line)["payload"], validate=True)
    try:
        return bytes.fromhex(line)
    except ValueError:
        return base64.b64decode(line, validate=True)


COLUMNS = ("epoch", "stream", "sequence", "ms", "utc", "boot", "channel", "value", "unit", "state", "missing", "code")


def main(arguments):
    paths = [argument for argument in arguments if not argument.startswith("-")]
    options = [argument for argument in arguments if argument.startswith("-")]
    if not paths or options not in ([], ["--csv"]):
        print("usage: python3 pump_station_decoder.py FILE... [--csv]", file=sys.stderr)
        return 64
    found, failed = [], 0
    for path in paths:
        try:
            with open(path, "rb") as file:
                found += [(path if line is None else f"{path}:{line}", data) for line, data in messages_in(file.read())]
        except OSError as error:
            print(f"{path}: {error.strerror}", file=sys.stderr)
            failed = 1
    schemas = {}
    for _, data in found:
        learn(data, schemas)
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n") if options else None
    if writer:
        writer.writeheader()
    for place, data in found:
        try:
            if isinstance(data, WireError):
                raise data
            write(decode_message(data, schemas), schemas, writer)
        except WireError as error:
            print(f"{place}: {error.kind}: {error.message}", file=sys.stderr)
            failed = 1
    return failed


def learn(data, schemas):
    """A schema may come after the batches that need it."""
    if isinstance(data, bytes) and data[2:9] == b"\x66schema":
        try:
            decode_message(data, schemas)
        except WireError:
            pass  # said when its turn comes


def write(message, schemas, writer):
    if writer is None:
        print(json.dumps(message, ensure_ascii=False))
    elif message["kind"] == "batch":
        for reading in readings(message, schemas):
            writer.writerow(dict(reading, value=plain(reading["value"])))


def plain(value):
    """20417 rather than 20417.0"""
    return int(value) if value is not None and value.is_integer() and abs(value) <= SAFE else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
