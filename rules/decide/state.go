package decide

// state names the event that a Request or a Response awaits:
//
//	           Headers         Keys        Replies      Body          Replies
//	Request:  awaitHeaders ► awaitKeys ► awaitIssuer ► awaitBody ► awaitReplies ► ended
//	Response: awaitHeaders ──────────────────────────► awaitBody ► awaitReplies ► ended
//
// A state that has nothing to wait for is skipped, and awaitKeys and
// awaitReplies may follow themselves. Every state may lead to ended: by a
// Refusal, or by Continue. A verb that does not fit the state refuses.
type state uint8

const (
	ended state = iota // the zero value: refuses every verb
	awaitHeaders
	awaitKeys
	awaitIssuer // its answer about an opaque token
	awaitBody
	awaitReplies
)

// leave ends the state and reports whether it was want. So a verb that panics
// leaves a message that refuses.
func (s *state) leave(want state) bool {
	ok := *s == want
	*s = ended
	return ok
}
