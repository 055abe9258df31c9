"""What is sent to another process can be opened there, also when its code lies nowhere."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_latentattr import Cohort, load_model
from napari_latentattr.core.errors import InputError
from napari_latentattr.streaming.by_value import dumps

FACTORY = """\
from torch import nn

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Conv2d(1, 2, 4, stride=4)
        self.decoder = nn.ConvTranspose2d(2, 1, 4, stride=4)

    def forward(self, x):
        return self.decoder(self.encoder(x))

def build(n_channels, ndim):
    return Own()
"""
READ = """\
import pickle, sys
model, cohort = pickle.load(open(sys.argv[1], "rb"))
print(model.encode(cohort[1].data[None]).tobytes().hex())
"""


def test_a_model_from_a_file_of_code_runs_where_that_file_is_not(tmp_path):
    (tmp_path / "own.py").write_text(FACTORY)
    namespace: dict[str, object] = {}
    exec(FACTORY, namespace)
    with torch.random.fork_rng():
        save_file(namespace["build"](1, 2).state_dict(), tmp_path / "own.safetensors")
    model = load_model(
        tmp_path / "own.safetensors",
        architecture="code:own.py:build",
        arguments={"n_channels": 1, "ndim": 2},
        trust=True,
    )
    model.most_bytes = 12345
    x = np.random.default_rng(0).normal(size=(2, 1, 16, 16)).astype(np.float32)
    cohort = Cohort.from_arrays(x, channels=["T1"])
    (tmp_path / "sent").write_bytes(dumps((model, cohort)))
    (tmp_path / "own.py").unlink()
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "sent")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert bytes.fromhex(done.stdout.strip()) == model.encode(x[1:]).tobytes()


def test_what_cannot_be_sent_is_told_in_a_sentence(tmp_path):
    with (
        (tmp_path / "open").open("w") as file,
        pytest.raises(InputError, match="cannot be sent to workers"),
    ):
        dumps(("model", file))
