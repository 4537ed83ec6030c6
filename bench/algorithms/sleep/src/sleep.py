import time


def apply(input):
    time.sleep(0.02)
    return input
