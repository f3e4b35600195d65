package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meteragent/agent/text"
	"meteragent/store"
)

func (a *app) requestCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "request SERIAL TEXT", Short: a.say.Say("help.request"), Long: a.long(text.Key("help.request.long")),
		Args: cobra.MinimumNArgs(2),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := a.load()
		if err != nil {
			return err
		}
		device, words := args[0], strings.Join(args[1:], " ")
		m, closeStore, err := a.openMemory(cfg)
		switch {
		case err == nil:
			defer closeStore()
			_, err = m.Request(device, words, time.Now())
		case errors.Is(err, store.ErrInUse) && cfg.Page.Listen == "":
			return failure{code: badDatabase, err: err, hint: text.Key("hint.page.off")}
		case errors.Is(err, store.ErrInUse):
			err = postRequest(c.Context(), cfg.Page.Listen, device, words)
		}
		if err != nil {
			return failure{code: failed, err: err, hint: text.Key("hint.request")}
		}
		a.printf("%s\n", text.Wrap(a.say.Say("request.sent", "device", device), width, "  "))
		return nil
	}
	return c
}

// postRequest asks the running daemon, through its page.
func postRequest(ctx context.Context, address, device, words string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	form := url.Values{"device": {device}, "text": {words}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/request", strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("page %s: %w", address, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "text/plain")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("page %s: %w", address, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	said, err := io.ReadAll(io.LimitReader(response.Body, 1000))
	if err != nil || response.StatusCode != http.StatusUnprocessableEntity {
		return fmt.Errorf("page %s: %s", address, response.Status)
	}
	return errors.New(strings.TrimSpace(string(said)))
}
