package strictjson

// frames and keys are lists whose first elements are a part of them, so for most texts a
// scanner needs no memory but its caller's stack. Neither has a slice of itself, which
// would take the whole scanner to the heap.
type frames struct {
	n     int
	first [4]frame
	all   []frame // nil: first has all
}

func (l *frames) push(f frame) {
	if l.all == nil && l.n < len(l.first) {
		l.first[l.n] = f
	} else {
		if l.all == nil {
			l.all = append(make([]frame, 0, 4*len(l.first)), l.first[:]...)
		}
		l.all = append(l.all[:l.n], f)
	}
	l.n++
}

// top returns the last element.
func (l *frames) top() *frame {
	if l.all == nil {
		return &l.first[l.n-1]
	}
	return &l.all[l.n-1]
}

type keys struct {
	n     int
	first [16]key
	all   []key // nil: first has all
}

func (l *keys) push(k key) {
	if l.all == nil && l.n < len(l.first) {
		l.first[l.n] = k
	} else {
		if l.all == nil {
			l.all = append(make([]key, 0, 4*len(l.first)), l.first[:]...)
		}
		l.all = append(l.all[:l.n], k)
	}
	l.n++
}

// from returns the elements from the i-th on.
func (l *keys) from(i int) []key {
	if l.all == nil {
		return l.first[i:l.n]
	}
	return l.all[i:l.n]
}
