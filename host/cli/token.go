package cli

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Mint, verify and look into tokens, for development",
		Example: `  rulegate token mint --policy policy.yaml --claims '{"id":"u1"}' --ttl 1h
  rulegate token verify --policy policy.yaml < tokens.txt
  rulegate token inspect --policy policy.yaml < token.txt`,
	}
	cmd.AddCommand(newTokenMintCommand(), newTokenVerifyCommand(), newTokenInspectCommand())
	return cmd
}

func newTokenVerifyCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify --policy policy.yaml",
		Short: "Verify tokens, one a line on standard input; exit code 1 when one is refused",
		Example: `  rulegate token verify --policy policy.yaml --json < tokens.txt
  # {"ok":true,"claims":{"id":"u1"}}
  # {"ok":false,"stage":"signature","error":"…"}`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := tokenPolicy(path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			keys, err := keySet(cmd.Context(), p)
			if err != nil {
				return err
			}
			refused := false
			err = eachLine(cmd.InOrStdin(), cmd.OutOrStdout(), func(line []byte, err error) []byte {
				var claims token.Claims
				if err == nil {
					claims, err = keys.Verify(string(line), time.Now())
				}
				refused = refused || err != nil
				if asJSON {
					return oneLine(verified(claims, err))
				}
				if err != nil {
					return []byte("refused: " + err.Error())
				}
				return oneLine(claimsOf(claims))
			})
			if err == nil && refused {
				err = errReported
			}
			return err
		},
	}
	cmd.Flags().StringVar(&path, "policy", "", "policy file whose auth.tokens verify (required)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer with one JSON object a line")
	return cmd
}

// verified is the answer about one token.
func verified(claims token.Claims, err error) value.Value {
	if err == nil {
		return value.Obj(member("ok", value.Boolean(true)), member("claims", claimsOf(claims)))
	}
	stage, message := token.StageParse, err.Error()
	var refusal *token.Error
	if errors.As(err, &refusal) {
		stage, message = refusal.Stage, refusal.Message
	}
	return value.Obj(member("ok", value.Boolean(false)), member("stage", value.Str(stage)), member("error", value.Str(message)))
}

// claimsOf are claims that were checked when the token was verified.
func claimsOf(c token.Claims) value.Value {
	v, err := value.Parse(c.JSON, evalDepth)
	if err != nil {
		return value.NullValue
	}
	return v
}

// tokenPolicy loads the policy file that --policy names.
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
