// Package pretty stands in for github.com/tidwall/pretty when .ci/module builds the
// module.
//
// gjson imports tidwall/pretty for its modifiers @pretty and @ugly, and that imports
// encoding/json. The module uses neither: rules/value reads JSON with gjson's parser,
// and no path of gjson's. But gjson keeps its modifiers in a table, so the linker
// cannot leave them out. plugin/RATIONALE.md has the sizes.
//
// The package has the functions of tidwall/pretty v1.2.0 that gjson uses. Nothing calls it. A call
// panics, which the module answers with 503.
package pretty

// Options are the options of @pretty.
type Options struct {
	Width          int
	Prefix, Indent string
	SortKeys       bool
}

// DefaultOptions are the options that @pretty starts from.
var DefaultOptions = &Options{Width: 80, Indent: "  "}

// Pretty panics.
func Pretty([]byte) []byte { panic(absent) }

// PrettyOptions panics.
func PrettyOptions([]byte, *Options) []byte { panic(absent) }

// Ugly panics.
func Ugly([]byte) []byte { panic(absent) }

const absent = "gjson's modifiers @pretty and @ugly are not in the module"
