"""Train the network on a folder of images, as fast as tfpt-tui advise found it to be. Needs torch and Pillow.

DATA has train/LABEL/*.jpg and test/LABEL/*.jpg, with labels from 0.
"""

import copy
import ctypes
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# What was advised.
DATA = "data"
IMAGE_SIZE = 32
BATCH_SIZE = 32
EPOCHS = 20
LEARNING_RATE = 0.001
SEED = 25
AUGMENT = True
DEVICE = "auto"
PRECISION = "float32"
THREADS = 0
COMPILE = "off"
ONEDNN = "on"
CHANNELS_LAST = "on"
POOL_FIRST = "on"
FUSED_ADAM = "on"
KEEP_MEMORY = "on"
OPENMP_WAIT = "auto"

if KEEP_MEMORY == "on":  # freed memory is kept for the next step (mallopt: trim and mmap thresholds)
    libc = ctypes.CDLL(None)
    libc.mallopt(-1, 1 << 30)
    libc.mallopt(-3, 1 << 25)
if OPENMP_WAIT != "auto":
    os.environ["OMP_WAIT_POLICY"] = OPENMP_WAIT.upper()  # before the import

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(PRECISION)
LAYOUT = torch.channels_last if CHANNELS_LAST == "on" else torch.contiguous_format


def decode(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR))


def load(split, device):
    """All images, uint8 (n, side, side, 3), and their labels, on the device."""
    paths = sorted(
        Path(DATA, split).glob("*/*.jpg"), key=lambda path: (int(path.parent.name), len(path.name), path)
    )
    with ThreadPoolExecutor() as pool:
        pixels = np.stack(list(pool.map(decode, paths)))
    labels = torch.tensor([int(path.parent.name) for path in paths], device=device)
    return torch.from_numpy(pixels).to(device), labels


def prepare(pixels, flips=None):
    """Flipped and scaled: float32 (batch, 3, side, side) in 0..1."""
    if flips is not None:
        left_right, up_down = flips[:, :, None, None, None].unbind(1)
        pixels = torch.where(left_right, pixels.flip(2), pixels)
        pixels = torch.where(up_down, pixels.flip(1), pixels)
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=LAYOUT).div_(255)


def make_model(classes):
    layers, inputs = [], 3
    for outputs in (32, 64, 128, 128):
        layers += [nn.Conv2d(inputs, outputs, 3, padding="same"), nn.BatchNorm2d(outputs, eps=1e-3)]
        # The same values in either order; the pooled image has a quarter of the pixels.
        layers += [nn.MaxPool2d(2), nn.ReLU()] if POOL_FIRST == "on" else [nn.ReLU(), nn.MaxPool2d(2)]
        inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, classes)]
    model = nn.Sequential(*layers)
    for layer in model:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model.to(memory_format=LAYOUT)


def make_loop(model, pixels, labels, device):
    """One epoch, step by step: the sum of the losses, and how many images were recognised."""
    compiled = COMPILE == "on" or (COMPILE == "auto" and device.type == "cuda")
    mode = "reduce-overhead" if device.type == "cuda" else None
    forward = torch.compile(model, mode=mode) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, eps=1e-7, fused=FUSED_ADAM == "on" or None)
    scaler = torch.amp.GradScaler(device.type, enabled=PRECISION == "float16")

    def run(order, flips):
        loss_sum, correct = torch.zeros((), device=device), torch.zeros((), device=device, dtype=torch.long)
        for places, flip in zip(order.to(device), flips.to(device), strict=True):
            images = prepare(pixels.index_select(0, places), flip if AUGMENT else None)
            target = labels.index_select(0, places)
            optimizer.zero_grad()
            with torch.autocast(device.type, AUTOCAST, enabled=AUTOCAST is not None):
                logits = forward(images)
                loss = nn.functional.cross_entropy(logits, target)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            loss_sum += loss.detach() * BATCH_SIZE
            correct += (logits.detach().argmax(1) == target).sum()
        return loss_sum, correct

    return run


class Adam:
    """Keras's formula on all weights at once, with its count of steps on the GPU: a CUDA graph can replay it."""

    def __init__(self, weights):
        self.weights = weights
        self.means = [torch.zeros_like(weight) for weight in weights]
        self.variances = [torch.zeros_like(weight) for weight in weights]
        self.steps = torch.zeros((), device=weights[0].device)

    @torch.no_grad()
    def apply(self, gradients):
        self.steps.add_(1)
        torch._foreach_lerp_(self.means, gradients, 1 - 0.9)
        torch._foreach_mul_(self.variances, 0.999)
        torch._foreach_addcmul_(self.variances, gradients, gradients, 1 - 0.999)
        corrected = torch.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        divisors = torch._foreach_add(torch._foreach_sqrt(self.variances), 1e-7)
        updates = torch._foreach_mul(torch._foreach_div(self.means, divisors), LEARNING_RATE * corrected)
        torch._foreach_sub_(self.weights, updates)


def make_graph(model, pixels, labels, device):
    """The same with every step as one CUDA graph, which takes the next row of order and flips."""
    weights = list(model.parameters())
    optimizer = Adam(weights)
    steps = len(labels) // BATCH_SIZE
    all_places = torch.zeros(steps, BATCH_SIZE, dtype=torch.long, device=device)
    all_flips = torch.zeros(steps, BATCH_SIZE, 2, dtype=torch.bool, device=device)
    number = torch.zeros(1, dtype=torch.long, device=device)
    loss_sum, correct = torch.zeros((), device=device), torch.zeros((), device=device, dtype=torch.long)

    @torch.compile
    def judge(places, flip):
        images = prepare(pixels.index_select(0, places), flip if AUGMENT else None)
        target = labels.index_select(0, places)
        with torch.autocast("cuda", AUTOCAST, enabled=AUTOCAST is not None):
            logits = model(images)
            return nn.functional.cross_entropy(logits, target), (logits.argmax(1) == target).sum()

    update = torch.compile(optimizer.apply) if FUSED_ADAM == "on" else optimizer.apply

    def take_step():
        places, flips = all_places.index_select(0, number), all_flips.index_select(0, number)
        loss, right = judge(places[0], flips[0])
        update(torch.autograd.grad(loss, weights))
        loss_sum.add_(loss.detach(), alpha=BATCH_SIZE)
        correct.add_(right)
        number.add_(1).remainder_(steps)

    # Compiled and tuned with all images the first one; then everything begins anew.
    before = copy.deepcopy(model.state_dict())
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            take_step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        take_step()
    model.load_state_dict(before)
    for value in (optimizer.steps, *optimizer.means, *optimizer.variances):
        value.zero_()

    def run(order, flips):
        all_places.copy_(order)
        all_flips.copy_(flips)
        for counter in (number, loss_sum, correct):
            counter.zero_()
        for _ in range(steps):
            graph.replay()
        return loss_sum, correct

    return run


def main():
    torch.manual_seed(SEED)
    if THREADS:
        torch.set_num_threads(THREADS)
    torch.backends.mkldnn.enabled = ONEDNN == "on"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = PRECISION == "tf32"
    torch.backends.cudnn.benchmark = True
    found = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(found if DEVICE == "auto" else DEVICE.replace("gpu", "cuda"))
    if device.index is not None:
        torch.cuda.set_device(device)  # a graph is recorded on the current one
    pixels, labels = load("train", device)
    model = make_model(int(labels.max()) + 1).to(device)
    as_graph = device.type == "cuda" and COMPILE != "off" and PRECISION != "float16"
    run = (make_graph if as_graph else make_loop)(model, pixels, labels, device)
    steps = len(labels) // BATCH_SIZE
    print(json.dumps({"threads": torch.get_num_threads()}), flush=True)
    for epoch in range(1, EPOCHS + 1):
        started = time.perf_counter()
        order = torch.randperm(len(labels))[: steps * BATCH_SIZE].view(steps, BATCH_SIZE)
        loss_sum, correct = run(order, torch.rand(steps, BATCH_SIZE, 2) < 0.5)
        count = steps * BATCH_SIZE
        result = {"epoch": epoch, "loss": loss_sum.item() / count, "accuracy": correct.item() / count}
        seconds = time.perf_counter() - started
        print(json.dumps({**result, "images_per_s": round(count / seconds), "seconds": seconds}), flush=True)
    evaluate(model, device)


def evaluate(model, device):
    pixels, labels = load("test", device)
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(prepare(part)) for part in pixels.split(BATCH_SIZE)])
    print(json.dumps({"test_accuracy": (logits.argmax(1) == labels).float().mean().item()}), flush=True)


if __name__ == "__main__":
    main()
