package interleave

// group is the calls of several streams in one request. All have one fate, which is the
// streams' own if it is final: otherwise each stream asks again alone.
type group struct {
	members []member
	fate    fate
	later   map[int]bool // the questions that have no answer yet
}

type member struct {
	by  *stream
	ask ask
}

// grouped finds the streams of a group by the ids of their requests. One may have ended.
func (v *vm) grouped(c *call, all []question) {
	g := &group{fate: good, later: map[int]bool{}}
	c.group, c.by = g, nil
	of := make([]*stream, len(all))
	for i, q := range all {
		if of[i] = v.byRequest(q.Trace["x-request-id"]); of[i] == nil {
			continue
		}
		if len(g.members) == 0 {
			g.fate = of[i].nextFate()
		}
		if len(g.members) == 0 || g.members[len(g.members)-1].by != of[i] {
			g.members = append(g.members, member{of[i], of[i].counted(q)})
		}
		g.later[i] = number(5, q.text(), q.ID) == 0
	}
	if len(g.members) > 1 {
		v.groups++
	}
	if g.fate == unauthorized && number(2, c.body) == 0 {
		g.fate = refused
	}
	again := g.fate == refused || g.fate == garbled || g.fate == empty
	waits := map[*stream]bool{}
	for i := range all {
		waits[of[i]] = waits[of[i]] || g.later[i] && (g.fate == good || g.fate == twice)
	}
	for i, q := range all {
		if of[i] != nil && !again && !waits[of[i]] {
			of[i].fated(g.fate, q)
		}
	}
}

func (v *vm) byRequest(id string) *stream {
	for _, s := range v.streams {
		if s.script.id == id {
			return s
		}
	}
	return nil
}
