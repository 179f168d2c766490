package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// ferretDB returns the path of FerretDB. It is in a module of its own and is built at
// the first use, which is quick when its packages are in Go's cache.
func ferretDB(dir string) (string, error) {
	if path := os.Getenv("FERRETDB"); path != "" {
		return exec.LookPath(path)
	}
	_, here, _, ok := runtime.Caller(0)
	source := filepath.Join(filepath.Dir(here), "..", "..", "..", ".ci", "ferretdb")
	if _, err := os.Stat(source); !ok || err != nil {
		return "", errors.New("the source of .ci/ferretdb is not where this was compiled")
	}
	path := filepath.Join(dir, "ferretdb")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-C", source, "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("FerretDB: %w: go build: %v\n%s", ErrNotInstalled, err, out)
	}
	return path, nil
}

func startMongo() (*Server, error) {
	s := &Server{Name: "mongo", Type: "mongo", signal: "KILL"}
	if _, err := s.folder(""); err != nil {
		return nil, err
	}
	binary, err := ferretDB(s.dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	s.argv = []string{binary, "-listen", s.Addr(), "-dir", data}
	s.Conn = fmt.Sprintf("mongodb://%s/app", s.Addr())
	s.ping = func(ctx context.Context) error {
		client, err := mongo.Connect(options.Client().ApplyURI(s.Conn))
		if err != nil {
			return err
		}
		defer client.Disconnect(context.WithoutCancel(ctx))
		return client.Ping(ctx, nil)
	}
	return s, s.Start()
}

// Fill replaces a collection by these documents.
func (s *Server) Fill(t testing.TB, collection string, docs ...bson.D) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(s.Conn))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer client.Disconnect(context.WithoutCancel(ctx))
	db := client.Database("app")
	err = db.Collection(collection).Drop(ctx)
	if err == nil {
		err = db.CreateCollection(ctx, collection)
	}
	if err == nil && len(docs) > 0 {
		_, err = db.Collection(collection).InsertMany(ctx, docs)
	}
	if err != nil {
		t.Fatalf("%s: %v", collection, err)
	}
}
