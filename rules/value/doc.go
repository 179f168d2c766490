// Package value is the JSON value that rules read and change. A value that was
// read from a text stays that text, and shares it with the values inside it.
package value
