package main

import (
	"errors"
	"log/slog"

	"github.com/rulegate/rulegate/host/companion"
	"github.com/rulegate/rulegate/rules/policy"
	"github.com/rulegate/rulegate/rules/wire"
	"github.com/spf13/cobra"
)

func newServeCommand() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve policy.yaml",
		Short: "Run the companion, which makes the queries and webhooks of the rules",
		Long: `Serve answers the module's calls on POST /v1/calls; /healthz says that it runs, /readyz that
the databases answer. It takes the policy that the module has, and the same secrets.`,
		Example: `  rulegate serve policy.yaml --listen 127.0.0.1:9000`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := loadFile(args[0], policy.Options{}, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if len(f.policy.Companion.Secrets) == 0 {
				return errors.New("module and companion share no secret: set companion.secret in the policy, or mark an HS key of auth.tokens with primary: true")
			}
			c, err := newCompanion(f.policy, logger(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			l, url, err := listen(addr)
			if err != nil {
				return err
			}
			ctx := untilSignal(cmd.Context())
			if err := sayReady(cmd.OutOrStdout(), url); err != nil {
				return err
			}
			return c.Serve(ctx, l, grace)
		},
	}
	cmd.Flags().StringVar(&addr, "listen", "127.0.0.1:9000", "address to listen on, host:port or unix:/path")
	return cmd
}

// newCompanion makes a companion that reaches what the policy names, and no
// more: of a database the collections that rules query.
func newCompanion(p *policy.Policy, log *slog.Logger) (*companion.Companion, error) {
	cfg := companion.Config{
		Project:  p.Project,
		Keys:     wire.DeriveKeys(p.Companion.Secrets...),
		Webhooks: p.Webhooks,
		Limits:   companion.Limits{Calls: p.Limits.Calls},
		Log:      log,
	}
	for _, d := range p.Databases {
		if len(d.Queried) > 0 {
			cfg.Databases = append(cfg.Databases, companion.Source{Name: d.Name, Type: d.Type, Conn: d.Conn, Collections: d.Queried})
		}
	}
	return companion.New(cfg)
}
