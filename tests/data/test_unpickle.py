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
        (b"\x80\x02Nr" + struct.pack("<I", 1 << 31) + b".", "a table longer than its entries"),
        (b"hello", "something is missing in it"),
        (b"]]K\x01.", "something is left over"),
        (b"](K\x01.", "something is left over"),
        (b"K\x01]a.", "two parts of it do not fit"),
        (b"\x80\x02}K\x01K\x02s.", "a table whose keys are not texts"),
        (b"I1\nI1\nR.", "a call of something else than a function"),
        (b"L" + b"1" * 5000 + b"L\n.", "Exceeds the limit"),
        (b"F1.5\n.", "the operation FLOAT, which no CIFAR archive needs"),
        (b"\xff.", "opcode"),
        (b"\x80\x09N.", "protocol 9, which no pickle has"),
    ],
)
def test_what_cifar_has_not_is_refused(content, said):
    with pytest.raises(PickleError, match=said):
        load(content)


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", [tuple, list])
def test_what_holds_another_twice_has_no_end_and_is_refused(protocol, kind):
    nested = kind("ab")
    for _ in range(60):
        nested = kind((nested, nested))
    with pytest.raises(PickleError, match="that is used twice"):
        load(pickle.dumps([nested], protocol))
    with pytest.raises(PickleError, match="the operation DUP"):
        load(b"\x80\x02}(I1\nt" + b"2\x86" * 60 + b"K\x01s.")


def test_a_list_that_holds_itself_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(PickleError, match="that is used twice"):
        load(pickle.dumps(endless, 2))


@pytest.mark.parametrize("name", [[["u1"]], ("u1",), {}, 7, None, PIXELS])
def test_the_name_of_a_type_is_a_text(name):
    with pytest.raises(PickleError, match=r"an array of (list|tuple|dict|int|NoneType|ArrayOfBytes)$"):
        load(pickle.dumps(Call(np.dtype, name), 2))


def test_nesting_does_not_end_in_ours():
    deep = b"\x80\x02" + b"(" * 400_000 + b"l" * 400_000 + b"."
    assert type(load(deep)) is list
    with pytest.raises(PickleError, match="more parts than CIFAR's have"):
        load(b"(" * 2_000_000 + b".")


def test_a_long_text_is_not_made_bytes_again_and_again():
    text = b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20) + b"q\x00"
    again = b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR"
    with pytest.raises(PickleError, match="a long text that is used twice"):
        load(b"\x80\x02(" + text + again * 10_000 + b"l.")


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(%btU\x01btR"
STATE = b"(K\x01(%btcnumpy\ndtype\n(U\x02u1tR%b\x89U\x02abtb."
PLAIN = b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def test_an_array_is_read_as_python_2_wrote_it():
    array = load(b"\x80\x02" + ARRAY % b"K\x00" + STATE % (b"K\x02", PLAIN))
    assert array.to_numpy().tolist() == [97, 98]


@pytest.mark.parametrize(
    ("start", "shape", "dtype", "said"),
    [
        (b"L999999999999L\n", b"K\x02", PLAIN, "not begun as an empty one"),
        (b"K\x00", b"K\x01", PLAIN, "an array of 2 bytes whose shape has another number of them"),
        (b"K\x00", b"J\xff\xff\xff\xffJ\xfe\xff\xff\xff", PLAIN, "whose shape is not a list of numbers"),
        (b"K\x00", (b"\x8a\xff" + b"\x7f" * 255) * 150_000, PLAIN, "whose shape is not that of pictures"),
        (b"K\x00", b"\x8a\xff" + b"\x7f" * 255, PLAIN, "whose shape is not that of pictures"),
        (b"K\x00", b"](K\x02e", PLAIN, "whose shape is not a list of numbers"),
        (b"K\x00", b"K\x02", PLAIN.replace(b"N", b"U\x01O"), "something else than bytes"),
        (b"K\x00", b"K\x02", PLAIN.replace(b"K\x00", b"K\xff"), "something else than bytes"),
    ],
)
def test_what_would_be_another_array_to_numpy_is_refused(start, shape, dtype, said):
    """The frameworks' loaders give to ``pickle`` what passes here."""
    with pytest.raises(PickleError, match=said):
        load(b"\x80\x02" + ARRAY % start + STATE % (shape, dtype))


def test_nothing_of_ours_can_be_changed():
    with pytest.raises(PickleError, match="two parts of it do not fit"):
        load(b"\x80\x02c_codecs\nencode\nN}U\x0c__defaults__Ns\x86b.")


def test_a_reason_quotes_only_a_little_of_the_pickle():
    with pytest.raises(PickleError) as caught:
        load(b"c" + b"m" * 1_000_000 + b"\nname\n.")
    assert len(str(caught.value)) <= 200


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
