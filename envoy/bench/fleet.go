package main

import (
	"fmt"
	"math"
	"strings"
)

// fleet is a model of many proxies: the costs that this run measured, times a number
// of requests a second.
type fleet struct {
	Warm      float64 `json:"warmMicroseconds"`           // Envoy's CPU for a decision in the module
	Query     float64 `json:"queryMicroseconds"`          // Envoy's CPU for a request with one query
	Cached    float64 `json:"cachedQueryMicroseconds"`    // the same, where the answer is cached
	Companion float64 `json:"companionMicroseconds"`      // the companion's CPU for a call
	Latency   float64 `json:"companionCallMilliseconds"`  // of a request with one query, with few clients
	First     float64 `json:"firstWorkerMB"`              // memory that the module adds to Envoy with one worker
	Each      float64 `json:"furtherWorkerMB"`            // and each further worker, after load
	Bare      float64 `json:"envoyMB"`                    // Envoy without the module
	Busy      float64 `json:"busyShare"`                  // of a core that is planned for
	InFlight  int     `json:"inFlightOfACompanion"`       // the default of `serve --in-flight`
	Replica   float64 `json:"callsPerSecondOfOneCore"`    // of the companion, at that share
	Worker    float64 `json:"requestsPerSecondOfAWorker"` // decided in the module, at that share
}

const (
	busyShare = 0.7
	inFlight  = 1024
)

// newFleet returns nil if a figure that the model needs was not measured.
func newFleet(r *report) *fleet {
	warm, query := r.find("warm", ours, ""), r.find("query", ours+" and companion", "100")
	few, kept := r.find("query", ours+" and companion", "8"), r.find("query", ours+", cache: 1m", "100")
	bare, one, eight := r.start(none, 1), r.start(ours, 1), r.start(ours, 8)
	if warm == nil || query == nil || few == nil || kept == nil || bare == nil || one == nil || eight == nil {
		return nil
	}
	if warm.CPU == 0 || query.CPU == 0 || query.Helper == 0 || kept.CPU == 0 || few.P50 == 0 {
		return nil // one of them did not answer
	}
	f := &fleet{
		Warm: warm.CPU, Query: query.CPU, Cached: kept.CPU, Companion: query.Helper, Latency: float64(few.P50) / 1e6,
		Bare: bare.Loaded, First: one.Loaded - bare.Loaded, Each: (eight.Loaded - one.Loaded) / 7,
		Busy: busyShare, InFlight: inFlight,
	}
	f.Replica, f.Worker = busyShare*1e6/f.Companion, busyShare*1e6/f.Warm
	return f
}

// rates are the numbers of requests a second that the model is asked about.
var rates = []float64{1_000, 100_000}

func (f *fleet) String() string {
	t := &table{head: []string{"", "measured, a request", "1,000 requests/s", "100,000 requests/s", "one is full at", "command"}}
	cores := func(name string, cost float64, works string) {
		t.add(name, micros(cost)+" µs", units(rates[0], cost), units(rates[1], cost), number(busyShare*1e6/cost)+" requests/s", "`-works "+works+"`")
	}
	cores("Envoy's workers, decided in the module", f.Warm, "warm")
	cores("Envoy's workers, one query each", f.Query, "query")
	cores("Envoy's workers, one cached query each", f.Cached, "query")
	cores("companions of one core, one query each", f.Companion, "query")
	flying := func(rate float64) string { return number(rate * f.Latency / 1000) }
	t.add("calls in flight, of "+number(inFlight)+" in one companion", fmt.Sprintf("%.2f ms", f.Latency), flying(rates[0]), flying(rates[1]),
		number(inFlight*1000/f.Latency)+" requests/s", "`-works query`")
	t.add("memory, decided in the module", fmt.Sprintf("%.0f MB and %.1f MB for each worker after the first", f.Bare+f.First, f.Each),
		f.memory(rates[0]), f.memory(rates[1]), "", "`-works start`")
	return t.String() + "\n" + f.limits()
}

// units returns how many cores are needed, so that each is at most busyShare busy.
func units(rate, cost float64) string { return fmt.Sprintf("%.0f", count(rate, cost)) }

func count(rate, cost float64) float64 { return max(1, math.Ceil(rate*cost/1e6/busyShare)) }

func (f *fleet) memory(rate float64) string {
	return fmt.Sprintf("%.0f MB", f.Bare+f.First+f.Each*(count(rate, f.Warm)-1))
}

// limits says which part is full first.
func (f *fleet) limits() string {
	var b strings.Builder
	for _, rate := range rates {
		worker, companion, flying := rate*f.Query/1e6/busyShare, rate*f.Companion/1e6/busyShare, rate*f.Latency/1000/inFlight
		limit, share := "Envoy's worker", worker
		if companion > share {
			limit, share = "the companion's core", companion
		}
		if flying > share {
			limit, share = "the companion's limit of requests in flight", flying
		}
		alone := rate * f.Warm / 1e6 / busyShare
		fmt.Fprintf(&b, "- At %s requests a second, decisions in the module need %.2f workers. With a query for each request it is %.2f workers and %.2f companions; the first to be full is %s, ",
			number(rate), alone, worker, max(companion, flying), limit)
		if share <= 1 {
			fmt.Fprintf(&b, "which reaches its share at %s requests a second: one of each is enough.\n", number(rate/share))
		} else {
			fmt.Fprintf(&b, "of which this takes %.0f. Then the database is the next: it gets %s queries a second, unless equal ones share an answer.\n", math.Ceil(share), number(rate))
		}
	}
	return b.String()
}

// number writes a whole number with commas.
func number(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
