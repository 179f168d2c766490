package policy

import "github.com/rulegate/rulegate/rules/value"

// CandidatePolicy is another policy, which is decided beside the active one. Nothing
// that it decides is carried out.
type CandidatePolicy struct {
	// Section is `shadow` of the active policy, with the document of the candidate. Load
	// does not compile that: in the module, a fault of a candidate must not refuse the
	// active policy.
	Section value.Value
	// Policy is the compiled candidate; whoever compiles it sets it.
	Policy *Policy
}

// File is the file of the candidate, as the active policy names it.
func (c *CandidatePolicy) File() string { return textOf(c.Section.Key("file"), "") }

// Doc is the document of the candidate.
func (c *CandidatePolicy) Doc() value.Value { return c.Section.Key("policy") }

// May reports whether the candidate may make the calls that a key of the section names:
// webhooks, or queries, which are questions to the issuers of opaque tokens too.
func (c *CandidatePolicy) May(key string) bool { return c.Section.Key(key).IsTrue() }

// Bound bounds the candidate's work by the limits of the active policy, so that both
// together take at most twice the time of the active one. The bodies that it copies may
// take candidateMemory of the memory beside it.
func (c *CandidatePolicy) Bound(active *Policy) {
	c.Policy.Limits = active.Limits
	c.Policy.Limits.Memory /= candidateMemory
}

const candidateMemory = 8

// takeCandidate takes the candidate out of the document. Whoever reads files has added
// `file`, its name, to the section, and put its document under `policy`.
func (l *loader) takeCandidate(doc value.Value) value.Value {
	section := doc.Key("shadow")
	if section.Kind() == value.Missing {
		return doc
	}
	rest := doc.Without("shadow")
	if l.checkCandidate != nil {
		if section, rest = l.checkCandidate(l, section, doc); section.Kind() == value.Missing {
			return rest
		}
	}
	l.p.Candidate = &CandidatePolicy{Section: section}
	return rest
}

// readCandidate is checkCandidate where a policy is not reviewed yet. It returns the
// section, Missing if it cannot be used, and the document with the section as its author
// has written it.
func (l *loader) readCandidate(section, doc value.Value) (value.Value, value.Value) {
	file := section.Key("file")
	switch {
	case l.o.Candidate:
		l.fault("shadow", "a candidate has no candidate of its own")
		return value.Value{}, doc.Without("shadow")
	case file.Kind() == value.Missing:
		if section.Kind() == value.String || section.Key("policy").Kind() == value.String {
			l.fault("shadow", "the file of the candidate is not read here")
		}
		return value.Value{}, doc // schema.Check reports the others
	}
	return section, doc.With("shadow", section.Without("file").With("policy", file))
}
