// Package mongo queries MongoDB. The only commands that it sends are find, getMore,
// killCursors, listCollections and ping.
package mongo

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/rulegate/rulegate/host/companion/failure"
	"github.com/rulegate/rulegate/host/companion/query"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

type database struct {
	client  *mongo.Client
	db      *mongo.Database
	options *options.RunCmdOptionsBuilder
	concern string // read concern level, "" for the server's default
	known   collections
	// noCollation is set when the server turns out not to know collations, so that
	// none of its collections can have one.
	noCollation atomic.Bool
}

// Open takes a connection string that names a database. It resolves the records of
// mongodb+srv, and does not connect. Its errors quote nothing of the string, which
// may hold a password.
func Open(conn string, conns int) (query.Database, error) {
	cs, err := connstring.ParseAndValidate(conn)
	if err != nil {
		return nil, errors.New("conn: want mongodb://user:password@host:port/database")
	}
	if cs.Database == "" {
		return nil, errors.New("conn: want mongodb://user:password@host:port/database, found no database")
	}
	o := options.Client().ApplyURI(conn)
	o.SetMaxPoolSize(uint64(conns)).SetMinPoolSize(0).SetMaxConnIdleTime(5 * time.Minute)
	// Query retries by itself, once, and only when a connection is lost.
	o.SetRetryReads(false).SetRetryWrites(false)
	if !cs.ServerSelectionTimeoutSet {
		o.SetServerSelectionTimeout(time.Second)
	}
	if !cs.ConnectTimeoutSet {
		o.SetConnectTimeout(10 * time.Second)
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, errors.New("conn: the settings make no client")
	}
	pref := o.ReadPreference
	if pref == nil {
		pref = readpref.Primary()
	}
	return &database{client: client, db: client.Database(cs.Database), options: options.RunCmd().SetReadPreference(pref), concern: cs.ReadConcernLevel}, nil
}

// Query tries a second time when the connection turns out to be lost, as all are
// after a restart of the server.
func (d *database) Query(ctx context.Context, q query.Query) ([]byte, error) {
	out, err := d.run(ctx, q)
	if err != nil {
		d.known.forget(q.Table)
		if isLost(err) && ctx.Err() == nil {
			out, err = d.run(ctx, q)
		}
	}
	return out, failureOf(err)
}

func (d *database) run(ctx context.Context, q query.Query) ([]byte, error) {
	if err := d.checkCollection(ctx, q.Table); err != nil {
		return nil, err
	}
	s, err := newStatement(q)
	if err != nil {
		return nil, err
	}
	if s.empty() {
		return []byte("[]"), nil
	}
	cursor, err := d.db.RunCommandCursor(ctx, s.command(q, d.concern, !d.noCollation.Load()), d.options)
	if isUnknownCollation(err) && d.noCollation.CompareAndSwap(false, true) {
		cursor, err = d.db.RunCommandCursor(ctx, s.command(q, d.concern, false), d.options)
	}
	if err != nil {
		return nil, err
	}
	defer closeCursor(ctx, cursor)
	out := newDocumentWriter(q)
	for seen := 1; out.rows < q.Limit && cursor.Next(ctx); seen++ {
		if !s.exact() && seen > query.MaxScan {
			return nil, failure.Errorf(failure.TooLarge, "more than %d documents to test: conditions on patterns and objects are tested outside of the database", query.MaxScan)
		}
		if err := s.row(out, cursor.Current); err != nil {
			return nil, err
		}
	}
	if err := cursor.Err(); err != nil {
		return nil, err
	}
	return out.end()
}

// closeCursor lets the server drop a cursor that was not read to its end, even when
// ctx has ended. The server drops it by itself in time, so errors do not matter.
func closeCursor(ctx context.Context, cursor *mongo.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	cursor.Close(ctx)
}

// checkCollection fails unless a collection of exactly this name exists. MongoDB finds
// nothing in a collection that does not exist, so a misspelled rule such as "no entry
// in the block list" would always hold.
func (d *database) checkCollection(ctx context.Context, name string) error {
	if d.known.has(name) {
		return nil
	}
	missing := failure.Errorf(failure.BadCall, "no collection %q", name)
	if name == "" || strings.ContainsAny(name, "\x00$") || strings.HasPrefix(name, "system.") || !utf8.ValidString(name) {
		return missing
	}
	var reply struct {
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
	}, d.options).Decode(&reply)
	if err != nil {
		return err
	}
	for _, c := range reply.Cursor.FirstBatch {
		if c.Name == name {
			d.known.keep(name)
			return nil
		}
	}
	return missing
}

// maxAge is how long the existence of a collection is believed. A query that fails
// forgets it at once.
const maxAge = 5 * time.Second

// collections caches which collections exist. The zero value is ready to use.
type collections struct{ seen sync.Map } // name to time.Time

func (c *collections) has(name string) bool {
	at, ok := c.seen.Load(name)
	seen, _ := at.(time.Time)
	return ok && time.Since(seen) < maxAge
}

func (c *collections) keep(name string)   { c.seen.Store(name, time.Now()) }
func (c *collections) forget(name string) { c.seen.Delete(name) }

// Error codes, https://www.mongodb.com/docs/manual/reference/error-codes/.
const (
	codeUnauthorized   = 13
	codeAuthentication = 18
	codeExpired        = 50
	codeNotImplemented = 238
	codeTimeLimit      = 262
)

func isUnknownCollation(err error) bool {
	var command mongo.CommandError
	return errors.As(err, &command) && command.Code == codeNotImplemented && strings.Contains(command.Message, "collation")
}

// isLost reports whether a connection failed: this one, or another one, after which
// the driver closes all.
func isLost(err error) bool {
	var selection topology.ServerSelectionError
	var cleared driver.RetryablePoolError
	return !errors.As(err, &selection) && (mongo.IsNetworkError(err) || errors.As(err, &cleared))
}

func failureOf(err error) error {
	var command mongo.CommandError
	var selection topology.ServerSelectionError
	var connection topology.ConnectionError
	switch {
	case errors.As(err, &selection): // before DeadlineExceeded: it wraps a deadline of its own
		return failure.New(failure.Refused, err)
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &command) && (command.Code == codeExpired || command.Code == codeTimeLimit):
		return failure.New(failure.TimedOut, err)
	case errors.As(err, &command) && (command.Code == codeUnauthorized || command.Code == codeAuthentication),
		errors.As(err, &connection), isLost(err):
		return failure.New(failure.Refused, err)
	}
	return err
}

func (d *database) Ping(ctx context.Context) error {
	return d.db.RunCommand(ctx, bson.D{{Key: "ping", Value: int32(1)}}, d.options).Err()
}

// Connections is unknown: the driver reports connections only as events.
func (d *database) Connections() (used, idle int, ok bool) { return 0, 0, false }

func (d *database) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return d.client.Disconnect(ctx)
}
