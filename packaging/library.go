package packaging

import (
	"errors"

	"github.com/kardianos/service"
)

// library is the service as kardianos/service sees it. That library registers, starts and asks; it does not run the program
// (see Host), and what else it lacks is in the files for each system. No other file knows it.
type library struct{ service.Service }

func open(s Spec) (registration, error) {
	l, err := service.New(nil, &service.Config{
		Name:        Name,
		DisplayName: Name,
		Description: "Reads copiers on the network and reports their counters to the portal.",
		Executable:  s.Executable,
		Arguments:   arguments(s),
		UserName:    account,
		Option:      options(s),
	})
	return library{l}, err
}

// Status tells a service that is being started, or waits to be, from one that runs; the library calls both running.
func (l library) Status() (State, error) {
	found, err := l.Service.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled), err != nil && absent():
		return "", ErrNotInstalled
	case err != nil:
		return "", err
	case found == service.StatusStopped:
		return Stopped, nil
	case starting():
		return Starting, nil
	}
	return Running, nil
}
