package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/rulegate/rulegate/host/image"
	"github.com/spf13/cobra"
)

type imageFlags struct {
	module, output, form string
	insecure             bool
	timeout              time.Duration
}

func newImageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make OCI images of the module, for Istio and Envoy Gateway",
	}
	cmd.AddCommand(newImageBuildCommand(), newImagePushCommand())
	return cmd
}

const imageForms = `The form oci has the module as a layer of its own media type: Istio and Envoy Gateway take it. The
form compat has it as the file plugin.wasm in an ordinary layer, for registries that take nothing
else: Envoy Gateway takes it. The same module has the same digest, wherever it is built.`

func newImageBuildCommand() *cobra.Command {
	var f imageFlags
	cmd := &cobra.Command{
		Use:   "build --output FOLDER",
		Short: "Write the images to a folder, as an OCI image layout",
		Long: `Build writes the images of the module to a new folder, as an OCI image layout, and prints the form
and the digest of each.

` + imageForms,
		Example: `  rulegate image build --module rulegate.wasm --output module-image
  skopeo copy oci:module-image:oci docker://registry.example/rulegate:v1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.output == "" {
				return usagef("want --output, as in --output module-image")
			}
			module, forms, err := f.read()
			if err != nil {
				return err
			}
			digests, err := image.Write(f.output, module, forms)
			if err != nil {
				return fmt.Errorf("--output: %w", err)
			}
			for i, d := range digests {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", forms[i], d)
			}
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "`folder` to write, which must not exist (required)")
	return cmd
}

func newImagePushCommand() *cobra.Command {
	var f imageFlags
	cmd := &cobra.Command{
		Use:   "push REPOSITORY:TAG",
		Short: "Push the images to a registry, and print them by digest",
		Long: `Push pushes the images of the module to a registry, with the credentials that "docker login" keeps.
The form oci gets the tag, compat the tag with -compat behind it. It prints the form of each and its
reference by digest, which "rulegate gateway" and "rulegate istio" take as --image. It signs nothing:
sign the digest with the tool of your choice.

` + imageForms,
		Example: `  rulegate image push registry.example/rulegate:v1
  rulegate gateway policy.yaml --image "$(rulegate image push registry.example/rulegate:v1 --form oci | cut -f 2)"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("want one reference, found %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := image.CheckReference(args[0], f.insecure); err != nil {
				return usageError{err}
			}
			module, forms, err := f.read()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(untilSignal(cmd.Context()), f.timeout)
			defer cancel()
			for _, form := range forms {
				ref, err := image.Push(ctx, args[0], form, f.insecure, module)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", form, ref)
			}
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.insecure, "insecure", false, "speak plain HTTP with the registry, as is done with localhost anyway")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "give up after this long")
	return cmd
}

func (f *imageFlags) register(cmd *cobra.Command) {
	forms := append([]string{"both"}, image.Forms...)
	cmd.Flags().StringVar(&f.module, "module", "", "path of the module (default: rulegate.wasm in the folder of this command, else bin/rulegate.wasm)")
	cmd.Flags().StringVar(&f.form, "form", "both", "oci, compat or both")
	_ = cmd.RegisterFlagCompletionFunc("form", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
}

// read reads the module and the forms to make.
func (f *imageFlags) read() (module []byte, forms []string, err error) {
	switch {
	case f.form == "both":
		forms = image.Forms
	case slices.Contains(image.Forms, f.form):
		forms = []string{f.form}
	default:
		return nil, nil, usagef("--form: want oci, compat or both, found %q", f.form)
	}
	path := f.module
	if path == "" {
		if path, err = findModule(); err != nil {
			return nil, nil, err
		}
	}
	if module, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("--module: %w", err)
	}
	if _, err = image.Of(module, forms[0]); err != nil {
		return nil, nil, fmt.Errorf("--module %s: %w", path, err)
	}
	return module, forms, nil
}
