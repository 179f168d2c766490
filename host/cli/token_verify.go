package cli

import (
	"errors"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

type verifyFlags struct {
	policy string
	json   bool
}

func newTokenVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify --policy policy.yaml",
		Short: "Verify tokens, one a line on standard input; exit code 1 if one is refused",
		Example: `  rulegate token verify --policy policy.yaml --json < tokens.txt
  # {"ok":true,"claims":{"id":"u1"}}
  # {"ok":false,"stage":"signature","error":"…"}`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return verifyTokens(cmd, f) },
	}
	cmd.Flags().StringVar(&f.policy, "policy", "", "policy file whose auth.tokens verify the tokens (required)")
	cmd.Flags().BoolVar(&f.json, "json", false, "answer with one JSON object a line")
	return cmd
}

func verifyTokens(cmd *cobra.Command, f verifyFlags) error {
	p, err := tokenPolicy(f.policy, cmd.ErrOrStderr())
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
		switch {
		case f.json:
			return oneLine(verifyAnswer(claims, err))
		case err != nil:
			return []byte("refused: " + err.Error())
		}
		return oneLine(claims.Value)
	})
	if err == nil && refused {
		err = errReported
	}
	return err
}

// verifyAnswer is the JSON object about one token.
func verifyAnswer(claims token.Claims, err error) value.Value {
	if err == nil {
		return value.Obj(member("ok", value.Boolean(true)), member("claims", claims.Value))
	}
	stage, message := token.StageParse, err.Error()
	var refusal *token.Error
	if errors.As(err, &refusal) {
		stage, message = refusal.Stage, refusal.Message
	}
	return value.Obj(member("ok", value.Boolean(false)), member("stage", value.Str(string(stage))), member("error", value.Str(message)))
}
