// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// quiet is how long a connection must say nothing to count as hanging.
const quiet = 50 * time.Millisecond

// echo serves connections by sending back each line.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	return listener.Addr().String()
}

func listen(t *testing.T, target string) *Proxy {
	t.Helper()
	proxy, err := Listen("127.0.0.1:0", target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

func dial(t *testing.T, proxy *Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", proxy.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a line and returns what comes back.
func ask(conn net.Conn, patience time.Duration) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, "hello"); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

func requireAnswer(t *testing.T, conn net.Conn) {
	t.Helper()
	if answer, err := ask(conn, 5*time.Second); err != nil || answer != "hello\n" {
		t.Fatalf("got %q, %v; want an answer", answer, err)
	}
}

func requireHang(t *testing.T, conn net.Conn) {
	t.Helper()
	if answer, err := ask(conn, quiet); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %q, %v; want nothing", answer, err)
	}
}

func requireEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v; want the connection ended", err)
	}
}

func TestAProxyForwards(t *testing.T) {
	requireAnswer(t, dial(t, listen(t, echo(t))))
}

func TestInABlackHoleConnectionsHangAndComeBackOnlyNew(t *testing.T) {
	proxy := listen(t, echo(t))
	established := dial(t, proxy)
	requireAnswer(t, established)

	proxy.SetMode(BlackHole)
	requireHang(t, established)
	during := dial(t, proxy)
	requireHang(t, during)

	proxy.SetMode(Pass)
	requireEnd(t, established)
	requireEnd(t, during)
	requireAnswer(t, dial(t, proxy))
}

func TestTheEndOfATargetIsNotSeenThroughABlackHole(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	proxy := listen(t, listener.Addr().String())
	client := dial(t, proxy)
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	// A byte through the proxy shows that the connection is established.
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	proxy.SetMode(BlackHole)
	server.Close()
	requireHang(t, client)
}

func TestAForbiddenStoreAnswers403UntilItIsHealed(t *testing.T) {
	proxy := listen(t, echo(t))
	proxy.SetMode(Forbid)
	for range 2 {
		response, err := http.Get("http://" + proxy.Address() + "/bucket/object")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden || string(body) != forbidden {
			t.Fatalf("got %s %q", response.Status, body)
		}
	}
	proxy.SetMode(Pass)
	requireAnswer(t, dial(t, proxy))
}

func TestAConnectionEndsIfTheTargetIsDead(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := listener.Addr().String()
	listener.Close()
	requireEnd(t, dial(t, listen(t, dead)))
}

func newPorts(t *testing.T, known map[string]int) *Ports {
	t.Helper()
	ports := NewPorts(known, func(map[string]int) error { return nil })
	t.Cleanup(ports.Close)
	return ports
}

func reserve(t *testing.T, ports *Ports, names ...string) map[string]int {
	t.Helper()
	if err := ports.Reserve(names...); err != nil {
		t.Fatal(err)
	}
	reserved := map[string]int{}
	for _, name := range names {
		reserved[name] = ports.Get(name)
	}
	return reserved
}

func TestPortsKeepTheirNames(t *testing.T) {
	first := newPorts(t, nil)
	known := reserve(t, first, "a", "b")
	if known["a"] == known["b"] {
		t.Fatal("two names have the same port")
	}
	first.Close()
	now := reserve(t, newPorts(t, known), "b", "c", "a")
	if now["a"] != known["a"] || now["b"] != known["b"] {
		t.Fatalf("the ports have changed: %v, %v before", now, known)
	}
}

func TestPortsAreNobodyElsesWhileNobodyListensOnThem(t *testing.T) {
	owners := map[int]int{}
	var names []string
	for i := range blockSize + 5 {
		names = append(names, strconv.Itoa(i))
	}
	for owner := range 30 {
		for name, port := range reserve(t, newPorts(t, nil), names...) {
			if other, taken := owners[port]; taken {
				t.Fatalf("%d has port %d for %s, which is %d's", owner, port, name, other)
			}
			owners[port] = owner
		}
	}
}

func TestPortsThatSomebodyElseTookMeanwhileAreRefused(t *testing.T) {
	first := newPorts(t, nil)
	known := reserve(t, first, "a")
	if err := newPorts(t, known).Reserve("b"); err == nil || !strings.Contains(err.Error(), "belongs to somebody else") {
		t.Fatalf("got %v", err)
	}
	first.Close()
	reserve(t, newPorts(t, known), "b")
}

// store serves objects of 4 kB under any name and takes any.
func store(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, 4<<10))
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestAFullStoreTakesNothingAndGivesWhatItHas(t *testing.T) {
	proxy := listen(t, store(t))
	proxy.SetMode(Full)
	for method, want := range map[string]int{http.MethodPut: http.StatusInsufficientStorage, http.MethodGet: http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+proxy.Address()+"/object", strings.NewReader("data"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", method, response.Status)
		}
	}
}

func TestATruncatedAnswerEndsBeforeItsLength(t *testing.T) {
	proxy := listen(t, store(t))
	proxy.SetMode(Truncate)
	response, err := http.Get("http://" + proxy.Address() + "/object") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if content, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %d bytes: %v", len(content), err)
	}
}

func TestASlowLinkForwardsLater(t *testing.T) {
	proxy := listen(t, echo(t))
	proxy.SetMode(Slow)
	began := time.Now()
	conn := dial(t, proxy)
	if _, err := conn.Write([]byte("late\n")); err != nil {
		t.Fatal(err)
	}
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || answer != "late\n" {
		t.Fatalf("%q, %v", answer, err)
	}
	if took := time.Since(began); took < 2*slowPause {
		t.Errorf("it took %s there and back", took)
	}
}
