"""Libraries start no threads of their own where a belt is worked on."""

import os
import subprocess
import sys

CODE = """
import numpy, scipy.linalg, cv2
from threadpoolctl import threadpool_info
from oresort.console.threads import one_thread
print(max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), cv2.getNumThreads())
one_thread()
print(max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), cv2.getNumThreads())
"""


def test_linear_algebra_and_pictures_keep_to_the_callers_thread():
    found = {key: word for key, word in os.environ.items() if not key.endswith("_NUM_THREADS")}
    words = [sys.executable, "-c", CODE]
    told = subprocess.run(words, env={**found, "OPENBLAS_NUM_THREADS": "3"}, capture_output=True, text=True, check=True)
    before, after = told.stdout.splitlines()
    assert int(before.split()[0]) > 1
    assert after.split() == ["1", "1"]
