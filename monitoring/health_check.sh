#!/bin/bash
# Every address comes from the environment; without one, the ports of `npm start` on this machine.
GATEWAY_URL="${GATEWAYZ_GATEWAY_URL:-http://127.0.0.1:8000}"
LOKI_URL="${GATEWAYZ_LOGS_URL:-http://127.0.0.1:3100}"
TEMPO_URL="${GATEWAYZ_TRACES_URL:-http://127.0.0.1:3200}"
PROMETHEUS_URL="${GATEWAYZ_METRICS_URL:-http://127.0.0.1:9090}"
GRAFANA_URL="${GATEWAYZ_DASHBOARDS_URL:-http://127.0.0.1:3000}"
GRAFANA_PASSWORD="${GATEWAYZ_DASHBOARDS_PASSWORD:-admin}"

# Beyond loopback the engines ask for a key.
engine() {
  if [ -n "$GATEWAYZ_ENGINE_KEY" ]; then
    curl -s --max-time 10 -f -H "Authorization: Bearer $GATEWAYZ_ENGINE_KEY" "$@"
  else
    curl -s --max-time 10 -f "$@"
  fi
}

echo "=== GatewayZ Monitoring Health Check ==="
echo ""

# Check Backend
echo "1. Backend Health Metrics:"
curl -s --max-time 10 -H "Authorization: Bearer $ADMIN_API_KEY" "$GATEWAY_URL/metrics" |
  grep "gatewayz_health" | wc -l
echo ""

# Check Loki
echo "2. Loki Status:"
engine "$LOKI_URL/loki/api/v1/status/ready" && echo "✓ UP" || echo "✗ DOWN"
echo ""

# Check Tempo
echo "3. Tempo Status:"
engine "$TEMPO_URL/status/ready" && echo "✓ UP" || echo "✗ DOWN"
echo ""

# Check Prometheus
echo "4. Prometheus Targets:"
engine "$PROMETHEUS_URL/api/v1/targets" |
  jq '.data.activeTargets[] | select(.labels.job=="gatewayz_staging") | .health'
echo ""

# Check Grafana
echo "5. Grafana Datasources:"
curl -s --max-time 10 -u "admin:$GRAFANA_PASSWORD" "$GRAFANA_URL/api/datasources" |
  jq '.[] | {name:.name, type:.type, healthy:.isDefault}'
