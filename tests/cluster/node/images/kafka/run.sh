#!/usr/bin/env bash
# What the official image's script does: https://github.com/apache/kafka/blob/trunk/docker/examples/README.md
# KAFKA_NODE_ID=1 becomes node.id=1 (`_` a dot, `__` an underscore, `___` a hyphen); CLUSTER_ID formats the storage at
# the first start; KAFKA_HEAP_OPTS, KAFKA_JVM_PERFORMANCE_OPTS, KAFKA_OPTS go to Java.
set -euo pipefail
config=/opt/kafka/config/server.properties
classes=/opt/kafka/classes.jsa

java_kafka() {  # java_kafka JAVA_OPTION… CLASS ARGUMENT…
  local path
  path=$(printf ':%s' /opt/kafka/libs/*.jar)  # spelled out: the archive of classes is good for this very path only
  # shellcheck disable=SC2086 # options, each a word
  exec java ${KAFKA_HEAP_OPTS:--Xms64m -Xmx512m} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseG1GC} ${KAFKA_OPTS:-} \
    -Xlog:disable -Xlog:all=error:stderr \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS" \
    -cp "${path:1}" "$@"
}

write_config() {
  local variable name
  {
    # One node that is broker and controller, unless the environment says otherwise.
    [ -n "${KAFKA_PROCESS_ROLES:-}" ] || cat <<'X'
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://localhost:9092
controller.listener.names=CONTROLLER
controller.quorum.voters=1@localhost:9093
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
X
    while IFS= read -r variable; do
      case $variable in
        KAFKA_VERSION | KAFKA_HEAP_OPTS | KAFKA_OPTS | KAFKA_JMX_OPTS | KAFKA_JVM_PERFORMANCE_OPTS | KAFKA_GC_LOG_OPTS | KAFKA_*LOG4J*) continue ;;
      esac
      name=${variable#KAFKA_}
      name=${name//___/-}
      name=${name//__/$'\a'}
      name=${name//_/.}
      name=${name//$'\a'/_}
      printf '%s=%s\n' "${name,,}" "${!variable}"
    done < <(compgen -e KAFKA_ | sort)
  } >"$config"
}

format() {
  local folder
  folder=$(sed -n 's/^log\.dirs\?=//p' "$config" | tail -n 1 | cut -d, -f1)
  [ -f "${folder:-/tmp/kraft-combined-logs}/meta.properties" ] && return
  [ -n "${folder}" ] || printf 'log.dirs=/tmp/kraft-combined-logs\n' >>"$config"
  (java_kafka -XX:SharedArchiveFile=$classes kafka.tools.StorageTool format \
    --cluster-id "${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}" --config "$config" >/dev/null)
}

archive_classes() {  # starts a broker, so that its classes are known, and ends it; while the image is built
  local port=$((20000 + RANDOM % 10000)) # the network is the building machine's
  export KAFKA_PROCESS_ROLES=broker,controller KAFKA_NODE_ID=1 KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER
  export KAFKA_LISTENERS="PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:$port"
  export KAFKA_CONTROLLER_QUORUM_VOTERS="1@127.0.0.1:$port" KAFKA_LOG_DIRS=/tmp/archive
  export KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1 KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC"
  write_config
  format
  (java_kafka -XX:ArchiveClassesAtExit=$classes -Dorg.slf4j.simpleLogger.defaultLogLevel=info kafka.Kafka "$config") >/tmp/archive.log 2>&1 &
  local broker=$! seconds
  for ((seconds = 0; seconds < 60; seconds++)); do
    grep -q 'Kafka Server started' /tmp/archive.log && break
    sleep 1
  done
  kill "$broker"
  wait "$broker" || true
  [ -s $classes ] || { cat /tmp/archive.log >&2; exit 1; }
  rm -rf /tmp/archive /tmp/archive.log "$config"
}

if [ "${1:-}" = archive-classes ]; then
  archive_classes
  exit
fi
write_config
format
java_kafka -XX:SharedArchiveFile=$classes kafka.Kafka "$config"
