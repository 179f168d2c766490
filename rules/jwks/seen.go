package jwks

// Seen holds the newest sets of the keyrings of one VM, so that the keyrings of a new
// configuration begin with them. The zero Seen is empty.
type Seen struct{ sets map[string]held }

// held is a set, by the name of its source.
type held struct {
	text              string
	setStart, expires int64
}

// maxSeen bounds the sets: those of old configurations stay otherwise.
const maxSeen = 100

// remember notes the set that the source uses.
func (k *Keyring) remember(s *source) {
	if k.seen == nil {
		return
	}
	if k.seen.sets == nil || len(k.seen.sets) >= maxSeen {
		k.seen.sets = map[string]held{}
	}
	k.seen.sets[s.name] = held{s.text, s.setStart, s.expires}
}

// recall uses the set that an earlier keyring of this VM has noted.
func (k *Keyring) recall(i int) {
	s := &k.sources[i]
	if k.seen == nil {
		return
	}
	h, ok := k.seen.sets[s.name]
	if !ok {
		return
	}
	if _, _, err := k.use(i, h.text); err == nil {
		s.setStart, s.expires = h.setStart, h.expires
	}
}
