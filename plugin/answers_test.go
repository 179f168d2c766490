package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/value"
)

var answersStart = time.Unix(1_700_000_000, 0)

func cachedQuery(id, table string, age time.Duration) rules.Call {
	return rules.Call{ID: id, Kind: rules.Query, DB: "d", Col: table, Limit: 1, Cache: age}
}

func rowsReply(id string) rules.Reply {
	return rules.Reply{ID: id, Rows: value.Arr(value.Obj())}
}

func TestAnswersAreKeptForTheirTime(t *testing.T) {
	var a answers
	ask := func(c rules.Call, after time.Duration) (known []rules.Reply, left []rules.Call, keys []string) {
		return a.find([]rules.Call{c}, "gw", answersStart.Add(after))
	}
	call := cachedQuery("1", "t", 5*time.Second)
	_, left, keys := ask(call, 0)
	if len(left) != 1 {
		t.Fatal("an answer out of nothing")
	}
	a.keep(keys, []rules.Reply{rowsReply("1")}, 50, answersStart)
	again := call
	again.ID = "0/7"
	for _, c := range []struct {
		name  string
		call  rules.Call
		after time.Duration
		known bool
	}{
		{"at once", call, 0, true},
		{"by another id", again, time.Second, true},
		{"just before its end", call, 5*time.Second - time.Nanosecond, true},
		{"at its end", call, 5 * time.Second, false},
		{"by a rule that allows less", cachedQuery("1", "t", time.Second), 2 * time.Second, false},
		{"by a rule that allows more", cachedQuery("1", "t", time.Minute), 30 * time.Second, true},
		{"by a rule without cache", cachedQuery("1", "t", 0), 0, false},
		{"of another table", cachedQuery("1", "u", 5*time.Second), 0, false},
		{"before it was asked", call, -time.Second, false},
	} {
		known, left, _ := ask(c.call, c.after)
		if (len(known) == 1) != c.known || len(known)+len(left) != 1 {
			t.Errorf("%s: known %v, left %v", c.name, known, left)
		}
		if c.known && known[0].ID != c.call.ID {
			t.Errorf("%s: reply to %q", c.name, known[0].ID)
		}
	}
}

// The companion's answer may be old when it comes.
func TestAnswersCountFromTheirBeginning(t *testing.T) {
	var a answers
	call := cachedQuery("1", "t", 5*time.Second)
	_, _, keys := a.find([]rules.Call{call}, "gw", answersStart)
	old := rowsReply("1")
	old.Age = 4 * time.Second
	a.keep(keys, []rules.Reply{old}, 50, answersStart)
	if known, _, _ := a.find([]rules.Call{call}, "gw", answersStart.Add(time.Second)); len(known) != 0 {
		t.Error("an answer of five seconds ago is given")
	}
	if known, _, _ := a.find([]rules.Call{call}, "gw", answersStart.Add(time.Second-time.Nanosecond)); len(known) != 1 {
		t.Error("an answer of less than five seconds ago is not given")
	}
	// One that began earlier does not replace it.
	a.keep(keys, []rules.Reply{rowsReply("1")}, 50, answersStart.Add(-time.Minute))
	if known, _, _ := a.find([]rules.Call{call}, "gw", answersStart); len(known) != 1 {
		t.Error("an older answer has replaced a newer one")
	}
}

func TestAnswersThatAreNotKept(t *testing.T) {
	hook := rules.Call{ID: "1", Kind: rules.Webhook, URL: "http://h/", Body: value.NullValue, Cache: time.Minute}
	issuer := rules.Call{ID: "1", Kind: rules.Introspect, URL: "http://h/", ClientID: "c", UserToken: "t", Cache: time.Minute}
	for _, c := range []struct {
		name  string
		call  rules.Call
		reply rules.Reply
		size  int
		kept  bool
	}{
		{"rows", cachedQuery("1", "t", time.Minute), rowsReply("1"), 50, true},
		{"rows without cache", cachedQuery("1", "t", 0), rowsReply("1"), 50, false},
		{"a failure", cachedQuery("1", "t", time.Minute), rules.Reply{ID: "1", Err: "timeout"}, 50, false},
		{"too many bytes", cachedQuery("1", "t", time.Minute), rowsReply("1"), maxAnswerSize, false},
		{"a yes", hook, rules.Reply{ID: "1", Status: 200}, 50, true},
		{"a no", hook, rules.Reply{ID: "1", Status: 403}, 50, true},
		{"a redirect", hook, rules.Reply{ID: "1", Status: 302}, 50, false},
		{"a URL that is wrong", hook, rules.Reply{ID: "1", Status: 404}, 50, false},
		{"a service that is busy", hook, rules.Reply{ID: "1", Status: 503}, 50, false},
		{"an issuer's answer", issuer, rules.Reply{ID: "1", Status: 200}, 50, false},
	} {
		var a answers
		_, _, keys := a.find([]rules.Call{c.call}, "gw", answersStart)
		a.keep(keys, []rules.Reply{c.reply}, c.size, answersStart)
		if known, _, _ := a.find([]rules.Call{c.call}, "gw", answersStart); (len(known) == 1) != c.kept {
			t.Errorf("%s: %v", c.name, known)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	for _, size := range []int{10, 20_000} {
		var a answers
		for i := range 3 * maxAnswers {
			call := cachedQuery("1", fmt.Sprint("t", i), time.Minute)
			_, _, keys := a.find([]rules.Call{call}, "gw", answersStart)
			a.keep(keys, []rules.Reply{rowsReply("1")}, size, answersStart)
			if i%3 == 0 { // again, which must not count twice
				a.keep(keys, []rules.Reply{rowsReply("1")}, size, answersStart)
			}
		}
		sum := 0
		for _, k := range a.entries {
			sum += k.size
		}
		if len(a.entries) > maxAnswers || a.bytes > maxAnswerBytes || a.bytes != sum || len(a.order) != len(a.entries) {
			t.Errorf("%d entries, %d in order, %d bytes, counted %d", len(a.entries), len(a.order), sum, a.bytes)
		}
		last := cachedQuery("1", fmt.Sprint("t", 3*maxAnswers-1), time.Minute)
		if known, _, _ := a.find([]rules.Call{last}, "gw", answersStart); len(known) != 1 {
			t.Error("the last answer is gone")
		}
	}
}

// Of several calls, those that are known are not asked again.
func TestAnswersOfSomeCalls(t *testing.T) {
	var a answers
	calls := []rules.Call{cachedQuery("1", "a", time.Minute), cachedQuery("2", "b", 0), cachedQuery("3", "c", time.Minute)}
	_, _, keys := a.find(calls[:1], "gw", answersStart)
	a.keep(keys, []rules.Reply{rowsReply("1")}, 50, answersStart)
	known, left, keys := a.find(calls, "gw", answersStart)
	var ids []string
	for _, c := range left {
		ids = append(ids, c.ID)
	}
	if len(known) != 1 || known[0].ID != "1" || strings.Join(ids, " ") != "2 3" || len(keys) != 2 || keys[0] != "" || keys[1] == "" {
		t.Errorf("known %v, left %v, keys %q", known, ids, keys)
	}
}
