package cli

import (
	"io"

	"github.com/rulegate/rulegate/host/lsp"
	"github.com/spf13/cobra"
)

func newLSPCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lsp",
		Short: "Serve editors: the language server of policies and of their tests, over stdin and stdout",
		Long: `Lsp speaks the Language Server Protocol (3.16) over stdin and stdout, for policies, files with tests and
files with statements. An editor starts it; host/lsp/EDITORS.md has the settings for VS Code, Neovim and
Helix. It shows faults and warnings as one types, with fixes; it completes keys, rules, evals, paths and
names; it has a text about each of them; it finds definitions and uses; it runs the tests of a route; it
corrects indentation.

It reads files and writes none. Variables that are not set are accepted.`,
		Example: `  vim.lsp.config.rulegate = {cmd = {'rulegate', 'lsp'}, filetypes = {'yaml'}}   -- Neovim`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return lsp.Serve(cmd.Context(), io.NopCloser(cmd.InOrStdin()), cmd.OutOrStdout(), version())
		},
	}
}
