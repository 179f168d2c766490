package harness

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// SameBody reports whether two bodies are the same text, or the same JSON apart
// from the order of keys and white space. Numbers are equal if their digits are.
func SameBody(want, got string) bool {
	if fitsText(want, got) {
		return true
	}
	a, err1 := decodeJSON(want)
	b, err2 := decodeJSON(got)
	return err1 == nil && err2 == nil && sameJSON(a, b)
}

// sameJSON compares values that were decoded with json.Number.
func sameJSON(want, got any) bool {
	switch w := want.(type) {
	case string:
		g, ok := got.(string)
		return ok && fitsText(w, g)
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && sameObject(w, g)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !sameJSON(w[i], g[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(want, got)
}

// sameObject compares the members. If want has the key "...", got may have other
// members, and null in want means that the member must be absent.
func sameObject(want, got map[string]any) bool {
	_, open := want["..."]
	for k, w := range want {
		g, there := got[k]
		switch {
		case open && k == "...":
		case open && w == nil:
			if there {
				return false
			}
		case !there || !sameJSON(w, g):
			return false
		}
	}
	return open || len(want) == len(got)
}

func decodeJSON(text string) (any, error) {
	// anyText has NUL bytes, which are not allowed in JSON.
	text = strings.ReplaceAll(text, anyText, `\u0000any\u0000`)
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

// JSON returns v as JSON.
func JSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
