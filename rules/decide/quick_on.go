//go:build !general

package decide

// quickly: requests are decided the quick way where that is known. The tests build
// a module with the tag general, in which all go the general way.
const quickly = true
