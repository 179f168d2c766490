// go test ./rules/policy/schema -update writes this file.

package schema

var (
	s0 = shape{kind: text}
	s1 = shape{kind: text, words: []string{"unread-capture", "or-allow", "allow-all", "unreachable", "constant-guard", "jwks-audience", "short-secret", "written-secret", "bearer-prefix", "token-in-query", "optional-input", "contains-role", "query-params", "aes-cfb", "plain-http", "no-rule", "unused-define", "nothing-covered", "no-token-key", "cookie-origins", "cors-headers", "unshared-keys", "logs-nothing", "in-shadow"}}
	s2 = shape{kind: list, elem: &s1, least: 1}
	s3 = shape{kind: object, keys: []key{
		{name: "off", shape: &s2, need: true},
		{name: "why", shape: &s0, need: true},
	}}
	s4 = shape{kind: list, elem: &s0, least: 1}
	s5 = shape{kind: text, or: &s4}
	s6 = shape{kind: rule}
	s7 = shape{kind: object, keys: []key{
		{name: "include", shape: &s5, need: true},
		{name: "paths", shape: &s4},
		{name: "hosts", shape: &s4},
		{name: "require", shape: &s6},
	}}
	s8  = shape{kind: mapping, elem: &s7}
	s9  = shape{kind: mapping, elem: &s6}
	s10 = shape{kind: text, words: []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}}
	s11 = shape{kind: mapping}
	s12 = shape{kind: list, elem: &s11}
	s13 = shape{kind: duration}
	s14 = shape{kind: object, keys: []key{
		{name: "keys", shape: &s12},
		{name: "file", shape: &s0},
		{name: "url", shape: &s0},
		{name: "cluster", shape: &s0},
		{name: "refresh", shape: &s13},
		{name: "maxStale", shape: &s13},
	}}
	s15 = shape{kind: object, keys: []key{
		{name: "issuer", shape: &s0, need: true},
		{name: "jwksHost", shape: &s0},
		{name: "cluster", shape: &s0},
		{name: "jwksCluster", shape: &s0},
		{name: "refresh", shape: &s13},
		{name: "maxStale", shape: &s13},
	}}
	s16 = shape{kind: text, or: &s15}
	s17 = shape{kind: object, keys: []key{
		{name: "sha256", shape: &s0, need: true},
		{name: "claims", shape: &s11, need: true},
	}}
	s18 = shape{kind: list, elem: &s17, least: 1}
	s19 = shape{kind: object, keys: []key{
		{name: "header", shape: &s0},
		{name: "keys", shape: &s18, need: true},
	}}
	s20 = shape{kind: object, keys: []key{
		{name: "url", shape: &s0, need: true},
		{name: "clientId", shape: &s0, need: true},
		{name: "clientSecret", shape: &s0},
	}}
	s21 = shape{kind: boolean}
	s22 = shape{kind: object, keys: []key{
		{name: "name", shape: &s0},
		{name: "alg", shape: &s10},
		{name: "secret", shape: &s0},
		{name: "secretBase64", shape: &s0},
		{name: "publicKey", shape: &s0},
		{name: "privateKey", shape: &s0},
		{name: "jwks", shape: &s14},
		{name: "oidc", shape: &s16},
		{name: "apiKeys", shape: &s19},
		{name: "introspect", shape: &s20},
		{name: "cache", shape: &s13},
		{name: "kid", shape: &s0},
		{name: "issuer", shape: &s4},
		{name: "audience", shape: &s4},
		{name: "primary", shape: &s21},
		{name: "lint", shape: &s3},
	}}
	s23 = shape{kind: list, elem: &s22}
	s24 = shape{kind: text, orEmpty: true}
	s25 = shape{kind: object, keys: []key{
		{name: "header", shape: &s0},
		{name: "prefix", shape: &s24},
		{name: "cookie", shape: &s0},
		{name: "origins", shape: &s4},
		{name: "query", shape: &s0},
		{name: "lint", shape: &s3},
	}}
	s26 = shape{kind: list, elem: &s25, least: 1}
	s27 = shape{kind: mapping, elem: &s0}
	s28 = shape{kind: object, keys: []key{
		{name: "realm", shape: &s0},
		{name: "scope", shape: &s0},
		{name: "resourceMetadata", shape: &s0},
	}}
	s29 = shape{kind: object, keys: []key{
		{name: "tokens", shape: &s23},
		{name: "from", shape: &s26},
		{name: "leeway", shape: &s13},
		{name: "requireExpiry", shape: &s21},
		{name: "claimsToHeaders", shape: &s27},
		{name: "forward", shape: &s21},
		{name: "challenge", shape: &s28},
	}}
	s30 = shape{kind: object, keys: []key{
		{name: "aesKey", shape: &s0},
	}}
	s31 = shape{kind: list, elem: &s0, least: 1, most: 2}
	s32 = shape{kind: object, keys: []key{
		{name: "cluster", shape: &s0},
		{name: "timeout", shape: &s13},
		{name: "secret", shape: &s0},
		{name: "secrets", shape: &s31},
	}}
	s33 = shape{kind: size, least: 1, most: 268435456}
	s34 = shape{kind: integer, least: 1, most: 512}
	s35 = shape{kind: integer, least: 1, most: 1000}
	s36 = shape{kind: integer, least: 1, most: 100000}
	s37 = shape{kind: integer, least: 1000, most: 1000000000}
	s38 = shape{kind: size, least: 1, most: 805306368}
	s39 = shape{kind: object, keys: []key{
		{name: "requestBody", shape: &s33},
		{name: "responseBody", shape: &s33},
		{name: "depth", shape: &s34},
		{name: "calls", shape: &s35},
		{name: "fields", shape: &s36},
		{name: "steps", shape: &s37},
		{name: "memory", shape: &s38},
		{name: "bodyTimeout", shape: &s13},
		{name: "idle", shape: &s13},
	}}
	s40 = shape{kind: list, elem: &s0}
	s41 = shape{kind: list, elem: &s0, most: 32}
	s42 = shape{kind: fraction}
	s43 = shape{kind: text, words: []string{"yes", "no", "unknown", "error", "token", "invalid", "uncovered", "blocked", "memory", "steps"}}
	s44 = shape{kind: list, elem: &s43}
	s45 = shape{kind: text, words: []string{"log", "metadata"}}
	s46 = shape{kind: list, elem: &s45, least: 1}
	s47 = shape{kind: object, keys: []key{
		{name: "claims", shape: &s41},
		{name: "body", shape: &s41},
		{name: "sample", shape: &s42},
		{name: "always", shape: &s44},
		{name: "to", shape: &s46},
	}}
	s48 = shape{kind: object, keys: []key{
		{name: "origins", shape: &s4, need: true},
		{name: "methods", shape: &s4},
		{name: "headers", shape: &s4},
		{name: "expose", shape: &s4},
		{name: "credentials", shape: &s21},
		{name: "maxAge", shape: &s13},
	}}
	s49 = shape{kind: text, words: []string{"enforce", "shadow"}}
	s50 = shape{kind: object, keys: []key{
		{name: "policy", shape: &s0, need: true},
		{name: "webhooks", shape: &s21},
		{name: "queries", shape: &s21},
	}}
	s51 = shape{kind: text, or: &s50}
	s52 = shape{kind: object, keys: []key{
		{name: "methods", shape: &s4},
		{name: "host", shape: &s0},
		{name: "path", shape: &s0, need: true},
	}}
	s53 = shape{kind: text, words: []string{"refuse", "keep"}}
	s54 = shape{kind: object, keys: []key{
		{name: "encodedSlash", shape: &s53},
	}}
	s55 = shape{kind: text, words: []string{"refuse", "ignore"}}
	s56 = shape{kind: text, words: []string{"required"}}
	s57 = shape{kind: object, keys: []key{
		{name: "providers", shape: &s4},
		{name: "optional", shape: &s21},
		{name: "invalid", shape: &s55},
		{name: "bound", shape: &s56},
	}}
	s58 = shape{kind: text, or: &s57, words: []string{"required", "optional", "none"}}
	s59 = shape{kind: text, words: []string{"shadow"}}
	s60 = shape{kind: text, or: &s48, words: []string{"none"}}
	s61 = shape{kind: object, keys: []key{
		{name: "name", shape: &s0},
		{name: "match", shape: &s52, need: true},
		{name: "paths", shape: &s54},
		{name: "auth", shape: &s58},
		{name: "rule", shape: &s6, need: true},
		{name: "response", shape: &s6},
		{name: "idle", shape: &s13},
		{name: "mode", shape: &s59},
		{name: "cors", shape: &s60},
		{name: "lint", shape: &s3},
	}}
	s62 = shape{kind: list, elem: &s61}
	s63 = shape{kind: object, keys: []key{
		{name: "auth", shape: &s58},
		{name: "rule", shape: &s6, need: true},
		{name: "response", shape: &s6},
		{name: "lint", shape: &s3},
	}}
	s64 = shape{kind: mapping, elem: &s63}
	s65 = shape{kind: object, keys: []key{
		{name: "endpoints", shape: &s64, need: true},
		{name: "lint", shape: &s3},
	}}
	s66 = shape{kind: mapping, elem: &s65}
	s67 = shape{kind: text, words: []string{"mongo", "sql-postgres", "sql-mysql", "embedded"}}
	s68 = shape{kind: object, keys: []key{
		{name: "size", shape: &s35},
		{name: "queue", shape: &s36},
	}}
	s69 = shape{kind: object, keys: []key{
		{name: "create", shape: &s6},
		{name: "read", shape: &s6},
		{name: "update", shape: &s6},
		{name: "delete", shape: &s6},
		{name: "aggr", shape: &s6},
	}}
	s70 = shape{kind: object, keys: []key{
		{name: "auth", shape: &s58},
		{name: "rules", shape: &s69, need: true},
		{name: "response", shape: &s69},
		{name: "lint", shape: &s3},
	}}
	s71 = shape{kind: mapping, elem: &s70}
	s72 = shape{kind: object, keys: []key{
		{name: "type", shape: &s67, need: true},
		{name: "conn", shape: &s0},
		{name: "pool", shape: &s68},
		{name: "collections", shape: &s71},
		{name: "queries", shape: &s64},
		{name: "lint", shape: &s3},
	}}
	s73 = shape{kind: mapping, elem: &s72}
	s74 = shape{kind: object, keys: []key{
		{name: "allow", shape: &s40},
		{name: "ca", shape: &s0},
		{name: "cert", shape: &s0},
		{name: "key", shape: &s0},
		{name: "pool", shape: &s68},
		{name: "lint", shape: &s3},
	}}
	s75 = shape{kind: object, keys: []key{
		{name: "read", shape: &s6},
		{name: "create", shape: &s6},
		{name: "delete", shape: &s6},
	}}
	s76 = shape{kind: object, keys: []key{
		{name: "prefix", shape: &s0, need: true},
		{name: "auth", shape: &s58},
		{name: "rules", shape: &s75, need: true},
		{name: "response", shape: &s75},
		{name: "lint", shape: &s3},
	}}
	s77 = shape{kind: list, elem: &s76}
	s78 = shape{kind: object, keys: []key{
		{name: "project", shape: &s0},
		{name: "gateway", shape: &s0},
		{name: "lint", shape: &s3},
		{name: "include", shape: &s4},
		{name: "teams", shape: &s8},
		{name: "define", shape: &s9},
		{name: "apiPrefix", shape: &s0},
		{name: "auth", shape: &s29},
		{name: "crypto", shape: &s30},
		{name: "companion", shape: &s32},
		{name: "limits", shape: &s39},
		{name: "sensitive", shape: &s40},
		{name: "log", shape: &s47},
		{name: "cors", shape: &s48},
		{name: "mode", shape: &s49},
		{name: "shadow", shape: &s51},
		{name: "routes", shape: &s62},
		{name: "services", shape: &s66},
		{name: "events", shape: &s64},
		{name: "databases", shape: &s73},
		{name: "webhooks", shape: &s74},
		{name: "files", shape: &s77},
		{name: "zones", shape: &s27},
	}}
	s79 = shape{kind: object, keys: []key{
		{name: "collections", shape: &s71},
		{name: "queries", shape: &s64},
	}}
	s80 = shape{kind: mapping, elem: &s79}
	s81 = shape{kind: object, keys: []key{
		{name: "define", shape: &s9},
		{name: "routes", shape: &s62},
		{name: "services", shape: &s66},
		{name: "events", shape: &s64},
		{name: "databases", shape: &s80},
		{name: "files", shape: &s77},
	}}
)

var (
	model            = &s78
	included         = &s81
	includedDatabase = &s79
	databaseShape    = &s72
)
