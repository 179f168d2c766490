// Package compare finds the requests that two policies decide differently, and
// those that break a statement about one policy.
//
// It pairs the resources that decide the same requests (meeting.go). For each pair
// it collects the places of a request that some clause reads (unit.go, place.go),
// and for each place the values at which a clause can come out differently
// (values.go). Places that one clause compares are chosen together; of their
// combinations, one is kept for each way in which the clauses come out
// (component.go). So a finite set of requests stands for all. They are decided by
// package decide, and only those choices are varied that a decision has depended on
// (explorer.go).
//
// Two policies that agree on the whole set are equal, if no clause compares in a way
// for which the values are only examples: Report.Notes lists these.
// CHANGES.md is the page for users.
package compare
