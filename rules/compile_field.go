package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/value"
)

// text reads a field that must be a string and not empty.
func (c *compiler) text(spec value.Value, place, field string) string {
	v := spec.Key(field)
	s, ok := v.Text()
	switch {
	case v.Kind() == value.Missing:
	case !ok:
		c.faults.add(Join(place, field), "want string, found %s", found(v))
	case s == "":
		c.faults.add(Join(place, field), "must not be empty")
	}
	return s
}

func (c *compiler) optionalText(spec value.Value, place, field string) string {
	v := spec.Key(field)
	s, ok := v.Text()
	if v.Kind() != value.Missing && !ok {
		c.faults.add(Join(place, field), "want string, found %s", found(v))
	}
	return s
}

// flag reads a field that must be true or false; without it, false.
func (c *compiler) flag(spec value.Value, place, field string) bool {
	v := spec.Key(field)
	if k := v.Kind(); k != value.Missing && k != value.Bool {
		c.faults.add(Join(place, field), "want bool, found %s", found(v))
	}
	return v.IsTrue()
}

// oneOf reads a field that must be one of some words. It returns the first word
// where the field is left out, and "" where it has another value.
func (c *compiler) oneOf(spec value.Value, place, field string, words ...string) string {
	v := spec.Key(field)
	s, _ := v.Text()
	switch {
	case v.Kind() == value.Missing:
		return words[0]
	case !slices.Contains(words, s):
		c.faults.add(Join(place, field), "want one of %s, found %s", strings.Join(words, ", "), v)
		return ""
	}
	return s
}

// status reads the status of a client that is denied, 0 without one.
func (c *compiler) status(spec value.Value, place string) int16 {
	v := spec.Key("status")
	if v.Kind() == value.Missing {
		return 0
	}
	n, ok := value.Index(v)
	if !ok || n < 400 || n > 499 {
		c.faults.add(Join(place, "status"), "want a status from 400 to 499, found %s", v)
		return 0
	}
	return int16(n)
}

// argsPath reads a field that must be a path in args, def where it is left out.
func (c *compiler) argsPath(spec value.Value, place, field, def string) *path {
	s := def
	if v := spec.Key(field); v.Kind() != value.Missing {
		s = c.text(spec, place, field)
		if s == "" {
			return nil // reported
		}
	}
	p, err := c.scope.pathIn(inArgs, s)
	if err != nil {
		c.faults.add(Join(place, field), "%v", err)
		return nil
	}
	return p
}

const maxCache = 24 * time.Hour

// cache reads the greatest age of a reply.
func (c *compiler) cache(spec value.Value, place string) time.Duration {
	v := spec.Key("cache")
	if v.Kind() == value.Missing {
		return 0
	}
	s, _ := v.Text()
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxCache {
		c.faults.add(Join(place, "cache"), "want a duration such as 5s, up to %v, found %s", maxCache, v)
	}
	return d
}
