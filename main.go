// Command meteragent reads copiers on the LAN and reports to a portal.
package main

import (
	"os"

	"meteragent/agent/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
