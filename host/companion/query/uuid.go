package query

import "regexp"

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// IsUUID reports whether a text spells a UUID as databases do: lower case, with
// hyphens (RFC 9562).
func IsUUID(text string) bool { return uuidPattern.MatchString(text) }
