package companion

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rulegate/rulegate/host/companion/target"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/tidwall/gjson"
)

// A group is the queries of several streams in one request (package wire). The answered
// ones do not wait for a slow one: it is replied to by `later`, and goes on for a moment,
// so that the module's next request for it, which it is alone in, joins it.

const (
	// maxGroupWait bounds what a module may ask for.
	maxGroupWait = time.Second
	// groupEnd is when a group of which nothing is answered is replied to. It is before
	// target.Coalescer lets nobody join.
	groupEnd = 500 * time.Millisecond
	// lingerFor is how long a call goes on that the module has to ask for again.
	lingerFor = time.Second
	// maxGroupReply bounds the bytes of answers in the reply to a group. What does not fit
	// is asked for again, and so counts for the stream that gets it alone.
	maxGroupReply = 64 << 10
)

// takeGroup takes the member `group` out of a request.
func takeGroup(v value.Value) (value.Value, time.Duration, error) {
	group := v.Key("group")
	if group.Kind() == value.Missing {
		return v, 0, nil
	}
	text, _ := group.Number()
	ms, err := strconv.Atoi(text)
	if err != nil || ms < 1 || time.Duration(ms)*time.Millisecond > maxGroupWait {
		return v, 0, fmt.Errorf("group: want 1 to %d milliseconds", maxGroupWait.Milliseconds())
	}
	return v.Without("group"), time.Duration(ms) * time.Millisecond, nil
}

// traceNames are the headers that a call of a group may have.
var traceNames = map[string]bool{"x-request-id": true, "traceparent": true, "tracestate": true}

// takeTrace takes the member `trace` out of a call.
func (c *call) takeTrace(v value.Value) (value.Value, error) {
	c.trace = http.Header{}
	headers := v.Key("trace")
	if headers.Kind() == value.Missing {
		return v, nil
	}
	var err error
	if headers.Kind() != value.Object {
		err = errors.New("trace: want an object of strings")
	}
	headers.Each(func(name string, x value.Value) bool {
		text, ok := x.Text()
		if !ok || !traceNames[name] {
			err = fmt.Errorf("trace: %q: want a string of x-request-id, traceparent or tracestate", name)
		}
		c.trace.Set(name, text)
		return err == nil
	})
	return v.Without("trace"), err
}

// result is what became of a call of a group.
type result struct {
	n      int
	answer target.Answer
	failed string
}

// replyToGroup runs the calls of a group and writes the sealed replies.
func (c *Companion) replyToGroup(w http.ResponseWriter, r *http.Request, calls []*call, wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), c.timeout(r.Header))
	received, results := time.Now(), make(chan result, len(calls))
	for i, x := range calls {
		c.running.Add(1) // that of the request is counted still
		go func() {
			defer c.running.Done()
			results <- c.runInGroup(ctx, i, x)
		}()
	}
	replies, reserved := make([][]byte, len(calls)), int64(0)
	ended := c.gather(r.Context(), results, len(calls), wait, func(x result) {
		reserved += int64(x.answer.Size())
		replies[x.n] = appendReply(nil, calls[x.n].id, x.answer, x.failed, calls[x.n].cache > 0, received)
	})
	defer func() { c.admission.release(reserved) }()
	if left := len(calls) - ended; left > 0 {
		c.linger(r.Context(), cancel, results, left)
	} else {
		cancel()
	}
	reply, size := []byte(`{"replies":[`), 0
	for i, text := range replies {
		if i > 0 {
			reply = append(reply, ',')
		}
		if text == nil || size+len(text) > maxGroupReply {
			text = append(gjson.AppendJSONString([]byte(`{"id":`), calls[i].id), `,"later":true}`...)
		}
		size += len(text)
		reply = append(reply, text...)
	}
	c.seal(w, r, append(reply, `]}`...))
}

// gather takes the results that come in time, and returns their number.
func (c *Companion) gather(ctx context.Context, results <-chan result, calls int, wait time.Duration, take func(result)) (n int) {
	end := time.NewTimer(groupEnd)
	defer end.Stop()
	if calls == 1 {
		end.Stop() // nobody waits for it but its own stream
	}
	for answered := false; n < calls; {
		select {
		case x := <-results:
			if n++; x.failed == "" && !answered {
				answered = true // a failure says nothing of how long the others take
				end.Reset(wait)
			}
			take(x)
		case <-end.C:
			return n
		case <-ctx.Done():
			return n
		}
	}
	return n
}

// linger keeps the calls that have not ended for a moment, and then ends them. Meanwhile
// they count as a request in flight. If there is no room for one, or the module is gone
// and asks for nothing again, they end at once.
func (c *Companion) linger(module context.Context, cancel context.CancelFunc, results <-chan result, left int) {
	stays := module.Err() == nil && c.admission.enter()
	if !stays {
		cancel()
	}
	go func() {
		defer cancel()
		end := time.AfterFunc(lingerFor, cancel)
		defer end.Stop()
		for range left {
			x := <-results
			c.admission.release(int64(x.answer.Size()))
		}
		if stays {
			c.admission.leave()
		}
	}()
}

// runInGroup answers one call as if it had come in a request of its own.
func (c *Companion) runInGroup(ctx context.Context, n int, x *call) result {
	e := c.entry(ctx, x.trace)
	ctx, span, log := c.traced(ctx, x.trace, c.logFor(x.trace))
	defer span.End()
	a, failed := c.run(ctx, log, x)
	if c.decisions != nil {
		addCalls(e, []*call{x}, []string{failed})
		c.decided(e)
	}
	return result{n, a, failed}
}
