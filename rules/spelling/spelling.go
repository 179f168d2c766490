//go:build !wasip1

// Package spelling suggests the word that a misspelled one may mean.
package spelling

import "strings"

// Nearest returns the one of words that the author of word may have meant, ""
// when none is near.
func Nearest(word string, words []string) string {
	best, distance := "", 3
	for _, w := range words {
		if plain(w) == plain(word) {
			return w
		}
		if d := edits(strings.ToLower(word), strings.ToLower(w)); d < distance && d*2 < len(w) {
			best, distance = w, d
		}
	}
	return best
}

// plain removes the differences between spellings such as aes_key, AES-Key and
// aesKey.
func plain(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
}

// edits counts the letters to add, drop, change or swap with the next one to turn
// a into b (optimal string alignment). It returns 64 for words over 64 bytes.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var rows [3][65]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
