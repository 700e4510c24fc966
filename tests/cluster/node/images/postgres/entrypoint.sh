#!/usr/bin/env bash
# What the official image's entrypoint does for a first start: https://github.com/docker-library/docs/tree/master/postgres
# POSTGRES_USER, POSTGRES_PASSWORD (or …_FILE), POSTGRES_DB, POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA,
# /docker-entrypoint-initdb.d/*.{sh,sql}. Any command but `postgres` is run as it is.
set -euo pipefail

prepare() {
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA" 2>/dev/null || true
  if [ "$(id -u)" -eq 0 ]; then
    chown -R postgres:postgres "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
  fi
}

initialize() {
  local user=${POSTGRES_USER:-postgres} password=${POSTGRES_PASSWORD:-} method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || password=$(<"$POSTGRES_PASSWORD_FILE")
  local database=${POSTGRES_DB:-$user}
  if [ -z "$password" ] && [ "$method" != trust ]; then
    echo "postgres: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust for a server that anyone may use" >&2
    exit 1
  fi
  # shellcheck disable=SC2086 # options, each a word
  initdb --pgdata="$PGDATA" --username="$user" --auth-local=trust --auth-host="$method" \
    --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-} >/dev/null
  printf 'host all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
  # On a socket only: no port is open before the databases are made.
  pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait --silent start >/dev/null
  local query=(psql --username="$user" --no-password --no-psqlrc --set=ON_ERROR_STOP=1 --quiet)
  if [ "$database" != postgres ]; then
    "${query[@]}" --dbname=postgres --set=name="$database" <<<'CREATE DATABASE :"name";'
  fi
  run_scripts "${query[@]}" --dbname="$database"
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait --silent stop >/dev/null
}

run_scripts() {  # run_scripts PSQL…
  local script
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
      *.sql) "$@" --file="$script" ;;
    esac
  done
}

if [ "${1:-postgres}" = postgres ] || [ "${1:0:1}" = - ]; then
  [ "${1:0:1}" = - ] && set -- postgres "$@"
  prepare "$@"
  [ -s "$PGDATA/PG_VERSION" ] || initialize
  unset POSTGRES_PASSWORD
fi
exec "$@"
