#!/bin/sh
# The whole suite on both stacks. Every part runs to its end; the exit code is 1 when one has failed.
set -u
PYTEST=${PYTEST:-python -m pytest}
failed=
jobs=
# Where nothing can be installed the tests of the proxy and of the alert rules fail with advice.
sh tests/proxy/install_caddy.sh || true
sh tests/settings/install_promtool.sh || true

report() { # the name of a part, its exit code and the file with its output
  echo "== $1 =="
  [ -z "${3:-}" ] || cat "$3"
  [ "$2" -eq 0 ] || failed="$failed, $1"
}

if [ $# -gt 0 ]; then
  for stack in sqlite postgres; do
    PARLEY_TEST_STACK=$stack $PYTEST "$@"
    report "$stack" $?
  done
else
  folder=$(mktemp -d)
  mkdir "$folder/seen"
  export SEEN_FOLDER="$folder/seen"
  trap 'rm -rf "$folder"' EXIT
  # Background jobs do not get Ctrl-C from the terminal, and would go on alone.
  trap 'kill $jobs 2>/dev/null; exit 130' INT TERM
  # These start servers, clients and proxies of their own and mostly wait.
  apart="tests/bench tests/conformance tests/engine tests/lifecycle tests/operating tests/proxy tests/settings"
  sockets="tests/fold tests/limits tests/presence tests/realtime"
  # On PostgreSQL these are with the tests of sockets, so that the parts take about the same time.
  long="tests/lifecycle tests/operating"
  # `make check` runs tests/packaging and the tests of the documents.
  checked="tests/docs tests/packaging tests/contracts/test_documents.py tests/contracts/test_generators.py"
  # shellcheck disable=SC2086  # lists of words
  others=$(printf -- '--ignore=%s ' tests/chaos $checked $sockets)
  # shellcheck disable=SC2086
  beside=$(printf -- '--ignore=%s ' $apart) short=$(printf -- '--ignore=%s ' $long)
  echo "Both stacks at once; their output follows when they are done, in about twelve minutes ..."
  # Each command stands alone before its &: a function would run in a shell that ends and leaves pytest alone.
  # shellcheck disable=SC2086
  PARLEY_TEST_STACK=postgres $PYTEST $others $short >"$folder/postgres" 2>&1 &
  postgres=$!
  # shellcheck disable=SC2086
  PARLEY_TEST_STACK=sqlite $PYTEST $apart >"$folder/apart" 2>&1 &
  apart_job=$!
  # shellcheck disable=SC2086
  PARLEY_TEST_STACK=sqlite $PYTEST $sockets >"$folder/sockets-sqlite" 2>&1 &
  sockets_sqlite=$!
  # shellcheck disable=SC2086
  PARLEY_TEST_STACK=postgres $PYTEST $sockets $long >"$folder/sockets-postgres" 2>&1 &
  sockets_postgres=$!
  # shellcheck disable=SC2086
  PARLEY_TEST_STACK=sqlite $PYTEST $others $beside >"$folder/sqlite" 2>&1 &
  sqlite=$!
  jobs="$postgres $apart_job $sqlite $sockets_sqlite $sockets_postgres"
  # The faults run beside those that still run: they judge nothing that a busy machine changes (--untimed).
  wait $sockets_postgres
  report "sockets on postgres" $? "$folder/sockets-postgres"
  PARLEY_TEST_STACK=postgres $PYTEST tests/chaos >"$folder/faults-postgres" 2>&1 &
  faults_postgres=$!
  PARLEY_TEST_STACK=sqlite $PYTEST tests/chaos >"$folder/faults-sqlite" 2>&1 &
  faults_sqlite=$!
  jobs="$jobs $faults_postgres $faults_sqlite"
  wait $faults_sqlite
  report "faults on sqlite" $? "$folder/faults-sqlite"
  wait $faults_postgres
  report "faults on postgres" $? "$folder/faults-postgres"
  wait $sqlite
  report "sqlite" $? "$folder/sqlite"
  wait $sockets_sqlite
  report "sockets on sqlite" $? "$folder/sockets-sqlite"
  wait $postgres
  report "postgres" $? "$folder/postgres"
  wait $apart_job
  report "sqlite, apart" $? "$folder/apart"
  jobs=
  ${PYTEST% -m pytest} -m tests.contracts.seen "$folder/seen" >"$folder/unseen"
  report "contracts" $? "$folder/unseen"
fi

if [ -n "$failed" ]; then
  echo "failed: ${failed#, }"
  exit 1
fi
