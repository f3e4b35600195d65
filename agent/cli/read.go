package cli

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"meteragent/agent"
	"meteragent/agent/text"
	"meteragent/collector"
)

// An answer is what one address said.
type answer struct {
	address string
	port    uint16
	reading collector.Reading
	err     error
}

func (a *app) readCommand() *cobra.Command {
	var ask askFlags
	var profiles []string
	var capture string
	c := &cobra.Command{
		Use:     "read ADDRESS...",
		Short:   a.say.Say("help.read"),
		Long:    a.long(text.Key("help.read.long")),
		Example: "  meteragent read 192.168.10.20\n  meteragent read --json 192.168.10.20 192.168.10.21:1161",
		Args:    cobra.MinimumNArgs(1),
	}
	ask.add(a, c)
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.Flags().StringArrayVar(&profiles, "profile", nil, a.say.Say("help.flag.profile"))
	c.Flags().StringVar(&capture, "capture", "", a.say.Say("help.flag.capture"))
	c.RunE = func(c *cobra.Command, args []string) error {
		credentials, err := ask.credentials()
		if err != nil {
			return err
		}
		known, err := a.profiles(profiles)
		if err != nil {
			return err
		}
		answers := make([]answer, len(args))
		for i, arg := range args {
			if answers[i], err = address(arg, ask.port); err != nil {
				return usageError(err)
			}
		}
		reader := collector.NewWith(known)
		if capture != "" {
			return a.capture(c.Context(), reader, capture, answers, collector.Target{Credentials: credentials, Timeout: ask.timeout})
		}
		agent.Each(len(answers), 16, func(i int) {
			t := collector.Target{
				Address: answers[i].address, Port: answers[i].port,
				Credentials: credentials, Timeout: ask.timeout,
			}
			answers[i].reading, answers[i].err = reader.Read(c.Context(), t)
		})
		return a.showAnswers(answers)
	}
	return c
}

// address splits "host", "host:port" or "[host]:port".
func address(arg string, port uint16) (answer, error) {
	host, service, err := net.SplitHostPort(arg)
	if err != nil {
		return answer{address: strings.Trim(arg, "[]"), port: port}, nil
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil || n == 0 {
		return answer{}, fmt.Errorf("%s: the port must be a number from 1 to 65535", arg)
	}
	return answer{address: host, port: uint16(n)}, nil
}

// showAnswers prints every answer in the order of the command line.
func (a *app) showAnswers(answers []answer) error {
	silent, wrong := 0, 0
	for i, one := range answers {
		if one.err != nil {
			wrong++
			if errors.Is(one.err, collector.ErrNoAnswer) {
				silent++
			}
		}
		if a.json {
			if err := a.answerJSON(one); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			a.printf("\n")
		}
		if one.err != nil {
			a.report(one.err)
			continue
		}
		a.printReading(one.reading)
	}
	switch {
	case silent == len(answers):
		return failure{code: noDevice}
	case wrong > 0:
		return failure{code: failed}
	}
	return nil
}

func (a *app) answerJSON(one answer) error {
	if one.err == nil {
		return a.printJSON(one.reading)
	}
	problem := struct {
		Address string `json:"address"`
		Port    uint16 `json:"port"`
		Error   string `json:"error"`
		Hint    string `json:"hint,omitempty"`
	}{Address: one.address, Port: one.port, Error: one.err.Error()}
	if key := agent.Hint(one.err); key != "" {
		problem.Hint = a.say.Say(key)
	}
	return a.printJSON(problem)
}
