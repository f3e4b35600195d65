package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"meteragent/collector/simulator"
	"meteragent/transport"
	"meteragent/transport/portal"
)

// world is what the scripts find on loopback, in environment variables:
//
//	$MFP         address of a colour copier; $MFPPORT its port
//	$NOBODY      address where nobody answers
//	$LINUX       address of a device that is no printer
//	$PORTAL      URL of a portal that wants the token "right"
//	$TLSPORTAL   the same with a certificate of an authority in $CA
//	$CAPTIVE     URL that answers 200 with a web page
//	$CLOSED      URL of a port that nothing listens on
//	$TAKEN       address of a port that is taken; $FREE of one that is not
func world(e *testscript.Env) error {
	ctx, cancel := context.WithCancel(context.Background())
	e.Defer(cancel)
	mfp, err := copier(ctx, simulator.New(simulator.ColourMFP(), simulator.Options{Seed: 7}))
	if err != nil {
		return err
	}
	linux, err := simulator.FromRecording(strings.NewReader(strings.Join([]string{
		"1.3.6.1.2.1.1.1.0|4|Linux router 6.1.0 #1 SMP x86_64",
		"1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10",
		"1.3.6.1.2.1.1.3.0|67|12345",
		"1.3.6.1.2.1.1.5.0|4|router", "",
	}, "\n")))
	if err != nil {
		return err
	}
	router, err := copier(ctx, linux)
	if err != nil {
		return err
	}
	nobody, err := net.ListenPacket("udp", "127.0.0.1:0") // open, so that nobody else gets the port, and silent
	if err != nil {
		return err
	}
	e.Defer(func() { nobody.Close() })
	closed, err := freePort()
	if err != nil {
		return err
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.Defer(func() { taken.Close() })

	p := portal.New(portal.Options{Token: transport.Secret("right")})
	plain, secure := httptest.NewServer(p), httptest.NewUnstartedServer(p)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is what the test is about
	secure.StartTLS()
	captive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html><title>Hotel Wi-Fi</title>Please log in.</html>")
	}))
	e.Defer(plain.Close)
	e.Defer(secure.Close)
	e.Defer(captive.Close)
	ca := filepath.Join(e.WorkDir, "ca.pem")
	if err := os.WriteFile(ca, certificate(secure.TLS), 0o600); err != nil {
		return err
	}
	free, err := freePort()
	if err != nil {
		return err
	}
	e.Values["portal"] = p
	e.Setenv("FREE", address(free))
	e.Setenv("MFP", mfp.String())
	e.Setenv("MFPPORT", strconv.Itoa(mfp.Port))
	e.Setenv("NOBODY", nobody.LocalAddr().String())
	e.Setenv("LINUX", router.String())
	e.Setenv("PORTAL", plain.URL+"/events")
	e.Setenv("TLSPORTAL", secure.URL+"/events")
	e.Setenv("CA", ca)
	e.Setenv("CAPTIVE", captive.URL)
	e.Setenv("CLOSED", "http://"+address(closed)+"/events")
	e.Setenv("TAKEN", taken.Addr().String())
	return nil
}

// copier serves a simulated device until ctx ends.
func copier(ctx context.Context, c *simulator.Copier) (*net.UDPAddr, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		c.Serve(ctx, conn)
		conn.Close()
	}()
	return conn.LocalAddr().(*net.UDPAddr), nil
}

func certificate(c *tls.Config) []byte {
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificates[0].Certificate[0]})
	return b.Bytes()
}

func splitLines(text string) []string { return strings.Split(text, "\n") }
