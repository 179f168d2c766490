package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine says where and how a run was made.
type machine struct {
	Date      string  `json:"date"`
	Cores     int     `json:"cores"`
	Processor string  `json:"processor"`
	Load      string  `json:"loadBefore"` // of the last minute
	Envoy     string  `json:"envoy"`
	Go        string  `json:"go"`
	Commit    string  `json:"commit"`
	Generator string  `json:"generator"`
	Turn      float64 `json:"turnSeconds"`
	Rounds    int     `json:"rounds"`
	Minutes   float64 `json:"minutes"`
}

func (o *options) machine(ctx context.Context) machine {
	return machine{
		Date: time.Now().UTC().Format(time.DateOnly), Cores: runtime.NumCPU(), Processor: processor(), Load: loadAverage(),
		Envoy: envoyVersion(ctx, o.envoy), Go: strings.TrimPrefix(runtime.Version(), "go"), Commit: commit(ctx),
		Generator: o.generator, Turn: o.turn.Seconds(), Rounds: o.rounds,
	}
}

func (m machine) String() string {
	return fmt.Sprintf("Measured on %s in %.0f minutes at commit %s: %d cores of %s, load %s before the run, Envoy %s, Go %s. The generator is %s. A turn is %g s; a figure is the median of %d rounds, or of fewer for the works with many contenders.\n",
		m.Date, m.Minutes, m.Commit, m.Cores, m.Processor, m.Load, m.Envoy, m.Go, m.Generator, m.Turn, m.Rounds)
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

func envoyVersion(ctx context.Context, path string) string {
	out, _ := exec.CommandContext(ctx, path, "--version").Output()
	return versionIn(string(out))
}

// versionIn returns the version in the output of `envoy --version`, such as
// "/usr/bin/envoy  version: HASH/1.40.0/Clean/RELEASE/BoringSSL".
func versionIn(text string) string {
	_, version, _ := strings.Cut(text, "version:")
	if parts := strings.Split(version, "/"); len(parts) > 1 {
		return parts[1]
	}
	return "of an unknown version"
}

func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
