import os
import pickle
import struct

import numpy as np
import pytest

from tests.data.cifar_archives import pickled
from tfpt_tui.data.unpickle import PickleError, load

PIXELS = np.arange(60, dtype=np.uint8).reshape(3, 20)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_arrays_of_bytes_are_read_from_every_protocol(protocol):
    found = load(pickle.dumps({b"data": PIXELS, b"labels": [1, 2, 3]}, protocol))
    assert found[b"labels"] == [1, 2, 3]
    np.testing.assert_array_equal(found[b"data"].to_numpy(), PIXELS)


def test_what_python_2_wrote_is_read():
    found = load(pickled({b"names": [b"a", b"b" * 300], b"data": PIXELS}))
    assert found[b"names"] == [b"a", b"b" * 300]
    np.testing.assert_array_equal(found[b"data"].to_numpy(), PIXELS)


def test_columns_first_are_the_same_pixels():
    found = load(pickle.dumps(np.asfortranarray(PIXELS), 2))
    np.testing.assert_array_equal(found.to_numpy(), PIXELS)


class Call:
    """Pickles as a call of a function, which is how pickles execute things."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("function", [os.system, eval, exec, os.remove, getattr, __import__])
def test_nothing_is_called(tmp_path, protocol, function):
    target = tmp_path / "target"
    target.write_text("precious")
    evil = pickle.dumps({b"data": PIXELS, b"x": Call(function, f"rm {target}")}, protocol)
    with pytest.raises(PickleError, match="which no CIFAR archive needs"):
        load(evil)
    assert target.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps(np.array([1.5])), "an array of f8"),
        (pickle.dumps(np.array([{}], dtype=object)), "an array of O8"),
        (pickle.dumps(Call(np.dtype, "O")), "an array of O"),
        (pickle.dumps(print), "it asks for builtins.print"),
        (b"\x80\x02}q\x00(U\x04data", "expected 4 bytes|exhausted|remain"),
        (b"", "pickle exhausted"),
        (b"\x80\x02" + b"r" + struct.pack("<I", 1 << 31) + b".", "a table longer than its entries"),
        (b"hello", "pickle exhausted"),
        (b"\xff.", "opcode"),
    ],
)
def test_what_cifar_has_not_is_refused(content, said):
    with pytest.raises(PickleError, match=said):
        load(content)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_tuples_within_tuples_do_not_keep_us_busy_for_ever(protocol):
    nested: tuple = ()
    for _ in range(60):
        nested = (nested, nested)
    with pytest.raises(PickleError, match="a tuple that is used twice"):
        load(pickle.dumps([nested], protocol))
    twice = b"(I1\nt" + b"2\x86" * 60  # DUP, TUPLE2
    with pytest.raises(PickleError, match="a tuple that is used twice"):
        load(b"\x80\x02}" + twice + b"K\x01s.")


def test_every_damage_is_refused_or_harmless():
    """Whatever a byte is changed to, no other exception gets out."""
    whole = pickled({b"data": PIXELS, b"fine_labels": [1, 2, 3], b"filenames": [b"a", b"b"]})
    random = np.random.default_rng(25)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(random.integers(1, 4)):
            damaged[random.integers(len(whole))] = random.integers(256)
        try:
            load(bytes(damaged))
        except PickleError:
            refused += 1
    assert refused > 500
