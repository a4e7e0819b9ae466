"""Read the pickles of CIFAR's archives without executing anything that stands in them.

A pickle is a program: it calls functions by their names, and unfolds what it mentions once as often as it likes.
So it is not given to ``pickle``, which runs everything (https://docs.python.org/3/library/pickle.html). The few
operations that such a file needs are done here, on stand-ins for NumPy's arrays, and every other one is refused:
what comes out is a tree of lists, tables, texts and numbers, with arrays of bytes, no larger than the pickle. What
is accepted means the same to ``pickle`` itself, to which the frameworks' loaders give it.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTE_TYPES = ("u1", "|u1", "uint8", b"u1", b"|u1", b"uint8")
# NumPy's type of a byte: no part, no names, no fields; size and alignment as usual, and no flags.
BYTE_TYPE_STATES = [(order, None, None, None, -1, -1, 0) for order in ("|", b"|")]
# CIFAR-100's largest file has a third of them in the wordiest protocol.
MAX_OPERATIONS = 1_000_000
MAX_RECALLED = 256  # the length of a text that may be used again: long ones would add up
MAX_SIDES = 4  # of an array: CIFAR's have two
MAX_PROTOCOL = 5  # that there is (PEP 574)
MISFIT = "it is broken: two parts of it do not fit"
MAX_SAID = 200  # characters of a reason: it may quote the pickle

VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
NDARRAY = object()  # stands for the class numpy.ndarray, which is named and never called


Kind = TypeVar("Kind")


class PickleError(Exception):
    """The pickle is broken, or holds what CIFAR's have not."""


class ByteType:
    """Stands for ``numpy.dtype("u1")``."""

    def set_state(self, state: object) -> None:
        """Byte order and alignment: nothing to know of bytes, but a type of something else could be made of it."""
        if not isinstance(state, tuple) or state[1:] not in BYTE_TYPE_STATES:
            raise PickleError("an array of something else than bytes")


class ArrayOfBytes:
    """Stands for an array of ``uint8``; :meth:`to_numpy` makes it one."""

    shape: tuple[int, ...] = ()
    content: bytes = b""
    order = "C"

    def set_state(self, state: object) -> None:
        """``numpy.ndarray.__setstate__``: version, shape, type, Fortran order, bytes."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise PickleError("an array without its five parts")
        _, shape, dtype, fortran, content = state
        self.fill(shape, dtype, "F" if fortran else "C", content)

    def fill(self, shape: object, dtype: object, order: object, content: object) -> None:
        if (
            not isinstance(dtype, ByteType)
            or not isinstance(content, bytes | bytearray)
            or order not in ("C", "F")
        ):
            raise PickleError("an array of something else than bytes")
        if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
            raise PickleError("an array whose shape is not a list of numbers")
        if len(shape) > MAX_SIDES or max(shape, default=0) > len(content):  # their product could take for ever
            raise PickleError("an array whose shape is not that of pictures")
        if prod(shape) != len(content):
            raise PickleError(f"an array of {len(content)} bytes whose shape has another number of them")
        self.shape, self.order, self.content = shape, order, bytes(content)

    def to_numpy(self) -> NDArray[np.uint8]:
        import numpy as np

        return np.frombuffer(self.content, np.uint8).reshape(self.shape, order="F" if self.order == "F" else "C")


def load(content: bytes) -> object:
    """What the pickle holds; texts of Python 2 are bytes.

    Raises:
        PickleError: it is broken, or holds what has no place in CIFAR's.
    """
    try:
        return _run(content)
    except (IndexError, KeyError):
        raise PickleError("it is broken: something is missing in it") from None
    except (AttributeError, TypeError):
        raise PickleError(MISFIT) from None
    # pickletools says in these ways what it cannot read.
    except (PickleError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).partition(";")[0] or type(error).__name__  # behind it is advice for programmers
        raise PickleError(reason[:MAX_SAID]) from None


def _run(content: bytes) -> object:
    machine = _Machine()
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if count > MAX_OPERATIONS:
            raise PickleError("more parts than CIFAR's have")
        machine.do(operation.name, argument)
    if len(machine.stacks) != 1 or len(machine.stacks[0]) != 1:
        raise PickleError("it is broken: something is left over")
    return machine.pop()


@dataclass
class _Machine:
    """The machine that a pickle is a program for: a new stack is begun at every mark."""

    stacks: list[list[object]] = field(default_factory=lambda: [[]])
    memo: dict[int, object] = field(default_factory=dict)

    def do(self, name: str, argument: Any) -> None:
        match name:
            case "PROTO" if argument > MAX_PROTOCOL:
                raise PickleError(f"protocol {argument}, which no pickle has")
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self.stacks.append([])
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                self.push({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case _ if name in VALUES:
                self.push(argument)
            case "STRING" | "BINSTRING" | "SHORT_BINSTRING":
                self.push(argument.encode("latin-1"))
            case "EMPTY_TUPLE":
                self.push(())
            case "TUPLE":
                self.push(tuple(self.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.push(tuple(self.pop() for _ in range(int(name[-1])))[::-1])
            case "EMPTY_LIST":
                self.push([])
            case "LIST":
                self.push(self.since_mark())
            case "APPEND":
                self.extend([self.pop()])
            case "APPENDS":
                self.extend(self.since_mark())
            case "EMPTY_DICT":
                self.push({})
            case "DICT":
                entries = self.since_mark()
                self.push({})
                self.enter(entries)
            case "SETITEM":
                self.enter([self.pop(), self.pop()][::-1])
            case "SETITEMS":
                self.enter(self.since_mark())
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.remember(argument, self.top(object))
            case "MEMOIZE":
                self.remember(len(self.memo), self.top(object))
            case "GET" | "BINGET" | "LONG_BINGET":
                self.push(_recallable(self.memo[argument]))
            case "GLOBAL":
                self.push(_find(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                self.push(_find(*[self.pop(), self.pop()][::-1]))
            case "REDUCE":
                arguments = self.pop()
                self.push(_call(self.pop(), arguments))
            case "BUILD":
                state = self.pop()
                described = self.top(object)
                if not isinstance(described, ByteType | ArrayOfBytes):
                    raise PickleError(MISFIT)
                described.set_state(state)
            case _:
                raise PickleError(f"the operation {name}, which no CIFAR archive needs")

    def push(self, value: object) -> None:
        self.stacks[-1].append(value)

    def pop(self) -> object:
        return self.stacks[-1].pop()

    def since_mark(self) -> list[object]:
        return self.stacks.pop()

    def top(self, kind: type[Kind]) -> Kind:
        """What lies on top, which must be of this kind."""
        value = self.stacks[-1][-1]
        if not isinstance(value, kind):
            raise PickleError(MISFIT)
        return value

    def remember(self, place: int, value: object) -> None:
        if place > MAX_OPERATIONS:  # pickle makes a table as long as this number
            raise PickleError("a table longer than its entries")
        self.memo[place] = value

    def extend(self, values: list[object]) -> None:
        self.top(list).extend(values)

    def enter(self, entries: list[object]) -> None:
        table = self.top(dict)
        if len(entries) % 2:
            raise PickleError("a table whose last key has no value")
        for key, value in zip(entries[::2], entries[1::2], strict=True):
            # Other keys can be made to take for ever: tuples within tuples, numbers of one hash.
            if not isinstance(key, str | bytes):
                raise PickleError("a table whose keys are not texts")
            table[key] = value


def _recallable(value: object) -> object:
    """What may be used again: lists within lists, each used twice, would have no end."""
    if isinstance(value, list | dict | tuple | bytearray | ArrayOfBytes):
        raise PickleError("a list, a table or an array that is used twice")
    if isinstance(value, str | bytes) and len(value) > MAX_RECALLED:
        raise PickleError("a long text that is used twice")
    return value


def _find(module: object, name: object) -> object:
    if not isinstance(module, str) or not isinstance(name, str):
        raise PickleError("a function without a name")
    known = KNOWN.get((module.replace("numpy._core", "numpy.core"), name))
    if known is None:
        raise PickleError(f"it asks for {module}.{name}, which no CIFAR archive needs")
    return known


def _call(function: object, arguments: object) -> object:
    if not callable(function) or not isinstance(arguments, tuple):
        raise PickleError("a call of something else than a function")
    return function(*arguments)


def _reconstruct(kind: object, shape: object, dtype: object) -> ArrayOfBytes:
    """``numpy.core.multiarray._reconstruct(ndarray, (0,), "b")``: an empty array whose state follows."""
    if kind is not NDARRAY or shape != (0,) or dtype not in ("b", b"b"):
        raise PickleError("an array that is not begun as an empty one")
    return ArrayOfBytes()


def _from_buffer(content: object, dtype: object, shape: object, order: object) -> ArrayOfBytes:
    """``numpy.core.numeric._frombuffer``, which pickles of protocol 5 have in its place."""
    array = ArrayOfBytes()
    array.fill(shape, dtype, order, content)
    return array


def _dtype(name: object, *options: object) -> ByteType:
    """``numpy.dtype("u1", align, copy)``."""
    if name not in BYTE_TYPES or not all(type(option) in (int, bool) for option in options):
        raise PickleError(f"an array of {_shown(name)}")
    return ByteType()


def _encode(text: object, encoding: object) -> bytes:
    """``_codecs.encode``: how Python 3 writes bytes in pickles that Python 2 could read."""
    if not isinstance(text, str) or encoding != "latin1":
        raise PickleError("bytes that are not written as latin1")
    return text.encode("latin-1")


def _shown(name: object) -> str:
    if isinstance(name, bytes):
        return name.decode("ascii", "replace")
    return name if isinstance(name, str) else type(name).__name__


KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
}
