package httpfield

import (
	"slices"
	"strings"
)

// Methods are the methods of HTTP that a route may list: the registry of RFC 9110,
// section 16.1.1, without CONNECT, HEAD and PRI, and PURGE, which caches have.
var Methods = strings.Fields(`
	GET POST PUT PATCH DELETE OPTIONS TRACE QUERY PURGE
	ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF
	MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE
	UPDATEREDIRECTREF VERSION-CONTROL`)

// IsMethod reports whether s is a method of HTTP, letter for letter (RFC 9110,
// section 9.1): some servers take `delete` for DELETE.
func IsMethod(s string) bool {
	return s == "HEAD" || s == "CONNECT" || slices.Contains(Methods, s)
}
