package rules

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// This file is a second implementation of response actions, on a tree that keeps
// each token as it was written. FuzzMask compares the two.

// tree is a JSON value: a leaf with its text, an object or a list.
type tree struct {
	leaf   string
	object []*branch
	list   []*tree
	kind   byte // '{', '[', or 'l' for a leaf
}

type branch struct {
	written string // the key as it was written, quotes included
	key     string
	value   *tree
}

func (n *tree) get(key string) *branch {
	for _, b := range n.object {
		if b.key == key {
			return b
		}
	}
	return nil
}

// tokens returns the text without white space.
func (n *tree) tokens() string {
	var parts []string
	switch n.kind {
	case '{':
		for _, b := range n.object {
			parts = append(parts, b.written+":"+b.value.tokens())
		}
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		for _, x := range n.list {
			parts = append(parts, x.tokens())
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return n.leaf
}

// repeats reports whether some object has a key twice.
func (n *tree) repeats() bool {
	seen := map[string]bool{}
	for _, b := range n.object {
		if seen[b.key] || b.value.repeats() {
			return true
		}
		seen[b.key] = true
	}
	return slices.ContainsFunc(n.list, (*tree).repeats)
}

// act is one response action.
type act struct {
	rule string // force, remove, hash, encrypt, filter
	path []string
	made *tree  // of force: the value
	key  string // of filter: elements that have it are kept
}

// clause returns the act as a policy writes it.
func (s *act) clause() string {
	path := "res." + strings.Join(s.path, ".")
	switch s.rule {
	case "force":
		return fmt.Sprintf(`{"rule":"force","field":%q,"value":%s}`, path, s.made.tokens())
	case "filter":
		return fmt.Sprintf(`{"rule":"filter","field":%q,"clause":{"rule":"match","type":"bool","eval":"==","f1":%q,"f2":true}}`, path, "utils.exists(item."+s.key+")")
	}
	return fmt.Sprintf(`{"rule":%q,"fields":[%q]}`, s.rule, path)
}

// do applies the act below n, which is nil for a missing value. ok is false when
// the response must not go out.
func (s *act) do(n *tree, path []string) (out *tree, ok bool) {
	if n != nil && n.kind == '[' {
		elems := &tree{kind: '['}
		for _, x := range n.list {
			y, ok := s.do(x, path)
			if !ok {
				return nil, false
			}
			elems.list = append(elems.list, y)
		}
		return elems, true
	}
	if n == nil && s.rule == "force" {
		n = &tree{kind: '{'}
	}
	if n == nil || n.kind != '{' {
		return nil, false
	}
	var old *tree
	if b := n.get(path[0]); b != nil {
		old = b.value
	}
	if len(path) > 1 {
		inner, ok := s.do(old, path[1:])
		if !ok {
			return nil, false
		}
		return n.put(path[0], inner), true
	}
	return s.end(n, path[0], old)
}

// end applies the act to one member.
func (s *act) end(n *tree, key string, old *tree) (*tree, bool) {
	switch s.rule {
	case "force":
		return n.put(key, s.made), true
	case "remove":
		return n.put(key, nil), true
	case "filter":
		if old == nil || old.kind != '[' {
			return nil, false
		}
		kept := &tree{kind: '['}
		for _, x := range old.list {
			if x.get(s.key) != nil {
				kept.list = append(kept.list, x)
			}
		}
		return n.put(key, kept), true
	}
	if old == nil || old.kind != '[' {
		now, ok := s.transform(old)
		return n.put(key, now), ok
	}
	list := &tree{kind: '['} // of strings, of which each is changed
	for _, x := range old.list {
		now, ok := s.transform(x)
		if !ok {
			return nil, false
		}
		list.list = append(list.list, now)
	}
	return n.put(key, list), true
}

// transform hashes or encrypts a string.
func (s *act) transform(old *tree) (*tree, bool) {
	var text string
	if old == nil || old.kind != 'l' || old.leaf[0] != '"' || json.Unmarshal([]byte(old.leaf), &text) != nil {
		return nil, false
	}
	if s.rule == "hash" {
		sum := sha256.Sum256([]byte(text))
		return leaf(`"` + hex.EncodeToString(sum[:]) + `"`), true
	}
	secret, _ := base64.StdEncoding.DecodeString(testKey)
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, false
	}
	out := make([]byte, len(text))
	//lint:ignore SA1019 it is the format that existing data has
	cipher.NewCFBEncrypter(block, secret[:16]).XORKeyStream(out, []byte(text))
	return leaf(`"` + base64.StdEncoding.EncodeToString(out) + `"`), true
}

func leaf(text string) *tree { return &tree{kind: 'l', leaf: text} }

// put returns n with another value under key, in its place or at the end; nil
// removes the member.
func (n *tree) put(key string, x *tree) *tree {
	out := &tree{kind: '{'}
	there := false
	for _, b := range n.object {
		switch {
		case b.key != key:
			out.object = append(out.object, b)
		case x != nil:
			out.object = append(out.object, &branch{b.written, key, x})
		}
		there = there || b.key == key
	}
	if !there && x != nil {
		written, _ := json.Marshal(key)
		out.object = append(out.object, &branch{string(written), key, x})
	}
	return out
}

// compact removes white space from a JSON text, but not from its strings.
func compact(text string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
			continue
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
