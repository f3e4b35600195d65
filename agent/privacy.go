package agent

import (
	"meteragent/agent/config"
	"meteragent/collector"
)

// What leaves the building is made here: a body holds what the privacy settings let
// through and nothing else, so that the rest is not even stored for sending.

// A SentDevice is a device as it is sent. What is withheld is absent; what the device did
// not say is empty.
type SentDevice struct {
	ID           string  `json:"id"`
	Serial       string  `json:"serial"`
	Manufacturer string  `json:"manufacturer"`
	Model        string  `json:"model"`
	Name         *string `json:"name,omitempty"`
	Location     *string `json:"location,omitempty"`
	Contact      *string `json:"contact,omitempty"`
	MAC          *string `json:"mac,omitempty"`
	Address      *string `json:"address,omitempty"`
	Port         *uint16 `json:"port,omitempty"`
	SysObjectID  string  `json:"sysObjectID"`
	Firmware     string  `json:"firmware"`
}

// A SentReading is the body of a reading record.
type SentReading struct {
	Device SentDevice `json:"device"` // in place of the reading's own
	collector.Reading
}

// sentDevice is what may be sent of a device.
func sentDevice(p config.Privacy, d collector.Device) SentDevice {
	return SentDevice{
		ID: d.ID, Serial: d.Serial, Manufacturer: d.Manufacturer, Model: d.Model,
		Name: allowed(p.Name, d.Name), Location: allowed(p.Location, d.Location), Contact: allowed(p.Contact && d.Contact != "", d.Contact),
		MAC: allowed(p.MAC, d.MAC), Address: allowed(p.Address, d.Address), Port: allowed(p.Address, d.Port),
		SysObjectID: d.SysObjectID, Firmware: d.Firmware,
	}
}

// sentReading is what may be sent of a reading.
func sentReading(p config.Privacy, r collector.Reading) SentReading {
	if !p.Console {
		r.Status.Console = nil
	}
	return SentReading{Device: sentDevice(p, r.Device), Reading: r}
}

// allowed is nil for what is withheld.
func allowed[T any](may bool, value T) *T {
	if !may {
		return nil
	}
	return &value
}
