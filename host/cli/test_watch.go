package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rulegate/rulegate/host/policytest"
	"github.com/spf13/cobra"
)

const (
	watchEvery = 300 * time.Millisecond
	// maxWatched bounds the files that are looked at.
	maxWatched = 5000
)

// watchTests runs the tests, and again whenever a file has changed, until ctx ends.
func watchTests(ctx context.Context, cmd *cobra.Command, args []string, f *testFlags) error {
	stderr := cmd.ErrOrStderr()
	for {
		before := fingerprint(args)
		err := runTests(ctx, cmd, args, f)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, errReported) {
			fmt.Fprintf(stderr, "%s: %v\n", cmd.CommandPath(), err)
		}
		if f.record {
			before = fingerprint(args) // the run itself has changed files
		}
		fmt.Fprintln(stderr, "rulegate test: waits for a change of a file; Ctrl-C ends it")
		for fingerprint(args) == before {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(watchEvery):
			}
		}
	}
}

// fingerprint tells two states of the files in the folders of the tests and their
// policies apart.
func fingerprint(args []string) string {
	policyPath, files, _ := policytest.Find(args) // without files, the folders tell when there are some
	dirs := policytest.Folders(policyPath, files)
	for _, arg := range args {
		dirs = append(dirs, filepath.Dir(arg))
	}
	if len(args) == 0 {
		dirs = append(dirs, ".")
	}
	var b strings.Builder
	n := 0
	for _, dir := range dirs {
		// A file that cannot be read has not changed, until it can be read.
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			name := ""
			if d != nil {
				name = d.Name()
			}
			switch {
			case err != nil:
				return nil
			case d.IsDir() && path != dir && (strings.HasPrefix(name, ".") || name == "node_modules"):
				return filepath.SkipDir
			case d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json", ".csv"}, filepath.Ext(name)):
				return nil
			case n >= maxWatched:
				return filepath.SkipAll
			}
			if info, err := d.Info(); err == nil {
				n++
				fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}
