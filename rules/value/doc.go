// Package value is the JSON value that rules read and change. A value that was
// read from a text stays that text, and the values inside it are parts of it.
package value
