package simulator_test

import (
	"fmt"

	"meteragent/collector/simulator"
)

// A copier is bought, used until the black toner is low, and served.
func ExampleCopier() {
	c := simulator.New(simulator.ColourMFP(), simulator.Options{Serial: "ABC12345"})
	c.Print(simulator.Job{Pages: 33_000, TwoSided: true})
	for _, s := range c.Supplies() {
		fmt.Printf("%-8s %3.0f %%\n", s.Key, s.Percent)
	}
	if err := c.ReplaceSupply("black"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(c.Serial(), c.Total())
	// Output:
	// black      8 %
	// cyan     100 %
	// magenta  100 %
	// yellow   100 %
	// waste     81 %
	// ABC12345 33000
}
