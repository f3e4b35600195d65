package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"meteragent/agent/text"
)

// manCommand prints the manual page in roff, for the packages: all commands on one page.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{Use: "man", Hidden: true, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		root := c.Root()
		a.printf(".TH METERAGENT 1 \"\" \"meteragent %s\" \"\"\n", roff(version))
		a.printf(".SH NAME\nmeteragent \\- %s\n", roff(root.Short))
		a.printf(".SH SYNOPSIS\n.B meteragent\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n%s\n", paragraphs(root.Long))
		a.printf(".SH %s\n", roff(strings.TrimSuffix(a.say.Say("help.commands"), ":")))
		a.manOf(root)
		a.printf(".SH %s\n%s\n", roff(strings.TrimSuffix(a.say.Say("help.globals"), ":")), verbatim(a.flags(root.PersistentFlags(), width-7)))
		a.printf(".SH %s\n%s\n", roff(a.say.Say("help.exit")), verbatim(a.long(text.Key("help.exit.long"))))
		return nil
	}}
}

// manOf describes what can be run below c.
func (a *app) manOf(c *cobra.Command) {
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "completion" {
			continue
		}
		if _, holds := sub.Annotations[onlyHolds]; !holds {
			about := sub.Long
			if about == "" {
				about = sub.Short
			}
			a.printf(".SS %s\n%s\n%s\n", roff(a.useLine(sub)), paragraphs(about), verbatim(a.flags(sub.LocalNonPersistentFlags(), width-7)))
		}
		a.manOf(sub)
	}
}

// roff is text in which nothing is taken for a command.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// paragraphs is prose that the reader's terminal wraps; what is indented stays as it is.
func paragraphs(text string) string {
	return strings.ReplaceAll(roff(strings.TrimSpace(text)), "\n\n", "\n.PP\n")
}

func verbatim(text string) string {
	if strings.TrimSpace(text) == "" {
		return ".PP"
	}
	return fmt.Sprintf(".nf\n%s\n.fi", roff(strings.TrimRight(text, "\n")))
}
