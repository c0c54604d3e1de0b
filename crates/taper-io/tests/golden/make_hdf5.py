#!/usr/bin/env python3
"""Makes the HDF5 files in hdf5/: weights of `Sequential([Input((2,)), Dense(3)])` whose kernel is hidden behind something that a reader
must not follow. Needs: h5py==3.14.0 numpy.
"""
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent / "hdf5"
KERNEL = np.arange(6, dtype="float32").reshape(2, 3)


def soft_link(file, group):
    file["elsewhere"] = KERNEL
    group["0"] = h5py.SoftLink("/elsewhere")


def external_link(file, group):
    group["0"] = h5py.ExternalLink("other.h5", "/kernel")


def external_data(file, group):
    group.create_dataset("0", (2, 3), "float32", external=[("/etc/passwd", 0, 24)])


def virtual(file, group):
    layout = h5py.VirtualLayout((2, 3), "float32")
    layout[...] = h5py.VirtualSource("other.h5", "kernel", (2, 3))
    group.create_virtual_dataset("0", layout)


def chunked(file, group):
    group.create_dataset("0", data=KERNEL, chunks=(1, 3))


def compressed(file, group):
    group.create_dataset("0", data=KERNEL, compression="gzip")


def never_written(file, group):
    group.create_dataset("0", (2, 3), "float32")


def other_kind(file, group):
    group["0"] = KERNEL.astype("float64")


def big_endian(file, group):
    group["0"] = KERNEL.astype(">f4")


def text(file, group):
    group["0"] = np.array([["a", "b", "c"]] * 2, dtype="S4")


def group(file, group):
    group.create_group("0")


def loop(file, group):
    group["0"] = file["layers"]


def newest(file, group):
    group["0"] = KERNEL


def good(file, group):
    group["0"] = KERNEL


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for case in (soft_link, external_link, external_data, virtual, chunked, compressed, never_written, other_kind, big_endian, text, group, loop,
                 newest, good):
        path = HERE / f"{case.__name__}.h5"
        with h5py.File(path, "w", libver="latest" if case is newest else None) as file:
            variables = file.create_group("layers/dense/vars")
            case(file, variables)
            variables["1"] = np.zeros(3, "float32")
        print(path.name, path.stat().st_size)
