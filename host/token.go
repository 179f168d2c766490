package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rulegate/rulegate/rules"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/spf13/cobra"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Mint and verify tokens with a policy's keys, for development",
		Example: `  rulegate token mint --policy policy.yaml --claims '{"id":"u1"}' --ttl 1h
  rulegate token verify --policy policy.yaml < tokens.txt`,
	}
	cmd.AddCommand(newTokenMintCommand(), newTokenVerifyCommand())
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
			set, err := tokenKeys(path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			refused := false
			err = eachLine(cmd.InOrStdin(), cmd.OutOrStdout(), func(line []byte, err error) []byte {
				var claims token.Claims
				if err == nil {
					claims, err = set.Verify(string(line), time.Now())
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
func verified(claims token.Claims, err error) rules.Value {
	if err == nil {
		return rules.Obj(member("ok", rules.Boolean(true)), member("claims", claimsOf(claims)))
	}
	stage, message := token.StageParse, err.Error()
	var refusal *token.Error
	if errors.As(err, &refusal) {
		stage, message = refusal.Stage, refusal.Message
	}
	return rules.Obj(member("ok", rules.Boolean(false)), member("stage", rules.Str(stage)), member("error", rules.Str(message)))
}

// claimsOf are claims that were checked when the token was verified.
func claimsOf(c token.Claims) rules.Value {
	v, err := rules.Parse(c.JSON, evalDepth)
	if err != nil {
		return rules.NullValue
	}
	return v
}

func newTokenMintCommand() *cobra.Command {
	var path, claims string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:     "mint --policy policy.yaml --claims '{…}'",
		Short:   "Print a token signed by the policy's primary key",
		Example: `  rulegate token mint --policy policy.yaml --claims '{"id":"u1","role":"admin"}' --ttl 1h`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := mintClaims(claims, ttl, time.Now())
			if err != nil {
				return err
			}
			set, err := tokenKeys(path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if !set.CanSign() {
				return errors.New("no key of the policy can sign: mark one of auth.tokens with primary: true (RS, PS, ES and EdDSA keys need privateKey)")
			}
			raw, err := set.Mint(body, "JWT")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), raw)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "policy", "", "policy file whose primary key signs (required)")
	cmd.Flags().StringVar(&claims, "claims", "{}", "the claims, a JSON object")
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "time to live, unless the claims have exp")
	return cmd
}

// mintClaims adds iat and exp to claims that lack them.
func mintClaims(text string, ttl time.Duration, now time.Time) (string, error) {
	if ttl <= 0 {
		return "", usagef("--ttl: want a duration over 0, found %v", ttl)
	}
	v, err := rules.Parse(text, 64)
	if err != nil {
		return "", usagef("--claims: %w", err)
	}
	if v.Kind() != rules.Object {
		return "", usagef("--claims: want a JSON object, found %v", v.Kind())
	}
	if v.Key("iat").Kind() == rules.Missing {
		v = v.With("iat", rules.Int(now.Unix()))
	}
	if v.Key("exp").Kind() == rules.Missing {
		v = v.With("exp", rules.Int(now.Add(ttl).Unix()))
	}
	return v.String(), nil
}

// tokenKeys loads the keys of a policy file.
func tokenKeys(path string, stderr io.Writer) (*token.Set, error) {
	if strings.TrimSpace(path) == "" {
		return nil, usagef("want --policy policy.yaml")
	}
	p, err := loadFile(path, policy.Options{}, stderr)
	if err != nil {
		return nil, err
	}
	return p.policy.Tokens, nil
}
