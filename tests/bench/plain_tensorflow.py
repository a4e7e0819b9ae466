"""The reference of tests/bench/training.py: a plain TensorFlow script. Arguments: dataset, epochs, track.

It is the article's pipeline for the track published, and a newcomer's for the others: they are alike.
"""

import glob
import json
import os
import sys
import time

import keras
import tensorflow as tf
from keras import layers

data, epochs = sys.argv[1], int(sys.argv[2])
keras.utils.set_random_seed(25)
paths = sorted(glob.glob(f"{data}/train/*/*.jpg"))
labels = [int(path.split(os.sep)[-2]) for path in paths]


def read(path, label):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(image, (32, 32)) / 255.0, label


def augment(image, label):
    return tf.image.random_flip_up_down(tf.image.random_flip_left_right(image)), label


dataset = (
    tf.data.Dataset.from_tensor_slices((paths, labels))
    .map(read, num_parallel_calls=tf.data.AUTOTUNE)
    .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    .shuffle(len(paths))
    .batch(32)
    .prefetch(tf.data.AUTOTUNE)
)
model = keras.Sequential([layers.Input((32, 32, 3))])
for channels in (32, 64, 128, 128):
    model.add(layers.Conv2D(channels, 3, padding="same"))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.MaxPooling2D())
model.add(layers.GlobalAveragePooling2D())
model.add(layers.Dense(128, activation="relu"))
model.add(layers.Dense(len(os.listdir(f"{data}/train"))))
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])


class Clock(keras.callbacks.Callback):
    seconds: list[float] = []  # noqa: RUF012

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


model.fit(dataset, epochs=epochs, verbose=0, callbacks=[Clock()])
print(json.dumps(Clock.seconds))
