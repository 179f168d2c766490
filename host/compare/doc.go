// Package compare finds the requests that two policies decide differently, and
// those that break a statement about one policy.
//
// First it pairs the resources that decide the same requests (meeting.go).
package compare
