package gateway

// commands is the set of things that the module asked for, from a callback of any
// context, and applyCommands has not done yet.
type commands uint8

const (
	resetStream commands = 1 << iota
	sendReply            // stream.reply
	continueRequest
	continueResponse
)

// continued is the command that continues the flow.
func (f *flow) continued() commands { return continueRequest << f.direction }

// applyCommands does what the module asked for, until it asks for nothing more.
// The VM's lock is held.
func (s *stream) applyCommands() {
	for s.state < streamEnded {
		switch c := s.commands; {
		case c&resetStream != 0:
			s.abort()
		case c&sendReply != 0:
			s.commands &^= sendReply
			s.sendLocal(s.reply)
		case c&continueRequest != 0:
			s.continueFlow(&s.req)
		case c&continueResponse != 0:
			s.continueFlow(&s.resp)
		default:
			return
		}
	}
}

// release lets all that a flow holds be sent on.
func (s *stream) release(f *flow) {
	s.commands &^= f.continued()
	f.release()
}

// continueFlow releases a flow that waits for it, and shows the module the
// pieces that arrived while the flow was paused.
func (s *stream) continueFlow(f *flow) {
	s.commands &^= f.continued()
	if f.state != paused && f.state != buffering {
		return
	}
	f.release()
	if c := f.unseen; len(c.data) > 0 || c.end {
		f.unseen = chunk{}
		s.show(f, c)
	}
}

// hostContinue continues a flow once the running callback is over. As in Envoy,
// it is no error if there is no stream.
func hostContinue(v *vm, a []uint64) status {
	d, s := direction(a[0]), v.stream()
	if d > responseFlow {
		return statusBadArgument
	}
	if s == nil {
		return statusOK
	}
	f := &s.req
	if d == responseFlow {
		f = &s.resp
	}
	f.open &^= headersPart | trailersPart // the body stays open until it is released
	s.commands |= f.continued()
	s.wakeLoop()
	return statusOK
}

// hostCloseStream resets the connection once the running callback is over.
func hostCloseStream(v *vm, a []uint64) status {
	if direction(a[0]) > responseFlow {
		return statusBadArgument
	}
	if s := v.stream(); s != nil {
		s.commands |= resetStream
		s.wakeLoop()
	}
	return statusOK
}
