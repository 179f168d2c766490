package decide

import "github.com/rulegate/rulegate/rules"

// ledger is what was asked of the companion for one request, and what it said.
type ledger struct {
	replies rules.Memo
	asked   []rules.Call // and not answered yet
	made    int          // in all
}

// ask notes the calls that are to be made now: those without a reply. most
// bounds the calls of a request, for its rules together.
func (l *ledger) ask(calls []rules.Call, most int) ([]rules.Call, *Refusal) {
	var fresh []rules.Call
	for _, c := range calls {
		if _, answered := l.replies[c.ID]; !answered {
			fresh = append(fresh, c)
		}
	}
	if len(fresh) == 0 {
		return nil, undecided("the rule waits for what cannot come")
	}
	if l.made += len(fresh); l.made > most {
		return nil, tooLarge("more calls than limits.calls")
	}
	l.asked = fresh
	return fresh, nil
}

// record notes the replies to what was asked. A call without one has failed, and
// of two to one call the first counts.
func (l *ledger) record(rs []rules.Reply) {
	if l.replies == nil {
		l.replies = rules.Memo{}
	}
	for _, c := range l.asked {
		l.replies[c.ID] = rules.Reply{ID: c.ID, Err: "no reply"}
	}
	for _, r := range rs {
		if old, asked := l.replies[r.ID]; asked && old.Err == "no reply" {
			l.replies[r.ID] = r
		}
	}
	l.asked = nil
}
