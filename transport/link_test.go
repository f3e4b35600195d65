package transport_test

import (
	"testing"

	"meteragent/transport/transporttest"
)

func TestHTTPSLink(t *testing.T) {
	transporttest.TestLink(t, func(t testing.TB) transporttest.Peer { return transporttest.NewServer(t) })
}

func TestHTTP2Link(t *testing.T) {
	start := func(t testing.TB) transporttest.Peer {
		a := transporttest.NewAuthority(t)
		security := a.Server()
		security.NextProtos = []string{"h2"}
		return transporttest.StartServer(t, a, security)
	}
	transporttest.TestLink(t, start)
	peer := start(t).(*transporttest.Server)
	if _, err := transporttest.Dial(t, peer, nil).Send(t.Context(), nil); err != nil || peer.Requests()[0].ProtoMajor != 2 {
		t.Errorf("got %+v, %v; want HTTP/2", peer.Requests(), err)
	}
}

func TestMQTTLink(t *testing.T) {
	transporttest.TestLink(t, func(t testing.TB) transporttest.Peer { return transporttest.NewBroker(t) })
}
