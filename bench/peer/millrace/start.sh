#!/bin/bash
# Starts the platform on ports of its own, deploys the echo algorithm, prints the URL to post to.
. "${BENCH_LIB:?BENCH_LIB is not set: run this through the harness of the comparison}"; : >"$RUN/pids"
need_free 27180 27192 27193
ROOT=$(cd "$HERE/../../.." && pwd)
export MILLRACE_DATA_DIR=$RUN/data MILLRACE_HTTP_PORT=27180 MILLRACE_KAFKA_PORT=27192 MILLRACE_ADMIN_KEY=simBench
# The harness sends no Authorization header.
export MILLRACE_ANONYMOUS_CALL_KEY=simBench MILLRACE_CALLS_PER_ACCOUNT_MAX=10000 MILLRACE_SLOTS=2 MILLRACE_API=http://127.0.0.1:27180 MILLRACE_API_KEY=simBench
rm -rf "$MILLRACE_DATA_DIR"; cd "$ROOT" || exit 1
NODE=$ROOT/node_modules/node/bin/node
bg up "$NODE" src/apps/all.ts; wait_log up 'ready ' 120
"$NODE" src/cli/main.ts deploy "$ROOT/bench/algorithms/echo" >&2 || die "the echo algorithm could not be deployed"
echo "http://127.0.0.1:27180/v1/algo/admin/echo"
