package cli

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

// apiKeyPrefix makes an API key easy to find for programs that look for secrets in
// repositories and logs.
const apiKeyPrefix = "rgk_"

type apiKeyFlags struct {
	claims string
	json   bool
}

func newTokenAPIKeyCommand() *cobra.Command {
	var f apiKeyFlags
	cmd := &cobra.Command{
		Use:   "apikey --claims '{…}'",
		Short: "Make an API key, and print its entry for the policy",
		Long: `Apikey makes a random API key of 256 bits. It prints the key, which is shown this once, and the
entry for auth.tokens, which has the key's SHA-256 and the claims of requests with the key. The
policy holds no more than that, so a lost key cannot be found again: make another one.

A claim exp, in Unix seconds, ends the key. To withdraw a key, remove its entry.`,
		Example: `  rulegate token apikey --claims '{"id":"billing","role":"service"}'
  rulegate token apikey --claims '{"id":"billing"}' --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			claims, err := value.Parse(f.claims, 64)
			if err != nil {
				return usagef("--claims: %w", err)
			}
			if claims.Kind() != value.Object {
				return usagef("--claims: want a JSON object, found %v", claims.Kind())
			}
			return printAPIKey(cmd, claims, f.json)
		},
	}
	cmd.Flags().StringVar(&f.claims, "claims", "{}", "claims of requests with the key, a JSON object")
	cmd.Flags().BoolVar(&f.json, "json", false, "answer with one JSON object: {\"key\":…,\"entry\":{\"sha256\":…,\"claims\":…}}")
	return cmd
}

func printAPIKey(cmd *cobra.Command, claims value.Value, json bool) error {
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	key := apiKeyPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	sum := sha256.Sum256([]byte(key))
	// The policy's file takes ${…} for a variable.
	claims = value.Checked(strings.ReplaceAll(claims.String(), "${", "$${"))
	entry := value.Obj(member("sha256", value.Str(hex.EncodeToString(sum[:]))), member("claims", claims))
	var out bytes.Buffer
	if json {
		out.Write(append(oneLine(value.Obj(member("key", value.Str(key)), member("entry", entry))), '\n'))
	} else {
		fmt.Fprintf(&out, `key: %s
It is shown this once. For the policy:

auth:
  tokens:
    - apiKeys:
        header: x-api-key
        keys:
          - %s
`, key, oneLine(entry))
	}
	_, err := cmd.OutOrStdout().Write(out.Bytes())
	return err
}
