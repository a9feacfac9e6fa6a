#!/bin/sh
# Replaces every server of compose.yaml by one of the present code, without a refused request. Run it after `git pull`.
#
# It builds the image, makes a backup, migrates, and starts a new server beside the old ones before each of these ends.
# When the migration fails or a new server does not become ready, the old servers go on and it ends with 1: they work on
# the migrated database, and the script can be run again. CHANGELOG.md names the versions for which this is not so.
set -eu
cd "$(dirname "$0")/.."

servers() { docker compose ps --all --quiet web; }

# Waits until a container is healthy; fails when it has crashed, is unhealthy, or takes longer than two minutes.
becomes_ready() {
  for _ in $(seq 120); do
    case $(docker inspect --format '{{.State.Health.Status}} {{.RestartCount}}' "$1") in
      "healthy 0") return 0 ;;
      unhealthy* | *" "[1-9]*) return 1 ;;
    esac
    sleep 1
  done
  return 1
}

[ -n "$(docker compose ps --quiet web)" ] || {
  echo "No server runs. Start them: docker compose up --build --wait" >&2
  exit 1
}
old=$(servers)
replicas=$(echo "$old" | wc -l)

docker compose build migrate
docker compose run --rm --no-deps backup now
# A backup under way keeps its locks to its end; a migration would wait for them, and all requests for the migration.
backup() { docker compose ps --all --quiet backup; }
trap 'docker start "$(backup)" >/dev/null' EXIT
docker stop "$(backup)"
docker compose run --rm migrate

for server in $old; do
  before=$(servers)
  docker compose up --detach --no-deps --no-recreate --scale "web=$((replicas + 1))" web
  for new in $(servers); do
    case $before in *"$new"*) continue ;; esac
    becomes_ready "$new" || {
      docker logs --tail 20 "$new"
      docker rm --force "$new"
      echo "The new server did not become ready; its log is above. The old servers go on." >&2
      exit 1
    }
  done
  sleep 2 # the proxy has found the new server: it checks every 0.4 s
  docker stop "$server"
  docker rm "$server"
done

# Everything else that has changed. Without --no-deps Compose would replace the new servers, too.
# shellcheck disable=SC2046  # a list of words
docker compose up --detach --no-deps --wait $(docker compose config --services | grep -vx -e web -e migrate -e roles)
