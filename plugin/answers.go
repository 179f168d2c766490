package main

import (
	"slices"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/wire"
)

// answers are the companion's replies to calls of rules with `cache`: while a reply is
// young enough, nobody is asked. The companion keeps replies too, for all workers.
type answers struct {
	entries map[string]kept
	order   []string // of the entries, the oldest first
	bytes   int
}

// kept is a reply, of a call that began at a time.
type kept struct {
	reply rules.Reply
	begun time.Time
	size  int
}

const (
	maxAnswers     = 4096
	maxAnswerBytes = 4 << 20  // in all
	maxAnswerSize  = 64 << 10 // of one answer, with its key
	answerCost     = 256      // of an entry, beside its texts
)

// cacheable reports whether a rule allows an old reply. What an issuer says of a token
// is kept by the companion alone.
func cacheable(c *rules.Call) bool {
	return c.Cache > 0 && (c.Kind == rules.Query || c.Kind == rules.Webhook)
}

// find returns the replies that are there, the calls that are left, and the keys of
// those, which are "" for calls that are not kept. There are no keys if none is kept.
func (a *answers) find(calls []rules.Call, gateway string, now time.Time) (known []rules.Reply, left []rules.Call, keys []string) {
	if !slices.ContainsFunc(calls, func(c rules.Call) bool { return cacheable(&c) }) {
		return nil, calls, nil
	}
	for i := range calls {
		c, key := &calls[i], ""
		if cacheable(c) {
			key = wire.Key(c, gateway)
			if k, ok := a.entries[key]; ok && now.Sub(k.begun) < c.Cache && !now.Before(k.begun) {
				k.reply.ID = c.ID
				known = append(known, k.reply)
				continue
			}
		}
		left, keys = append(left, *c), append(keys, key)
	}
	return known, left, keys
}

// keep keeps the replies to calls that were sent at a time. Of a failure, and of a
// status that says nothing of the request, nothing is kept.
func (a *answers) keep(keys []string, replies []rules.Reply, size int, sent time.Time) {
	for i, r := range replies[:len(keys)] {
		undecided := r.Status >= 300 && !rules.Refuses(r.Status)
		if keys[i] == "" || r.Err != "" || undecided {
			continue
		}
		// The rows are part of the answer's text, which all of it keeps alive.
		k := kept{reply: r, begun: sent.Add(-r.Age), size: len(keys[i]) + size + answerCost}
		if k.size > maxAnswerSize {
			continue
		}
		a.put(keys[i], k)
	}
}

func (a *answers) put(key string, k kept) {
	if a.entries == nil {
		a.entries = map[string]kept{}
	}
	old, there := a.entries[key]
	if there && old.begun.After(k.begun) {
		return // a call that began later was answered first
	}
	if there {
		a.bytes -= old.size
	} else {
		a.order = append(a.order, key)
	}
	a.entries[key] = k
	a.bytes += k.size
	// Every key of the entries is in order once, so this ends.
	for a.bytes > maxAnswerBytes || len(a.entries) > maxAnswers {
		first := a.order[0]
		a.order = a.order[1:]
		a.bytes -= a.entries[first].size
		delete(a.entries, first)
	}
}
