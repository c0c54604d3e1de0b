"""Keras on one backend: `train_on_batch`, its arithmetic without what `fit` adds to it."""

import argparse
import os
import sys

BACKENDS = {"tensorflow": "tensorflow_cpu", "jax": "jax", "torch": "torch"}  # the packages they come from


def backend() -> str:
    """The first argument. Keras reads its backend when it is imported."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("backend", choices=BACKENDS)
    chosen, sys.argv[1:] = parser.parse_known_args()
    return chosen.backend


BACKEND = backend()
os.environ["KERAS_BACKEND"] = BACKEND
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from keras import layers

import steps
from steps import WORKLOADS


def network(name: str) -> keras.Model:
    workload = WORKLOADS[name]
    l2 = {"kernel_regularizer": keras.regularizers.L2(workload.l2)}

    def conv(filters: int) -> layers.Layer:
        return layers.Conv2D(filters, 3, padding="same", activation="relu", **l2)

    stacks = {
        "mlp": lambda: [layers.Dense(512, "relu", **l2), layers.Dense(512, "relu", **l2)],
        "cnn": lambda: [
            *(conv(32), conv(32), layers.MaxPooling2D()),
            *(conv(64), conv(64), layers.MaxPooling2D()),
            *(layers.Flatten(), layers.Dense(128, "relu", **l2)),
        ],
        "lstm": lambda: [layers.LSTM(128, recurrent_regularizer=keras.regularizers.L2(workload.l2), **l2)],
    }
    head = layers.Dense(1) if workload.classes == 1 else layers.Dense(workload.classes, "softmax", **l2)
    model = keras.Sequential([keras.Input(workload.input), *stacks[name](), head])
    loss = "mse" if workload.classes == 1 else "sparse_categorical_crossentropy"
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(steps.LEARNING_RATE))
    return model


def main() -> None:
    args = steps.arguments(__doc__)
    if BACKEND == "torch":
        import torch

        torch.set_num_threads(args.threads)
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(args.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    model, data = network(args.workload), steps.batches(WORKLOADS[args.workload])
    packages = ("keras", BACKENDS[BACKEND], "numpy")
    name = f"keras {BACKEND}, train_on_batch"
    steps.measure(name, args.workload, packages, args.seconds, lambda i: model.train_on_batch(*data[i]), True)


if __name__ == "__main__":
    main()
