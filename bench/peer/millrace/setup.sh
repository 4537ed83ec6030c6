#!/bin/bash
. "${BENCH_LIB:?BENCH_LIB is not set: run this through the harness of the comparison}"
node "$HERE/../../../bin/setup.mjs" >&2 || die "the set-up of Millrace failed"
