"""A walk that is killed goes on where it was, and ends with the same numbers."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# The process ends itself over the write of one case: in the middle of it, before or behind the
# rename that makes it count.
WALK = """
import os, signal, sys
from hashlib import sha256
from pathlib import Path
from napari_latentattr import EncodedCache, Streaming, open_study
from napari_latentattr.cohort.table import TableCases
from napari_latentattr.streaming.encode import encode_cases

read, plain = [], TableCases.read
TableCases.read = lambda self, index: (read.append(index), plain(self, index))[1]
study, folder, at, where = open_study(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
writes, write, replace = [], Path.write_bytes, os.replace

def here(place):
    if len(writes) == at and place == where:
        os.kill(os.getpid(), signal.SIGKILL)

def deadly_write(path, content):
    writes.append(path)
    write(path, content[: len(content) // 2])
    here("middle")
    return write(path, content)

def deadly_replace(*names, **more):
    here("before")
    replace(*names, **more)
    here("behind")

Path.write_bytes, os.replace = deadly_write, deadly_replace
streaming = Streaming(cache=EncodedCache(folder) if folder else None)
digest = sha256()
for case in encode_cases(study.model, study.cohort, streaming=streaming):
    digest.update(case.maps.tobytes() + case.inside.tobytes() + case.sha256)
print(digest.hexdigest(), len(set(read)))
"""
KILLS = ((3, "middle", 2), (2, "before", 3), (4, "behind", 7))  # write, place, cases kept after it


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_over_a_write_it_resumes_and_ends_with_the_same_numbers(write_study, tmp_path):
    study, cache = write_study(tmp_path / "study", n_cases=10), tmp_path / "cache"

    def walk(folder: str, at: int = 0, where: str = "") -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", WALK, str(study), folder, str(at), where]
        return subprocess.run(argv, capture_output=True, text=True)

    digest, read = walk("").stdout.split()
    assert read == "10"
    for at, where, kept in KILLS:
        assert walk(str(cache), at, where).returncode == -signal.SIGKILL
        assert len(list(cache.glob("[!.]*.npz"))) == kept
    assert walk(str(cache)).stdout.split() == [digest, "3"]
