package main

// state names the event that a stream awaits: first for the request and, once that
// is forwarded, for the response if a rule decides it.
//
//	awaitHeaders ─┬─► awaitKeys ────────────────────────────┬─► awaitBody ─► awaitReplies ─┬─► passed
//	              └─► awaitKeysGather ─► awaitKeysGathered ─┘                              └─► awaitHeaders (response)
//
// The names are those of decide's Actions. The replies about a token that its issuer has
// to judge come between keys and body: awaitReplies, awaitRepliesGather and
// awaitRepliesGathered are to them what awaitKeys and its kin are to keys. Every state
// may be skipped. Every one may lead to withheld, from there to answered, and to gone.
type state uint8

const (
	awaitHeaders      state = iota
	inHeaders               // the callback that shows the upstream's headers decides them
	awaitKeys               // no byte of the body is needed yet
	awaitKeysGather         // the body is gathered meanwhile
	awaitKeysGathered       // the whole body is there already
	awaitBody
	awaitReplies         // to calls; no byte of the body is needed, or it was read
	awaitRepliesGather   // the body is gathered meanwhile
	awaitRepliesGathered // the whole body is there already
	passed               // let through, and nothing is left to decide
	withheld             // refused: nothing of the upstream's goes out
	answered             // refused, and the host has our reply, which passes the response callbacks
	gone                 // the host has ended the stream
)

// awaitsKeys reports whether the stream is among those of keys.waiting.
func (s state) awaitsKeys() bool {
	return s == awaitKeys || s.gathersForKeys()
}

func (s state) gathersForKeys() bool {
	return s == awaitKeysGather || s == awaitKeysGathered
}

func (s state) awaitsReplies() bool {
	return s == awaitReplies || s == awaitRepliesGather || s == awaitRepliesGathered
}

// gathers reports whether the body is gathered before it is known whether it is needed.
func (s state) gathers() bool { return s == awaitKeysGather || s == awaitRepliesGather }

// gathered reports whether the whole body is there before it is known whether it is
// needed.
func (s state) gathered() bool { return s == awaitKeysGathered || s == awaitRepliesGathered }

// ended reports whether nothing is left to decide or to answer.
func (s state) ended() bool { return s == withheld || s == answered || s == gone }

// direction is the message of a stream that its state counts for.
type direction uint8

const (
	request direction = iota
	response
)
