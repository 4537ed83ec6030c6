"""A model of 80 MB in memory, and a millisecond of work on some of it."""
import time

model = [bytes(4096) for _ in range(20_000)]


def apply(input):
    until = time.process_time() + 0.001
    total = 0
    while time.process_time() < until:
        total += len(model[total % len(model)])
    return input
