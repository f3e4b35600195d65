package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent"
	"meteragent/transport"
)

// A copier that tells its serial number after an update is the one that was there: its toner is
// not ordered again, the order still takes what the portal says, and its days are its own. One
// that does not tell it any more is still known.
func TestIdentified(t *testing.T) {
	const mac = "00:1e:8f:00:00:01"
	path := database(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, path)
		s.fleet.set(host, func(c *copier) { c.serial, c.mac, c.toner = "", mac, 9 })
		stop := s.start(t)
		time.Sleep(60 * time.Hour) // into the third day
		orders := s.status(t).Orders
		if len(orders) != 1 || orders[0].Device != "Canon:Test:"+mac {
			t.Fatalf("ordered is %+v", orders)
		}

		s.fleet.set(host, func(c *copier) { c.serial = "ABC12345" })
		time.Sleep(time.Hour)
		s.link.set(func(l *link) { l.orders = []transport.OrderState{{ID: orders[0].ID, State: "shipped"}} })
		time.Sleep(20 * 24 * time.Hour)
		if n := s.link.kinds()["order"]; n != 1 {
			t.Errorf("%d orders for one cartridge", n)
		}
		if got := s.status(t).Orders; len(got) != 1 || got[0].State != "shipped" {
			t.Errorf("orders are %+v", got)
		}
		if days, err := s.Memory().Readings("ABC12345"); err != nil || len(days) < 22 {
			t.Errorf("%d days: %v", len(days), err)
		}
		if left, err := s.Memory().Readings("Canon:Test:" + mac); err != nil || len(left) != 0 {
			t.Errorf("%d days are still those of the former identity: %v", len(left), err)
		}

		s.fleet.set(host, func(c *copier) { c.serial = "" })
		time.Sleep(3 * time.Hour)
		s.fleet.set(host, func(c *copier) { c.toner = 95 })
		time.Sleep(24 * time.Hour)
		if got := s.states(t); got != "ABC12345 online" {
			t.Errorf("devices are %s", got)
		}
		if got := s.status(t).Orders; len(got) != 0 {
			t.Errorf("with a new cartridge there are still orders: %+v", got)
		}
		stop()

		var said []string
		for _, e := range bodies[agent.DeviceEvent](t, s.link, "device") {
			said = append(said, e.Event+" "+e.Device.ID+" "+e.Previous)
		}
		if diff := cmp.Diff([]string{"found Canon:Test:" + mac + " ", "identified ABC12345 Canon:Test:" + mac}, said); diff != "" {
			t.Error(diff)
		}
	})
}
