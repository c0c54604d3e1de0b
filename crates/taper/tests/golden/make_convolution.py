"""Writes keras_convolution.json beside this file: what Keras (TensorFlow backend) computes for convolution and pooling.

Run with Keras 3.15 and TensorFlow 2.21:  python make_convolution.py
Inputs, parameters and weights of the sums are f(i, seed) below, so that only three numbers a case need to be kept:
sum of c*y, and the sums of the gradients of that with respect to x and to the parameters (in order, as one vector), weighted.
"""
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

L = keras.layers


def f(n, seed):
    i = np.arange(n, dtype=np.int64)
    return (((i * 7919 + seed * 104729) % 1009 - 504) / 504.0).astype("float32")


def image_layers():
    for padding in ["valid", "same"]:
        for strides in [(1, 1), (2, 2), (3, 2)]:
            yield "conv2d", L.Conv2D, dict(filters=3, kernel_size=(3, 2), strides=strides, padding=padding, activation="tanh")
            yield "conv2d_transpose", L.Conv2DTranspose, dict(filters=3, kernel_size=(3, 2), strides=strides, padding=padding, activation="gelu")
            yield "conv2d_transpose", L.Conv2DTranspose, dict(filters=3, kernel_size=(1, 4), strides=strides, padding=padding)
            yield "max_pooling2d", L.MaxPooling2D, dict(pool_size=(3, 2), strides=strides, padding=padding)
            yield "average_pooling2d", L.AveragePooling2D, dict(pool_size=(3, 2), strides=strides, padding=padding)
        for strides in [1, 2]:
            yield "depthwise_conv2d", L.DepthwiseConv2D, dict(kernel_size=3, strides=strides, padding=padding, depth_multiplier=2)
            yield "separable_conv2d", L.SeparableConv2D, dict(filters=5, kernel_size=3, strides=strides, padding=padding, depth_multiplier=2, activation="softmax")
        yield "conv2d", L.Conv2D, dict(filters=3, kernel_size=(3, 2), dilation_rate=(2, 3), padding=padding, use_bias=False)
        yield "conv2d", L.Conv2D, dict(filters=6, kernel_size=3, groups=2, padding=padding, activation="silu")
        yield "conv2d", L.Conv2D, dict(filters=5, kernel_size=1, strides=2, padding=padding)
        yield "depthwise_conv2d", L.DepthwiseConv2D, dict(kernel_size=(2, 3), dilation_rate=2, padding=padding, activation="relu")
        yield "depthwise_conv2d", L.DepthwiseConv2D, dict(kernel_size=3, strides=2, dilation_rate=2, padding=padding)
        yield "separable_conv2d", L.SeparableConv2D, dict(filters=5, kernel_size=3, dilation_rate=2, padding=padding)
        yield "separable_conv2d", L.SeparableConv2D, dict(filters=5, kernel_size=3, strides=2, dilation_rate=2, padding=padding)
        yield "max_pooling2d", L.MaxPooling2D, dict(padding=padding)
        yield "average_pooling2d", L.AveragePooling2D, dict(pool_size=2, padding=padding)
    yield "global_max_pooling2d", L.GlobalMaxPooling2D, dict(keepdims=True)
    yield "global_average_pooling2d", L.GlobalAveragePooling2D, dict()
    yield "zero_padding2d", L.ZeroPadding2D, dict(padding=[[0, 2], [1, 3]])
    yield "zero_padding2d", L.ZeroPadding2D, dict(padding=[2, 1])
    yield "up_sampling2d", L.UpSampling2D, dict(size=[2, 3])


def more_image_layers():
    for padding in ["valid", "same"]:
        for kernel_size, strides, output_padding in [((3, 2), (2, 3), (1, 2)), ((3, 5), (3, 2), (0, 0)), ((1, 4), (2, 2), (0, 1)), (3, 2, 0)]:
            settings = dict(filters=3, kernel_size=kernel_size, strides=strides, padding=padding, output_padding=output_padding)
            yield "conv2d_transpose", L.Conv2DTranspose, settings
    yield "cropping2d", L.Cropping2D, dict(cropping=[[0, 2], [1, 3]])
    yield "layer_normalization", L.LayerNormalization, dict(axis=[1, 3])
    yield "layer_normalization", L.LayerNormalization, dict(axis=[1, 2], center=False)
    yield "layer_normalization", L.LayerNormalization, dict(axis=[-1, 2])


def more_sequence_layers():
    for padding in ["valid", "same"]:
        for strides, output_padding in [(1, None), (3, None), (3, 0), (3, 2)]:
            settings = dict(filters=3, kernel_size=3, strides=strides, padding=padding, output_padding=output_padding, activation="mish")
            yield "conv1d_transpose", L.Conv1DTranspose, settings
        yield "conv1d_transpose", L.Conv1DTranspose, dict(filters=2, kernel_size=2, strides=4, padding=padding)
        for strides, dilation_rate in [(1, 1), (2, 1), (1, 2)]:
            settings = dict(kernel_size=3, strides=strides, dilation_rate=dilation_rate, padding=padding, depth_multiplier=2)
            yield "depthwise_conv1d", L.DepthwiseConv1D, settings
            yield "separable_conv1d", L.SeparableConv1D, dict(filters=4, activation="softmax", **settings)
    yield "cropping1d", L.Cropping1D, dict(cropping=[2, 1])
    yield "up_sampling1d", L.UpSampling1D, dict(size=3)
    for activation in ["celu", "hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "mish", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink"]:
        yield "dense", L.Dense, dict(units=20, activation=activation)


def sequence_layers():
    for padding in ["valid", "same", "causal"]:
        for strides, dilation_rate in [(1, 1), (2, 1), (3, 1), (1, 2)]:
            yield "conv1d", L.Conv1D, dict(filters=3, kernel_size=4, strides=strides, dilation_rate=dilation_rate, padding=padding, activation="elu")
    for padding in ["valid", "same"]:
        for strides in [None, 1, 3]:
            yield "max_pooling1d", L.MaxPooling1D, dict(pool_size=2, strides=strides, padding=padding)
            yield "average_pooling1d", L.AveragePooling1D, dict(pool_size=4, strides=strides, padding=padding)
    yield "global_max_pooling1d", L.GlobalMaxPooling1D, dict()
    yield "global_average_pooling1d", L.GlobalAveragePooling1D, dict(keepdims=True)


def case(name, make, settings, shape, levels):
    layer = make(**settings)
    x = f(2 * np.prod(shape), 1).reshape((2, *shape))
    if levels:  # many equal numbers: who gets the gradient of a maximum?
        x = np.round(x * levels) / np.float32(levels)
    x = tf.constant(x)
    layer.build((None, *shape))
    start, weights = 0, f(sum(int(np.prod(w.shape)) for w in layer.weights), 2) * np.float32(0.5)
    for w in layer.weights:
        n = int(np.prod(w.shape))
        w.assign(weights[start : start + n].reshape(w.shape))
        start += n
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        total = tf.reduce_sum(y * f(tf.size(y).numpy(), 3).reshape(y.shape))
    grads = tape.gradient(total, [x] + [w.value for w in layer.trainable_weights])
    flat = np.concatenate([g.numpy().ravel() for g in grads[1:]] or [np.zeros(0, "float32")])
    dot = lambda v, seed: float(np.dot(v.astype("float64").ravel(), f(v.size, seed).astype("float64")))
    spec = {"layer": name, **{k: v for k, v in settings.items() if v is not None}}
    return dict(spec=spec, input=list(shape), levels=levels, output=list(y.shape[1:]), y=dot(y.numpy(), 3), dx=dot(grads[0].numpy(), 4), dparams=dot(flat, 5))


cases = []
for name, make, settings in image_layers():
    cases.append(case(name, make, settings, (7, 8, 4), 0))
    if "max" in name:
        cases.append(case(name, make, settings, (7, 8, 4), 2))
for name, make, settings in sequence_layers():
    cases.append(case(name, make, settings, (11, 3), 0))
    if "max" in name:
        cases.append(case(name, make, settings, (11, 3), 2))
for name, make, settings in more_image_layers():
    cases.append(case(name, make, settings, (7, 8, 4), 0))
for name, make, settings in more_sequence_layers():
    cases.append(case(name, make, settings, (11, 3), 0))
path = pathlib.Path(__file__).with_name("keras_convolution.json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
