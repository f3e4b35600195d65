package simulator

// system adds the system group (RFC 3418) and the interface with its hardware
// address (RFC 2863).
func (t *tree) system(m Model) {
	const system = "1.3.6.1.2.1.1"
	t.scalar(system+".1", str(m.Manufacturer+" "+m.Name)) // sysDescr
	t.scalar(system+".2", ref(m.objectID))
	t.scalar(system+".3", func(s *state) value { return ticks(s.uptime()) })
	t.scalar(system+".4", str("")) // sysContact
	t.scalar(system+".5", func(s *state) value { return text(s.name) })
	t.scalar(system+".6", func(s *state) value { return text(s.location) })
	t.scalar(system+".7", num(72)) // sysServices

	const interfaces = "1.3.6.1.2.1.2"
	t.scalar(interfaces+".1", num(2))
	loopback, ethernet := uint32(1), uint32(2)
	for index, row := range map[uint32]struct {
		name        string
		kind, speed int
		mac         cell
	}{
		loopback: {"lo", 24, 10_000_000, str("")},
		ethernet: {"eth0", 6, 1_000_000_000, func(s *state) value { return text(string(s.mac[:])) }},
	} {
		t.row(interfaces+".2.1", at(index), columns{
			1:  num(int(index)),
			2:  str(row.name), // ifDescr
			3:  num(row.kind), // ifType
			4:  num(1500),     // ifMtu
			5:  fixed(gauge(row.speed)),
			6:  row.mac,
			7:  num(1), // ifAdminStatus: up
			8:  num(1), // ifOperStatus: up
			9:  fixed(ticks(0)),
			10: fixed(counter(0)), // ifInOctets
			16: fixed(counter(0)), // ifOutOctets
		})
	}
}

// hostResources adds the device and printer groups of RFC 2790.
func (t *tree) hostResources(m Model) {
	const host = "1.3.6.1.2.1.25"
	t.scalar(host+".1.1", func(s *state) value { return ticks(s.uptime()) }) // hrSystemUptime
	for i, device := range []struct{ kind, name string }{
		{host + ".3.1.5", m.Manufacturer + " " + m.Name}, // hrDevicePrinter
		{host + ".3.1.4", "Ethernet"},                    // hrDeviceNetwork
	} {
		t.row(host+".3.2.1", at(uint32(i)+1), columns{
			1: num(i + 1),
			2: ref(device.kind),
			3: str(device.name), // hrDeviceDescr
			4: ref("0.0"),       // hrDeviceID
			5: deviceStatus(i),
			6: fixed(counter(0)), // hrDeviceErrors
		})
	}
	t.row(host+".3.5.1", at(1), columns{
		1: func(s *state) value { _, printer := s.status(); return integer(printer) },
		2: func(s *state) value { return text(string(s.errors())) },
	})
}

// deviceStatus is hrDeviceStatus of row i, counted from 0; only the printer has
// anything to say.
func deviceStatus(i int) cell {
	if i > 0 {
		return num(2) // running
	}
	return func(s *state) value { device, _ := s.status(); return integer(device) }
}
