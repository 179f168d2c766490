package interleave

import (
	"slices"
	"time"
)

// call is a request of the module to a cluster.
type call struct {
	id, plugin uint32
	cluster    string
	headers    [][2]string
	body       string
	timeout    time.Duration
	by         *stream // nil: a tick has made it
	ask        ask
	group      *group // nil: the calls are those of one stream
	sent       time.Time
	given      *reply // while the module reads it
}

type reply struct {
	headers [][2]string
	body    []byte
}

func (v *vm) reply() *reply {
	if v.replying == nil {
		return nil
	}
	return v.replying.given
}

func hostCall(v *vm, a []uint64) uint64 {
	c := &call{
		plugin: v.pluginOf(v.current), cluster: v.text(a[0], a[1]), headers: pairs(v.text(a[2], a[3])), body: v.text(a[4], a[5]),
		timeout: time.Duration(a[8]) * time.Millisecond, sent: v.now,
	}
	if c.cluster == "companion" {
		c.by = v.about()
	}
	if c.cluster != "companion" && c.cluster != "idp" {
		return badArgument
	}
	v.last++
	c.id = v.last
	v.put32(a[9], c.id)
	v.calls = append(v.calls, c)
	if c.cluster == "companion" {
		v.asked(c)
	}
	return 0
}

// deliver shows the module the reply to a call; twice: the host does so two times.
func (v *vm) deliver(c *call, r *reply, times int) error {
	v.calls = slices.DeleteFunc(v.calls, func(other *call) bool { return other == c })
	switch {
	case c.group != nil:
		for _, m := range c.group.members {
			m.by.history = append(m.by.history, event{replyEvent, m.ask})
		}
	case c.by != nil:
		c.by.history = append(c.by.history, event{replyEvent, c.ask})
	}
	for range times {
		c.given, v.replying = &reply{slices.Clone(r.headers), slices.Clone(r.body)}, c
		_, err := v.call("proxy_on_http_call_response", c.plugin, uint64(c.id), uint64(len(r.headers)), uint64(len(r.body)), 0)
		v.replying = nil
		if err != nil {
			return err
		}
	}
	return nil
}

// pluginOf returns the context of the plugin to which a context belongs.
func (v *vm) pluginOf(id uint32) uint32 {
	if s := v.streams[id]; s != nil {
		return s.plugin
	}
	return id
}
