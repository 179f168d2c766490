package metrics

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Panel is a panel of the dashboard.
type Panel struct {
	Title  string
	Unit   string // of Grafana
	Legend string // {{label}}
	Expr   string
}

// quantile is a quantile of the time of decisions.
func quantile(q, window string) string {
	return "histogram_quantile(" + q + `, sum by (le) (label_replace(rate(rulegate_decisions_within_total[` + window + `]), "le", "$1", "seconds", "(.*)")))`
}

// Panels are the panels of the dashboard, in their order.
var Panels = []Panel{
	{"Decisions", "reqps", "{{outcome}}", `sum by (outcome) (rate(rulegate_decisions_total[5m]))`},
	{"Refused, by resource", "reqps", "{{resource}} {{outcome}}", `topk(10, sum by (resource, outcome) (rate(rulegate_decisions_total{outcome!="yes"}[5m])))`},
	{"Time of a decision, median", "s", "", quantile("0.5", "5m")},
	{"Time of a decision, 99 of 100", "s", "", quantile("0.99", "5m")},
	{"Unknown, by reason", "reqps", "{{reason}}", `sum by (reason) (rate(rulegate_unknown_total[5m]))`},
	{"Calls to the companion", "reqps", "{{call}} {{result}}", `sum by (call, result) (rate(rulegate_calls_total[5m]))`},
	{"Tokens that were known", "percentunit", "", `sum(rate(rulegate_token_cache_lookups_total{result="hit"}[5m])) / sum(rate(rulegate_token_cache_lookups_total[5m]))`},
	{"Bodies held", "Bps", "{{direction}}", `sum by (direction) (rate(rulegate_bodies_held_bytes_total[5m]))`},
	{"Bytes held now", "bytes", "", `sum(rulegate_held_bytes)`},
	{"Memory of the VMs", "bytes", "", `sum(rulegate_vm_memory_bytes)`},
	{"Age of key sets", "s", "{{host}}", `time() - max by (host) (rulegate_jwks_fetch_timestamp_seconds)`},
	{"Fetches of key sets", "reqps", "{{result}}", `sum by (result) (rate(rulegate_jwks_fetches_total[5m]))`},
	{"Would be refused (shadow)", "reqps", "{{resource}} {{outcome}}", `sum by (resource, outcome) (rate(rulegate_shadow_passed_total[5m]))`},
	{"Undecided (shadow)", "reqps", "{{reason}}", `sum by (reason) (rate(rulegate_shadow_undecided_total[5m]))`},
	{"Resources in shadow", "short", "", `max(rulegate_shadow_resources)`},
	{"Candidate: differences", "reqps", "{{resource}} {{kind}}", `topk(10, sum by (resource, kind) (rate(rulegate_shadow_differences_total[5m])))`},
	{"Candidate: not decided", "reqps", "{{reason}}", `sum by (reason) (rate(rulegate_candidate_undecided_total[5m]))`},
	{"Candidate: steps of a decision", "short", "", `sum(rate(rulegate_candidate_steps_total[5m])) / sum(rate(rulegate_candidate_decisions_total[5m]))`},
	{"Candidate: time a second", "s", "", `sum(rate(rulegate_candidate_seconds_total[5m]))`},
	{"Lines of the decision log", "short", "", `sum(rate(rulegate_log_lines_total[5m]))`},
	{"Lines left out", "short", "", `sum(rate(rulegate_log_dropped_total[5m]))`},
	{"Proxies, by version of the policy", "short", "{{version}}", `count by (version) (rulegate_policy_info == 1)`},
	{"Companion: calls", "reqps", "{{target}} {{outcome}}", `sum by (target, outcome) (rate(rulegate_companion_calls_total[5m]))`},
	{"Companion: 99 of 100 calls", "s", "{{target}}", `histogram_quantile(0.99, sum by (le, target) (rate(rulegate_companion_call_duration_seconds_bucket[5m])))`},
	{"Companion: breakers", "short", "{{target}}", `max by (target) (rulegate_companion_breaker_state)`},
	{"Certificates end in", "s", "{{instance}}", certificateEnds},
}

// Dashboard returns the dashboard as Grafana imports it.
func Dashboard() []byte {
	source := map[string]any{"type": "prometheus", "uid": "${datasource}"}
	var panels []any
	for i, p := range Panels {
		panels = append(panels, map[string]any{
			"id": i + 1, "title": p.Title, "type": "timeseries", "datasource": source,
			"gridPos":     map[string]any{"x": i % 3 * 8, "y": i / 3 * 8, "w": 8, "h": 8},
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.Unit, "min": 0}, "overrides": []any{}},
			"targets":     []any{map[string]any{"refId": "A", "expr": p.Expr, "legendFormat": p.Legend, "datasource": source}},
		})
	}
	out, _ := json.MarshalIndent(map[string]any{ // of maps, texts and numbers: no error
		"title": "rulegate", "uid": "rulegate", "schemaVersion": 39, "version": 1, "refresh": "30s", "tags": []string{"rulegate"},
		"time": map[string]any{"from": "now-1h", "to": "now"},
		"templating": map[string]any{"list": []any{map[string]any{
			"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus",
		}}},
		"panels": panels,
	}, "", "  ")
	return append(out, '\n')
}

// Metrics of Envoy itself that alerts look at: of the filter by config discovery, and of
// the listener's certificate.
const (
	EnvoyFilterRefused      = "envoy_extension_config_discovery_http_filter_rulegate_config_fail"
	EnvoyCertificateRefused = "envoy_sds_key_rotation_failed"
	EnvoyCertificateEnd     = "envoy_listener_ssl_certificate_expiration_unix_time_seconds"
)

// certificateEnds is the time until the certificate of a proxy ends.
const certificateEnds = "(rulegate_certificate_expiry_timestamp_seconds or " + EnvoyCertificateEnd + ") - time()"

// Alert is an alert rule.
type Alert struct {
	Name, Expr, For, Severity string
	Summary                   string // says what happens, and where to look
}

// Alerts are the alert rules.
var Alerts = []Alert{
	{"RulegateFails", `sum(rate(rulegate_decisions_total{outcome=~"error|steps|memory"}[5m])) / sum(rate(rulegate_decisions_total[5m])) > 0.01`, "5m", "page",
		"More than 1 of 100 requests get 503 because a call failed, or because of limits.steps or limits.memory. rulegate_unknown_total has the reason."},
	{"RulegateUnknown", `sum by (resource) (rate(rulegate_decisions_total{outcome="unknown"}[10m])) > 0.1`, "10m", "ticket",
		"Rules of {{ $labels.resource }} read what requests do not have. The log names the clause."},
	{"RulegateSlow", quantile("0.99", "5m") + " > 0.25", "10m", "ticket", "1 of 100 decisions takes more than 250 ms. Look at the companion's calls."},
	{"RulegateShadow", `max(rulegate_shadow_resources) > 0`, "24h", "ticket", "A part of the policy has been in shadow for a day: it protects nothing."},
	{"RulegateCandidateFaulty", `max(rulegate_candidate_faulty) > 0`, "10m", "ticket", "A proxy could not load the candidate, and decides without it. The log has its faults."},
	{"RulegateCandidateDenies", `sum by (resource) (increase(rulegate_shadow_differences_total{kind="denies"}[1h])) > 0`, "0m", "ticket", "The candidate would refuse requests to {{ $labels.resource }} that the policy lets through. The lines of the decision log with a candidate show them."},
	{"RulegateKeysOld", `time() - max by (host) (rulegate_jwks_fetch_timestamp_seconds) > 43200`, "5m", "page", "The key set of {{ $labels.host }} has not been fetched for 12 hours. It is dropped after maxStale, and then its tokens are refused."},
	{"RulegateCertificateEnds", certificateEnds + " < 1209600", "1h", "ticket", "The certificate of {{ $labels.instance }} ends in less than 14 days."},
	{"RulegateLogDropped", `sum(rate(rulegate_log_dropped_total[5m])) > 0`, "10m", "ticket", "Lines of the decision log are left out. Lower log.sample."},
	{"RulegatePoliciesDiffer", `count(count by (version) (rulegate_policy_info == 1)) > 1`, "30m", "ticket", "Proxies have had different versions of the policy for half an hour."},
	{"RulegateReloadFailed", `increase(rulegate_companion_reloads_total{outcome="failed"}[15m]) > 0`, "0m", "ticket", "{{ $labels.instance }} has refused a new policy and serves by the old one."},
	{"RulegateFilterRefused", "increase(" + EnvoyFilterRefused + "[15m]) > 0", "0m", "ticket", "{{ $labels.instance }} has refused a new policy and decides by the old one. Envoy's log has the faults."},
	{"RulegateCertificateRefused", "increase(" + EnvoyCertificateRefused + `{envoy_xds_resource_name="rulegate"}[15m]) > 0`, "0m", "ticket", "{{ $labels.instance }} has refused a new certificate and shows the old one. Envoy's log has the reason."},
	{"RulegateBreakerOpen", `max by (target) (rulegate_companion_breaker_state) == 2`, "1m", "page", "The companion does not call {{ $labels.target }}, which has failed ten times in a row."},
}

// Rules returns the alert rules as Prometheus reads them.
func Rules() []byte {
	var b strings.Builder
	b.WriteString("# go test ./host/metrics -update writes this file.\ngroups:\n  - name: rulegate\n    rules:\n")
	for _, a := range Alerts {
		fmt.Fprintf(&b, "      - alert: %s\n        expr: %q\n        for: %s\n        labels: {severity: %s}\n        annotations: {summary: %q}\n", a.Name, a.Expr, a.For, a.Severity, a.Summary)
	}
	return []byte(b.String())
}
