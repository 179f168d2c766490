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
		Short: "Mint, verify and inspect tokens, and make API keys",
		Example: `  rulegate token mint --policy policy.yaml --claims '{"id":"u1"}' --ttl 1h
  rulegate token verify --policy policy.yaml < tokens.txt
  rulegate token inspect --policy policy.yaml < token.txt
  rulegate token apikey --claims '{"id":"billing"}'`,
	}
	cmd.AddCommand(newTokenMintCommand(), newTokenVerifyCommand(), newTokenInspectCommand(), newTokenAPIKeyCommand())
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
