package transport_test

import (
	"testing"

	"meteragent/transport/transporttest"
)

func TestHTTPSLink(t *testing.T) {
	transporttest.TestLink(t, func(t testing.TB) transporttest.Peer { return transporttest.NewServer(t) })
}

func TestMQTTLink(t *testing.T) {
	transporttest.TestLink(t, func(t testing.TB) transporttest.Peer { return transporttest.NewBroker(t) })
}
