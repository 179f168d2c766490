package schema

import "github.com/rulegate/rulegate/rules"

// Path is a place in a policy file. Its text is built only when a fault needs
// it. The nil Path is the file itself.
type Path struct {
	up    *Path
	key   string
	index int // of an array's element; -1 when key is set
}

// Key returns the path of a member of the object at p.
func (p *Path) Key(key string) *Path { return &Path{up: p, key: key, index: -1} }

// Elem returns the path of an element of the array at p.
func (p *Path) Elem(i int) *Path { return &Path{up: p, index: i} }

// String returns the place as rules.Fault has it.
func (p *Path) String() string {
	switch {
	case p == nil:
		return ""
	case p.index >= 0:
		return rules.Elem(p.up.String(), p.index)
	}
	return rules.Join(p.up.String(), p.key)
}
