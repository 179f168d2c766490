// Package args describes the object `args` that rules see: its roots, their
// members and their types, for each kind of resource. The faults of paths, the
// suggestions, the completion in the JSON Schema and the table in LANGUAGE.md
// come from it.
package args

import (
	"slices"

	"github.com/rulegate/rulegate/rules"
)

// Resource is the kind of the resource that a rule guards.
type Resource uint8

const (
	Route Resource = iota + 1
	Service
	Database
	File
	Query
	Event
)

// Type is the type of a value in args.
type Type uint8

const (
	Any     Type = iota // any JSON value, or a type that depends on the request
	Text                // a string
	Number              // a number
	Texts               // a string, or an array of strings if it is repeated
	Members             // an object with the listed members
	TextMap             // an object whose members are Text, under any names
	MultMap             // an object whose members are Texts, under any names
)

// Member is a root of args, or a member of one.
type Member struct {
	Name    string
	Type    Type
	About   string
	Members []Member // of type Members
	// Lower reports that the names of the members are in lower case.
	Lower bool
	// Back reports that changes go back into the request, or into the response.
	Back bool
}

// Member returns the member of a name, nil when there is none.
func (m *Member) Member(name string) *Member {
	i := slices.IndexFunc(m.Members, func(x Member) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return &m.Members[i]
}

// Names returns the names of the members.
func (m *Member) Names() []string {
	var out []string
	for _, x := range m.Members {
		out = append(out, x.Name)
	}
	return out
}

// Of returns args for the rule of a resource, or for its rule on the response.
func Of(kind Resource, response bool) *Member {
	out := &Member{Name: "args", Type: Members}
	for _, r := range roots {
		if r.response && !response || len(r.kinds) > 0 && !slices.Contains(r.kinds, kind) {
			continue
		}
		out.Members = append(out.Members, r.Member)
	}
	return out
}

// root is a root of args with the rules that have it.
type root struct {
	kinds    []Resource // nil: all
	response bool       // only in rules on the response
	Member
}

var roots = []root{
	{Member: Member{Name: rules.RootAuth, About: "the claims of the token"}},
	{Member: Member{Name: rules.RootToken, Type: Text, About: "the token as it was sent"}},
	{kinds: []Resource{Route}, Member: Member{Name: rules.RootParams, Back: true,
		About: "the JSON value in the body, the fields of a form, or, for a GET, HEAD or DELETE without a body, the query parameters (one with a body and a query is refused with 400, because servers read either)"}},
	{kinds: []Resource{Service, Query}, Member: Member{Name: rules.RootParams, Back: true, About: "the value of `params` in the body"}},
	{kinds: []Resource{Event}, Member: Member{Name: rules.RootParams, Back: true, About: "the value of `payload` in the body"}},
	{kinds: []Resource{File}, Member: Member{Name: rules.RootParams, Type: TextMap, About: "the variables of the prefix"}},
	{Member: Member{Name: rules.RootRequest, Type: Members, About: "the request", Members: []Member{
		{Name: "method", Type: Text, About: "the method"},
		{Name: "scheme", Type: Text, About: "http or https"},
		{Name: "host", Type: Text, About: "the host in lower case, with its port if it was sent"},
		{Name: "path", Type: Text, About: "the path as it was sent, without the query"},
		{Name: "vars", Type: TextMap, About: "the variables of the route's path, percent-decoded once"},
		{Name: "query", Type: MultMap, Back: true, About: "the query parameters"},
		{Name: "headers", Type: MultMap, Lower: true, Back: true, About: "the headers, their names in lower case (one whose bytes are no UTF-8 is absent, and a rule that names it is unknown)"},
		{Name: "ip", Type: Text, About: "the address of the client"},
		{Name: "id", Type: Text, About: "the x-request-id"},
	}}},
	{Member: Member{Name: rules.RootPeer, Type: Members, About: "the client certificate that the proxy verified", Members: []Member{
		{Name: "uriSan", Type: Text, About: "its first URI"},
		{Name: "dnsSan", Type: Text, About: "its first DNS name"},
		{Name: "subject", Type: Text, About: "its subject"},
		{Name: "sha256", Type: Text, About: "its SHA-256 in hex, in lower case"},
	}}},
	{kinds: []Resource{Database}, Member: Member{Name: rules.RootOp, Type: Text, Back: true, About: "one or all"}},
	{kinds: []Resource{Database}, Member: Member{Name: rules.RootFind, Back: true, About: "the condition"}},
	{kinds: []Resource{Database}, Member: Member{Name: rules.RootDoc, Back: true, About: "the document to create; with op all, the rule is asked for each"}},
	{kinds: []Resource{Database}, Member: Member{Name: rules.RootUpdate, Back: true, About: "the change"}},
	{kinds: []Resource{Database}, Member: Member{Name: rules.RootPipeline, Back: true, About: "the aggregation, `pipe` in the body"}},
	{kinds: []Resource{Database}, Member: Member{Name: rules.RootOpts, Back: true, About: "the options, `options` in the body"}},
	{response: true, Member: Member{Name: rules.RootRes, Back: true, About: "the JSON body of the response"}},
	{response: true, Member: Member{Name: rules.RootResponse, Type: Members, About: "the response", Members: []Member{
		{Name: "status", Type: Number, About: "its status"},
		{Name: "headers", Type: MultMap, Lower: true, About: "its headers, their names in lower case"},
	}}},
}

// Paths lists the paths of args that any rule may read, for completion.
func Paths() []string {
	var out []string
	for _, r := range roots {
		path := "args." + r.Name
		if !slices.Contains(out, path) {
			out = append(out, path)
		}
		for _, m := range r.Members {
			out = append(out, path+"."+m.Name)
		}
	}
	return append(out, "args."+rules.RootResult)
}
