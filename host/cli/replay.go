package cli

import (
	"slices"
	"strings"

	"github.com/rulegate/rulegate/host/compare"
	"github.com/spf13/cobra"
)

type replayFlags struct {
	policy, format string
	failOn         []string
}

var (
	replayFormats  = []string{"text", "json"}
	replayFailures = []string{"allow", "refuse", "status", "any", "undecided"}
)

func newReplayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay decisions.jsonl… --policy new.yaml",
		Short: "Decide recorded requests again by another policy, and show what differs",
		Long: `Replay reads recorded decisions: lines of the decision log, or what rulegate explain --format json
writes. It decides each request again by the policy, and counts by route what differs.
Replies of databases and webhooks come from the record; without them, and where parts of a request
are masked, a request is not decided again. The decision log has no query and only the claims and the
parts of the body that the policy lists, so a decision that depends on others differs. - is standard
input.`,
		Example: `  rulegate replay decisions.jsonl --policy new.yaml
  rulegate replay --fail-on refuse decisions.jsonl --policy new.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.policy == "" {
				return usagef("want --policy, as in --policy new.yaml")
			}
			for _, kind := range f.failOn {
				if !slices.Contains(replayFailures, kind) {
					return usagef("--fail-on: want %s, found %q", strings.Join(replayFailures, ", "), kind)
				}
			}
			if err := checkFormat(f.format, replayFormats); err != nil {
				return err
			}
			return replay(cmd, args, &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.policy, "policy", "", "the policy that decides, a file or REVISION:file of git (required)")
	flags.StringVar(&f.format, "format", "text", strings.Join(replayFormats, ", "))
	flags.StringSliceVar(&f.failOn, "fail-on", nil, "end with exit code 1 for these differences: "+strings.Join(replayFailures, ", "))
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(replayFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(replayFailures, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func replay(cmd *cobra.Command, args []string, f *replayFlags) error {
	s, err := sourceOf(f.policy)
	if err != nil {
		return err
	}
	p, err := loadCompared(&s, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	r := &replayRun{replayer: compare.NewReplayer(p.Policy), byRoute: map[string]*replayed{}, kinds: map[string]bool{}}
	for _, path := range args {
		if err := r.file(path, cmd.InOrStdin()); err != nil {
			return err
		}
	}
	if err := r.write(cmd.OutOrStdout(), f.format); err != nil {
		return err
	}
	for _, kind := range f.failOn {
		if r.kinds[kind] {
			return errReported
		}
	}
	return nil
}
