package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

// maxInspected bounds what is read of standard input, in bytes. It is more than
// a token may have, so that one that is too large can be looked into.
const maxInspected = 1 << 20

func newTokenInspectCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect [TOKEN|-]",
		Short: "Show what is in a token, without verifying it; with --policy, what verifying it says",
		Long: `Inspect decodes a token, from the command line or from standard input. It verifies nothing:
what it shows, anybody may have written. With --policy it also says at which stage the
policy's keys refuse the token. The signature is not shown, so what is printed is no token.

It ends with exit code 1 for what cannot be decoded, and with --policy for what is refused.`,
		Example: `  rulegate token inspect < token.txt
  rulegate token inspect --policy policy.yaml - < token.txt`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := tokenText(args, cmd.InOrStdin())
			if err != nil {
				return err
			}
			now := time.Now()
			seen := inspect(raw)
			if path != "" {
				p, err := tokenPolicy(path, cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				keys, err := keySet(cmd.Context(), p)
				if err != nil {
					return err
				}
				seen.judged, seen.policy = true, path
				seen.claims, seen.refusal = keys.Verify(raw, now)
			}
			var out bytes.Buffer
			if asJSON {
				out.Write(append(oneLine(seen.json()), '\n'))
			} else {
				seen.print(&out, now)
			}
			if _, err := cmd.OutOrStdout().Write(out.Bytes()); err != nil {
				return err
			}
			if seen.fault() || seen.refusal != nil {
				return errReported
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "policy", "", "policy file whose auth.tokens verify it as well")
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer with one JSON object")
	return cmd
}

// tokenText is the one token on the command line or on standard input. The
// scheme before it, as in a header that was copied whole, is cut off.
func tokenText(args []string, stdin io.Reader) (string, error) {
	text := ""
	if len(args) == 1 && args[0] != "-" {
		text = args[0]
	} else {
		b, err := io.ReadAll(io.LimitReader(stdin, maxInspected+1))
		if err != nil {
			return "", err
		}
		if len(b) > maxInspected {
			return "", fmt.Errorf("standard input: more than %d bytes; want one token", maxInspected)
		}
		text = string(b)
	}
	text = strings.TrimSpace(text)
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "bearer") {
		text = strings.TrimSpace(rest)
	}
	switch {
	case text == "":
		return "", usagef("want a token, as an argument or on standard input")
	case strings.ContainsAny(text, " \t\r\n"):
		return "", usagef("want one token, found white space in it")
	}
	return text, nil
}

// stages are those of a verification, in their order.
var stages = [...]string{
	token.StageParse, token.StageKey, token.StageSignature, token.StageClaims, token.StageTime, token.StageAudience, token.StageIssuer,
}

// verdict lists the stages with what became of each, "" where it was not
// reached.
func (s *inspected) verdict() []value.Member {
	var refusal *token.Error
	errors.As(s.refusal, &refusal)
	var all []value.Member
	reached := true
	for _, stage := range stages {
		said := "ok"
		switch {
		case !reached:
			said = ""
		case refusal != nil && refusal.Stage == stage:
			said, reached = "refused: "+refusal.Message, false
		}
		all = append(all, value.Member{Key: stage, Value: value.Str(said)})
	}
	return all
}
