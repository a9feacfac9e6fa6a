#!/bin/sh
# The whole suite on both stacks. All is told before anything is judged: the exit code is 1 when a part has failed.
set -u
PYTEST=${PYTEST:-python -m pytest}
failed=
# Where nothing can be installed the tests of the proxy fail, and say what to do.
sh tests/proxy/install_caddy.sh || true

on() { # a stack, and what to run on it
  stack=$1
  shift
  PARLEY_TEST_STACK=$stack $PYTEST "$@"
}

tell() { # what happened, and its exit code
  echo "== $1 =="
  [ -z "${3:-}" ] || cat "$3"
  [ "$2" -eq 0 ] || failed="$failed, $1"
}

if [ $# -gt 0 ]; then
  for stack in sqlite postgres; do
    echo "== $stack =="
    on $stack "$@" || failed="$failed, $stack"
  done
else
  folder=$(mktemp -d)
  jobs=
  trap 'rm -rf "$folder"' EXIT
  # Background jobs do not get Ctrl-C from the terminal, and would go on alone.
  trap 'kill $jobs 2>/dev/null; exit 130' INT TERM
  # These start servers, clients and proxies of their own and mostly wait. tests/contracts/plugin.py knows of them.
  apart="tests/bench tests/docs tests/engine tests/packaging tests/proxy tests/settings tests/sim"
  ignored=$(printf -- '--ignore=%s ' tests/chaos $apart)
  echo "Both stacks at once; their output follows when they are done, in about eight minutes ..."
  # Not by `on`: its shell would end and leave pytest alone.
  PARLEY_TEST_STACK=postgres $PYTEST --ignore=tests/chaos >"$folder/postgres" 2>&1 &
  postgres=$!
  # shellcheck disable=SC2086  # lists of words
  PARLEY_TEST_STACK=sqlite $PYTEST $apart >"$folder/apart" 2>&1 &
  apart_job=$!
  jobs="$postgres $apart_job"
  # shellcheck disable=SC2086
  on sqlite $ignored >"$folder/sqlite" 2>&1
  tell "sqlite" $? "$folder/sqlite"
  wait $apart_job
  tell "sqlite, apart" $? "$folder/apart"
  wait $postgres
  tell "postgres" $? "$folder/postgres"
  jobs=
  for stack in sqlite postgres; do
    echo "Faults on $stack ..."
    on $stack tests/chaos
    tell "faults on $stack" $?
  done
fi

if [ -n "$failed" ]; then
  echo "failed: ${failed#, }"
  exit 1
fi
