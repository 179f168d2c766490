package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// startup is the start of an Envoy, and its memory.
type startup struct {
	Contender string  `json:"contender"`
	Workers   int     `json:"workers"`
	Ready     float64 `json:"readySeconds"`
	CPU       float64 `json:"cpuSeconds"` // until it is ready
	Idle      float64 `json:"idleMB"`
	Loaded    float64 `json:"loadedMB"` // after a load of the workers
}

// startups measures an Envoy with one listener, by number of workers. One start of
// each is enough: it takes seconds, and differs little from the next.
func (r *runner) startups(ctx context.Context, s *suite) ([]startup, error) {
	if !s.wants("start") {
		return nil, nil
	}
	workers := []int{1, 2, 4, 8}
	contenders := []struct{ name, listener string }{{none, "none"}, {empty, "empty"}, {ours, "claim"}}
	if r.o.short {
		workers, contenders = workers[:1], contenders[:2]
	}
	var out []startup
	for _, n := range workers {
		for _, c := range contenders {
			r.o.progress("start: %s, %s", c.name, plural(n, "worker"))
			one, err := r.startup(ctx, s.conf.only(c.listener), c.listener, n, get(s.admin))
			if err != nil {
				return nil, fmt.Errorf("start: %s: %w", c.name, err)
			}
			one.Contender = c.name
			out = append(out, one)
		}
	}
	return out, nil
}

// only returns a configuration with some of the listeners.
func (b *bootstrap) only(listeners ...string) *bootstrap {
	out := &bootstrap{clusters: b.clusters}
	for _, l := range b.listeners {
		if slices.Contains(listeners, l.(object)["name"].(string)) {
			out.listeners = append(out.listeners, l)
		}
	}
	return out
}

func (r *runner) startup(ctx context.Context, b *bootstrap, listener string, workers int, good request) (out startup, err error) {
	from := time.Now()
	e, err := b.start(ctx, r.dir, r.o.envoy, workers)
	if err != nil {
		return out, err
	}
	defer e.stop()
	out.Workers, out.Ready = workers, time.Since(from).Seconds()
	used, err := e.processorTime()
	if err != nil {
		return out, err
	}
	out.CPU = used.Seconds()
	if !r.o.short {
		// Each second Envoy gives back a part of the memory that compiling took.
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(6 * time.Second):
		}
	}
	if out.Idle, err = e.resident(); err != nil {
		return out, err
	}
	_, err = r.generator(ctx, r.dir, load{address: e.at[listener], request: good, clients: 8 * workers, threads: 1, turn: r.o.turn, most: r.o.most})
	if err != nil {
		return out, err
	}
	out.Loaded, err = e.resident()
	return out, err
}
