"""Read the pickles of CIFAR's archives without executing anything that stands in them.

A pickle names functions to call, and ``pickle.load`` calls them. This one knows five names, those of NumPy's
arrays, and has an inert stand-in for each: a dictionary of lists, texts, numbers and arrays of bytes comes out, or
nothing (https://docs.python.org/3/library/pickle.html#restricting-globals).
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import ndarray

BYTE_TYPES = ("u1", "|u1", "uint8")
# They make a table as long as the number that follows, which needs no entry before it.
MEMORISING = ("BINPUT", "LONG_BINPUT", "PUT")
# Ten times those of CIFAR-100's largest file: a label and a file name have a few each.
MAX_OPERATIONS = 5_000_000
RECALLING = ("BINGET", "LONG_BINGET", "GET")


class PickleError(Exception):
    """The pickle is broken, or holds what CIFAR's have not."""


class ArrayOfBytes:
    """Stands for an array of ``uint8``; :meth:`to_numpy` makes it one."""

    shape: tuple[int, ...] = ()
    content: bytes = b""
    order = "C"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """``numpy.ndarray.__setstate__``: version, shape, type, Fortran order, bytes."""
        _, shape, dtype, fortran, content = state
        self.fill(shape, dtype, "F" if fortran else "C", content)

    def fill(self, shape: Any, dtype: Any, order: str, content: Any) -> None:
        if not isinstance(dtype, ByteType) or not isinstance(content, bytes | bytearray):
            raise PickleError("an array of something else than bytes")
        self.shape, self.order, self.content = tuple(shape), order, bytes(content)

    def to_numpy(self) -> ndarray[Any, Any]:
        """The array. Raises ValueError where shape and content do not fit."""
        import numpy as np

        return np.frombuffer(self.content, np.uint8).reshape(self.shape, order="F" if self.order == "F" else "C")


class ByteType:
    """Stands for ``numpy.dtype("u1")``."""

    def __init__(self, name: Any, *_: Any) -> None:
        if _text(name) not in BYTE_TYPES:
            raise PickleError(f"an array of {_text(name)}")

    def __setstate__(self, state: object) -> None:
        """Byte order and alignment: nothing to know of bytes."""


def load(content: bytes) -> Any:
    """What the pickle holds; texts of Python 2 are bytes.

    Raises:
        PickleError: it is broken, or holds what has no place in CIFAR's.
    """
    try:
        _check_operations(content)
        return _Reader(io.BytesIO(content), encoding="bytes").load()
    except PickleError:
        raise
    # A damaged pickle fails in any of these ways; each comes from the bytes, none from us.
    except (pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, ImportError) as error:
        raise PickleError(str(error) or type(error).__name__) from None
    except (LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise PickleError(str(error) or type(error).__name__) from None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = KNOWN.get((module.replace("numpy._core", "numpy.core"), name))
        if known is None:
            raise PickleError(f"it asks for {module}.{name}, which no CIFAR archive needs")
        return known


def _check_operations(content: bytes) -> None:
    """Refuse what takes memory or time out of all proportion, before anything is made of the pickle.

    A tuple that holds another one twice, which holds another one twice and so on, has a hash that takes for ever
    when it is used as a key. CIFAR's pickles use no tuple a second time.
    """
    tuples: set[int] = set()
    kept = 0
    before = ""
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if count > MAX_OPERATIONS:
            raise PickleError("more parts than CIFAR's have")
        name = operation.name
        if name in (*MEMORISING, "MEMOIZE"):
            place = int(argument or 0) if name in MEMORISING else kept
            kept += 1
            if place > kept:  # one after the other, from 0 or, in Python 2, from 1
                raise PickleError("a table longer than its entries")
            tuples.discard(place)
            if before.startswith("TUPLE"):
                tuples.add(place)
        if name == "DUP" or (name in RECALLING and int(argument or 0) in tuples):
            raise PickleError("a tuple that is used twice")
        before = name


def _reconstruct(*_: Any) -> ArrayOfBytes:
    """``numpy.core.multiarray._reconstruct(ndarray, (0,), "b")``: an empty array whose state follows."""
    return ArrayOfBytes()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: str) -> ArrayOfBytes:
    """``numpy.core.numeric._frombuffer``, which pickles of protocol 5 have in its place."""
    array = ArrayOfBytes()
    array.fill(shape, dtype, order, content)
    return array


def _encode(text: str, encoding: str) -> bytes:
    """``_codecs.encode``: how Python 3 writes bytes in pickles that Python 2 could read."""
    if encoding != "latin1":
        raise PickleError(f"bytes in {encoding!r}")
    return text.encode("latin1")


def _text(name: Any) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): ArrayOfBytes,
    ("numpy", "dtype"): ByteType,
    ("_codecs", "encode"): _encode,
}
