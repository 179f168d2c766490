// Command rulegate decides requests by a policy file: inside Envoy, for which
// it prints the configuration, or as a gateway of its own.
package main

import (
	"os"

	"github.com/rulegate/rulegate/host/cli"
	_ "golang.org/x/crypto/x509roots/fallback" // for an image without certificates
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
