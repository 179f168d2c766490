package main

import (
	"github.com/rulegate/rulegate/plugin/abi"
	"github.com/rulegate/rulegate/rules/decide"
)

// host names the host's parts of one direction.
type host struct {
	name      string
	failed    func(reason string) decide.Refusal // the message cannot be read or changed
	headers   abi.Map
	trailers  abi.Map
	body      abi.Buffer
	direction abi.Direction
}

var hosts = [...]host{
	request:  {"request", decide.InternalError, abi.RequestHeaders, abi.RequestTrailers, abi.RequestBody, abi.Request},
	response: {"response", decide.BadResponse, abi.ResponseHeaders, abi.ResponseTrailers, abi.ResponseBody, abi.Response},
}

func (s *stream) host() *host { return &hosts[s.direction] }

// change makes the changes. After an error the message must not go on.
func (h *host) change(c *decide.Changes) error {
	for _, name := range c.RemoveHeaders {
		if err := abi.Remove(h.headers, name); err != nil {
			return err
		}
	}
	for i, f := range c.SetHeaders {
		set := abi.Replace
		if i > 0 && c.SetHeaders[i-1][0] == f[0] {
			set = abi.Add
		}
		if err := set(h.headers, f[0], f[1]); err != nil {
			return err
		}
	}
	if c.Path != "" {
		if err := abi.Replace(h.headers, ":path", c.Path); err != nil {
			return err
		}
	}
	if c.Body != nil {
		// SetHeaders has the new content-length: with the old one, the upstream
		// would read the rest of the body as the next request.
		return abi.SetBytes(h.body, *c.Body)
	}
	return nil
}

// removeTrailers removes those trailers whose names are picked.
func (h *host) removeTrailers(pick func(trailers [][2]string) (names []string)) error {
	trailers, err := abi.Pairs(h.trailers)
	if err != nil {
		return err
	}
	for _, name := range pick(trailers) {
		if err := abi.Remove(h.trailers, name); err != nil {
			return err
		}
	}
	return nil
}
