package rules

// OfClaims reports whether the rule's yes, with its edits of the response, is the
// same for every request with the same claims: it reads args.auth alone, changes
// nothing in the request, makes no calls and has no clock. Such a yes can be kept.
func (r *Rule) OfClaims() bool { return r.ofClaims }

// Question is an address that stands for the rule, where its answers are kept.
func (r *Rule) Question() *byte { return &r.question }

// Constant reports whether the rule has the same answer for every request with a token,
// and for every one without: it reads nothing and changes nothing.
func (r *Rule) Constant() bool {
	return !r.reads.all && !r.reads.clock && len(r.reads.names) == 0 && r.OnlyAsks()
}

// OnlyAsks reports whether a yes of the rule leaves the request and its response as they
// are, and needs no call.
func (r *Rule) OnlyAsks() bool {
	return !r.ChangesArgs() && !r.calls && !r.fresh && !r.response
}

// dependsOnClaims works OfClaims out. A rule that does not even read the claims, such
// as allow, is not worth it.
func (r *Rule) dependsOnClaims() bool {
	of := &r.reads
	return !of.all && !of.clock && len(of.names) == 1 && of.names[0] == RootAuth &&
		!r.ChangesArgs() && !r.calls && !r.fresh
}
