package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// maxInspected bounds the bytes read from standard input. It is above the limit
// for tokens, so that a token that is too large can be inspected.
const maxInspected = 1 << 20

type inspectFlags struct {
	policy string
	json   bool
}

func newTokenInspectCommand() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect [TOKEN|-]",
		Short: "Show a token's header and claims; with --policy, verify it too",
		Long: `Inspect decodes a token from the command line or from standard input. It does not verify it:
anybody may have written what it shows. With --policy it also verifies the token and names the
stage at which the policy's keys refuse it. It never prints the signature, so its output cannot
be used as a token.

It ends with exit code 1 if the token cannot be decoded or, with --policy, if it is refused.`,
		Example: `  rulegate token inspect < token.txt
  rulegate token inspect --policy policy.yaml - < token.txt`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := tokenText(args, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return inspectToken(cmd, raw, f)
		},
	}
	cmd.Flags().StringVar(&f.policy, "policy", "", "policy file whose auth.tokens verify the token")
	cmd.Flags().BoolVar(&f.json, "json", false, "answer with one JSON object")
	return cmd
}

func inspectToken(cmd *cobra.Command, raw string, f inspectFlags) error {
	now := time.Now()
	report := decodeToken(raw)
	if f.policy != "" {
		p, err := tokenPolicy(f.policy, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		keys, err := keySet(cmd.Context(), p)
		if err != nil {
			return err
		}
		report.check(raw, f.policy, keys, now)
	}
	var out bytes.Buffer
	if f.json {
		out.Write(append(oneLine(report.json()), '\n'))
	} else {
		report.print(&out, now)
	}
	if _, err := cmd.OutOrStdout().Write(out.Bytes()); err != nil {
		return err
	}
	if report.malformed() || report.refusal != nil {
		return errReported
	}
	return nil
}

// tokenText returns the one token on the command line or on standard input,
// without a scheme before it: people copy whole Authorization headers.
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
