package rules

import (
	"strings"

	"github.com/rulegate/rulegate/rules/value"
)

// TokenPlaces are the places of a request that may hold a user's token: headers,
// by their names in lower case, and query parameters. APIKeys are the headers of API
// keys.
type TokenPlaces struct{ Headers, Query, APIKeys []string }

// secretHeaders are left out of the args that a webhook is sent.
var secretHeaders = []string{"authorization", "proxy-authorization", "cookie"}

// withoutHeaders returns args without headers of the request.
func withoutHeaders(args value.Value, names []string) value.Value {
	return withoutMembers(args, RootRequest, "headers", names)
}

// withoutMembers returns args without members of args.<root>.<key>.
func withoutMembers(args value.Value, root, key string, names []string) value.Value {
	for _, name := range names {
		object := args.Key(root).Key(key)
		if object.Key(name).Kind() != value.Missing {
			args = args.With(root, args.Key(root).With(key, object.Without(name)))
		}
	}
	return args
}

// withoutToken returns args without the places that may hold the user's token. A
// webhook with claims gets a token with those claims alone, so that it cannot act
// as the user.
func (in *Input) withoutToken(args value.Value) value.Value {
	args = withoutHeaders(args, secretHeaders)
	args = withoutHeaders(args, in.TokenPlaces.Headers)
	args = withoutMembers(args, RootRequest, "query", in.TokenPlaces.Query)
	if args.Key(RootToken).Kind() != value.Missing {
		args = args.Without(RootToken)
	}
	for _, name := range in.TokenPlaces.Query { // args.params may show the query
		params := args.Key(RootParams)
		if text, ok := params.Key(name).Text(); ok && text == in.Token {
			args = args.With(RootParams, params.Without(name))
		}
	}
	return args
}

// holdsAPIKey reports whether the API key is in a part of v.
func (in *Input) holdsAPIKey(v value.Value) bool {
	if in.APIKey == "" {
		return false
	}
	quoted := value.AppendString(nil, in.APIKey)
	return strings.Contains(v.String(), string(quoted[1:len(quoted)-1]))
}

// holdsToken reports whether the user's token is in a part of v. A shorter text
// than any JWT may be there by chance.
func (in *Input) holdsToken(v value.Value) bool {
	return len(in.Token) >= 16 && strings.Contains(v.String(), in.Token)
}
