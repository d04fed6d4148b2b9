"""Videos whose containers are wrong in their structure, out of sound ones, the same for a seed.

A mutator of bytes mostly breaks pictures. This one reads a container as its tree of boxes (MP4),
elements (Matroska, WebM), chunks (AVI) or packets (MPEG-TS), changes that, and writes it back with
sizes that are right but for those it lies about.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np

from tests.fuzz import seeded
from tests.video.clips import Coding, write

Rng = np.random.Generator
LIMITS = (0, 1, 2, 7, 8, 9, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass
class Node:
    """A box, element or chunk: bytes, or a head and further nodes; ``lie`` changes its size."""

    kind: bytes
    content: bytes = b""
    children: "list[Node] | None" = None
    lie: Callable[[int], int] = field(default=lambda size: size)


@dataclass(frozen=True)
class Format:
    """A container format.

    Attributes:
        suffix: Ending of its files.
        parse: Reads a file as nodes.
        size: Writes kind and size before the content of a node.
        order: ``>`` or ``<``, the order of bytes in its numbers.
        pad: Nodes begin at multiples of so many bytes.
    """

    suffix: str
    parse: Callable[[bytes], list[Node]]
    size: Callable[[bytes, int], bytes]
    order: str
    pad: int = 1

    def write(self, nodes: Sequence[Node]) -> bytes:
        parts = []
        for node in nodes:
            content = node.content + (self.write(node.children) if node.children else b"")
            parts.append(self.size(node.kind, node.lie(len(content))) + content)
            parts.append(bytes(-len(content) % self.pad))
        return b"".join(parts)


# ISO/IEC 14496-12: 32 bits of size, kind, content.
BOXES = frozenset(b"moov trak mdia minf stbl edts dinf mvex moof traf mfra udta".split())


def parse_mp4(content: bytes) -> list[Node]:
    nodes, place = [], 0
    while place + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        end = place + size if size >= 8 else len(content)
        inside = content[place + 8 : end]
        if kind in BOXES:
            nodes.append(Node(kind, children=parse_mp4(inside)))
        else:
            nodes.append(Node(kind, inside))
        place = end
    return nodes


def mp4_size(kind: bytes, size: int) -> bytes:
    return struct.pack(">I4s", (size + 8) % 2**32, kind)


# RFC 8794: kind and size are numbers of variable length, whose first byte tells the length.
ELEMENTS = frozenset(
    bytes.fromhex(kind)
    for kind in (
        *("1a45dfa3", "18538067", "1f43b675", "1654ae6b", "ae", "e0", "a0", "1c53bb6b", "bb"),
        *("b7", "114d9b74", "4dbb", "1549a966"),
    )
)


def parse_ebml(content: bytes) -> list[Node]:
    nodes, place = [], 0
    while place < len(content) and content[place]:
        kind = content[place : place + 9 - content[place].bit_length()]
        place += len(kind)
        if place >= len(content) or not content[place]:
            break
        length = 9 - content[place].bit_length()
        size = int.from_bytes(content[place : place + length], "big") - (1 << 7 * length)
        place += length
        end = len(content) if size == (1 << 7 * length) - 1 else place + size
        if kind in ELEMENTS:
            nodes.append(Node(kind, children=parse_ebml(content[place:end])))
        else:
            nodes.append(Node(kind, content[place:end]))
        place = end
    return nodes


def ebml_size(kind: bytes, size: int) -> bytes:
    return kind + ((1 << 56) + size % (1 << 56)).to_bytes(8, "big")  # all bits set: size unknown


# RIFF: kind, 32 bits of size, and in lists a second kind before further chunks.
def parse_riff(content: bytes) -> list[Node]:
    nodes, place = [], 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        inside = content[place + 8 : place + 8 + size]
        if kind in (b"RIFF", b"LIST"):
            nodes.append(Node(kind, inside[:4], parse_riff(inside[4:])))
        else:
            nodes.append(Node(kind, inside))
        place += 8 + size + size % 2
    return nodes


def riff_size(kind: bytes, size: int) -> bytes:
    return struct.pack("<4sI", kind, size % 2**32)


MP4 = Format(".mp4", parse_mp4, mp4_size, ">")
FORMATS = (
    MP4,
    Format(".webm", parse_ebml, ebml_size, ">"),
    Format(".avi", parse_riff, riff_size, "<", pad=2),
)


def lists_in(nodes: list[Node]) -> Iterator[list[Node]]:
    """Yield every list of nodes of a tree that is not empty."""
    if nodes:
        yield nodes
    for node in nodes:
        yield from lists_in(node.children or [])


def choose(nodes: list[Node], rng: Rng) -> tuple[list[Node], int]:
    """Return a list of the tree and a place in it; small lists near the root are as likely."""
    found = list(lists_in(nodes))
    chosen = found[rng.integers(len(found))]
    return chosen, int(rng.integers(len(chosen)))


def copied(node: Node) -> Node:
    """Return a copy that shares no list, so that no node can come to lie within itself."""
    children = None if node.children is None else [copied(child) for child in node.children]
    return replace(node, children=children)


def lie(nodes: list[Node], rng: Rng, _: Format) -> None:
    siblings, place = choose(nodes, rng)
    number, factor = int(rng.choice(LIMITS)), int(rng.choice([0, 1, 1, 2]))
    siblings[place].lie = lambda size: abs(size * factor + number * int(rng.choice([-1, 0, 1])))


def remove(nodes: list[Node], rng: Rng, _: Format) -> None:
    siblings, place = choose(nodes, rng)
    del siblings[place]


def repeat(nodes: list[Node], rng: Rng, _: Format) -> None:
    siblings, place = choose(nodes, rng)
    siblings[place:place] = [copied(siblings[place]) for _ in range(int(2 ** rng.uniform(0, 8)))]


def move(nodes: list[Node], rng: Rng, _: Format) -> None:
    """Put a node elsewhere in the tree."""
    siblings, place = choose(nodes, rng)
    node = siblings.pop(place)
    if nodes:
        others, there = choose(nodes, rng)
        others.insert(there, node)
    else:
        nodes.append(node)


def rename(nodes: list[Node], rng: Rng, _: Format) -> None:
    (siblings, place), (others, there) = choose(nodes, rng), choose(nodes, rng)
    siblings[place].kind = others[there].kind


def nest(nodes: list[Node], rng: Rng, _: Format) -> None:
    """Wrap a node in up to a hundred of its own kind."""
    siblings, place = choose(nodes, rng)
    node = siblings[place]
    for _depth in range(int(2 ** rng.uniform(1, 6.6))):
        node = Node(node.kind, b"", [node])
    siblings[place] = node


def write_numbers(nodes: list[Node], rng: Rng, how: Format) -> None:
    """Put limits of numbers, or random ones, into the content of a node, mostly at its head."""
    siblings, place = choose(nodes, rng)
    content = bytearray(siblings[place].content)
    for _ in range(int(rng.integers(1, 6))):
        width = int(rng.choice([1, 2, 4, 4, 4, 8]))
        reach = len(content) if rng.random() < 0.3 else min(len(content), 96)
        start = int(rng.integers(max(1, reach)))
        value = int(rng.choice(LIMITS)) if rng.random() < 0.7 else int(rng.integers(2**32))
        order = "big" if how.order == ">" else "little"
        written = (value % 2 ** (8 * width)).to_bytes(width, order)
        content[start : start + width] = written
    siblings[place].content = bytes(content)


COMMON = (lie, remove, repeat, move, rename, nest, write_numbers, write_numbers)


def named(nodes: list[Node], kind: bytes) -> list[Node]:
    return [node for siblings in lists_in(nodes) for node in siblings if node.kind == kind]


def edit(nodes: list[Node], rng: Rng, _: Format) -> None:
    """Give a track another edit list: durations, beginnings (-1: nothing shown) and rates."""
    count = int(2 ** rng.uniform(0, 12))
    entries = b"".join(
        struct.pack(
            ">IiI",
            int(rng.choice([0, 1, 40, 1000, 2**31, 2**32 - 1])),
            int(rng.choice([-1, -2, 0, 1, 512, 10**6, 2**31 - 1, -(2**31)])),
            int(rng.choice([0, 0x8000, 0x10000, 0x20000, 0xFFFF0000])),
        )
        for _ in range(count)
    )
    told = count if rng.random() < 0.7 else int(rng.choice(LIMITS))
    content = struct.pack(">II", 0, told) + entries
    for track in named(nodes, b"trak"):
        if track.children is not None:
            track.children.insert(1, Node(b"edts", children=[Node(b"elst", content)]))


def turn(nodes: list[Node], rng: Rng, _: Format) -> None:
    """Give a track a display matrix that no camera writes, and perhaps another size."""
    values = (0, 1, -1, 2**14, 2**16, -(2**16), 2**30, 2**31 - 1, -(2**31))
    for header in named(nodes, b"tkhd"):
        content = bytearray(header.content)
        content[40:76] = struct.pack(">9i", *(int(rng.choice(values)) for _ in range(9)))
        if rng.random() < 0.3:
            content[76:84] = struct.pack(">II", *(int(rng.choice(LIMITS)) for _ in range(2)))
        header.content = bytes(content)


TABLES = b"stsz stts ctts stsc stco stss trun tfhd tfdt trex sidx mvhd mdhd stsd".split()


def miscount(nodes: list[Node], rng: Rng, how: Format) -> None:
    """Write wrong numbers into the tables of samples, whole or in fragments."""
    tables = [node for kind in TABLES for node in named(nodes, kind)]
    if tables:
        write_numbers([tables[rng.integers(len(tables))]], rng, how)


def reindex(nodes: list[Node], rng: Rng, _: Format) -> None:
    """Let entries of an AVI file's index point anywhere."""
    for index in named(nodes, b"idx1"):
        entries = np.frombuffer(index.content[: len(index.content) // 16 * 16], "<u4").copy()
        for place in rng.integers(0, max(1, len(entries)), int(2 ** rng.uniform(0, 6))):
            entries[place : place + 1] = int(rng.choice([*LIMITS, int(rng.integers(2**32))]))
        index.content = entries.tobytes()


OWN = {".mp4": (edit, turn, miscount, miscount), ".avi": (reindex, reindex), ".webm": ()}


def in_packets(content: bytes, rng: Rng) -> bytes:
    """Change an MPEG transport stream, packet by packet (ISO/IEC 13818-1)."""
    packets = [bytearray(content[at : at + 188]) for at in range(0, len(content), 188)]
    for _ in range(int(2 ** rng.uniform(0, 7))):
        place, other = (int(rng.integers(len(packets))) for _ in range(2))
        packet = packets[place]
        match int(rng.integers(9)):
            case 0:
                del packets[place : place + int(2 ** rng.uniform(0, 5))]
            case 1:
                packets[place:place] = [packet] * int(2 ** rng.uniform(0, 5))
            case 2:
                packets[place], packets[other] = packets[other], packet
            case 3:  # another elementary stream
                packet[1:3] = packets[other][1:3]
            case 4:  # adaptation field: there or not, and of any length
                packet[3:5] = bytes([int(rng.choice([0x10, 0x20, 0x30])), int(rng.integers(256))])
            case 5:  # tables of programs, headers and times come first in a packet
                start = 4 + int(rng.integers(30))
                packet[start : start + 1] = bytes([int(rng.integers(256))])
            case 6:  # counters out of order, or marks of scrambling
                packet[3:4] = bytes([int(rng.integers(256))])
            case 7:  # out of step
                del packet[int(rng.integers(1, 188)) :]
            case _:
                tables = packets[: int(rng.integers(1, 4))]  # of a stream that comes later
                packets[place:place] = tables
        packets = packets or [packet]
    return b"".join(packets)


def containers(clip: Path, folder: Path) -> list[Path]:
    """Return a clip in every container, with its H.264 packets as they are where they fit."""
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    return [
        _copied(clip, folder / "plain.mp4", {}),
        _copied(clip, folder / "fragments.mp4", fragments),
        _copied(clip, folder / "clip.ts", {}),
        _encoded(clip, folder / "clip.avi", "mpeg4"),
        _encoded(clip, folder / "clip.webm", "libvpx"),
    ]


def _copied(clip: Path, path: Path, options: dict[str, str]) -> Path:
    with av.open(str(clip)) as source, av.open(str(path), "w", options=options) as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return path


def _encoded(clip: Path, path: Path, codec: str) -> Path:
    images = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in _decoded(clip)]
    quick = {"deadline": "realtime", "cpu-used": "8"} if codec == "libvpx" else {"qscale": "4"}
    write(path, images, Coding(codec, options=quick))
    return path


def _decoded(clip: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(clip)) as source:
        yield from source.decode(video=0)


def malformed(clips: Sequence[Path], count: int, seed: int | None) -> Iterator[tuple[str, bytes]]:
    """Yield ``count`` malformed videos with the ending of their name: one to three changes each.

    Args:
        clips: Sound videos, as ``containers`` makes them.
        count: Number of malformed videos.
        seed: As for ``seeded``.
    """
    rng = seeded(seed)
    formats = {form.suffix: form for form in FORMATS}
    for number in range(count):
        clip = clips[number % len(clips)]
        content = clip.read_bytes()
        if clip.suffix == ".ts":
            yield ".ts", in_packets(content, rng)
            continue
        form = formats[clip.suffix]
        nodes = form.parse(content)
        kinds = (*COMMON, *OWN[form.suffix])
        for _ in range(int(rng.integers(1, 4))):
            if nodes:
                kinds[rng.integers(len(kinds))](nodes, rng, form)
        yield form.suffix, form.write(nodes)
