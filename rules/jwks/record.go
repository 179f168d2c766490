package jwks

import (
	"strconv"
	"strings"
)

// record is the state of a Source that all workers share. Each worker reads it at
// every tick, so the set itself has a record of its own.
//
// Its text has eleven fields with a space between them, in this order:
//
//	version setStart expires refresh lastStart lastEndedStart lease retry failures failed owner
//
// failed is true or false; the others are decimal integers. Times are in
// microseconds since 1970; 0 is never.
type record struct {
	version        int64  // of the set; the set's record carries the same number
	setStart       int64  // when the fetch started that brought the set
	expires        int64  // end of the set's lifetime
	refresh        int64  // when to fetch the set again
	lastStart      int64  // when the most recent fetch started
	lastEndedStart int64  // when the most recent fetch that has ended had started
	lease          int64  // until then no other worker starts a fetch
	retry          int64  // after a failure: until then no worker starts a fetch
	failures       int64  // fetches that failed in a row, at most 16
	failed         bool   // the most recent fetch that has ended failed
	owner          uint64 // random number of the most recent fetch
}

func (r record) text() string {
	b := make([]byte, 0, 160)
	for _, n := range r.integers() {
		b = append(strconv.AppendInt(b, *n, 10), ' ')
	}
	b = append(strconv.AppendBool(b, r.failed), ' ')
	return string(strconv.AppendUint(b, r.owner, 10))
}

// integers returns the first nine fields, in the order of the text.
func (r *record) integers() [9]*int64 {
	return [9]*int64{&r.version, &r.setStart, &r.expires, &r.refresh, &r.lastStart, &r.lastEndedStart, &r.lease, &r.retry, &r.failures}
}

// parseRecord reads the text of a record. It returns the zero record, with which
// a fetch starts at once, for any other text.
func parseRecord(text string) record {
	fields := strings.Split(text, " ")
	if len(fields) != 11 {
		return record{}
	}
	var r record
	var err error
	for i, n := range r.integers() {
		if *n, err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return record{}
		}
	}
	if r.failed, err = strconv.ParseBool(fields[9]); err != nil {
		return record{}
	}
	if r.owner, err = strconv.ParseUint(fields[10], 10, 64); err != nil {
		return record{}
	}
	return r
}
