"""The tracks: what is held equal between the frameworks, and what each of them deliberately does.

Runs are ranked only within one track. The lists are shown by ``tfpt-tui presets show``; what the track published
reproduces stands in ``backends/*/published``.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfpt_tui.config.effective import BY_NAME


@dataclass(frozen=True)
class Track:
    """``reproduces`` and ``leaves_out`` say what its code is made after, ``forces`` what we set against a
    framework's own default, ``exceptions`` what stays different, and ``unequal`` names the effective settings that
    do.
    """

    name: str
    title: str
    summary: str
    reproduces: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    forces: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    unequal: tuple[str, ...] = ()


# What both frameworks are given on every track but published.
THREADS = "threads inside an operation: the physical cores that are ours; TensorFlow itself takes all logical ones"
TF32 = "a GPU: TF32 only with precision=tf32; PyTorch itself uses it in convolutions, TensorFlow wherever it can"

PUBLISHED = Track(
    "published",
    "published",
    "the article's code path in each framework, reconstructed with its quirks",
    reproduces=(
        "both: defaults of each framework for initialisation, batch normalisation, Adam and threads",
        "both: float32 cache, flips image by image, the short last batch kept, seeds set once",
        "both: a batch is plotted before the clocks start; in TensorFlow that fills the whole cache",
        "both: nothing is compiled or traced before the training's clock starts; the reloaded model is evaluated",
        "PyTorch: Pillow decodes and resizes with antialiasing, before the cache; augmentation after it",
        "PyTorch: deterministic cuDNN without autotuning; no pinned memory; workers restarted in every epoch",
        "PyTorch: two .item() a step, each waits for the device; the loss of an epoch is the mean of batch means",
        "PyTorch: the evaluated model is the TorchScript one, with the same two .item() a step",
        "TensorFlow: fast JPEG decoding (default dct_method), resizing without antialiasing, in floats",
        "TensorFlow: labels parsed from the path and one-hot; images flipped before they are shuffled",
        "TensorFlow: tf.data takes all cores (AUTOTUNE); the pipeline drains at the end of every epoch",
        "TensorFlow: at its end fit waits for the thread that tunes tf.data, now and then for many seconds",
        "TensorFlow: XLA is Keras's choice (on a GPU yes, on a CPU no), the model is saved with its optimizer",
    ),
    leaves_out=(
        "progress bars and log lines inside the loops, and the figures drawn by matplotlib",
        "PyTorch's whole gibibytes of shared memory: the cache is refused when it does not fit, not shortened",
        "the order of files as the disk lists it: images are sorted by class and number",
    ),
)

PARITY = Track(
    "parity",
    "parity",
    "the same mathematics on the same pixels, with the same resources; proven by tfpt-tui parity",
    forces=(
        THREADS,
        TF32,
        "TensorFlow: oneDNN, which it leaves off by itself on processors without AVX-512",
        "TensorFlow: as many threads load images as PyTorch has workers, and between operations as inside them",
        "PyTorch: cuDNN autotuning, as TensorFlow has it",
    ),
    exceptions=(
        "running variance of batch normalisation: PyTorch divides by n - 1, Keras by n; n is at least"
        " batch size x 16 at 32 pixels, so 0.2 % at a batch size of 32",
        "Adam's bias correction: Keras computes it in single precision; a step may differ by a hundred-thousandth",
        "biases of the convolutions: the normalisation cancels them, so that their gradient is rounding; Adam"
        " makes small steps of it, and the running mean follows",
        "resizing: sums in another order; one pixel in thirty thousand is rounded the other way, by 1/255",
        "Keras runs a traced graph, PyTorch eager calls; compile=on compiles both, XLA the whole step and"
        " torch.compile the model without the optimizer",
        "end of an epoch: with num_workers TensorFlow's threads go on to the next epoch, PyTorch's workers wait",
        "a GPU: PyTorch copies batches from pinned memory without waiting, TensorFlow as Keras feeds them; with"
        " measure=model TensorFlow copies its one batch in every step, PyTorch keeps it there",
        "16-bit precision: Keras computes the last layer in float32, PyTorch in 16 bits",
    ),
    unequal=("execution", "memory_format", "decoder"),
)

DEFAULT = Track(
    "default",
    "sensible",
    "the same work done as an experienced user of each framework would write it, without tuning",
    forces=(THREADS, TF32),
    exceptions=(
        "initial weights: Keras draws Glorot uniform with zero biases, PyTorch Kaiming uniform with random biases",
        "batch normalisation: epsilon 1e-3 and momentum 0.99 in Keras, 1e-5 and 0.9 in PyTorch",
        "Adam's epsilon: 1e-7 in Keras, 1e-8 in PyTorch",
        "order of the images and flips: the same in law, drawn by each framework's own generator",
        "input: tf.data with AUTOTUNE, which may take all cores; DataLoader with num_workers",
        "resizing: both antialias; the rounding of a pixel may differ by 1/255",
        "end of the training: Keras waits for the thread that tunes tf.data, now and then for seconds; the phase"
        " has that wait, epochs and rates have not",
    ),
    unequal=("onednn", "execution", "compile", "memory_format", "cudnn_autotune", "decoder", "loading_cores"),
)

DOCUMENTED = Track(
    "documented",
    "documented",
    "what each framework's own documentation shows a newcomer, literally, as of November 2026",
    reproduces=(
        "both: defaults of each framework for initialisation, batch normalisation and Adam; the short last batch",
        "PyTorch: ImageFolder, transforms v2 (ToImage, Resize, flips, ToDtype), a shuffling DataLoader, 4 workers"
        " (docs.pytorch.org: Transfer Learning Tutorial; Getting started with transforms v2)",
        "PyTorch: the tutorial's loop, which reads the loss at every step; workers are restarted in every epoch",
        "TensorFlow: image_dataset_from_directory, Rescaling and RandomFlip in map with AUTOTUNE, prefetch"
        " (tensorflow.org: Load and preprocess images, Data augmentation; keras.io: Image classification from"
        " scratch)",
        "TensorFlow: fit and evaluate on datasets that end, so that the pipeline is begun anew in every epoch; fit"
        " waits there for the thread that tunes tf.data, now and then for many seconds of an epoch",
    ),
    leaves_out=("progress bars and log lines", "cache: PyTorch's documentation shows none"),
    forces=(
        THREADS,
        TF32,
        "cores that load images: PyTorch's 4 workers, never more than there are cores; as many threads of tf.data",
    ),
    exceptions=(
        "pixels: TensorFlow decodes fast and resizes in floats without antialiasing, PyTorch with it, by Pillow",
        "order of the images and flips: drawn by each framework's own generator; TensorFlow shuffles in a buffer",
    ),
    unequal=("onednn", "execution", "compile", "memory_format", "cudnn_autotune", "decoder"),
)

TRACKS = {track.name: track for track in (PUBLISHED, PARITY, DEFAULT, DOCUMENTED)}


def describe_track(name: str) -> list[str]:
    """Lines that say what a track does: its summary, then one line for every item."""
    track = TRACKS[name]
    named = track.name if track.title == track.name else f"{track.name} ({track.title})"
    lines = [f"track {named}: {track.summary}"]
    lines += [f"  reproduces  {item}" for item in track.reproduces]
    lines += [f"  leaves out  {item}" for item in track.leaves_out]
    lines += [f"  forces      {item}" for item in track.forces]
    lines += [f"  differs in  {item}" for item in track.exceptions]
    if track.unequal:
        titles = ", ".join(BY_NAME[name].title for name in track.unequal)
        lines.append(f"  differs in  what a comparison reads back and names: {titles}")
    return lines
