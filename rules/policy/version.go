package policy

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/rulegate/rulegate/rules/value"
)

// versionDigits is the length of a version.
const versionDigits = 12

// VersionOf returns the version of a policy: the first digits of the SHA-256 of its
// document, with `${…}` as it is written. Keys that differ between the machines of a
// fleet, or that the command adds, do not count, and neither does a candidate: it
// changes no decision.
func VersionOf(doc value.Value) string {
	for _, key := range [...]string{"version", "gateway", "zones", "shadow"} {
		doc = doc.Without(key)
	}
	sum := sha256.Sum256([]byte(doc.String()))
	return hex.EncodeToString(sum[:])[:versionDigits]
}

// takeVersion sets the version and returns the rest of the document. The module gets it
// from the command, because the module's document lacks what only the companion reads.
func (l *loader) takeVersion(doc value.Value) value.Value {
	text, given := doc.Key("version").Text()
	if !given || !l.o.Module {
		l.p.Version = VersionOf(doc)
		return doc
	}
	l.p.Version = text
	return doc.Without("version")
}
