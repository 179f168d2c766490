package main

import (
	"os"
	"testing"

	"github.com/rulegate/rulegate/envoy/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
