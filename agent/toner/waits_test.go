package toner_test

import (
	"testing"

	"meteragent/agent/toner"
)

// A device that is asleep most of the time complains only when it prints.
func TestComplainsWhenAwake(t *testing.T) {
	c := newCourse(t).see("some", 10)
	for range 5 {
		c.see("some+almost", 1)
		for range 6 {
			c.pages -= 20
			c.see("some", 1)
		}
	}
	c.ordered("black")
	for range 20 { // but what it takes back while it prints was a slip
		c.see("some", 48).see("some+almost", 2)
	}
	c.ordered("black")
}

// still says so.
func TestSuggestedThenOrdered(t *testing.T) {
	c := newCourse(t)
	c.policy.Mode, c.policy.Device = toner.Suggest, 1
	c.see("9", 10)
	c.policy.Mode = toner.Off
	if c.see("8", 10); len(c.orders) != 1 {
		t.Fatalf("switched off: %d orders", len(c.orders))
	}
	c.policy.Mode = ""
	c.see("8", 10)
	if len(c.orders) != 2 || c.orders[0].ID != c.orders[1].ID || !c.orders[1].DecidedAt.After(c.orders[0].DecidedAt) {
		t.Errorf("orders are %+v", c.orders)
	}
	if got := c.ledger.Orders(); len(got) != 1 || got[0].State != "ordered" || len(c.ledger.Placed) != 1 {
		t.Errorf("the ledger says %+v", got)
	}
	c = newCourse(t)
	c.policy.Mode = toner.Suggest
	c.see("14", 10)
	c.policy.Mode, c.policy.Rules[0].OrderBelow = "", 10
	if c.see("14", 10); len(c.orders) != 1 || c.ledger.Orders()[0].State != "suggested" {
		t.Errorf("the rule no longer says so, and it is %+v", c.ledger.Orders())
	}
	c.policy.Quiet = []string{"ABC12345"}
	if c.see("8", 10); len(c.orders) != 1 {
		t.Error("a quiet device orders")
	}
	c.policy.Quiet = nil
	if c.see("100", 10); c.ledger.Orders()[0].State != "replaced" {
		t.Errorf("with a new cartridge it is %+v", c.ledger.Orders())
	}
}
