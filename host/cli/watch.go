package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rulegate/rulegate/host/policyfile"
)

// onChange calls f for each SIGHUP and, if watch is set, when one of the files has
// changed since they were read, one call after the other, until ctx ends.
func onChange(ctx context.Context, watch bool, read time.Time, files func() []string, f func(), log *slog.Logger) {
	if !watch {
		onHangup(ctx, f)
		return
	}
	changed := make(chan struct{})
	seen := stateOf(files())
	if changedAfter(files(), read) {
		seen = "" // while they were read, or since
	}
	go func() {
		defer close(changed)
		watchFiles(ctx, files, seen, changed)
	}()
	turn := make(chan struct{}, 1)
	one := func() {
		turn <- struct{}{}
		defer func() { <-turn }()
		f()
	}
	onHangup(ctx, one)
	go func() {
		for range changed {
			log.Info("a file has changed")
			one()
		}
	}()
}

// changedAfter reports whether one of the files has changed after a time.
func changedAfter(files []string, t time.Time) bool {
	return slices.ContainsFunc(files, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.ModTime().After(t)
	})
}

// watchFiles sends a value when the files have another state than the one seen, and then
// been the same for one period: a program may write a file in pieces.
func watchFiles(ctx context.Context, files func() []string, seen string, changed chan<- struct{}) {
	pending := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
		state := stateOf(files())
		switch {
		case state == seen:
			pending = ""
		case state != pending:
			pending = state
		default:
			select {
			case changed <- struct{}{}:
			case <-ctx.Done():
				return
			}
			seen, pending = state, ""
			// The reload may have read other files than before.
			seen = stateOf(files())
		}
	}
}

// readPaths are the files that a policy was made of.
type readPaths struct {
	mu    sync.Mutex
	paths []string
}

func (p *readPaths) get() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paths
}

// loaded keeps the files of a policy that was loaded. For one that was refused, file is
// nil: the files before stay, and those of the refused one are added, since a change of
// one of them may correct it.
func (p *readPaths) loaded(path string, file *loadedFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if file != nil {
		p.paths = file.Paths()
		return
	}
	p.paths = append(p.paths, path)
	if faulty, _ := policyfile.Open(policyfile.Disk{}, path); faulty != nil {
		p.paths = append(p.paths, faulty.Paths()...)
	}
	slices.Sort(p.paths)
	p.paths = slices.Compact(p.paths)
}

// stateOf tells two states of files apart. It follows links, as those of the volumes of
// Kubernetes, and looks at the folders too: a pattern may match a new file.
func stateOf(files []string) string {
	paths := slices.Clone(files)
	for _, f := range files {
		paths = append(paths, filepath.Dir(f))
	}
	slices.Sort(paths)
	var b strings.Builder
	for _, p := range slices.Compact(paths) {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			fmt.Fprintln(&b, p, "not there")
		case info.IsDir():
			// Not its time: a file beside the policy, such as a database, may change often.
			names, _ := filepath.Glob(filepath.Join(p, "*.[yj]*"))
			fmt.Fprintln(&b, p, names)
		default:
			fmt.Fprintln(&b, p, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
