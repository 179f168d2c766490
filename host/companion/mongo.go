package companion

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// mongoDB is a MongoDB database. All that it is ever sent is find, getMore,
// killCursors, listCollections and ping.
type mongoDB struct {
	client    *mongo.Client
	db        *mongo.Database
	read      *options.RunCmdOptionsBuilder
	concern   string
	catalogue catalogue
	// plain is set when the server turns out to know no collations, and so has
	// none that it could compare by.
	plain atomic.Bool
}

// openMongo takes a connection string, which names a database. The records of a
// mongodb+srv one are looked up here; else nobody is asked.
func openMongo(conn string, conns int) (Database, error) {
	cs, err := connstring.ParseAndValidate(conn)
	if err != nil { // its text has parts of the string
		return nil, errors.New("conn: want mongodb://user:password@host:port/database")
	}
	if cs.Database == "" {
		return nil, errors.New("conn: want mongodb://user:password@host:port/database; it names no database")
	}
	o := options.Client().ApplyURI(conn)
	o.SetMaxPoolSize(uint64(conns)).SetMinPoolSize(0).SetMaxConnIdleTime(5 * time.Minute)
	// What failed is tried again here, once, and only for a connection that is gone.
	o.SetRetryReads(false).SetRetryWrites(false)
	if !cs.ServerSelectionTimeoutSet {
		o.SetServerSelectionTimeout(time.Second)
	}
	if !cs.ConnectTimeoutSet {
		o.SetConnectTimeout(10 * time.Second)
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, errors.New("conn: not what a client can be made of")
	}
	pref := o.ReadPreference
	if pref == nil {
		pref = readpref.Primary()
	}
	return &mongoDB{client: client, db: client.Database(cs.Database), read: options.RunCmd().SetReadPreference(pref), concern: cs.ReadConcernLevel}, nil
}

// Query is tried a second time when the connection turns out to be gone, after a
// restart of the server all of them are.
func (d *mongoDB) Query(ctx context.Context, q Query) ([]byte, error) {
	out, err := d.query(ctx, q)
	if err != nil {
		d.catalogue.forget(q.Table)
		if lostMongo(err) && ctx.Err() == nil {
			out, err = d.query(ctx, q)
		}
	}
	return out, mongoFault(err)
}

func (d *mongoDB) query(ctx context.Context, q Query) ([]byte, error) {
	if d.catalogue.find(q.Table) == nil {
		if err := d.describe(ctx, q.Table); err != nil {
			return nil, err
		}
		d.catalogue.keep(&table{name: q.Table})
	}
	f, err := newMongoQuery(q)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return []byte("[]"), nil
	}
	cursor, err := d.db.RunCommandCursor(ctx, f.command(q, d.concern, !d.plain.Load()), d.read)
	if unknownCollation(err) && d.plain.CompareAndSwap(false, true) {
		cursor, err = d.db.RunCommandCursor(ctx, f.command(q, d.concern, false), d.read)
	}
	if err != nil {
		return nil, err
	}
	defer closeCursor(ctx, cursor)
	out := newDocumentWriter(q)
	for seen := 1; out.rows < q.Limit && cursor.Next(ctx); seen++ {
		if !f.exact && seen > maxScan {
			return nil, faultf(tooLarge, "more than %d documents to look through: conditions on patterns and objects are tested outside of the database", maxScan)
		}
		if err := f.row(out, cursor.Current); err != nil {
			return nil, err
		}
	}
	if err := cursor.Err(); err != nil {
		return nil, err
	}
	return out.end()
}

// closeCursor lets the server forget a cursor that was not read to its end, when
// nobody waits any more too.
func closeCursor(ctx context.Context, cursor *mongo.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	cursor.Close(ctx) // there is nothing to be done when it fails
}

// describe finds a collection, by its exact name: the database would find nothing
// in one that is not there, and a rule that is misspelled would let through whom
// it should stop.
func (d *mongoDB) describe(ctx context.Context, name string) error {
	missing := faultf(badCall, "no collection %q", name)
	if name == "" || strings.ContainsAny(name, "\x00$") || strings.HasPrefix(name, "system.") || !utf8.ValidString(name) {
		return missing
	}
	var said struct {
		Cursor struct {
			FirstBatch []struct {
				Name string `bson:"name"`
			} `bson:"firstBatch"`
		} `bson:"cursor"`
	}
	err := d.db.RunCommand(ctx, bson.D{
		{Key: "listCollections", Value: int32(1)},
		{Key: "filter", Value: bson.D{{Key: "name", Value: name}}},
		{Key: "nameOnly", Value: true},
		{Key: "authorizedCollections", Value: true},
	}, d.read).Decode(&said)
	if err != nil {
		return err
	}
	for _, c := range said.Cursor.FirstBatch {
		if c.Name == name {
			return nil
		}
	}
	return missing
}

// The codes of MongoDB's errors that mean something here,
// https://www.mongodb.com/docs/manual/reference/error-codes/.
const (
	codeUnauthorized   = 13
	codeAuthentication = 18
	codeExpired        = 50
	codeNotImplemented = 238
	codeTimeLimit      = 262
)

func unknownCollation(err error) bool {
	var said mongo.CommandError
	return errors.As(err, &said) && said.Code == codeNotImplemented && strings.Contains(said.Message, "collation")
}

// lostMongo says whether it was a connection that failed: this one, or another one,
// after which the driver takes all for gone.
func lostMongo(err error) bool {
	var selection topology.ServerSelectionError
	var cleared driver.RetryablePoolError
	return !errors.As(err, &selection) && (mongo.IsNetworkError(err) || errors.As(err, &cleared))
}

func mongoFault(err error) error {
	var said mongo.CommandError
	var selection topology.ServerSelectionError
	var connection topology.ConnectionError
	switch {
	case errors.As(err, &selection): // its cause is a deadline of its own
		return &fault{phrase: refused, err: err}
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &said) && (said.Code == codeExpired || said.Code == codeTimeLimit):
		return &fault{phrase: timedOut, err: err}
	case errors.As(err, &said) && (said.Code == codeUnauthorized || said.Code == codeAuthentication),
		errors.As(err, &connection), lostMongo(err):
		return &fault{phrase: refused, err: err}
	}
	return err
}

func (d *mongoDB) Ping(ctx context.Context) error {
	return d.db.RunCommand(ctx, bson.D{{Key: "ping", Value: int32(1)}}, d.read).Err()
}

func (d *mongoDB) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return d.client.Disconnect(ctx)
}
