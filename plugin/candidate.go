package main

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules"
)

// candidatePlugin is the candidate of a plugin's policy. It has a vm of its own, so that
// its memory and keys do not count for the active policy's.
type candidatePlugin struct {
	plugin
	spent time.Duration // that is no whole second yet
	rate  bucket        // of lines about differences
}

// startCandidate loads the candidate. One that does not load, or panics, leaves the
// active policy alone.
func (p *plugin) startCandidate() {
	given := p.policy.Candidate
	if given == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			abi.Errorf("rulegate: candidate: %v", r)
		}
	}()
	pol, err := compile(given.Doc(), p.vm.cryptography())
	if err != nil {
		abi.Log(abi.Error, "rulegate: candidate: it has faults, and the policy decides without it")
		logFaults(err)
		return
	}
	given.Policy = pol
	given.Bound(p.policy)
	// Its calls are those of the active policy's companion.
	pol.Companion, pol.Project, pol.Gateway = p.policy.Companion, p.policy.Project, p.policy.Gateway
	c := new(candidatePlugin)
	c.vm, c.id, c.companion = &vm{crypto: p.vm.crypto}, p.id, p.companion
	c.use(pol, sharedData{"candidate."})
	abi.Log(abi.Info, "rulegate: candidate: "+given.File()+", version "+pol.Version+", is decided beside the policy")
	p.candidate = c
}

// mayCall reports whether a candidate may make all of the calls.
func (s *stream) mayCall(calls []rules.Call) bool {
	given := s.active.plugin.policy.Candidate
	return !slices.ContainsFunc(calls, func(c rules.Call) bool {
		key := "queries"
		if c.Kind == rules.Webhook {
			key = "webhooks"
		}
		return !given.May(key)
	})
}

// tellCandidate sets the gauge of the candidate; on is 0 for a plugin that ends.
func (p *plugin) tellCandidate(on int64) {
	if p.policy.Candidate == nil {
		return
	}
	version := "faulty"
	if p.candidate != nil {
		version = p.candidate.policy.Version
	}
	p.metrics.set("candidate_info", version, on)
}
