package query

import (
	"errors"
	"regexp"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/rulegate/rulegate/rules"
)

// compiled caches patterns. They are written in rules, so there are few.
var compiled = sync.OnceValues(func() (*lru.Cache[string, *regexp.Regexp], error) {
	return lru.New[string, *regexp.Regexp](256)
})

// Compile compiles a pattern of the subset that rules.CheckPattern describes.
func Compile(pattern string) (*regexp.Regexp, error) {
	cache, err := compiled()
	if err != nil {
		return nil, err
	}
	if re, ok := cache.Get(pattern); ok {
		return re, nil
	}
	if err := rules.CheckPattern(pattern); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(pattern)
	if err != nil { // nested counts whose product is too large
		return nil, errors.New("pattern too complex")
	}
	cache.Add(pattern, re)
	return re, nil
}
