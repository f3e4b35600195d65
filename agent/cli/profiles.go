package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"meteragent/agent/text"
	"meteragent/collector"
)

// profiles are those the program comes with, those in the folder beside the
// configuration, and those named on the command line.
func (a *app) profiles(named []string) (*collector.Profiles, error) {
	for _, path := range named {
		if _, err := os.Stat(path); err != nil {
			return nil, usageError(err)
		}
	}
	paths := append([]string{profilesBeside(a.config)}, named...)
	known, err := collector.LoadProfiles(paths...)
	if problems := (collector.ProfileProblems{}); errors.As(err, &problems) {
		return nil, usageError(err)
	}
	return known, err
}

// profilesBeside is the folder of profiles that belongs to a configuration file.
func profilesBeside(config string) string { return filepath.Join(filepath.Dir(config), "profiles") }

// capture writes a recording of one copier and shows its reading.
func (a *app) capture(ctx context.Context, reader *collector.Collector, file string, answers []answer, t collector.Target) error {
	if len(answers) != 1 {
		return usageError(errors.New("--capture: give one address"))
	}
	to, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return usageError(err)
	}
	t.Address, t.Port = answers[0].address, answers[0].port
	answers[0].reading, answers[0].err = reader.Capture(ctx, t, to)
	if err := to.Close(); err != nil {
		return err
	}
	if answers[0].err != nil {
		os.Remove(file)
	}
	return a.showAnswers(answers)
}

// runningProfiles are those of the daemon. A mistake in one of them does not stop the
// readings: the embedded ones are used, and the mistake is logged and shown.
func (a *app) runningProfiles(d *daemon, problems []text.Sentence) (*collector.Profiles, []text.Sentence, error) {
	known, err := a.profiles(nil)
	if err == nil {
		return known, problems, nil
	}
	d.log.Error("a device profile is wrong; those of the program are used", "err", err)
	known, embedded := collector.EmbeddedProfiles()
	return known, append(problems, text.Quoted(err.Error())), embedded
}
