package transport

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// dialBroker opens the connection to an MQTT broker, ready for its first packet.
func (c Config) dialBroker(ctx context.Context, target *url.URL, security *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	proxy, err := c.brokerProxy(target)
	if err != nil {
		return nil, err
	}
	port := map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}[target.Scheme]
	conn, err := dialTCP(ctx, proxy, security, hostPort(target, port))
	if err != nil {
		return nil, err
	}
	upper := conn
	if target.Scheme == "mqtts" || target.Scheme == "wss" {
		secure := tls.Client(conn, security)
		err = secure.HandshakeContext(ctx)
		upper = secure
	}
	if err == nil && (target.Scheme == "ws" || target.Scheme == "wss") {
		upper, err = upgrade(ctx, target, upper)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return upper, nil
}

// brokerProxy returns the proxy on the way to a broker. The environment's is for the
// web, and so for WebSocket only.
func (c Config) brokerProxy(target *url.URL) (*url.URL, error) {
	web := map[string]string{"ws": "http", "wss": "https"}[target.Scheme]
	if c.Proxy == "" && web == "" {
		return nil, nil
	}
	return c.ProxyFor(&http.Request{URL: &url.URL{Scheme: web, Host: target.Host}})
}

func hostPort(u *url.URL, port string) string {
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// upgrade makes a WebSocket out of a connection (MQTT 3.1.1 section 6).
func upgrade(ctx context.Context, target *url.URL, conn net.Conn) (net.Conn, error) {
	path := *target
	if path.Path == "" {
		path.Path = "/mqtt"
	}
	ready := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	dialer := &websocket.Dialer{
		NetDialContext: ready, NetDialTLSContext: ready, Subprotocols: []string{"mqtt"}, HandshakeTimeout: connectTimeout,
	}
	ws, answer, err := dialer.DialContext(ctx, path.String(), nil)
	if err != nil && answer != nil {
		kind := ErrNotPortal
		if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
			kind = ErrUnauthorized
		}
		return nil, &Error{Kind: kind, Status: answer.StatusCode, Cause: err}
	}
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(largestPacket)
	return &socket{Conn: ws}, nil
}

// A socket is a WebSocket as a stream of bytes.
type socket struct {
	*websocket.Conn
	message io.Reader // the rest of the message that is being read; nil between two

	writing sync.Mutex // the MQTT library writes from several goroutines
}

func (s *socket) Read(p []byte) (int, error) {
	for {
		if s.message == nil {
			_, message, err := s.NextReader()
			if err != nil {
				return 0, err
			}
			s.message = message
		}
		n, err := s.message.Read(p)
		if err == io.EOF {
			s.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (s *socket) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetDeadline sets both deadlines.
func (s *socket) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}
