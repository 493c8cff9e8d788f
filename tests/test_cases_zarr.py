"""Chunks of an OME-Zarr image that unpack to far more than their samples are refused before they are unpacked."""

import bz2
import gzip
import lzma
import tracemalloc
import zlib

import numpy as np
import pytest
from zarr_example import write_zarr

from inspect_tool.errors import ReadError
from inspect_tool.images import readers
from inspect_tool.images.readers._unpacked import unpacked_size

pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

PIXELS = np.random.default_rng(3).integers(0, 256, (40, 48)).astype(np.uint8)
BOMB = 1 << 28  # bytes that every bomb unpacks to


def streamed(size):
    """A frame of zstd without its size, of blocks that repeat one byte, as RFC 8878 has it."""
    blocks = size >> 17
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00\x38")
    for i in range(blocks):
        frame += ((1 << 17) << 3 | 1 << 1 | (i == blocks - 1)).to_bytes(3, "little") + b"\0"
    return bytes(frame)


BOMBS = {
    "zstd": lambda zeros: numcodecs.Zstd().encode(zeros),
    "zstd without its size": lambda zeros: streamed(len(zeros)),
    "lz4": lambda zeros: numcodecs.LZ4().encode(zeros),
    "blosc": lambda zeros: numcodecs.Blosc().encode(zeros),
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "lzma": lzma.compress,
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_size_is_told_without_unpacking(name):
    codec, limit = name.split()[0], 1 << 20
    bomb = BOMBS[name](bytes(1 << 25))
    tracemalloc.start()
    found = unpacked_size(codec, bomb, limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == 1 << 25 if codec in ("zstd", "lz4", "blosc") else found == limit + 1
    assert peak < 1 << 24  # half of it; lzma alone keeps a dictionary of 8 MiB


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_791, 65_792, 70_000, 300_000])
@pytest.mark.parametrize("codec", ["zstd", "lz4", "blosc", "zlib", "gzip", "bz2", "lzma"])
def test_an_honest_chunk_has_its_size(codec, size):
    data = np.random.default_rng(size).integers(0, 4, size).astype(np.uint8).tobytes()
    if size or codec != "blosc":
        assert unpacked_size(codec, BOMBS[codec](data), 1 << 20) == size


def test_a_streamed_frame_counts_as_what_zstd_makes_of_it():
    assert len(numcodecs.Zstd().decode(streamed(1 << 20))) == unpacked_size("zstd", streamed(1 << 20), 1) == 1 << 20


@pytest.mark.parametrize("name", ["zstd", "zstd without its size"])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_chunk_that_unpacks_to_far_more_than_its_samples_is_one_line(tmp_path, name, version):
    import zarr

    codec = zarr.codecs.ZstdCodec() if version == "0.5" else numcodecs.Zstd()
    write_zarr(tmp_path / "a.zarr", PIXELS, version=version, compressors=codec)
    np.testing.assert_array_equal(readers.read(tmp_path / "a.zarr").pixels, PIXELS)
    chunk = tmp_path / "a.zarr" / "0" / ("c/1/1" if version == "0.5" else "1.1")
    chunk.write_bytes(BOMBS[name](bytes(BOMB)))
    with pytest.raises(ReadError, match=r"chunk 0/\S+1 unpacks to \d+ bytes or more, its samples are 256") as found:
        readers.read(tmp_path / "a.zarr")
    assert "\n" not in str(found.value)


def test_a_chunk_in_a_shard_is_looked_at_too(tmp_path):
    write_zarr(tmp_path / "a.zarr", PIXELS, chunks=(10, 12), shards=(20, 24))
    np.testing.assert_array_equal(readers.read(tmp_path / "a.zarr").pixels, PIXELS)
    shard = tmp_path / "a.zarr" / "0" / "c" / "0" / "0"
    held, bomb = bytearray(shard.read_bytes()), streamed(BOMB)
    index = np.frombuffer(bytes(held[-68:-4]), "<u8").copy()
    index[:2], index[2:] = (0, len(bomb)), 2**64 - 1  # the others are empty
    shard.write_bytes(bomb + index.tobytes() + bytes(held[-4:]))
    with pytest.raises(ReadError, match=r"chunk 0/c/0/0 unpacks to 268435456 bytes or more"):
        readers.read(tmp_path / "a.zarr")


def test_chunks_packed_twice_are_refused(tmp_path):
    import zarr

    both = (zarr.codecs.GzipCodec(), zarr.codecs.ZstdCodec())
    write_zarr(tmp_path / "a.zarr", PIXELS, compressors=both)
    with pytest.raises(ReadError, match=r"packed more than once .gzip, zstd.; write them with one codec"):
        readers.read(tmp_path / "a.zarr")
