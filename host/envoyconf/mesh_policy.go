package envoyconf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
)

// policyObject reads a policy as an object whose members keep their order and whose
// numbers keep their digits.
func policyObject(text string) (any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return ordered(d)
}

func ordered(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	switch t {
	case json.Delim('{'):
		out := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, fmt.Errorf("policy: %w", err)
			}
			v, err := ordered(d)
			if err != nil {
				return nil, err
			}
			out = append(out, field{key.(string), v})
		}
		_, err = d.Token()
		return out, err
	case json.Delim('['):
		out := list{}
		for d.More() {
			v, err := ordered(d)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err = d.Token()
		return out, err
	}
	if n, ok := t.(json.Number); ok && !exact(n.String()) {
		return nil, fmt.Errorf("policy: Kubernetes would round the number %s: want one that a 64-bit number holds", n)
	}
	return t, nil
}

// exact reports whether a number stays the same in a resource of Kubernetes, which keeps
// it as an int64 or as a float64.
func exact(number string) bool {
	if _, err := strconv.ParseInt(number, 10, 64); err == nil {
		return true
	}
	f, err := strconv.ParseFloat(number, 64)
	want, ok := new(big.Rat).SetString(number)
	got, read := new(big.Rat).SetString(strconv.FormatFloat(f, 'e', -1, 64))
	return err == nil && ok && read && want.Cmp(got) == 0
}
