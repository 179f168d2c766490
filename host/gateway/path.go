package gateway

import "strings"

// PathOptions say which checks of the path are left out. The zero value makes
// them all, as `normalize_path`, `merge_slashes` and
// `path_with_escaped_slashes_action: REJECT_REQUEST` do in Envoy.
type PathOptions struct {
	KeepDotSegments     bool
	KeepSlashes         bool
	AllowEscapedSlashes bool
	AllowFragment       bool
}

// clean is the path, with its query, that the module and the upstream see;
// false refuses the request with 400.
func (o PathOptions) clean(target string) (string, bool) {
	if target == "*" {
		return target, true
	}
	if !o.AllowFragment && strings.Contains(target, "#") {
		return "", false
	}
	path, query, hasQuery := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	if !o.AllowEscapedSlashes && hasEscapedSlash(path) {
		return "", false
	}
	if !o.KeepDotSegments {
		path = removeDots(path)
	}
	if !o.KeepSlashes {
		path = mergeSlashes(path)
	}
	if hasQuery {
		path += "?" + query
	}
	return path, true
}

// hasEscapedSlash finds %2F and %5C.
func hasEscapedSlash(path string) bool {
	for i := 0; i+2 < len(path); i++ {
		if path[i] != '%' {
			continue
		}
		switch strings.ToLower(path[i+1 : i+3]) {
		case "2f", "5c":
			return true
		}
	}
	return false
}

func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// removeDots is RFC 3986, 5.2.4, for plain and encoded dots; a backslash
// counts as a slash, as it does for browsers.
func removeDots(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	if !strings.Contains(path, "/.") && !strings.Contains(path, "/%2") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	var kept []string
	for i, seg := range segments {
		last := i == len(segments)-1
		switch dots(seg) {
		case 1:
			if last {
				kept = append(kept, "")
			}
		case 2:
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, seg)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// dots is 1 for `.`, 2 for `..`, however written, and 0 for anything else.
func dots(seg string) int {
	n := 0
	for seg != "" {
		switch {
		case seg[0] == '.':
			seg = seg[1:]
		case len(seg) >= 3 && strings.EqualFold(seg[:3], "%2e"):
			seg = seg[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}
