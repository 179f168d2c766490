package mongo

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"github.com/rulegate/rulegate/rules/value/strictjson"
	"github.com/tidwall/gjson"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// member is a field of a document.
type member struct {
	key   string
	value bson.RawValue
}

// elements lists a document's fields. Two fields of one name, which BSON allows and
// JSON does not, are an error.
func elements(doc bson.Raw) ([]member, error) {
	list, err := doc.Elements()
	if err != nil {
		return nil, failure.Errorf(failure.Database, "a document that is not BSON")
	}
	members := make([]member, len(list))
	seen := make(map[string]bool, len(list))
	for i, e := range list {
		key := e.Key()
		if seen[key] || !utf8.ValidString(key) {
			return nil, failure.Errorf(failure.Database, "a document with a field %q that is repeated or not UTF-8", key)
		}
		seen[key] = true
		members[i] = member{key, e.Value()}
	}
	return members, nil
}

// documentWriter writes documents as a JSON array of objects:
//
//	int, long, double, decimal  number, with all digits
//	string                      string
//	date                        string, RFC 3339 in UTC
//	ObjectID                    {"$oid": "24 hexadecimal digits"}
//	binary                      string: a UUID's text, else standard base64 with padding
//	array, document             the same, up to 32 levels
//	null, undefined             null
//	others                      MongoDB's extended JSON
//
// NaN, infinite numbers, dates that RFC 3339 does not have, and a document that would
// read as an ObjectID are errors.
type documentWriter struct {
	columns []string // nil: all
	limit   int      // bytes of all documents
	rows    int
	out     []byte
}

func newDocumentWriter(q query.Query) *documentWriter {
	return &documentWriter{columns: q.Columns, limit: q.Bytes, out: []byte{'['}}
}

func (w *documentWriter) row(members []member) error {
	if w.rows > 0 {
		w.out = append(w.out, ',')
	}
	w.rows++
	if w.columns != nil {
		members = slices.DeleteFunc(members, func(m member) bool { return !slices.Contains(w.columns, m.key) })
	}
	return w.document(members, 0)
}

func (w *documentWriter) end() ([]byte, error) {
	if w.out = append(w.out, ']'); len(w.out) > w.limit {
		return nil, query.TooManyBytes(w.limit)
	}
	return w.out, nil
}

func (w *documentWriter) document(members []member, depth int) error {
	if len(members) == 1 && members[0].key == "$oid" {
		return failure.Errorf(failure.Database, "a document that looks like an ObjectID")
	}
	w.out = append(w.out, '{')
	for i, m := range members {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(gjson.AppendJSONString(w.out, m.key), ':')
		if err := w.value(m.key, m.value, depth); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return w.checkSize()
}

func (w *documentWriter) checkSize() error {
	if len(w.out) > w.limit {
		return query.TooManyBytes(w.limit)
	}
	return nil
}

func (w *documentWriter) array(list []bson.RawValue, key string, depth int) error {
	w.out = append(w.out, '[')
	for i, x := range list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.value(key, x, depth); err != nil {
			return err
		}
	}
	w.out = append(w.out, ']')
	return w.checkSize()
}

func (w *documentWriter) value(key string, v bson.RawValue, depth int) (err error) {
	switch v.Type {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		if depth++; depth > query.CellDepth {
			return failure.Errorf(failure.Database, "%q: nested deeper than %d levels", key, query.CellDepth)
		}
		if v.Type == bson.TypeArray {
			list, err := v.Array().Values()
			if err != nil {
				return failure.Errorf(failure.Database, "an array that is not BSON")
			}
			return w.array(list, key, depth)
		}
		members, err := elements(v.Document())
		if err != nil {
			return err
		}
		return w.document(members, depth)
	case bson.TypeObjectID:
		id := v.ObjectID()
		w.out = append(append(append(w.out, `{"$oid":"`...), hex.EncodeToString(id[:])...), `"}`...)
		return w.checkSize()
	}
	cell, err := cellOf(key, v)
	if err != nil {
		return err
	}
	if text, ok := cell.(extendedJSON); ok {
		w.out = append(w.out, text...)
		return w.checkSize()
	}
	if w.out, err = query.AppendCell(w.out, key, cell); err != nil {
		return err
	}
	return w.checkSize()
}

// extendedJSON is a cell in the extended JSON of MongoDB's drivers, for a type that
// JSON does not have.
type extendedJSON string

// cellOf returns a scalar as query.AppendCell takes it, or extendedJSON.
func cellOf(key string, v bson.RawValue) (any, error) {
	switch v.Type {
	case bson.TypeNull, bson.TypeUndefined:
		return nil, nil
	case bson.TypeBoolean:
		return v.Boolean(), nil
	case bson.TypeInt32:
		return int64(v.Int32()), nil
	case bson.TypeInt64:
		return v.Int64(), nil
	case bson.TypeDouble:
		return v.Double(), nil
	case bson.TypeDecimal128:
		return query.JSONNumber(v.Decimal128().String()), nil
	case bson.TypeString:
		return v.StringValue(), nil
	case bson.TypeDateTime:
		return query.RFC3339(key, time.UnixMilli(v.DateTime()))
	case bson.TypeBinary:
		if text, ok := uuidText(v); ok {
			return text, nil
		}
		_, data := v.Binary()
		return data, nil
	}
	text := v.String()
	if strictjson.Check(text, query.CellDepth) != nil {
		return nil, failure.Errorf(failure.Database, "%q holds a %s", key, v.Type)
	}
	return extendedJSON(text), nil
}

// uuidText returns the text of a UUID, a binary of subtype 4 (RFC 9562).
func uuidText(v bson.RawValue) (string, bool) {
	subtype, data, ok := v.BinaryOK()
	if !ok || subtype != bson.TypeBinaryUUID || len(data) != 16 {
		return "", false
	}
	s := hex.EncodeToString(data)
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-"), true
}

// uuidOf reads the text of a UUID.
func uuidOf(text string) (bson.Binary, bool) {
	if !query.IsUUID(text) {
		return bson.Binary{}, false
	}
	data, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	return bson.Binary{Subtype: bson.TypeBinaryUUID, Data: data}, err == nil
}
