"""Train the network on a folder of images, as fast as tfpt-tui advise found it to be. Needs tensorflow and Pillow.

DATA has train/LABEL/*.jpg and test/LABEL/*.jpg, with labels from 0.
"""

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
POOL_FIRST = "on"
FUSED_ADAM = "on"
FUSED_NORM = "on"
KEEP_MEMORY = "on"
STEPS_PER_CALL = 16

if KEEP_MEMORY == "on":  # freed memory is kept for the next step (mallopt: trim and mmap thresholds)
    libc = ctypes.CDLL(None)
    libc.mallopt(-1, 1 << 30)
    libc.mallopt(-3, 1 << 25)
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1" if ONEDNN == "on" else "0"  # before the import

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from PIL import Image  # noqa: E402


def decode(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR))


def load(split):
    """All images, uint8 (n, side, side, 3), and their labels."""
    paths = sorted(
        Path(DATA, split).glob("*/*.jpg"), key=lambda path: (int(path.parent.name), len(path.name), path)
    )
    with ThreadPoolExecutor() as pool:
        pixels = np.stack(list(pool.map(decode, paths)))
    return tf.constant(pixels), tf.constant([int(path.parent.name) for path in paths], tf.int64)


class FusedNorm(layers.BatchNormalization):
    """Statistics and values in one kernel; Keras 3 computes them from single operations."""

    def call(self, inputs, training=None, mask=None):
        if not training:
            return super().call(inputs, training=training, mask=mask)
        scale, offset = tf.cast(self.gamma, tf.float32), tf.cast(self.beta, tf.float32)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon
        )
        for running, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + found * (1 - self.momentum))
        return outputs


def make_model(classes):
    model = keras.Sequential([layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3))])
    for outputs in (32, 64, 128, 128):
        model.add(layers.Conv2D(outputs, 3, padding="same"))
        norm = FusedNorm if FUSED_NORM == "on" else layers.BatchNormalization
        model.add(norm(epsilon=1e-3, momentum=0.9))
        activation, pooling = layers.ReLU(), layers.MaxPooling2D(2)
        # The same values in either order; the pooled image has a quarter of the pixels.
        for layer in (pooling, activation) if POOL_FIRST == "on" else (activation, pooling):
            model.add(layer)
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(classes, dtype="float32"))
    return model


class FusedAdam:
    """Keras's Adam as one kernel a weight."""

    def __init__(self, weights):
        self.weights = weights
        self.means = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in weights]
        self.variances = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in weights]
        self.steps = tf.Variable(0.0, trainable=False)

    def scale_loss(self, loss):
        return loss

    def apply(self, gradients):
        self.steps.assign_add(1.0)
        powers = {"beta1_power": tf.pow(0.9, self.steps), "beta2_power": tf.pow(0.999, self.steps)}
        rates = {"lr": LEARNING_RATE, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
        for weight, mean, variance, gradient in zip(
            self.weights, self.means, self.variances, gradients, strict=True
        ):
            handles = {"var": weight.handle, "m": mean.handle, "v": variance.handle}
            tf.raw_ops.ResourceApplyAdam(**handles, **powers, **rates, grad=gradient)


def make_optimizer(weights):
    if FUSED_ADAM == "on" and PRECISION != "float16":
        return FusedAdam([weight.value for weight in weights])
    optimizer = keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-7)
    if PRECISION == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(weights)
    return optimizer


def make_loop(model, optimizer, pixels, labels):
    """Takes as many steps in one call as it is given batches."""
    weights = [variable.value for variable in model.trainable_variables]
    compiled = COMPILE == "on" or (COMPILE == "auto" and bool(tf.config.get_visible_devices("GPU")))

    @tf.function(jit_compile=compiled)
    def take_step(places, flips):
        batch, target = tf.gather(pixels, places), tf.gather(labels, places)
        if AUGMENT:
            batch = tf.where(flips[:, 0, None, None, None], tf.reverse(batch, [2]), batch)
            batch = tf.where(flips[:, 1, None, None, None], tf.reverse(batch, [1]), batch)
        with tf.GradientTape() as tape:
            logits = model(tf.cast(batch, tf.float32) / 255, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(losses)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, weights))
        return loss * BATCH_SIZE, tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == target, tf.int32))

    signature = [tf.TensorSpec([None, BATCH_SIZE], tf.int64), tf.TensorSpec([None, BATCH_SIZE, 2], tf.bool)]

    @tf.function(input_signature=signature)
    def run(order, flips):
        loss_sum, correct = tf.constant(0.0), tf.constant(0)
        for place in tf.range(tf.shape(order)[0]):
            loss, right = take_step(order[place], flips[place])
            loss_sum += loss
            correct += right
        return loss_sum, correct

    return run


def main():
    keras.utils.set_random_seed(SEED)
    if THREADS:
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    if DEVICE != "auto":
        number = DEVICE.partition(":")[2] or "0"
        gpus = tf.config.list_physical_devices("GPU")
        tf.config.set_visible_devices([] if DEVICE == "cpu" else gpus[int(number)], "GPU")
    tf.config.experimental.enable_tensor_float_32_execution(PRECISION == "tf32")
    keras.config.set_dtype_policy(
        {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}.get(PRECISION, "float32")
    )
    pixels, labels = load("train")
    model = make_model(int(tf.reduce_max(labels)) + 1)
    run = make_loop(model, make_optimizer(model.trainable_variables), pixels, labels)
    steps = len(labels) // BATCH_SIZE
    generator = np.random.default_rng(SEED)
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    print(json.dumps({"threads": threads}), flush=True)
    for epoch in range(1, EPOCHS + 1):
        started = time.perf_counter()
        order = generator.permutation(len(labels))[: steps * BATCH_SIZE].reshape(steps, BATCH_SIZE)
        flips = generator.random((steps, BATCH_SIZE, 2)) < 0.5
        order, flips = tf.constant(order), tf.constant(flips)
        loss_sum, correct = tf.constant(0.0), tf.constant(0)
        for start in range(0, steps, STEPS_PER_CALL):
            loss, right = run(order[start : start + STEPS_PER_CALL], flips[start : start + STEPS_PER_CALL])
            loss_sum += loss
            correct += right
        count = steps * BATCH_SIZE
        result = {"epoch": epoch, "loss": float(loss_sum) / count, "accuracy": int(correct) / count}
        seconds = time.perf_counter() - started
        print(json.dumps({**result, "images_per_s": round(count / seconds), "seconds": seconds}), flush=True)
    evaluate(model)


def evaluate(model):
    pixels, labels = load("test")
    forward = tf.function(lambda images: model(tf.cast(images, tf.float32) / 255, training=False))
    logits = tf.concat([forward(pixels[start : start + 32]) for start in range(0, len(labels), 32)], 0)
    accuracy = tf.reduce_mean(tf.cast(tf.argmax(logits, 1) == labels, tf.float32))
    print(json.dumps({"test_accuracy": float(accuracy)}), flush=True)


if __name__ == "__main__":
    main()
