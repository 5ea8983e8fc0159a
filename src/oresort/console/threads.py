"""Threads that libraries start by themselves, which on small arrays cost more than they gain."""

import cv2
from threadpoolctl import threadpool_limits


def one_thread() -> None:
    """Have OpenCV, and the linear algebra of NumPy and of what is loaded by now, compute in the caller's thread.

    On blocks of some lines OpenCV's threads cost a core and half the speed; where cores are busy, a product of 10,000
    numbers on several threads was seen to take 29 ms instead of 12 us. What is loaded later begins with its own number.
    """
    cv2.setNumThreads(1)
    threadpool_limits(1, "blas")
