package main

import "fmt"

// target is a ratio that the project wants to reach, and the one of this run.
type target struct {
	Work     string  `json:"work"`
	Want     float64 `json:"want"`
	AtLeast  bool    `json:"atLeast"` // else at most
	Measured float64 `json:"measured"`
}

// targets compares the run with the wanted ratios. A work that was not measured is
// left out.
func (r *report) targets() (out []target) {
	cpu := func(text string, want float64, work, contender, at, base string) {
		if x := r.find(work, contender, at); x != nil && x.CPUTo[base] > 0 {
			out = append(out, target{Work: text, Want: want, Measured: x.CPUTo[base]})
		}
	}
	// Rates are asked for where both contenders are limited by the machine alone.
	rate := func(text string, want float64, work, contender, at, base string) {
		if x := r.find(work, contender, at); x != nil && x.RateTo[base] > 0 {
			out = append(out, target{Work: text, Want: want, AtLeast: true, Measured: x.RateTo[base]})
		}
	}
	// CPU the other way round: how many times the CPU the other takes.
	times := func(text string, want float64, work, contender, at, base string) {
		if x := r.find(work, contender, at); x != nil && x.CPUTo[base] > 0 {
			out = append(out, target{Work: text, Want: want, AtLeast: true, Measured: 1 / x.CPUTo[base]})
		}
	}
	cpu("a known token and one match: CPU to "+cached, 1.15, "warm", ours, "", cached)
	cpu("the same: CPU to an "+empty, 1.35, "warm", ours, "", empty)
	if a, b := r.find("warm", ours, ""), r.find("warm", opaName, ""); a != nil && b != nil && b.Rate > 0 {
		out = append(out, target{Work: "the same: requests a second to " + opaName, Want: 10, AtLeast: true, Measured: a.Rate / b.Rate})
	}
	for _, x := range []struct {
		alg  string
		want float64
	}{{"HS256", 1.4}, {"RS256", 1.3}, {"ES256", 1.2}} {
		cpu("a new token, "+x.alg+": CPU to "+verified, x.want, "cold", ours, x.alg, verified)
	}
	times("20 clauses: how fast, to 1 clause", 0.95, "clauses", "20 clauses", "", "1 clause")
	times("100 clauses: how fast, to 1 clause", 0.9, "clauses", "100 clauses", "", "1 clause")
	for _, x := range []struct {
		at   string
		want float64
	}{{"1 KB", 1}, {"10 KB", 3}, {"100 KB", 5}} {
		times("three fields masked, "+x.at+": how fast, to Lua", x.want, "mask", ours, x.at, luaName)
	}
	times("one field forced, 1 KB: how fast, to Lua", 1, "force", ours, "", luaName)
	times("10,000 routes: how fast, to 10", 0.95, "routes", "10000 routes", "", "10 routes")
	for _, clients := range []string{"8", "100"} {
		rate("one query, "+clients+" clients: requests a second to a "+authzGo, 0.8, "query", ours+" and companion", clients, authzGo)
	}
	return append(out, r.startTargets()...)
}

func (r *report) startTargets() (out []target) {
	if a, b := r.start(ours, 2), r.start(none, 2); a != nil && b != nil {
		out = append(out, target{Work: "seconds until Envoy with 2 workers is ready, beyond those without rulegate", Want: 3, Measured: a.Ready - b.Ready})
	}
	one, eight, bare := r.start(ours, 1), r.start(ours, 8), r.start(none, 1)
	if one != nil && eight != nil && bare != nil {
		out = append(out,
			target{Work: "memory of the first worker, MB", Want: 130, Measured: one.Idle - bare.Idle},
			target{Work: "memory of each further worker after load, MB", Want: 12, Measured: (eight.Loaded - one.Loaded) / 7})
	}
	for _, s := range r.Sizes {
		if s.Module == ours {
			out = append(out, target{Work: "code section of the module, MB", Want: 3.9, Measured: float64(s.Code) / 1e6})
		}
	}
	return out
}

func (t target) met() bool {
	if t.AtLeast {
		return t.Measured >= t.Want
	}
	return t.Measured <= t.Want
}

func (r *report) targetTable() *table {
	out := &table{head: []string{"", "wanted", "measured", "reached"}}
	for _, t := range r.Targets {
		sign, reached := "≤", "no"
		if t.AtLeast {
			sign = "≥"
		}
		if t.met() {
			reached = "yes"
		}
		out.add(t.Work, fmt.Sprintf("%s %g", sign, t.Want), fmt.Sprintf("%.2f", t.Measured), reached)
	}
	return out
}
