package cli

import (
	"io"
	"strings"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/spf13/cobra"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Mint, verify and inspect tokens, for development",
		Example: `  rulegate token mint --policy policy.yaml --claims '{"id":"u1"}' --ttl 1h
  rulegate token verify --policy policy.yaml < tokens.txt
  rulegate token inspect --policy policy.yaml < token.txt`,
	}
	cmd.AddCommand(newTokenMintCommand(), newTokenVerifyCommand(), newTokenInspectCommand())
	return cmd
}

// tokenPolicy loads the policy file of --policy.
func tokenPolicy(path string, stderr io.Writer) (*policy.Policy, error) {
	if strings.TrimSpace(path) == "" {
		return nil, usagef("want --policy policy.yaml")
	}
	f, err := loadFile(path, policy.Options{}, stderr)
	if err != nil {
		return nil, err
	}
	return f.policy, nil
}
