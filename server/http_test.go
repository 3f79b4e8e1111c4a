package server_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringbook/server"
)

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

// A client that sends its header byte by byte is cut off.
func TestSlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	addr := run(t, server.HTTP{Log: quiet(), Handler: http.HandlerFunc(hello)})
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(within))
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for _, b := range []byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("a", 1<<20)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-t.Context().Done():
				return
			}
		}
	}()
	start := time.Now()
	answer, err := io.ReadAll(c)
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		t.Fatalf("still open after %v", time.Since(start))
	}
	if strings.Contains(string(answer), "hello") {
		t.Errorf("answered: %q", answer)
	}
}

// A client that announces a body and does not send it gets its answer and is
// cut off; one that sends it late, but sends it, may go on.
func TestBodyThatNobodyWants(t *testing.T) {
	t.Parallel()
	addr := run(t, server.HTTP{Log: quiet(), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})})
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(within))
	io.WriteString(c, "PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<prop")
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("answer %v, %v", res, err)
	}
	res.Body.Close()
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("still open: %v", err)
	}
	c = dial(t, addr)
	c.SetDeadline(time.Now().Add(within))
	r = bufio.NewReader(c)
	for range 3 {
		io.WriteString(c, "PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n<prop/>")
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Fatalf("answer %v, %v", res, err)
		}
		res.Body.Close()
	}
}

func TestLargeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	addr := run(t, server.HTTP{Log: quiet(), Handler: http.HandlerFunc(hello)})
	c := dial(t, addr)
	c.SetDeadline(time.Now().Add(within))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("a", 40<<10)+"\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatalf("answer %v, %v", res, err)
	}
	res.Body.Close()
}

func TestPanicIsOneFailedRequest(t *testing.T) {
	t.Parallel()
	var logged record
	addr := run(t, server.HTTP{Log: logged.log(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			w.Header().Set("ETag", `"left over"`)
			panic("a secret thought")
		case "/late":
			io.WriteString(w, "<multistatus>")
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			panic("late")
		case "/controlled":
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(within)); err != nil {
				t.Errorf("response controller: %v", err)
			}
			hello(w, r)
		}
	})})
	get := func(path string) (status int, tag, body string, err error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, "", "", err
		}
		defer res.Body.Close()
		all, err := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("ETag"), string(all), err
	}
	status, tag, body, err := get("/early")
	if err != nil || status != http.StatusInternalServerError {
		t.Fatalf("early: %d, %v", status, err)
	}
	if strings.Contains(body, "thought") || tag != "" {
		t.Errorf("early: %q with tag %q", body, tag)
	}
	if _, _, body, err := get("/late"); err == nil {
		t.Errorf("late: an answer that broke off looks whole: %q", body)
	}
	if _, _, body, err := get("/controlled"); err != nil || body != "hello" {
		t.Errorf("afterwards: %q, %v", body, err)
	}
	if got := logged.String(); strings.Count(got, "request panicked") != 2 || !strings.Contains(got, "/late") {
		t.Errorf("log:\n%s", got)
	}
}

func TestTLSOffersHTTP2AndRefusesOldVersions(t *testing.T) {
	t.Parallel()
	cert, pem, err := server.SelfSigned("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	addr := run(t, server.HTTP{Log: quiet(), TLS: server.Fixed(cert), Handler: http.HandlerFunc(hello)})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host, NextProtos: []string{"h2", "http/1.1"}}}
		c, err := d.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		secure, ok := c.(*tls.Conn)
		if !ok {
			t.Fatalf("connection is a %T", c)
		}
		if p := secure.ConnectionState().NegotiatedProtocol; p != "h2" {
			t.Errorf("negotiated %q", p)
		}
		c.Close()
	}
	old := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}
	if c, err := old.DialContext(t.Context(), "tcp", addr); err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "hello" || res.ProtoMajor != 2 {
		t.Errorf("%s answered %q", res.Proto, body)
	}
}
