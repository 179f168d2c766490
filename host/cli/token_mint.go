package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/token"
	"github.com/rulegate/rulegate/rules/value"
	"github.com/spf13/cobra"
)

type mintFlags struct {
	policy, claims, gateway, audience string
	ttl                               time.Duration
	service                           bool
}

func newTokenMintCommand() *cobra.Command {
	var f mintFlags
	cmd := &cobra.Command{
		Use:   "mint --policy policy.yaml --claims '{…}'",
		Short: "Print a token signed by the policy's primary key",
		Long: `Mint signs claims with the policy's primary key. With --service it prints a token like the one
in the X-SC-Token header of webhooks, by which services recognise the gateway. The gateway itself
refuses such tokens; a service that calls through it needs a token with claims. Claims without iat,
exp, and the iss and aud that the key's entry wants, get them.`,
		Example: `  rulegate token mint --policy policy.yaml --claims '{"id":"u1","role":"admin"}' --ttl 1h
  rulegate token mint --policy policy.yaml --claims '{"id":"billing","role":"service"}' --ttl 2160h
  rulegate token mint --policy policy.yaml --service --gateway gw-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.service && (cmd.Flags().Changed("claims") || cmd.Flags().Changed("ttl")) {
				return usagef("--service: its claims and time to live are fixed; leave --claims and --ttl out")
			}
			if !f.service && f.gateway != "" {
				return usagef("--gateway: want --service with it")
			}
			if !f.service && f.audience != "" {
				return usagef("--audience: want --service with it; other tokens have aud in --claims")
			}
			body, err := mintClaims(f.claims, f.ttl, time.Now())
			if err != nil {
				return err
			}
			p, err := tokenPolicy(f.policy, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if !p.Tokens.CanSign() {
				return errors.New("no key of the policy can sign: mark one of auth.tokens with primary: true (RS, PS, ES and EdDSA keys need privateKey)")
			}
			raw, err := f.mint(p, body)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), raw)
			return err
		},
	}
	cmd.Flags().StringVar(&f.policy, "policy", "", "policy file whose primary key signs (required)")
	cmd.Flags().StringVar(&f.claims, "claims", "{}", "claims, a JSON object")
	cmd.Flags().DurationVar(&f.ttl, "ttl", time.Hour, "time to live of the token; exp in the claims overrides it")
	cmd.Flags().BoolVar(&f.service, "service", false, "print a service token, valid for half an hour")
	cmd.Flags().StringVar(&f.gateway, "gateway", "", "id in the service token (default: the policy's gateway, else the name of this host)")
	cmd.Flags().StringVar(&f.audience, "audience", "", "aud of the service token: the origin of the webhook, such as https://hooks.example")
	return cmd
}

func (f *mintFlags) mint(p *policy.Policy, claims string) (string, error) {
	if !f.service {
		return p.Tokens.Mint(withParties(p.Tokens, claims), "JWT")
	}
	id := f.gateway
	if id == "" {
		id = p.Gateway
	}
	return p.Tokens.ServiceToken(id, f.audience, time.Now())
}

// withParties adds iss and aud to claims that lack them, where the policy wants
// them of the primary's tokens.
func withParties(keys *token.Set, claims string) string {
	v := value.Checked(claims)
	issuer, audience := keys.PrimaryParties()
	if issuer != "" && v.Key("iss").Kind() == value.Missing {
		v = v.With("iss", value.Str(issuer))
	}
	if audience != "" && v.Key("aud").Kind() == value.Missing {
		v = v.With("aud", value.Str(audience))
	}
	return v.String()
}

// mintClaims adds iat and exp to claims that lack them.
func mintClaims(text string, ttl time.Duration, now time.Time) (string, error) {
	if ttl <= 0 {
		return "", usagef("--ttl: want a duration over 0, found %v", ttl)
	}
	v, err := value.Parse(text, 64)
	if err != nil {
		return "", usagef("--claims: %w", err)
	}
	if v.Kind() != value.Object {
		return "", usagef("--claims: want a JSON object, found %v", v.Kind())
	}
	if v.Key("iat").Kind() == value.Missing {
		v = v.With("iat", value.Int(now.Unix()))
	}
	if v.Key("exp").Kind() == value.Missing {
		v = v.With("exp", value.Int(now.Add(ttl).Unix()))
	}
	return v.String(), nil
}
