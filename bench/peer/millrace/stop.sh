#!/bin/bash
. "${BENCH_LIB:?BENCH_LIB is not set: run this through the harness of the comparison}"; stop_pids
rm -rf "$RUN/data"
