#!/usr/bin/env python3
"""Makes the parity cases: what Keras 3.15.1 on TensorFlow 2.21 (CPU, float32, one thread) does with a model and its rows.

    make_keras.py make NAME...     builds declared cases (see CASES), `make all` every one that is not there yet
    make_keras.py check FOLDER...  computes existing cases again from their model.keras and data.safetensors, and compares

A case folder holds
    model.keras            compiled; saved before training (or after `before` epochs)
    data.safetensors       x, y, x_val, y_val, and sample_weight or class_weight where the case has them
    case.json              epochs, batch sizes, tolerances
    expected.json          history, first batch, penalties, evaluations
    expected.safetensors   initial/, final/, grad/, predict/

The cases without the prefix `own_` came with the project's corpus, whose tolerances rest on measured noise between two backends and two
precisions; those made here get the floors of that corpus, ten times the usual noise of float32.

Needs: keras==3.15.1 tensorflow-cpu==2.21.0 numpy.
"""
import json
import os
import shutil
import struct
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf
from keras import constraints, initializers, layers, losses, metrics, optimizers, regularizers

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

HERE = Path(__file__).parent / "keras"
FLOORS = {
    "history_loss": 5e-6, "penalty": 5e-6, "first_batch_loss": 2e-6, "evaluate_loss": 5e-6,
    "predict_initial": 5e-6, "predict_final": 1e-5, "grad": 1e-5, "final_weights": 1e-5,
}


# ---- safetensors, as much as is needed -------------------------------------------------------------------------------

def write_tensors(path, tensors):
    names = {np.dtype("float32"): "F32", np.dtype("int64"): "I64"}
    header, blobs, end = {}, [], 0
    for name, array in sorted(tensors.items()):
        array = np.array(array, order="C")
        start, end = end, end + array.nbytes
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
        blobs.append(array.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    kinds = {"F32": "float32", "F64": "float64", "I64": "int64"}
    body = data[8 + length :]
    return {
        name: np.frombuffer(body[slice(*info["data_offsets"])], kinds[info["dtype"]]).reshape(info["shape"]).copy()
        for name, info in header.items()
    }


# ---- what Keras does -------------------------------------------------------------------------------------------------

def names_of(model):
    """The name of each variable: its layer's, and its path within. (After loading, paths of wrapped layers lack the wrapper's.)"""
    names = {}
    for layer in model.layers:
        for variable in layer.weights:
            path = variable.path.removeprefix(model.name + "/")
            names[id(variable)] = path if path.startswith(layer.name + "/") else f"{layer.name}/{path}"
    return names


def weight_penalty(model):
    regularized = [v for v in model.trainable_variables if getattr(v, "regularizer", None) is not None]
    return float(sum((v.regularizer(v) for v in regularized), 0.0))


def penalties(model, head):
    model(head, training=False)
    return {"weights": weight_penalty(model), "model_losses_first_batch": float(sum(model.losses, 0.0))}


def expectations(model_path, data, settings):
    """Everything that a case expects, and the trained model."""
    model = keras.saving.load_model(model_path)
    names = names_of(model)
    name_of = lambda variable: names[id(variable)]
    batch, eval_batch = settings["batch_size"], settings["eval_batch_size"]
    x, y = data["x"], data["y"]
    weights = data.get("sample_weight")
    class_weight = data.get("class_weight")
    row_weights = weights
    if class_weight is not None:
        classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y)).round().astype(int)
        row_weights = class_weight[classes.astype(int)]
    head = slice(0, batch)
    tensors = {f"initial/{name_of(v)}": v.numpy() for v in model.weights}
    tensors["predict/initial"] = model.predict(x, batch_size=eval_batch, verbose=0)

    before = [w.copy() for w in model.get_weights()]
    with tf.GradientTape() as tape:
        predicted = model(x[head], training=True)
        weight = None if row_weights is None else row_weights[head]
        loss = model.compute_loss(x=x[head], y=y[head], y_pred=predicted, sample_weight=weight)
        penalty = sum(model.losses, 0.0)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients):
        tensors[f"grad/{name_of(variable)}"] = tf.convert_to_tensor(gradient).numpy()
    first = {"loss": float(loss), "penalty": float(penalty)}
    model.set_weights(before)  # a pass in training mode moves statistics
    model.reset_metrics()

    start = penalties(model, x[head])
    validation = (data["x_val"], data["y_val"]) if "x_val" in data else None
    history = model.fit(
        x, y, epochs=settings["epochs"], batch_size=batch, shuffle=False, verbose=0, validation_data=validation,
        validation_batch_size=eval_batch, sample_weight=weights,
        class_weight=None if class_weight is None else dict(enumerate(class_weight.tolist())),
    ).history
    end = penalties(model, x[head])
    tensors |= {f"final/{name_of(v)}": v.numpy() for v in model.weights}
    tensors["predict/final"] = model.predict(x, batch_size=eval_batch, verbose=0)
    evaluate = lambda x, y, w=None: model.evaluate(x, y, batch_size=eval_batch, sample_weight=w, verbose=0, return_dict=True)
    expected = {
        "history": {key: [float(value) for value in column] for key, column in history.items()},
        "first_batch": first,
        "penalty_start": start,
        "penalty_end": end,
        "evaluate_train": evaluate(x, y, weights),
    }
    if validation:
        expected["evaluate_val"] = evaluate(*validation)
    return expected, {name: np.asarray(array, np.float32) for name, array in tensors.items()}, model


# ---- declared cases --------------------------------------------------------------------------------------------------

def rows(rng, shape, target, count=37, tokens=None):
    """Rows and targets: `target` is ("real", n), ("binary", n), ("one_hot", n), ("class", n) or ("steps", t, n)."""
    x = rng.normal(size=(count, *shape)).astype("float32")
    if tokens:
        x = rng.integers(0, tokens, size=(count, *shape)).astype("float32")
    kind, *sizes = target
    if kind == "real":
        y = rng.normal(size=(count, *sizes)).astype("float32")
    elif kind == "binary":
        y = (rng.random(size=(count, *sizes)) < 0.5).astype("float32")
    elif kind == "class":
        y = rng.integers(0, sizes[-1], size=(count, *sizes[:-1])).astype("int64")
    else:
        y = np.eye(sizes[-1], dtype="float32")[rng.integers(0, sizes[-1], size=(count, *sizes[:-1]))]
    return x, y


def stack(shape, *stacked):
    return keras.Sequential([keras.Input(shape), *stacked])


def shared_layers():
    """One dense layer used three times, another twice in a row; penalties on weights and outputs of both."""
    inputs = keras.Input((6,), name="input")
    shared = layers.Dense(6, "tanh", kernel_regularizer="l2", activity_regularizer=regularizers.L1(0.01), name="shared")
    again = layers.Dense(6, "relu", bias_regularizer=regularizers.L2(0.1), name="again")
    a = shared(inputs)
    b = shared(a)
    c = again(again(inputs))
    joined = layers.Concatenate(name="joined")([a, shared(c), layers.Add(name="sum")([b, c])])
    return keras.Model(inputs, layers.Dense(1, "sigmoid", name="out")(joined))


def merges():
    """Every layer that merges, with sizes of one that are repeated."""
    inputs = keras.Input((4, 6))
    gate = layers.Dense(1, "sigmoid")(inputs)
    a = layers.Multiply()([inputs, gate])
    b = layers.Dense(6, "tanh")(inputs)
    merged = [layers.Average()([a, b, inputs]), layers.Maximum()([a, b]), layers.Minimum()([b, inputs])]
    c = layers.Concatenate(axis=1)([layers.Subtract()(merged[:2]), merged[2]])
    c = layers.Concatenate()([c, layers.Dense(2)(c)])
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(c)))


def squeeze():
    """Convolution, its channels weighed by a small network of their means."""
    inputs = keras.Input((7, 6, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="gelu", kernel_regularizer=regularizers.L2(1e-3))(inputs)
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Dense(8, "sigmoid")(layers.Dense(2, "relu")(s))
    x = layers.Multiply()([x, layers.Reshape((1, 1, 8))(s)])
    x = layers.Add()([x, layers.Conv2D(8, 1, strides=1)(inputs)])
    return keras.Model(inputs, layers.Dense(3, "softmax")(layers.GlobalMaxPooling2D()(x)))


def masked_merge():
    """Token ids with padding: the mask goes through a bidirectional layer and a sum."""
    inputs = keras.Input((6,))
    x = layers.Embedding(9, 4, mask_zero=True, embeddings_regularizer=regularizers.L2(1e-3))(inputs)
    x = layers.Add()([x, layers.Dense(4, "tanh")(x)])
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum")(x)
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.LSTM(4)(x)))


def padded_steps():
    """Sequences filled up with zeros; gates that reset before the product, with other functions than the usual ones."""
    inputs = keras.Input((5, 3))
    x = layers.Masking()(inputs)
    x = layers.PReLU(alpha_initializer=initializers.Constant(0.2), alpha_regularizer="l2", shared_axes=[1])(x)
    x = layers.Add()([x, layers.Dense(3, "softsign")(x)])
    x = layers.GRU(4, activation="relu", reset_after=False, return_sequences=True, go_backwards=True)(x)
    gates = layers.GRU(3, activation="softsign", recurrent_activation="hard_sigmoid", reset_after=False, bias_initializer="ones")
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Bidirectional(gates, merge_mode="mul")(x)))


def tagged_tokens():
    """A tag for every token, the padding masked: in the loss, in the metrics, in both directions. Each direction has a penalty on its
    output; that of the layer for each step is never computed by Keras."""
    inputs = keras.Input((6,))
    x = layers.Embedding(9, 4, mask_zero=True, embeddings_regularizer=regularizers.L2(1e-3), embeddings_constraint=constraints.MaxNorm(0.1, axis=1))(inputs)
    x = layers.Concatenate()([x, layers.Dense(3, "tanh")(x)])
    both = layers.LSTM(3, return_sequences=True, activity_regularizer=regularizers.L1L2(0.01, 0.02), recurrent_constraint="unit_norm")
    x = layers.Bidirectional(both)(x)
    return keras.Model(inputs, layers.TimeDistributed(layers.Dense(4, "softmax", kernel_regularizer="l2", activity_regularizer="l2"))(x))


def film():
    """The same convolution on every image of a sequence."""
    inputs = keras.Input((3, 6, 5, 2))
    convolution = layers.Conv2D(4, 2, activation=layers.LeakyReLU(0.1), kernel_regularizer="l2", kernel_constraint=constraints.UnitNorm(axis=[0, 1, 2]),
                                bias_constraint="non_neg", kernel_initializer=initializers.VarianceScaling(0.5, "fan_avg", "uniform"))
    x = layers.TimeDistributed(convolution)(inputs)
    x = layers.TimeDistributed(layers.MaxPooling2D())(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    x = layers.Bidirectional(layers.GRU(3, activity_regularizer="l2", kernel_constraint=constraints.MaxNorm(0.6)), merge_mode="sum")(x)
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(x))


def operators():
    """Branches that meet in Python's operators, and a training said of the output's name and by functions."""
    inputs = keras.Input((5,))
    x = layers.Dense(5, "tanh", kernel_regularizer="l2")(inputs)
    x = (layers.Dense(5, "relu")(x) + x) * inputs - x
    return keras.Model(inputs, layers.Dense(1, "sigmoid", name="out")(x))


def longer_and_shorter():
    """Sequences that are made longer and shorter again; every step is normalized by itself."""
    inputs = keras.Input((6, 4))
    x = layers.SeparableConv1D(4, 3, padding="same", depth_multiplier=2, activation="mish", depthwise_regularizer="l1", pointwise_regularizer="l2")(inputs)
    x = layers.Conv1DTranspose(3, 3, strides=2, output_padding=1, kernel_regularizer="l2", activation="hard_silu", bias_constraint="non_neg")(x)
    x = layers.Cropping1D((1, 3))(x)
    x = layers.TimeDistributed(layers.BatchNormalization(momentum=0.7, gamma_regularizer="l2", beta_regularizer="l1"))(x)
    x = layers.DepthwiseConv1D(2, strides=2, depth_multiplier=2, depthwise_constraint=constraints.MaxNorm(0.5), depthwise_regularizer="l2", activation="celu")(x)
    x = layers.UpSampling1D(2)(x)
    x = layers.Concatenate()([x, layers.Dense(2, "squareplus")(x)])
    return keras.Model(inputs, layers.TimeDistributed(layers.Dense(3, "softmax"))(x))


def masked_steps():
    """Tokens whose padding does not count in the statistics of a step; branches of unequal length that meet."""
    inputs = keras.Input((5,))
    x = layers.Embedding(8, 4, mask_zero=True, embeddings_regularizer="l2")(inputs)
    x = layers.TimeDistributed(layers.BatchNormalization(momentum=0.6))(x)
    a = layers.Dense(4, "tanh", name="short")(x)
    b = layers.Dense(4, "tanh", name="long_2")(layers.Dense(4, "soft_shrink", name="long_1")(x))
    x = layers.Concatenate()([layers.Add()([a, b]), x])
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.GRU(3, activation="mish", recurrent_activation="sparse_sigmoid")(x)))


CASES = {
    "own_longer_and_shorter": dict(model=longer_and_shorter, shape=(6, 4), target=("class", 10, 3), loss="sparse_categorical_crossentropy", count=21,
                                   optimizer=lambda: optimizers.Adam(0.01), metrics=["accuracy"]),
    "own_masked_steps": dict(model=masked_steps, shape=(5,), tokens=8, target=("binary", 1), loss="binary_crossentropy",
                             optimizer=lambda: optimizers.Adam(0.01), metrics=["accuracy"]),
    "own_output_padding": dict(
        model=lambda: stack(
            (4, 3, 2),
            layers.Conv2DTranspose(3, (3, 2), strides=(2, 3), output_padding=(1, 2), padding="same", activation="tanh", kernel_regularizer="l2"),
            layers.Conv2DTranspose(2, 3, strides=2, output_padding=0, activation="log_sigmoid", bias_regularizer="l1"),
            layers.Cropping2D(((1, 2), (0, 3))), layers.LayerNormalization(axis=[1, 3], gamma_regularizer="l2", beta_constraint="non_neg"),
            layers.AveragePooling2D(3), layers.LayerNormalization(axis=[1, 2]), layers.Flatten(), layers.Dense(2, "hard_tanh")),
        shape=(4, 3, 2), target=("real", 2), loss="mse", count=19, optimizer=lambda: optimizers.RMSprop(0.005)),
    "own_operators": dict(model=operators, shape=(5,), target=("binary", 1), loss=lambda: {"out": losses.binary_crossentropy},
                          optimizer=lambda: optimizers.Adam(0.01), metrics={"out": [metrics.binary_accuracy, "bce"]}),
    "own_tagged_tokens": dict(model=tagged_tokens, shape=(6,), tokens=9, target=("class", 6, 4), loss="sparse_categorical_crossentropy",
                              optimizer=lambda: optimizers.Adam(0.01), metrics=["accuracy", "sparse_categorical_crossentropy"]),
    "own_film": dict(model=film, shape=(3, 6, 5, 2), target=("binary", 1), loss="binary_crossentropy", count=16,
                     optimizer=lambda: optimizers.Adam(0.01), metrics=["accuracy", metrics.BinaryCrossentropy(name="fit"), "hinge"]),
    "own_normalized": dict(
        model=lambda: stack((6, 5, 2), layers.DepthwiseConv2D(3, depth_multiplier=2, depthwise_constraint=constraints.MaxNorm(0.5), depthwise_regularizer="l1",
                                                              bias_regularizer="l2"),
                            layers.BatchNormalization(momentum=0.8, gamma_regularizer="l2", beta_regularizer="l1", gamma_constraint="non_neg",
                                                      beta_constraint=constraints.MaxNorm(0.05)),
                            layers.PReLU(alpha_constraint="non_neg", shared_axes=[1, 2], alpha_initializer=initializers.Constant(0.2)),
                            layers.LayerNormalization(gamma_regularizer=regularizers.L2(0.1), beta_constraint="non_neg"),
                            layers.GlobalAveragePooling2D(), layers.Dense(2, activation=layers.ELU(0.5))),
        shape=(6, 5, 2), target=("real", 2), loss="mse", count=16, optimizer=lambda: optimizers.SGD(0.05, 0.9),
        metrics=["mape", metrics.CosineSimilarity(), metrics.LogCoshError()]),
    "own_padded_steps": dict(model=padded_steps, shape=(5, 3), target=("binary", 1), loss="binary_crossentropy", padded=True,
                             optimizer=lambda: optimizers.Adam(0.01), metrics=["accuracy"]),
    "own_other_axes": dict(
        model=lambda: stack((6, 4), layers.ZeroPadding1D((0, 2)), layers.BatchNormalization(axis=1, momentum=0.8, gamma_regularizer="l2"),
                            layers.Conv1D(4, 3, activation="tanh"), layers.LayerNormalization(axis=1), layers.Flatten(), layers.PReLU(), layers.Dense(2)),
        shape=(6, 4), target=("real", 2), loss="mse", optimizer=lambda: optimizers.SGD(0.02, 0.9)),
    "own_shared_layers": dict(model=shared_layers, shape=(6,), target=("binary", 1), loss="binary_crossentropy",
                              optimizer=lambda: optimizers.Adam(0.01), metrics=["accuracy"]),
    "own_merges": dict(model=merges, shape=(4, 6), target=("real", 2), loss="mse", optimizer=lambda: optimizers.SGD(0.02, 0.9)),
    "own_squeeze": dict(model=squeeze, shape=(7, 6, 3), target=("class", 3), loss="sparse_categorical_crossentropy",
                        optimizer=lambda: optimizers.AdamW(0.01, weight_decay=0.01), metrics=["acc"], count=20),
    "own_masked_merge": dict(model=masked_merge, shape=(6,), tokens=9, target=("binary", 1), loss="binary_crossentropy",
                             optimizer=lambda: optimizers.RMSprop(0.005), metrics=["accuracy"]),
    "own_bidirectional_modes": dict(
        model=lambda: stack(
            (5, 3),
            layers.Bidirectional(layers.SimpleRNN(4, return_sequences=True, name="ahead"), merge_mode="ave", name="both"),
            layers.Bidirectional(layers.LSTM(3, go_backwards=True), backward_layer=layers.LSTM(3, activation="relu"), merge_mode="mul"),
            layers.Dense(2)),
        shape=(5, 3), target=("real", 2), loss="mae", optimizer=lambda: optimizers.Nadam(0.01), before=2),
    "own_recurrent_constraints": dict(
        model=lambda: stack(
            (5, 3),
            layers.LSTM(4, return_sequences=True, kernel_constraint=constraints.MaxNorm(0.7, axis=0),
                        recurrent_constraint="unit_norm", bias_constraint="non_neg", bias_regularizer="l1"),
            layers.GRU(3, recurrent_constraint=constraints.MinMaxNorm(0.2, 0.8, 0.5), kernel_regularizer=regularizers.L1L2(0.01, 0.02)),
            layers.Dense(1)),
        shape=(5, 3), target=("real", 1), loss="huber", optimizer=lambda: optimizers.Adagrad(0.05)),
    "own_convolution_constraints": dict(
        model=lambda: stack(
            (8, 7, 2),
            layers.Conv2D(4, (3, 2), strides=(2, 1), kernel_constraint=constraints.MaxNorm(0.6, axis=[0, 1, 2]), activation="relu"),
            layers.SeparableConv2D(3, 2, depth_multiplier=2, depthwise_constraint="non_neg", pointwise_constraint="unit_norm"),
            layers.Conv2DTranspose(2, 3, strides=2, padding="same", kernel_regularizer="l1"),
            layers.AveragePooling2D(2, strides=1, padding="same"), layers.Flatten(), layers.Dense(3, "softmax")),
        shape=(8, 7, 2), target=("one_hot", 3), loss=lambda: losses.CategoricalCrossentropy(label_smoothing=0.2),
        optimizer=lambda: optimizers.SGD(0.05, nesterov=True, momentum=0.5, clipnorm=0.4), count=16),
    "own_causal_convolution": dict(
        model=lambda: stack(
            (9, 3), layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="silu"), layers.MaxPooling1D(2, padding="same"),
            layers.SpatialDropout1D(0.0), layers.Conv1D(6, 2, groups=2, bias_regularizer="l2"), layers.AveragePooling1D(2),
            layers.GlobalAveragePooling1D(), layers.Dense(1, "sigmoid")),
        shape=(9, 3), target=("binary", 1), loss="binary_crossentropy", optimizer=lambda: optimizers.Adamax(0.01), metrics=[metrics.AUC()]),
    "own_head_convolution": dict(
        model=lambda: stack((5, 5, 2), layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, depthwise_regularizer="l2", use_bias=False),
                            layers.BatchNormalization(momentum=0.8), layers.ReLU(max_value=2.0, negative_slope=0.1),
                            layers.Conv2D(1, 1, activation="sigmoid"), layers.Reshape((25,))),
        shape=(5, 5, 2), target=("binary", 25), loss="binary_crossentropy", optimizer=lambda: optimizers.Adam(0.01, amsgrad=True), before=2),
    "own_everyday": dict(
        model=lambda: stack(
            (4, 3), layers.Rescaling(0.5, offset=0.1), layers.Permute((2, 1)), layers.LayerNormalization(axis=[1, 2]),
            layers.LeakyReLU(), layers.Flatten(), layers.RepeatVector(2), layers.Dense(5), layers.ELU(0.7),
            layers.Flatten(), layers.ActivityRegularization(l1=0.001, l2=0.002), layers.BatchNormalization(scale=False),
            layers.Dense(3, kernel_initializer=initializers.HeNormal()), layers.Softmax()),
        shape=(4, 3), target=("class", 3), loss="sparse_categorical_crossentropy",
        optimizer=lambda: optimizers.Lion(0.002, weight_decay=0.1), metrics=["accuracy", "sparse_categorical_accuracy"]),
    "own_accumulated_average": dict(
        model=lambda: stack((6,), layers.Dense(8, "selu", kernel_initializer="lecun_normal"), layers.Dense(2)),
        shape=(6,), target=("real", 2), loss="log_cosh", before=2,
        optimizer=lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3, gradient_accumulation_steps=2)),
    "own_centered_rmsprop": dict(
        model=lambda: stack((6,), layers.Dense(8, "softplus", use_bias=False), layers.Dense(2)),
        shape=(6,), target=("real", 2), loss="mse", before=2,
        optimizer=lambda: optimizers.RMSprop(optimizers.schedules.PiecewiseConstantDecay([4, 9], [0.01, 0.005, 0.001]), centered=True, momentum=0.5)),
    "own_weighted": dict(
        model=lambda: stack((5,), layers.Dense(8, "relu", activity_regularizer="l2"), layers.Dense(1)),
        shape=(5,), target=("binary", 1), loss=lambda: losses.BinaryCrossentropy(from_logits=True), weights=True,
        optimizer=lambda: optimizers.SGD(optimizers.schedules.InverseTimeDecay(0.1, 5, 0.5), clipvalue=0.05),
        metrics=[metrics.MeanSquaredError(), "mae"], weighted_metrics=["mae", metrics.BinaryAccuracy(name="hits", threshold=0.1)]),
    "own_frozen": dict(
        model=lambda: stack((4,), layers.Dense(6, "tanh", kernel_regularizer="l2", trainable=False, name="still"),
                            layers.BatchNormalization(), layers.Dense(3, "tanh", kernel_regularizer=regularizers.OrthogonalRegularizer(0.1, "columns")),
                            layers.Dense(1, trainable=True)),
        shape=(4,), target=("real", 1), loss="mse", optimizer=lambda: optimizers.AdamW(0.01), before=1),
    "own_time_distributed": dict(
        model=lambda: stack((3, 4, 2), layers.TimeDistributed(layers.LSTM(3)), layers.TimeDistributed(layers.Dense(4, "softmax"))),
        shape=(3, 4, 2), target=("steps", 3), loss="sparse_categorical_crossentropy", steps=(3, 4), optimizer=lambda: optimizers.Adam(0.01)),
}


def make(name):
    case = dict(CASES[name])
    seed = sum(name.encode())
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = case["model"]()
    loss = case["loss"]() if callable(case["loss"]) else case["loss"]
    model.compile(case["optimizer"](), loss, metrics=case.get("metrics"), weighted_metrics=case.get("weighted_metrics"))
    for variable in model.trainable_variables:  # biases and the like begin at 0 or 1, where mistakes hide
        if variable.ndim == 1:
            variable.assign_add(0.1 * rng.normal(size=variable.shape).astype("float32"))

    def sample(count):
        if case["target"][0] == "steps":
            steps, classes = case["steps"]
            x, _ = rows(rng, case["shape"], ("real", 1), count)
            return x, rng.integers(0, classes, size=(count, steps)).astype("int64")
        if case.get("padded"):
            x, y = rows(rng, case["shape"], case["target"], count)
            lengths = rng.integers(1, x.shape[1] + 1, size=count)
            return x * (np.arange(x.shape[1])[None, :] < lengths[:, None])[..., None].astype("float32"), y
        return rows(rng, case["shape"], case["target"], count, case.get("tokens"))

    data = {}
    data["x"], data["y"] = sample(case.get("count", 37))
    data["x_val"], data["y_val"] = sample(13)
    if case.get("weights"):
        data["sample_weight"] = rng.random(len(data["x"])).astype("float32")
    if case.get("before"):
        model.fit(data["x"], data["y"], epochs=case["before"], batch_size=8, shuffle=False, verbose=0)
    model.save(folder / "model.keras")
    write_tensors(folder / "data.safetensors", data)
    settings = {
        "name": name, "epochs": 3, "batch_size": 8, "eval_batch_size": 8, "shuffle": False, "seed": seed,
        "notes": (case["model"].__doc__ or "").strip(),
        "tolerance": {quantity: {"rel": rel} for quantity, rel in FLOORS.items()},
    }
    (folder / "case.json").write_text(json.dumps(settings, indent=1) + "\n")
    expected, tensors, _ = expectations(folder / "model.keras", data, settings)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    write_tensors(folder / "expected.safetensors", tensors)
    print(f"{name}: loss {expected['history']['loss']}")


def check(folder):
    """Compares what is computed now with what is written, as the tests do."""
    settings = json.loads((folder / "case.json").read_text())
    expected, tensors, _ = expectations(folder / "model.keras", read_tensors(folder / "data.safetensors"), settings)
    written = json.loads((folder / "expected.json").read_text())
    worst = 0.0
    for key, column in written["history"].items():
        worst = max(worst, float(np.max(np.abs(np.subtract(column, expected["history"][key])))))
    for name, array in read_tensors(folder / "expected.safetensors").items():
        scale = max(float(np.abs(array).max()), 1e-6)
        worst = max(worst, float(np.abs(array - tensors[name]).max()) / scale)
    print(f"{folder.name}: largest difference {worst:.2e}")
    return worst < 1e-5


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("make", "check"):
        sys.exit(__doc__)
    if sys.argv[1] == "check":
        sys.exit(not all([check(Path(folder)) for folder in sys.argv[2:]]))
    names = sys.argv[2:]
    if names == ["all"]:
        names = [name for name in CASES if not (HERE / name).exists()]
    for name in names:
        make(name)


if __name__ == "__main__":
    main()
