"""The training loop without us: a script that imports nothing of tfpt_tui, for ``tfpt-tui parity --neutrality``.

It does a track's work as one would write it by hand after TensorFlow's documentation, in a single file. The worker
must not be slower, nor the kernel busier, than this. Argument: a JSON file with the settings of the run
(RunConfig's names). It prints a line of JSON for what it runs with, and one for every epoch.
"""

import json
import os
import sys
import time
from glob import glob
from pathlib import Path
from types import SimpleNamespace

settings = SimpleNamespace(**json.loads(Path(sys.argv[1]).read_text()))
if settings.track == "parity":
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # before the import

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

AUTOTUNE = tf.data.AUTOTUNE


class Clock(keras.callbacks.Callback):
    """Prints how long every epoch took."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        print(json.dumps({"seconds": time.perf_counter() - self.started}), flush=True)


def list_paths():
    return [
        path for label in sorted(Path(settings.data, "train").iterdir()) for path in sorted(glob(f"{label}/*.jpg"))
    ]


def read_as_the_article(paths, classes):
    side = (settings.image_size, settings.image_size)

    def read(path):
        image = tf.image.resize(tf.image.decode_jpeg(tf.io.read_file(path), channels=3), side)
        label = tf.strings.to_number(tf.strings.split(path, "/")[-2], tf.int32)
        return tf.cast(image / 255.0, tf.float32), tf.one_hot(label, classes)

    def augment(image, label):
        return tf.image.random_flip_up_down(tf.image.random_flip_left_right(image)), label

    dataset = tf.data.Dataset.from_tensor_slices(paths).map(read, num_parallel_calls=AUTOTUNE)
    dataset = dataset.map(augment, num_parallel_calls=AUTOTUNE).shuffle(len(paths))
    return dataset.batch(settings.batch_size).prefetch(AUTOTUNE).repeat()


def read_as_documented():
    dataset = keras.utils.image_dataset_from_directory(
        f"{settings.data}/train",
        image_size=(settings.image_size, settings.image_size),
        batch_size=settings.batch_size,
        seed=settings.seed,
        verbose=False,
    )
    rescale, flip = layers.Rescaling(1.0 / 255), layers.RandomFlip("horizontal_and_vertical")
    dataset = dataset.map(lambda images, labels: (rescale(images), labels), num_parallel_calls=AUTOTUNE)
    dataset = dataset.map(
        lambda images, labels: (flip(images, training=True), labels), num_parallel_calls=AUTOTUNE
    )
    options = tf.data.Options()
    options.threading.private_threadpool_size = settings.num_workers
    return dataset.prefetch(AUTOTUNE).with_options(options)


def draw_order(images, count):
    """Batches of indices and flips without end, by NumPy on the track parity, else by tf.data."""
    size = settings.batch_size
    if settings.track == "parity":

        def draw(epoch):
            order = np.random.default_rng([settings.seed, 1, int(epoch)]).permutation(images)[:count]
            flips = np.random.default_rng([settings.seed, 2, int(epoch)]).random((count, 2)) < 0.5
            return order.reshape(-1, size), flips.reshape(-1, size, 2)

        def one_epoch(epoch):
            order, flips = tf.numpy_function(draw, [epoch], (tf.int64, tf.bool))
            shape = [count // size, size]
            slices = tf.ensure_shape(order, shape), tf.ensure_shape(flips, [*shape, 2])
            return tf.data.Dataset.from_tensor_slices(slices)

        return tf.data.Dataset.counter().flat_map(one_epoch)
    order = tf.data.Dataset.range(images).shuffle(images, seed=settings.seed).take(count).repeat()
    batches = tf.data.Dataset.zip(order.batch(size, drop_remainder=True), tf.data.Dataset.counter())
    return batches.map(
        lambda indices, batch: (indices, tf.random.stateless_uniform([size, 2], [settings.seed, batch]) < 0.5)
    )


def read_in_batches(paths):
    side = (settings.image_size, settings.image_size)
    all_paths, labels = tf.constant(paths), tf.constant([int(path.split("/")[-2]) for path in paths], tf.int64)
    prepared = tf.io.decode_jpeg(tf.io.read_file(paths[0])).shape

    def decode(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_ACCURATE")
        return tf.ensure_shape(image, prepared)

    def make_batch(indices, flips):
        images = tf.map_fn(decode, tf.gather(all_paths, indices), fn_output_signature=tf.uint8)
        if tuple(images.shape[1:3]) != side:
            resized = tf.image.resize(images, side, antialias=True)
            images = tf.cast(tf.clip_by_value(tf.floor(resized + 0.5), 0, 255), tf.uint8)
        images = tf.where(flips[:, 0, None, None, None], tf.reverse(images, [2]), images)
        images = tf.where(flips[:, 1, None, None, None], tf.reverse(images, [1]), images)
        return tf.cast(images, tf.float32) / 255, tf.gather(labels, indices)

    count = len(paths) // settings.batch_size * settings.batch_size
    order = draw_order(len(paths), count)
    if settings.track != "parity":
        return order.map(make_batch, num_parallel_calls=AUTOTUNE).prefetch(AUTOTUNE)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = max(1, settings.num_workers)
    batches = order.map(make_batch, num_parallel_calls=settings.num_workers or None)
    return batches.prefetch(2 * settings.num_workers).with_options(options)


def make_model(classes):
    equal = {"epsilon": 1e-3, "momentum": 0.9} if settings.track == "parity" else {}
    model = keras.Sequential([layers.Input((settings.image_size, settings.image_size, 3))])
    for outputs in (32, 64, 128, 128):
        model.add(layers.Conv2D(outputs, 3, padding="same"))
        model.add(layers.BatchNormalization(**equal))
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(classes))
    losses = keras.losses
    loss = (
        losses.CategoricalCrossentropy if settings.track == "published" else losses.SparseCategoricalCrossentropy
    )
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=loss(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False if settings.track == "parity" else "auto",
    )
    return model


class Callbacks(keras.callbacks.CallbackList):
    """Keras's own reads loss and accuracy from the device after every step."""

    def on_train_batch_end(self, batch, logs=None):
        for callback in self.callbacks:
            callback.on_train_batch_end(batch)


def load_only(dataset, steps):
    endless = settings.track != "documented"
    batches = iter(dataset)
    for epoch in range(settings.epochs):
        started = time.perf_counter()
        if endless:
            for _ in range(steps):
                next(batches)
        else:
            for _ in iter(dataset) if epoch else batches:
                pass
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


def main():
    keras.utils.set_random_seed(settings.seed)
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    if settings.track == "parity":
        tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    if settings.track != "published":
        tf.config.experimental.enable_tensor_float_32_execution(False)
    if settings.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    print(json.dumps({"threads": tf.config.threading.get_intra_op_parallelism_threads()}), flush=True)
    paths, classes = list_paths(), len(os.listdir(f"{settings.data}/train"))
    if settings.track == "published":
        dataset = read_as_the_article(paths, classes)
    elif settings.track == "documented":
        dataset = read_as_documented()
    else:
        dataset = read_in_batches(paths)
    short = settings.track in ("published", "documented")  # they keep the last batch
    steps = -(-len(paths) // settings.batch_size) if short else len(paths) // settings.batch_size
    if settings.measure == "loader":
        load_only(dataset, steps)
        return
    model = make_model(classes)
    if settings.measure == "model":
        options = tf.data.Options()
        options.autotune.enabled = False
        dataset = tf.data.Dataset.from_tensors(next(iter(dataset))).repeat().with_options(options)
        steps = max(1, len(paths) // settings.batch_size)
    endless = settings.measure == "model" or settings.track != "documented"
    model.fit(
        dataset,
        epochs=settings.epochs,
        steps_per_epoch=steps if endless else None,
        verbose=0,
        callbacks=[Clock()]
        if settings.track == "documented"
        else Callbacks([Clock()], add_history=True, model=model),
    )


if __name__ == "__main__":
    main()
