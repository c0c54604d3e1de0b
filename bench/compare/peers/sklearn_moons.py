"""scikit-learn's MLPClassifier. Its penalty reaches the output kernel as well: no setting leaves that out."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import moons

X, Y, X_TEST, _ = moons.load()


def fit(epochs: int) -> MLPClassifier:
    """`alpha / (2 n) * sum(w^2)` is scikit-learn's penalty, so `alpha = 2 n lambda` is Keras's `l2(lambda)`."""
    model = MLPClassifier(
        hidden_layer_sizes=(moons.UNITS,),
        alpha=2 * moons.TRAIN_ROWS * moons.LAMBDA,
        batch_size=moons.TRAIN_ROWS,
        learning_rate_init=moons.LEARNING_RATE,
        beta_1=moons.BETA_1,
        beta_2=moons.BETA_2,
        epsilon=moons.EPSILON,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        tol=0.0,
        shuffle=False,
        random_state=0,
    )
    return model.fit(X, Y)


def main() -> None:
    name = "scikit-learn MLPClassifier"
    args = moons.arguments(__doc__, {"moons": [name]})
    warnings.filterwarnings("ignore", category=ConvergenceWarning)  # all epochs are run, on purpose
    model = fit(args.epochs)
    logits = moons.logits_of(model.predict_proba(X_TEST)[:, 1])
    seconds = moons.timed(lambda: fit(args.epochs), args.repeats)
    moons.report(name, seconds, args.epochs, 0.0, ("scikit-learn", "numpy", "scipy"), [logits])


if __name__ == "__main__":
    main()
