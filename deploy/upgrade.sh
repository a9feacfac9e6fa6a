#!/bin/sh
# Replaces every server of compose.yaml by one of the present code, without a refused request. Run it after `git pull`.
#
# It builds the image, makes a backup, migrates, and starts a new server beside the old ones before each of these ends.
# When the migration fails or a new server does not become ready, the old servers go on and it ends with 1: they work on
# the migrated database, and the script can be run again. CHANGELOG.md names the versions for which this is not so.
set -eu
cd "$(dirname "$0")/.."

all() { docker compose ps --all --quiet web | sort; }

old=$(docker compose ps --quiet web)
[ -n "$old" ] || { echo "No server runs: start them with docker compose up --build --wait" >&2; exit 1; }
replicas=$(echo "$old" | wc -l)

docker compose build migrate
docker compose run --rm --no-deps backup now
# A backup under way keeps its locks to its end, and a migration would wait for them, and all requests for the migration.
trap 'docker compose start backup' EXIT
docker compose stop backup
docker compose run --rm migrate

for server in $old; do
  before=$(all)
  if ! docker compose up --detach --no-deps --no-recreate --wait --scale "web=$((replicas + 1))" web; then
    for failed in $(all); do
      case $before in *"$failed"*) ;; *) docker logs --tail 20 "$failed" && docker rm --force "$failed" ;; esac
    done
    echo "A new server did not become ready; its log is above. The old servers go on." >&2
    exit 1
  fi
  sleep 2 # the proxy has found the new server: it checks every 0.4 s
  docker stop "$server"
  docker rm "$server"
done

# What else has changed in compose.yaml. The servers are new already, so they stay.
docker compose up --detach --wait --scale "web=$replicas"
