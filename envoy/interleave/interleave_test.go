// Package interleave fuzzes the module with requests that are open at once in one VM.
//
// The module decides a request in memory that an earlier one has left, and remembers
// tokens, answers and keys. So what is seen of a request must not depend on the others:
// a random schedule of callbacks runs many requests in one VM, and each of them alone in
// a VM in which nothing has happened. Both must show the same to the upstream, the
// client, the companion and the log.
package interleave

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/envoy/harness"
)

var (
	seed     = flag.Uint64("seed", 1, "the first seed")
	duration = flag.Duration("for", 0, "go on with further seeds for so long; 0: a few seeds, always the same")
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// seeds is the number of seeds that CI runs, requests that of the requests of a seed.
const seeds, requests = 30, 80

// TestInterleaved runs seeds. One that has failed is run again by -seed N.
func TestInterleaved(t *testing.T) {
	o := &oracle{t: t, code: compile(t), images: map[string]*image{}, simulators: map[*variant]*simulator{}}
	from, n := time.Now(), *seed
	for ; *duration > 0 && time.Since(from) < *duration || *duration == 0 && n < *seed+seeds; n++ {
		w := &world{oracle: o, keys: map[uint32]int{}, rand: rand.New(rand.NewPCG(n, 1))}
		if err := w.run(n); err != nil {
			t.Fatalf("-seed %d: after %d requests: %v", n, w.opened, err)
		}
		if w.failed != nil {
			t.Fatalf("-seed %d: %s", n, strings.Join(w.failed, "\n"))
		}
	}
	t.Logf("%d seeds, %d requests alone, %d calls of several requests, %v", n-*seed, o.runs, o.grouped, time.Since(from))
}

// world is one VM with its plugins and the streams that are open.
type world struct {
	*oracle
	rand     *rand.Rand
	cast     *cast
	vm       *vm
	plugins  []uint32            // the contexts of those that get requests
	retired  []uint32            // that were replaced, and have streams left
	variants map[uint32]*variant // of all plugins, by their contexts
	step     time.Duration       // at most, from event to event
	replies  int                 // the chance that a reply comes next, in percent
	logs     bool                // each second decision is logged, and so goes the general way
	stride   int                 // between the ids of streams
	open     []*running
	opened   int
	plugin   uint32         // of the last one
	pace     int            // the chance that one is opened next, in percent
	rotated  bool           // the issuer has its second key
	keys     map[uint32]int // how many keys each plugin has fetched
	failed   []string
}

// running is a stream with the time at which its request came.
type running struct {
	*stream
	world    *world
	variant  *variant
	received time.Time
	excused  bool // its refusal
	answered bool // it was refused, and it is known whether that is excused
}

const maxOpen = 12

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

// run takes the requests of a seed through one VM.
func (w *world) run(n uint64) error {
	w.logs = n%6 == 0
	w.variants, w.stride = map[uint32]*variant{}, []int{1, 1, 63, 64}[w.rand.IntN(4)]
	var plugins []*plugin
	for i := range 1 + w.rand.IntN(3) {
		plugins = append(plugins, w.add(uint32(1+i)))
	}
	var err error
	if w.vm, err = w.code.newVM(start, plugins...); err != nil {
		return err
	}
	defer w.vm.close()
	w.step = []time.Duration{100 * time.Microsecond, 60 * time.Millisecond}[w.rand.IntN(2)]
	w.replies = []int{12, 1}[w.rand.IntN(2)]
	w.pace = []int{10, 25, 45}[w.rand.IntN(3)]
	if n%6 == 3 { // many queries at once, which the module may send in one request
		w.step, w.replies, w.pace = 100*time.Microsecond, 1, 45
	}
	w.cast = newCast(n, func() time.Time { return w.vm.now })
	for w.opened < requests || len(w.open) > 0 {
		if err := w.event(); err != nil {
			return err
		}
		for _, r := range w.open {
			if r.local != nil && !r.answered {
				r.answered, r.excused = true, r.mayBeRefused()
			}
		}
		if len(w.failed) > 0 {
			return nil
		}
	}
	w.grouped += w.vm.groups
	return w.finish()
}

// add adds a plugin of a random variant.
func (w *world) add(context uint32) *plugin {
	v := &variants[w.rand.IntN(len(variants))]
	if w.logs {
		v = &variants[2]
	}
	w.plugins, w.variants[context] = append(w.plugins, context), v
	return v.plugin(w.t, v.log)
}

// replace has the host replace the configuration of a plugin, as after a change of its
// policy: the streams that are open keep the old one, which ends with the last of them.
func (w *world) replace() error {
	i := w.rand.IntN(len(w.plugins))
	w.retired = append(w.retired, w.plugins[i])
	w.plugins = slices.Delete(w.plugins, i, i+1)
	w.plugin = uint32(10 + len(w.variants))
	if err := w.vm.start(w.plugin, w.add(w.plugin)); err != nil {
		return err
	}
	return w.retire()
}

func (w *world) retire() error {
	for _, id := range slices.Clone(w.retired) {
		if slices.ContainsFunc(w.open, func(r *running) bool { return r.stream.plugin == id }) {
			continue
		}
		w.retired = slices.DeleteFunc(w.retired, func(other uint32) bool { return other == id })
		if err := w.vm.end(id); err != nil {
			return err
		}
	}
	return nil
}

// event is one thing that happens: mostly to a stream that was opened lately, because its
// memory is what the next one gets.
func (w *world) event() error {
	w.vm.now = w.vm.now.Add(time.Duration(w.rand.Int64N(int64(w.step))))
	switch n := w.rand.IntN(100); {
	case n < w.pace && w.opened < requests && len(w.open) < maxOpen:
		return w.begin()
	case n < w.pace+2:
		return w.tick()
	case n < w.pace+2+w.replies && len(w.vm.calls) > 0:
		return w.reply(w.vm.calls[w.rand.IntN(len(w.vm.calls))])
	case n == 98 && w.chance(10):
		return w.replace()
	case n == 99 && w.chance(30):
		w.vm.now = w.vm.now.Add(time.Duration(3+w.rand.IntN(10)) * time.Second)
		return w.tick()
	}
	if len(w.open) == 0 {
		return nil
	}
	i := len(w.open) - 1
	if w.chance(40) {
		i = w.rand.IntN(len(w.open))
	}
	r := w.open[i]
	f := r.next(w.chance(50))
	switch {
	case r.ended() || w.chance(2):
		return w.end(r)
	case f != nil:
		return r.step(f)
	case len(w.vm.calls) == 0: // it waits for keys
		return w.tick()
	case w.chance(100 - 8*w.replies): // calls gather
		return nil
	}
	return w.reply(w.vm.calls[w.rand.IntN(len(w.vm.calls))])
}

func (w *world) begin() error {
	if !slices.Contains(w.plugins, w.plugin) || w.chance(40) {
		w.plugin = w.plugins[w.rand.IntN(len(w.plugins))]
	}
	w.opened++
	r := &running{world: w, variant: w.variants[w.plugin], received: w.vm.now}
	var err error
	if r.stream, err = w.vm.open(w.plugin, uint32(1000+w.opened*w.stride), w.cast.script()); err != nil {
		return err
	}
	w.open = append(w.open, r)
	return r.step(&r.request)
}

func (w *world) tick() error {
	all := append(slices.Clone(w.plugins), w.retired...)
	if _, err := w.vm.call("proxy_on_tick", all[w.rand.IntN(len(all))]); err != nil {
		return err
	}
	return w.vm.settle()
}

// reply brings the reply to a call of a stream, or of a tick to the issuer of keys.
func (w *world) reply(c *call) error {
	r, times := status("200", keySet(w.rotated)), 1
	keys := 1 + int(bit(w.rotated))
	w.rotated = w.rotated || c.cluster == "idp" && w.chance(20)
	switch {
	case c.cluster == "companion":
		r, times = c.answer(c.fate())
	case w.chance(20):
		r = status("503", "no healthy upstream")
	case !w.variants[c.plugin].candidate: // else it is not known whose fetch that was
		w.keys[c.plugin] = keys
	}
	if err := w.vm.deliver(c, r, times); err != nil {
		return err
	}
	return w.vm.settle()
}

// end ends a stream, and compares it with the same one alone.
func (w *world) end(r *running) error {
	whole := r.ended()
	w.open = slices.DeleteFunc(w.open, func(other *running) bool { return other == r })
	if err := r.close(); err != nil {
		return err
	}
	if err := w.retire(); err != nil {
		return err
	}
	report := func(text string) {
		w.failed = append(w.failed, fmt.Sprintf("plugin %s of %d, request %s (%s) to %s, token %s: %s",
			r.variant.name, len(w.plugins), r.script.canary, r.script.user, r.script.route, r.script.token, text))
	}
	if s := r.strangers(); s != nil {
		report("shows texts of others: " + strings.Join(s, ", "))
	}
	got := r.seen()
	if r.excused { // then the upstream's part counts alone
		whole = false
		maps.DeleteFunc(got, func(name, _ string) bool { return !strings.HasPrefix(name, "upstream ") })
	}
	alone, err := w.alone(r.variant, r.stream, r.received)
	if err != nil {
		return fmt.Errorf("alone: %w", err)
	}
	want := alone.seen()
	if r.script.remote { // a decision that holds nothing up shows which keys were there
		for _, seen := range []map[string]string{got, want} {
			maps.DeleteFunc(seen, func(name, text string) bool {
				return name == "log difference" || name == "log shadow" || strings.HasPrefix(text, "shadow ") || strings.Contains(text, `"mode":"shadow"`)
			})
		}
	}
	if d := differences(got, want, whole && alone.ended()); d != nil {
		report(strings.Join(d, "\n"))
	}
	if whole && !alone.ended() && !r.script.remote {
		report("it does not come to its end alone")
	}
	if !whole || r.script.route == "POST /encrypt" { // whose nonces differ
		return nil
	}
	native, err := w.natively(r.variant, r.stream, r.received)
	if err != nil {
		return fmt.Errorf("natively: %w", err)
	}
	if d := differences(r.like(), native, !r.script.early); d != nil {
		report("natively: " + strings.Join(d, "\n"))
	}
	return nil
}

// mayBeRefused reports whether the stream may have been refused now for a reason that lies
// in other streams or in the time.
func (r *running) mayBeRefused() bool {
	if r.local.status == 401 && !r.lacksKey() {
		return false
	}
	late := r.world.vm.now.Sub(r.received) > time.Second
	switch r.local.status {
	case 401, 503:
		return late || r.lacksKey() && !r.request.released
	}
	return r.local.status == 502 && late
}

// lacksKey reports whether the key of the stream's token may not be there, or may be
// waited for: that of a forged one may have been replaced.
func (r *running) lacksKey() bool {
	switch token := r.script.token; {
	case !r.script.remote:
		return false
	case strings.Contains(token, "forged"):
		return true
	case strings.HasPrefix(token, "rotated"):
		return r.world.keys[r.plugin] < 2
	}
	return r.world.keys[r.plugin] < 1
}

// finish ends what is left, and looks for what streams have left behind.
func (w *world) finish() error {
	for len(w.vm.calls) > 0 {
		if err := w.reply(w.vm.calls[0]); err != nil {
			return err
		}
	}
	w.vm.now = w.vm.now.Add(5 * time.Second) // the gauges are told once a second
	for _, id := range w.plugins {
		if _, err := w.vm.call("proxy_on_tick", id); err != nil {
			return err
		}
	}
	if n := w.vm.counts["rulegate.held_bytes"]; n != 0 {
		return fmt.Errorf("%d bytes are held by no stream", n)
	}
	return nil
}
