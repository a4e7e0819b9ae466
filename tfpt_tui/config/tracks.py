"""The tracks: what is held equal between the frameworks, and how that makes the program behave.

Runs are ranked only within one track. This is the only list of tracks: the rest of the program asks a track for
its behaviour and never for its name. What one framework does on a track is in its ``backend.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Track:
    """What runs of a track have in common.

    Attributes:
        name: as in configurations.
        title: as shown to people.
        summary: one line.
        own_modules: a backend has ``data`` and ``training`` of its own for it, in a folder of the track's name.
        framework_settings: threads, determinism and TF32 are left as each framework has them.
        compiles_in_clock: graphs are made inside the clock of the training, and caches filled there.
        keeps_short_batch: images left over at the end of an epoch make a smaller batch.
        equal_resources: ``num_workers`` counts for every framework: processes or threads that load images.
        usual_workers: what ``num_workers=0`` means, at most the cores there are; 0 loads between the steps.
        equal_execution: compiled only where the configuration says so, and as many threads between operations as
            inside them.
        float_cache: a cache holds floats in place of bytes, shared between processes also without workers.
        equal_mathematics: weights, order and flips are drawn with NumPy, and normalisation, Adam and resizing are
            the same in every framework (backends/network.py, backends/draws.py).
        packs: images are decoded once into a file beside the dataset (backends/pack.py), which takes the place of
            the cache and of loading.
        is_tuned: the switches of each framework count (``Setting.is_switch``), and are on by themselves.
        recalibrates: evaluated a second time with recomputed batch normalisation statistics.
        needs_proof: claims that frameworks compute the same; ``tfpt-tui parity`` has to prove it.
        running_average_momentum: what batch normalisation keeps of its averages in a step, None where each
            framework has its own.
        reproduces: the code that it follows.
        leaves_out: what that code does and this track does not.
        forces: what we set against a framework's own default.
        exceptions: what stays different between frameworks.
        unequal: names of effective settings (config/effective.py) that may differ.
    """

    name: str
    title: str
    summary: str
    own_modules: bool = False
    framework_settings: bool = False
    compiles_in_clock: bool = False
    keeps_short_batch: bool = False
    equal_resources: bool = False
    usual_workers: int = 0
    equal_execution: bool = False
    equal_mathematics: bool = False
    packs: bool = False
    is_tuned: bool = False
    float_cache: bool = False
    recalibrates: bool = True
    needs_proof: bool = False
    running_average_momentum: float | None = None
    reproduces: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    forces: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    unequal: tuple[str, ...] = ()


THREADS = "threads inside an operation: the physical cores that are ours"

PUBLISHED = Track(
    "published",
    "published",
    "the article's code path in each framework, reconstructed with its quirks",
    own_modules=True,
    framework_settings=True,
    compiles_in_clock=True,
    keeps_short_batch=True,
    float_cache=True,
    recalibrates=False,
    reproduces=(
        "defaults of each framework for initialisation, batch normalisation, Adam and threads",
        "float32 cache, flips image by image, the short last batch kept, seeds set once",
        "a batch is plotted before the clocks start",
        "nothing is compiled or traced before the training's clock starts; the reloaded model is evaluated",
    ),
    leaves_out=(
        "progress bars and log lines inside the loops, and the figures drawn by matplotlib",
        "the order of files as the disk lists it: images are sorted by class and number",
    ),
)

PARITY = Track(
    "parity",
    "parity",
    "the same mathematics on the same pixels, with the same resources; proven by tfpt-tui parity",
    equal_resources=True,
    equal_execution=True,
    equal_mathematics=True,
    needs_proof=True,
    running_average_momentum=0.9,
    forces=(THREADS,),
    exceptions=(
        "biases of the convolutions: the normalisation cancels them, so that their gradient is rounding; Adam"
        " makes small steps of it, and the running mean follows",
        "resizing: sums in another order; one pixel in thirty thousand is rounded the other way, by 1/255",
    ),
    unequal=("execution", "memory_format", "decoder"),
)

DEFAULT = Track(
    "default",
    "sensible",
    "the same work done as an experienced user of each framework would write it, without tuning",
    forces=(THREADS,),
    exceptions=(
        "order of the images and flips: the same in law, drawn by each framework's own generator",
        "resizing: both antialias; the rounding of a pixel may differ by 1/255",
    ),
    unequal=("onednn", "execution", "compile", "memory_format", "cudnn_autotune", "decoder", "loading_cores"),
)

DOCUMENTED = Track(
    "documented",
    "documented",
    "what each framework's own documentation shows a newcomer, literally, as of November 2026",
    own_modules=True,
    keeps_short_batch=True,
    equal_resources=True,
    usual_workers=4,  # of PyTorch's tutorial
    reproduces=(
        "defaults of each framework for initialisation, batch normalisation and Adam; the short last batch",
    ),
    leaves_out=("progress bars and log lines",),
    forces=(THREADS,),
    exceptions=("order of the images and flips: drawn by each framework's own generator",),
    unequal=("onednn", "execution", "compile", "memory_format", "cudnn_autotune", "decoder"),
)

BEST = Track(
    "best",
    "best",
    "the same mathematics as fast as each framework gets here; tfpt-tui advise finds the switches",
    own_modules=True,
    equal_mathematics=True,
    packs=True,
    is_tuned=True,
    running_average_momentum=0.9,
    reproduces=(
        "images are decoded and resized once, into a file in the dataset's directory, and stay on the device",
        "order and flips of an epoch go to the device at once; batches are gathered, flipped and scaled there",
        "no work on the host and no synchronisation inside an epoch",
    ),
    leaves_out=("decoding in every epoch: the phase cache_fill has it, once, and comparisons say what it cost",),
    forces=(THREADS,),
    exceptions=(
        "biases of the convolutions: the normalisation cancels them, so that their gradient is rounding; Adam"
        " makes small steps of it, and the running mean follows",
        "switches: each framework has its own, and each is what was found to be fastest",
    ),
    unequal=("onednn", "execution", "compile", "memory_format", "cudnn_autotune", "decoder"),
)

TRACKS = {track.name: track for track in (PUBLISHED, PARITY, DEFAULT, DOCUMENTED, BEST)}


def needs_proof(name: str) -> bool:
    """Whether runs of the track claim to compute the same; False for a track that this version does not know."""
    return name in TRACKS and TRACKS[name].needs_proof
