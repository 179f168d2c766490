//go:build general

package decide

const quickly = false
