"""Random models of Keras's, each drawn from its number, compiled and with rows to train on: see sweep.py."""
import keras
import numpy as np
from keras import constraints, initializers, layers, losses, metrics, optimizers, regularizers

from make_keras import rows


class Draw:
    """Choices from a case's own generator."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, *options):
        return options[self.rng.integers(len(options))]

    def maybe(self, share, value, otherwise=None):
        return value() if self.rng.random() < share else otherwise

    def regularizer(self, share=0.35):
        return self.maybe(share, lambda: self.one("l1", "l2", "l1l2", regularizers.L1(0.003), regularizers.L2(0.01), regularizers.L1L2(0.001, 0.002)))

    # Never on a kernel that begins orthogonal: the signs of its products are those of rounding.
    def orthogonal(self, share=0.08):
        return self.maybe(share, lambda: regularizers.OrthogonalRegularizer(0.02, self.one("rows", "columns")))

    def constraint(self, rank, share=0.2):
        axis = self.one(0, list(range(max(rank - 1, 1))))
        return self.maybe(share, lambda: self.one(
            constraints.MaxNorm(0.7, axis=axis), constraints.NonNeg(), constraints.UnitNorm(axis=axis),
            constraints.MinMaxNorm(0.3, 0.8, rate=self.one(1.0, 0.4), axis=axis)))

    def activation(self):
        if self.rng.random() < 0.06:
            return self.one(lambda: layers.LeakyReLU(0.1), lambda: layers.ELU(0.7), layers.ReLU)()
        return self.one(None, "relu", "tanh", "sigmoid", "elu", "selu", "softplus", "softsign", "gelu", "silu", "swish", "hard_sigmoid",
                        "leaky_relu", "exponential", "relu6", "softmax", "linear", "mish", "celu", "hard_silu", "hard_tanh", "log_sigmoid", "soft_shrink",
                        "hard_shrink", "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid")

    def weights(self, rank, *names, bias=True):
        """Regularizers and constraints of these weights (their rank given for the first)."""
        settings = {}
        for name in names:
            settings[f"{name}_regularizer"] = (self.orthogonal() if rank == 2 and name == "kernel" else None) or self.regularizer()
            settings[f"{name}_constraint"] = self.constraint(rank)
        if bias:
            settings |= {"use_bias": self.one(True, True, False), "bias_regularizer": self.regularizer(0.2),
                         "bias_constraint": self.maybe(0.1, lambda: self.one(constraints.NonNeg(), constraints.MaxNorm(0.5)))}
            settings["bias_initializer"] = self.one("zeros", "ones", initializers.RandomNormal(stddev=0.1))
        settings["activity_regularizer"] = self.regularizer(0.12)
        return settings

    def kernel_initializer(self):
        return self.one("glorot_uniform", "he_normal", "lecun_normal", initializers.RandomUniform(-0.4, 0.4),
                        initializers.VarianceScaling(0.5, mode="fan_avg", distribution="uniform"))

    def dense(self, units):
        return layers.Dense(units, self.activation(), kernel_initializer=self.kernel_initializer(), **self.weights(2, "kernel"))

    def recurrent(self, units, sequences, directed=True):
        settings = self.weights(2, "kernel", "recurrent") | dict(
            activation=self.one("tanh", "tanh", "relu", "sigmoid", "softsign"), return_sequences=sequences, dropout=0.0, recurrent_dropout=0.0,
            zero_output_for_mask=self.one(False, False, True))
        if directed:
            settings["go_backwards"] = self.one(False, False, True)
        kind = self.one(layers.SimpleRNN, layers.LSTM, layers.LSTM, layers.GRU, layers.GRU)
        if kind is layers.GRU:
            settings["reset_after"] = self.one(True, False)
        if kind is layers.LSTM:
            settings["unit_forget_bias"] = self.one(True, False)
        if kind is not layers.SimpleRNN:
            settings["recurrent_activation"] = self.one("sigmoid", "sigmoid", "hard_sigmoid")
            settings["implementation"] = self.one(1, 2)
        if kind is layers.SimpleRNN:
            settings.pop("zero_output_for_mask")
        return kind(units, **settings)

    def any_recurrent(self, units, sequences):
        if self.rng.random() < 0.35:
            mode = self.one("concat", "sum", "mul", "ave")
            return layers.Bidirectional(self.recurrent(units, sequences, directed=False), merge_mode=mode)
        return self.recurrent(units, sequences)

    def normalization(self, rank):
        settings = {f"{name}_{what}": draw for name in ("gamma", "beta") for what, draw in
                    (("regularizer", self.regularizer(0.2)), ("constraint", self.maybe(0.1, constraints.NonNeg)))}
        settings |= dict(center=self.one(True, True, False), scale=self.one(True, True, False), epsilon=self.one(1e-3, 1e-2))
        if self.rng.random() < 0.5:
            return layers.BatchNormalization(axis=self.one(-1, -1, self.rng.integers(1, rank + 1).item()), momentum=self.one(0.99, 0.8), **settings)
        axes = sorted(self.rng.choice(np.arange(1, rank + 1), size=self.rng.integers(1, rank + 1), replace=False).tolist())
        return layers.LayerNormalization(axis=self.one(-1, axes), **settings)

    def quiet(self, rank):
        """A layer without weights that keeps the shape."""
        options = [lambda: layers.Dropout(0.0), lambda: layers.GaussianNoise(0.0), lambda: layers.GaussianDropout(0.0), layers.LeakyReLU, layers.ELU,
                   lambda: layers.ReLU(max_value=self.one(None, 2.0), negative_slope=self.one(0.0, 0.1), threshold=self.one(0.0, 0.3)),
                   lambda: layers.Rescaling(self.one(0.5, 2), self.one(0.0, 0.1)), lambda: layers.Activation(self.activation(), activity_regularizer=self.regularizer(0.3)), lambda: layers.Softmax(self.one(-1, 1, list(range(1, rank + 1)))),
                   lambda: layers.PReLU(alpha_initializer=initializers.RandomNormal(0.2, 0.1), alpha_regularizer=self.regularizer(), alpha_constraint=self.maybe(0.2, constraints.NonNeg),
                                        shared_axes=self.maybe(0.4, lambda: [1])),
                   lambda: layers.ActivityRegularization(0.001, 0.002)]
        if rank == 2:
            options += [lambda: layers.SpatialDropout1D(0.0)]
        if rank == 3:
            options += [lambda: layers.SpatialDropout2D(0.0)]
        return self.one(*options)()


def image(d):
    """Convolutions over images."""
    inputs = keras.Input((d.one(7, 8, 9), d.one(6, 8, 9), d.one(2, 4)))
    x = inputs
    for _ in range(d.one(1, 2, 3)):
        kind = d.one("conv", "conv", "depthwise", "separable", "transpose", "pool", "pad", "crop", "norm", "quiet", "up", "dense", "residual", "permute")
        height, width, channels = x.shape[1:]
        small = min(height, width)
        size = d.one(*[s for s in (1, 2, 3, (2, 3), (3, 1)) if np.max(s) <= small])
        even = d.one(True, False)
        stride = d.one(1, 2)
        padding = d.one("valid", "same")
        dilation = d.one(1, 2) if stride == 1 and np.max(size) * 2 <= small + 1 else 1
        if kind == "conv":
            groups = d.one(1, 2) if channels % 2 == 0 else 1
            x = layers.Conv2D(d.one(2, 4), size, d.one(stride, (stride, stride)), padding, dilation_rate=dilation, groups=groups,
                              activation=d.activation(), kernel_initializer=d.kernel_initializer(), **d.weights(4, "kernel"))(x)
        elif kind == "depthwise":
            x = layers.DepthwiseConv2D(size, stride, padding, depth_multiplier=d.one(1, 2), dilation_rate=dilation, activation=d.activation(),
                                       **d.weights(4, "depthwise"))(x)
        elif kind == "separable":
            x = layers.SeparableConv2D(d.one(2, 3), size, stride, padding, depth_multiplier=d.one(1, 2), dilation_rate=dilation,
                                       activation=d.activation(), **d.weights(4, "depthwise", "pointwise"))(x)
        elif kind == "transpose" and small < 12:
            more = d.maybe(0.3, lambda: d.one(0, 1)) if stride == 2 and np.min(size) > 1 else None
            x = layers.Conv2DTranspose(d.one(2, 3), size, stride, padding, output_padding=more, dilation_rate=dilation, activation=d.activation(), **d.weights(4, "kernel"))(x)
        elif kind == "pool" and small > 3:
            pool = d.one(layers.MaxPooling2D, layers.AveragePooling2D)
            x = pool(d.one(2, (2, 3)), strides=d.one(None, 1, 2), padding=padding)(x)
        elif kind == "pad":
            x = layers.ZeroPadding2D(d.one(1, (1, 2), ((0, 1), (2, 0))))(x)
        elif kind == "crop" and small > 4:
            x = layers.Cropping2D(d.one(1, (0, 1), ((0, 1), (2, 0))))(x)
        elif kind == "norm":
            x = d.normalization(3)(x)
        elif kind == "quiet":
            x = d.quiet(3)(x)
        elif kind == "permute":
            x = layers.Permute(d.one((2, 1, 3), (3, 1, 2)))(x)
        elif kind == "dense":
            x = d.dense(3)(x)
        elif kind == "up" and small < 8:
            x = layers.UpSampling2D(d.one(2, (1, 2)))(x)
        elif kind == "residual":
            branch = layers.Conv2D(channels, 3, padding="same", activation=d.activation(), **d.weights(4, "kernel"))(x)
            x = d.one(layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Concatenate, lambda: layers.Concatenate(d.one(1, 2, -2)))()(d.one([x, branch], [x, branch, x]))
    if d.rng.random() < 0.1:
        return inputs, x, None
    finish = d.one(layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, lambda: layers.GlobalAveragePooling2D(keepdims=True),
                   lambda: layers.GlobalMaxPooling2D(activity_regularizer=d.regularizer(0.5)))
    return inputs, finish()(x), None


def film(d):
    """The same layers on every image of a sequence."""
    inputs = keras.Input((d.one(2, 3), 6, 5, 2))
    x = layers.TimeDistributed(layers.Conv2D(3, d.one(1, 2), padding=d.one("same", "valid"), activation=d.activation(), **d.weights(4, "kernel")))(inputs)
    if d.rng.random() < 0.5:
        x = layers.TimeDistributed(d.one(layers.MaxPooling2D, layers.AveragePooling2D)(2))(x)
    if d.rng.random() < 0.3:
        x = layers.TimeDistributed(d.one(layers.LeakyReLU, lambda: layers.Dropout(0.0), lambda: layers.LayerNormalization(gamma_regularizer="l2"), lambda: d.normalization(3))())(x)
    x = layers.TimeDistributed(d.one(layers.Flatten, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D)())(x)
    return inputs, d.any_recurrent(4, d.one(True, False, False))(x), None


def sequence(d):
    """Recurrent layers and convolutions over sequences; sometimes of tokens, sometimes masked."""
    tokens = d.one(None, None, 9)
    if tokens:
        inputs = keras.Input((d.one(5, 6),))
        x = layers.Embedding(tokens, d.one(3, 4), mask_zero=d.one(True, False), embeddings_regularizer=d.one("l2", regularizers.L2(0.002)),
                             embeddings_constraint=d.constraint(2), activity_regularizer=d.regularizer(0.1))(inputs)
    else:
        inputs = keras.Input((d.one(5, 6), d.one(2, 4)))
        x = inputs
        if d.rng.random() < 0.25:
            x = layers.Masking(d.one(0.0, 0.0, -1.5))(x)
    for _ in range(d.one(1, 2)):
        kind = d.one("rnn", "rnn", "conv", "pool", "norm", "quiet", "each", "residual", "permute", "dense", "pad", "apart", "transpose", "size")
        steps, channels = x.shape[1:]
        masked = getattr(x, "_keras_mask", None) is not None
        if kind == "rnn":
            x = d.any_recurrent(d.one(2, 4), True)(x)
        elif kind == "conv" and not masked:
            size = d.one(1, 2, 3)
            dilation = d.one(1, 2)
            padding = d.one("same", "causal", "valid") if (size - 1) * dilation < steps else d.one("same", "causal")
            groups = d.one(1, 2) if channels % 2 == 0 else 1
            x = layers.Conv1D(4, size, d.one(1, 2) if dilation == 1 else 1, padding, dilation_rate=dilation, groups=groups,
                              activation=d.activation(), **d.weights(3, "kernel"))(x)
        elif kind == "pool" and not masked and steps > 2:
            x = d.one(layers.MaxPooling1D, layers.AveragePooling1D)(2, strides=d.one(None, 1), padding=d.one("valid", "same"))(x)
        elif kind == "norm":
            x = d.normalization(2)(x)
        elif kind == "quiet":
            x = d.quiet(2)(x)
        elif kind == "each":
            x = layers.TimeDistributed(d.one(lambda: d.dense(3), lambda: d.normalization(1))())(x)
        elif kind == "apart" and not masked:
            size = d.one(1, 2, 3)
            settings = dict(kernel_size=size, padding=d.one("same", "valid") if size < steps else "same", depth_multiplier=d.one(1, 2),
                            strides=d.one(1, 2), activation=d.activation())
            x = d.one(lambda: layers.DepthwiseConv1D(**settings, **d.weights(3, "depthwise")),
                      lambda: layers.SeparableConv1D(d.one(2, 4), **settings, **d.weights(3, "depthwise", "pointwise")))()(x)
        elif kind == "transpose" and not masked:
            stride = d.one(1, 2, 3)
            x = layers.Conv1DTranspose(d.one(2, 4), d.one(2, 3), stride, d.one("same", "valid"), output_padding=d.maybe(0.4, lambda: d.rng.integers(0, stride).item()),
                                       activation=d.activation(), **d.weights(3, "kernel"))(x)
        elif kind == "size" and not masked:
            x = d.one(layers.UpSampling1D, lambda: layers.Cropping1D((1, 0)))()(x)
        elif kind == "dense":
            x = d.dense(4)(x)
        elif kind == "residual":
            x = d.one(layers.Add, layers.Multiply, layers.Concatenate, lambda: layers.Concatenate(1))()([x, d.any_recurrent(channels, True)(x) if channels % 2 == 0 else x])
        elif kind == "permute" and not masked:
            x = layers.Permute((2, 1))(x)
        elif kind == "pad" and not masked:
            x = layers.ZeroPadding1D(d.one(1, (0, 2)))(x)
    masked = getattr(x, "_keras_mask", None) is not None
    if d.rng.random() < 0.2:
        return inputs, x, tokens
    options = [lambda: d.any_recurrent(3, False), lambda: d.any_recurrent(4, False), layers.GlobalAveragePooling1D]
    if not masked:
        options += [layers.GlobalMaxPooling1D, layers.Flatten]
    return inputs, d.one(*options)()(x), tokens


def flat(d):
    """Dense layers, branches, shared layers."""
    inputs = keras.Input((d.one(3, 6),))
    x = inputs
    for _ in range(d.one(1, 2, 3)):
        kind = d.one("dense", "dense", "norm", "quiet", "residual", "shared", "reshape", "bilinear", "repeat")
        width = x.shape[-1]
        if kind == "dense":
            x = d.dense(d.one(3, 5, 8))(x)
        elif kind == "norm":
            x = d.normalization(1)(x)
        elif kind == "quiet":
            x = d.quiet(1)(x)
        elif kind == "residual":
            merge = d.one(layers.Add(), layers.Average(), layers.Concatenate(), layers.Subtract(), None)
            x = merge([d.dense(width)(x), x]) if merge else d.dense(width)(x) + x
        elif kind == "shared":
            shared = d.dense(width)
            x = layers.Add()([shared(x), shared(shared(x))])
        elif kind == "reshape":
            x = layers.Flatten()(d.dense(3)(layers.Reshape((-1, 1))(x)))
        elif kind == "repeat":
            x = layers.Bidirectional(layers.GRU(2), activity_regularizer=d.regularizer(0.3))(layers.RepeatVector(3, activity_regularizer=d.regularizer(0.2))(x))
        elif kind == "bilinear":
            x = layers.Multiply()([d.dense(width)(x), d.dense(width)(x)])
    return inputs, x, None


def learning_rate(d, rate):
    schedules = optimizers.schedules
    return d.one(
        rate, rate,
        lambda: schedules.ExponentialDecay(rate, d.one(4, 7), 0.7, staircase=d.one(True, False)),
        lambda: schedules.CosineDecay(rate, 10, alpha=0.1),
        lambda: schedules.CosineDecay(rate / 10, 8, alpha=0.05, warmup_target=rate, warmup_steps=4),
        lambda: schedules.PiecewiseConstantDecay([3, 8], [rate, rate / 2, rate / 4]),
        lambda: schedules.PolynomialDecay(rate, 9, rate / 10, power=d.one(1.0, 2.0), cycle=d.one(False, True)),
        lambda: schedules.InverseTimeDecay(rate, 5, 0.5, staircase=d.one(True, False)))


def optimizer(d):
    kinds = {
        optimizers.SGD: (0.05, lambda: dict(momentum=d.one(0.0, 0.9), nesterov=d.one(True, False))),
        optimizers.Adam: (0.01, lambda: dict(amsgrad=d.one(False, True), beta_1=d.one(0.9, 0.5))),
        optimizers.AdamW: (0.01, lambda: dict(weight_decay=d.one(0.004, 0.05))),
        optimizers.Adamax: (0.01, dict), optimizers.Nadam: (0.01, dict), optimizers.Adagrad: (0.05, dict),
        optimizers.Lion: (0.001, dict),
        optimizers.RMSprop: (0.003, lambda: dict(centered=d.one(False, True), momentum=d.one(0.0, 0.5), rho=d.one(0.9, 0.7))),
    }
    kind = d.one(*kinds)
    rate, settings = kinds[kind]
    rate = learning_rate(d, rate)
    settings = {"weight_decay": d.maybe(0.15, lambda: 0.02)} | settings() if kind is not optimizers.AdamW else settings()
    settings |= d.one({}, {}, {}, {"clipnorm": 0.3}, {"global_clipnorm": 0.4}, {"clipvalue": 0.05})
    settings |= d.one({}, {}, {}, {}, dict(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=d.one(None, 4)))
    settings |= d.one({}, {}, {}, {}, {}, dict(gradient_accumulation_steps=2))
    return kind(rate() if callable(rate) and not isinstance(rate, float) else rate, **settings)


def head(d, x):
    """The last layer, the loss that goes with it, the rows' targets and metrics."""
    kind = d.one("binary", "binary", "classes", "classes", "real", "real", "sign", "logits", "count")
    name = "head"
    regular = lambda: d.weights(2, "kernel") | {"activity_regularizer": None, "name": name}
    outer = tuple(x.shape[1:-1])  # predictions per row: one, or one for each step or pixel
    if outer:
        kind = d.one("binary", "classes", "real", "logits")
    finish = (lambda layer: layers.TimeDistributed(layer, name="each")) if len(outer) == 1 and d.rng.random() < 0.5 else (lambda layer: layer)
    outputs, loss, (what, size), measured = head_of(d, kind, x, regular, finish)
    return outputs, loss, (what, *outer, size), measured


def head_of(d, kind, x, regular, finish):
    if kind == "binary":
        loss = d.one("binary_crossentropy", lambda: losses.BinaryCrossentropy(label_smoothing=0.1))
        return (finish(layers.Dense(1, "sigmoid", **regular()))(x), loss, ("binary", 1),
                ["accuracy", d.one("AUC", metrics.Precision(), metrics.Recall(), metrics.BinaryAccuracy(threshold=0.4), metrics.AUC(num_thresholds=50),
                                  metrics.BinaryCrossentropy(), "binary_crossentropy")])
    if kind == "classes":
        if d.rng.random() < 0.5:
            loss = d.one("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy)
            return finish(layers.Dense(4, "softmax", **regular()))(x), loss, ("class", 4), [d.one("accuracy", metrics.SparseTopKCategoricalAccuracy(k=2), "sparse_categorical_crossentropy")]
        loss = d.one("categorical_crossentropy", lambda: losses.CategoricalCrossentropy(label_smoothing=0.2), "kl_divergence", "categorical_hinge")
        return finish(layers.Dense(3, "softmax", **regular()))(x), loss, ("one_hot", 3), ["accuracy", d.one(metrics.TopKCategoricalAccuracy(k=2), metrics.CategoricalCrossentropy(name="fit"), "kl_divergence")]
    if kind == "logits":
        if d.rng.random() < 0.5:
            return (finish(layers.Dense(1, **regular()))(x), lambda: losses.BinaryCrossentropy(from_logits=True, label_smoothing=d.one(0.0, 0.1)), ("binary", 1),
                    ["accuracy", metrics.BinaryCrossentropy(from_logits=True, name="fit")])
        return (finish(layers.Dense(3, **regular()))(x), d.one(lambda: losses.CategoricalCrossentropy(from_logits=True)), ("one_hot", 3), ["accuracy"])
    if kind == "sign":
        return finish(layers.Dense(1, "tanh", **regular()))(x), d.one("hinge", "squared_hinge"), ("binary", 1), [d.one("mae", "mse")]
    if kind == "count":
        return finish(layers.Dense(1, d.one("softplus", "exponential"), **regular()))(x), d.one("poisson", "msle"), ("binary", 1), ["mae"]
    loss = d.one("mse", "mae", "huber", "log_cosh", "cosine_similarity", "mape", lambda: losses.Huber(delta=0.5), losses.MeanSquaredError)
    return finish(layers.Dense(2, d.one(None, "tanh"), **regular()))(x), loss, ("real", 2), ["mae", d.one(metrics.RootMeanSquaredError(), "mape", metrics.CosineSimilarity(), metrics.LogCoshError())]


def make(seed):
    """A compiled model, its rows and how to train it."""
    d = Draw(seed)
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    inputs, x, tokens = d.one(image, image, sequence, sequence, sequence, flat, flat, film)(d)
    outputs, loss, target, measured = head(d, x)
    model = keras.Model(inputs, outputs)
    if d.rng.random() < 0.5 and all(len(layer._inbound_nodes) == 1 and isinstance(layer, layers.Layer) and not isinstance(layer.input, list)
                                    for layer in model.layers):
        model = keras.Sequential(model.layers)
    for layer in model.layers:
        if layer.weights and layer.name not in ("head", "each") and d.rng.random() < 0.06:
            layer.trainable = False
    model.compile(d_optimizer := optimizer(d), loss() if callable(loss) else loss, metrics=d.maybe(0.7, lambda: measured),
                  weighted_metrics=d.maybe(0.2, lambda: ["mae"]))
    d_optimizer.build(model.trainable_variables)
    for variable in model.trainable_variables:  # biases and the like begin at 0 or 1, where mistakes hide
        if variable.ndim == 1:
            variable.assign_add(0.1 * d.rng.normal(size=variable.shape).astype("float32"))
    shape = inputs.shape[1:]
    count = d.one(16, 21, 30)
    data = {}
    for name, many in (("", count), ("_val", 9)):
        data[f"x{name}"], data[f"y{name}"] = rows(d.rng, shape, target, many, tokens)
        if any(isinstance(layer, layers.Masking) for layer in model.layers):
            lengths = d.rng.integers(1, shape[0] + 1, size=many)
            data[f"x{name}"] *= (np.arange(shape[0])[None, :] < lengths[:, None])[..., None]
    if d.rng.random() < 0.2:
        data["sample_weight"] = d.rng.random(count).astype("float32")
    elif target[0] in ("class", "one_hot", "binary") and d.rng.random() < 0.2:
        data["class_weight"] = (0.5 + d.rng.random(target[1] if target[0] != "binary" else 2)).astype("float32")
    settings = {"epochs": 2, "batch_size": d.one(5, 8), "eval_batch_size": d.one(4, 9), "shuffle": False}
    if d.rng.random() < 0.25 and all(getattr(layer, "groups", 1) == 1 for layer in model.layers):
        model.fit(data["x"], data["y"], epochs=1, batch_size=8, shuffle=False, verbose=0)
    return model, data, settings
