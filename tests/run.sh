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
  postgres=
  trap 'rm -rf "$folder"' EXIT
  # A job in the background does not hear Ctrl-C, and would go on alone.
  trap '[ -z "$postgres" ] || kill "$postgres"; exit 130' INT TERM
  echo "Both stacks at once; their output follows when they are done, in about five minutes ..."
  PARLEY_TEST_STACK=postgres $PYTEST --ignore=tests/chaos >"$folder/postgres" 2>&1 &
  postgres=$!
  on sqlite --ignore=tests/chaos >"$folder/sqlite" 2>&1
  tell "sqlite" $? "$folder/sqlite"
  wait $postgres
  tell "postgres" $? "$folder/postgres"
  postgres=
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
