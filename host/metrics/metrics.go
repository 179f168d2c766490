// Package metrics knows the metrics that rulegate exports: the table of their names,
// labels and meanings. The tags of Envoy's configuration, the metrics of rulegate run
// and METRICS.md are made from it.
package metrics

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is the type of a metric.
type Kind string

const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Family is a metric with its labels.
type Family struct {
	Name   string // as Prometheus has it
	Kind   Kind
	Labels []string
	Help   string
}

// Module are the metrics of the module. Envoy and rulegate run export them.
var Module = []Family{
	{"rulegate_decisions_total", Counter, []string{"outcome", "resource"}, "Decisions, by outcome and by resource of the policy; none: no resource covers the request."},
	{"rulegate_unknown_total", Counter, []string{"reason", "resource"}, "Decisions that are unknown or failed, by reason: missing, type, call, keys, steps or other."},
	{"rulegate_decisions_within_total", Counter, []string{"seconds"}, "Decisions about requests that took at most so many seconds; inf: all. Of those without a wait one in 16 is measured and counts 16 times."},
	{"rulegate_decision_seconds_total", Counter, nil, "The time that these decisions took, in whole seconds of each VM."},
	{"rulegate_calls_total", Counter, []string{"result", "call"}, "Calls to the companion, by result (ok, failed) and kind (query, webhook, introspect)."},
	{"rulegate_token_cache_lookups_total", Counter, []string{"result"}, "Tokens that were looked up among those that are verified already: hit or miss."},
	{"rulegate_bodies_held_total", Counter, []string{"direction"}, "Bodies that were held because a rule reads or changes them: request or response."},
	{"rulegate_bodies_held_bytes_total", Counter, []string{"direction"}, "The bytes of these bodies."},
	{"rulegate_held_bytes", Gauge, nil, "The bytes of bodies and calls that count for limits.memory now, in all VMs."},
	{"rulegate_vm_memory_bytes", Gauge, nil, "The memory of all VMs, as Go's runtime counts it. It does not shrink, and a VM that has crashed stays in it."},
	{"rulegate_shadow_resources", Gauge, nil, "Resources of the policy that are in shadow: they protect nothing."},
	{"rulegate_shadow_passed_total", Counter, []string{"outcome", "resource"}, "Requests and responses in shadow that would have been refused, by outcome."},
	{"rulegate_shadow_undecided_total", Counter, []string{"reason", "resource"}, "Requests in shadow that could not be decided without being held: keys, body, headers, ended (the request was over first) or panic."},
	{"rulegate_shadow_differences_total", Counter, []string{"kind", "resource"}, "Requests that a candidate decides otherwise than the policy: denies, allows, outcome (both refuse, otherwise), upstream (it gets another request) or masked (the client gets another body). One request may count for upstream and another kind."},
	{"rulegate_candidate_decisions_total", Counter, []string{"outcome", "resource"}, "Decisions of a candidate that were compared, by its outcome and by resource of the policy."},
	{"rulegate_candidate_undecided_total", Counter, []string{"reason", "resource"}, "Requests that a candidate has not decided: calls (it may not make them), keys, body (nobody has read it), memory, headers, response (it answers another request than the candidate's), ended (the request was over first) or panic."},
	{"rulegate_candidate_steps_total", Counter, nil, "Steps that the rules of a candidate have taken, without masks."},
	{"rulegate_candidate_seconds_total", Counter, nil, "The time that a candidate has taken, in whole seconds of each VM."},
	{"rulegate_candidate_faulty", Gauge, nil, "1 if the module could not load the candidate; the policy decides without it."},
	{"rulegate_candidate_info", Gauge, []string{"version"}, "1 for the version of the candidate."},
	{"rulegate_jwks_fetches_total", Counter, []string{"result"}, "Fetches of JWK sets: ok, same, failed, refused, dropped or shared."},
	{"rulegate_jwks_fetch_timestamp_seconds", Gauge, []string{"host"}, "When the JWK set of a server that is in use was fetched."},
	{"rulegate_log_lines_total", Counter, nil, "Lines of the decision log."},
	{"rulegate_log_dropped_total", Counter, nil, "Lines of the decision log that were left out, because there were too many in a second."},
	{"rulegate_policy_info", Gauge, []string{"version"}, "1 for the version of the policy, which is the hash of its text; 0 for one that was replaced."},
}

// Run are the metrics of rulegate run beside those of the module, of the companion, and
// of Go.
var Run = []Family{
	{"rulegate_log_stored_total", Counter, nil, "Lines that --decision-log of rulegate run or serve has written, or that were sent by OTLP."},
	{"rulegate_log_lost_total", Counter, nil, "Lines that were lost, because the disk was slow or full."},
	{"rulegate_certificate_expiry_timestamp_seconds", Gauge, nil, "When the certificate of --tls-cert ends."},
}

// Companion are the metrics of the companion, in rulegate serve and rulegate run.
var Companion = []Family{
	{"rulegate_companion_requests_total", Counter, []string{"code"}, "Requests for calls, by the status that they were answered with."},
	{"rulegate_companion_shed_total", Counter, []string{"reason"}, "Requests turned away with 503 because too many, or too many bytes, were in flight."},
	{"rulegate_companion_calls_total", Counter, []string{"target", "kind", "outcome"}, "Calls, by target, kind and outcome."},
	{"rulegate_companion_cache_lookups_total", Counter, []string{"result"}, "Lookups in the cache, for calls that allow it."},
	{"rulegate_companion_reloads_total", Counter, []string{"outcome"}, "Reloads of the policy; a failed one leaves the old policy in place."},
	{"rulegate_companion_call_duration_seconds", Histogram, []string{"target", "kind"}, "Duration of a call, including the wait for a slot."},
	{"rulegate_companion_requests_in_flight", Gauge, nil, "Requests that are being served."},
	{"rulegate_companion_bytes_in_flight", Gauge, nil, "Bytes of their bodies and answers."},
	{"rulegate_companion_cache_bytes", Gauge, nil, "Bytes of the cached answers."},
	{"rulegate_companion_cache_entries", Gauge, nil, "Cached answers."},
	{"rulegate_companion_flights", Gauge, nil, "Distinct calls that run for one or more equal ones."},
	{"rulegate_companion_running", Gauge, []string{"target"}, "Calls that run at a target."},
	{"rulegate_companion_queued", Gauge, []string{"target"}, "Calls that wait for a slot."},
	{"rulegate_companion_breaker_state", Gauge, []string{"target"}, "0 closed, calls pass; 1 half-open, one call tries; 2 open, no call passes."},
	{"rulegate_companion_policy_info", Gauge, []string{"version"}, "1 for the version of the policy, which is the hash of its text."},
	{"rulegate_companion_pool_connections", Gauge, []string{"target", "state"}, "Connections to a database."},
}

// All returns all families.
func All() []Family { return slices.Concat(Module, Run, Companion) }

// Of returns the family of a name, which must exist.
func Of(name string) Family {
	for _, f := range All() {
		if f.Name == name {
			return f
		}
	}
	panic("metrics: no family " + name)
}

// hostPrefix is before the name of a module's metric in the proxy.
const hostPrefix = "rulegate."

// Tag tells Envoy that a part of a metric's name is a label. Envoy cuts the first group
// of the regular expression out of the name; the second group is the value.
type Tag struct{ Name, Regex string }

// Tags returns the tags of the module's metrics. Envoy takes each name once.
func Tags() (out []Tag) {
	for _, l := range moduleLabels() {
		var families []string
		first := l.at[0].position
		single := true
		for _, a := range l.at {
			families = append(families, strings.TrimPrefix(a.family.Name, "rulegate_"))
			single = single && len(a.family.Labels) == 1
			if a.position != first {
				panic("metrics: the label " + l.name + " has two positions")
			}
		}
		regex := `^wasmcustom\.rulegate\.(?:` + strings.Join(families, "|") + `)`
		switch {
		case first > 0: // the last one
			regex += `\.[^.]+(\.(.+))$`
		case single:
			regex += `(\.(.+))$`
		default:
			regex += `(\.([^.]+))`
		}
		out = append(out, Tag{l.name, regex})
	}
	return out
}

// label is a label, and where it is.
type label struct {
	name string
	at   []labelAt
}

type labelAt struct {
	family   *Family
	position int
}

func moduleLabels() (out []label) {
	for i := range Module {
		for position, name := range Module[i].Labels {
			n := slices.IndexFunc(out, func(l label) bool { return l.name == name })
			if n < 0 {
				n = len(out)
				out = append(out, label{name: name})
			}
			out[n].at = append(out[n].at, labelAt{&Module[i], position})
		}
	}
	return out
}

// Split splits the name that the module has given to a metric into its family and the
// values of the family's labels.
//
// Errors: no family has such a name.
func Split(name string) (*Family, []string, error) {
	rest, ok := strings.CutPrefix(name, hostPrefix)
	if ok {
		for i := range Module {
			f := &Module[i]
			tail, ok := strings.CutPrefix(rest, strings.TrimPrefix(f.Name, "rulegate_"))
			switch {
			case !ok:
			case tail == "" && len(f.Labels) == 0:
				return f, nil, nil
			case strings.HasPrefix(tail, ".") && len(f.Labels) > 0:
				values := strings.SplitN(tail[1:], ".", len(f.Labels))
				if len(values) == len(f.Labels) {
					return f, values, nil
				}
			}
		}
	}
	return nil, nil, fmt.Errorf("the module has a metric %q that package metrics does not know", name)
}
