// Package quickstart tests the quickstart's policy.
package quickstart

import (
	"testing"

	"github.com/rulegate/rulegate/host/policytest"
)

func TestPolicy(t *testing.T) { policytest.Run(t, "policy_test.yaml") }
