package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// work is a kind of request that several contenders answer.
type work struct {
	name  string // for -works, and of its table in the document
	title string
	per   string   // the heading of what varies, such as "clients"; "" if nothing does
	bases []string // the contenders that the others are compared with
	// steady works have more rounds: their figures are the ones that people compare.
	steady     bool
	workers    int // of Envoy; 0 is 1
	contenders []contender
}

// contender is one way to answer a work.
type contender struct {
	name     string
	at       string // the value of what varies
	listener string
	good     request                 // answered with 200
	bad      request                 // answered with denied; none if it has no method
	denied   int                     // the status, or anyRefusal
	check    func(body string) error // of the answer to good; nil: any
	clients  int
	helper   string // the program that Envoy asks
}

// anyRefusal is any status from 400 to 499.
const anyRefusal = -1

func (c *contender) String() string { return strings.TrimSpace(c.name + " " + c.at) }

// runner measures the contenders of works.
type runner struct {
	o         *options
	dir       string
	generator generator
	helpers   map[string]*process
}

// verify asks each contender once for a yes and once for a no. A benchmark of wrong
// answers would say nothing.
func (r *runner) verify(ctx context.Context, e *envoy, w *work) error {
	for i := range w.contenders {
		c := &w.contenders[i]
		if err := r.verifyOne(ctx, e.at[c.listener], c); err != nil {
			return fmt.Errorf("%s: %s: %w\n%s", w.name, c, err, e.tail())
		}
	}
	return nil
}

func (r *runner) verifyOne(ctx context.Context, address string, c *contender) error {
	for _, token := range append([]string{}, first(c.good.tokens)...) {
		status, body, err := ask(ctx, address, c.good, token)
		switch {
		case err != nil:
			return err
		case status != 200:
			return fmt.Errorf("want 200, found %d %.200s", status, body)
		case c.check != nil:
			if err := c.check(body); err != nil {
				return fmt.Errorf("%w in %.300s", err, body)
			}
		}
	}
	if c.bad.method == "" {
		return nil
	}
	for _, token := range first(c.bad.tokens) {
		status, body, err := ask(ctx, address, c.bad, token)
		if c.denied == anyRefusal && status >= 400 && status < 500 {
			status = anyRefusal
		}
		if err == nil && status != c.denied {
			err = fmt.Errorf("a request to deny: want %d, found %d %.200s", c.denied, status, body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// first returns at most three tokens, or one empty token.
func first(tokens []string) []string {
	if len(tokens) == 0 {
		return []string{""}
	}
	return tokens[:min(3, len(tokens))]
}

// measure lets the contenders of a work take turns, so that the machine's other load
// affects all of them. It returns the samples of each contender by round.
func (r *runner) measure(ctx context.Context, e *envoy, w *work) ([][]sample, error) {
	for i := range w.contenders { // the first turn fills caches and is thrown away
		if _, err := r.turn(ctx, e, &w.contenders[i], w, r.o.warmUp()); err != nil {
			return nil, err
		}
	}
	samples := make([][]sample, len(w.contenders))
	rounds := r.o.roundsOf(w)
	for round := range rounds {
		r.o.progress("%s: round %d of %d", w.name, round+1, rounds)
		for i := range w.contenders {
			s, err := r.turn(ctx, e, &w.contenders[i], w, r.o.turn)
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], s)
		}
	}
	return samples, nil
}

// longestTurn is how long a contender has until its first answer.
const longestTurn = 15 * time.Second

func (r *runner) turn(ctx context.Context, e *envoy, c *contender, w *work, turn time.Duration) (sample, error) {
	helper := r.helpers[c.helper]
	before, err := times(e.process, helper)
	if err != nil {
		return sample{}, err
	}
	turn *= time.Duration(1 + c.clients/3000) // to connect thousands of clients takes a second or two
	l := load{address: e.at[c.listener], request: c.good, clients: c.clients, threads: max(1, w.workers), turn: turn, most: r.o.most}
	s, err := r.generator(ctx, r.dir, l)
	// On a busy machine a thousand clients may get their first answers late.
	for ; err == nil && s.Requests == 0 && l.turn < longestTurn && ctx.Err() == nil; s, err = r.generator(ctx, r.dir, l) {
		l.turn *= 2
	}
	if err != nil {
		return s, fmt.Errorf("%s: %s: %w", w.name, c, err)
	}
	if ctx.Err() != nil {
		return s, context.Cause(ctx)
	}
	after, err := times(e.process, helper)
	if err != nil {
		return s, err
	}
	if s.Requests == 0 {
		// A contender that drowns is a result; the others are measured all the same.
		r.o.progress("%s: %s: no answer in %v", w.name, c, l.turn)
		if r.o.short {
			return s, fmt.Errorf("%s: %s: no answer in %v\n%s", w.name, c, l.turn, e.tail())
		}
		return sample{Refused: s.Refused}, nil
	}
	if s.Refused > 0 {
		r.o.progress("%s: %s: %d of %d requests were refused", w.name, c, s.Refused, s.Requests)
		if r.o.short {
			return s, fmt.Errorf("%s: %s: %d of %d requests were refused\n%s", w.name, c, s.Refused, s.Requests, e.tail())
		}
	}
	s.CPU = float64((after[0] - before[0]).Nanoseconds()) / 1000 / float64(s.Requests)
	s.Helper = float64((after[1] - before[1]).Nanoseconds()) / 1000 / float64(s.Requests)
	return s, nil
}

func times(processes ...*process) (out []time.Duration, err error) {
	for _, p := range processes {
		t, err := p.processorTime()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
